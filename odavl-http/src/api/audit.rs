//! Who did what in an organisation.

use bytes::Bytes;
use odavl_core::{
    Result as Outcome,
    auth::AuditEntry,
    page::{Page, PageQuery},
    session::Session,
    storage::Body as Pieces,
};
use poem::Body;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Query,
    payload::{Binary, Json},
    types::ToJSON,
};

use super::Tag;
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{PageLimit, Time, page},
    shape::{Cursor, Named, Note, Text},
    stream::outgoing,
};

pub(super) struct Api;

/// A record: what was done, and its place in the chain.
#[derive(Object)]
#[oai(rename = "AuditEntry")]
struct EntryBody {
    /// Its id.
    id: String,
    /// Its place in the organisation's chain, from 1, without gaps.
    seq: u64,
    /// When.
    at: Time,
    /// Who: a key, a person, `system` or `visitor`.
    actor: String,
    /// What was done, such as `key.create`.
    action: String,
    /// To what: an id.
    target: String,
    /// From which address.
    address: Option<String>,
    /// The request in which it was done.
    request_id: String,
    /// What else matters.
    detail: Named<Note>,
    /// The hash of the record before; empty at the start.
    previous: String,
    /// HMAC-SHA-256 over all of the above, under a key that the database does not hold.
    hash: String,
}

impl From<AuditEntry> for EntryBody {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            seq: entry.seq,
            at: Time(entry.at),
            actor: entry.actor,
            action: entry.action,
            target: entry.target,
            address: entry.address,
            request_id: entry.request_id,
            detail: Named::new(entry.detail),
            previous: entry.previous,
            hash: entry.hash,
        }
    }
}

/// A page of records.
#[derive(Object)]
struct AuditPage {
    /// The records, the oldest first.
    items: Vec<EntryBody>,
    /// Where the next page starts; null on the last.
    next_cursor: Option<String>,
}

/// All records, one JSON document a line.
#[derive(ApiResponse)]
enum Export {
    /// The records, one a line.
    #[oai(status = 200, content_type = "application/x-ndjson")]
    Lines(Binary<Body>, #[oai(header = "content-disposition")] String),
}

/// Reads a page of records when the one before is sent.
struct Lines {
    session: Session,
    page: Option<Page<AuditEntry>>,
}

impl Lines {
    async fn page(session: &Session, cursor: Option<String>) -> Outcome<Page<AuditEntry>> {
        session.orgs().audit(&PageQuery { limit: PageQuery::MOST, cursor }).await
    }
}

#[async_trait::async_trait]
impl Pieces for Lines {
    async fn next(&mut self) -> Outcome<Option<Bytes>> {
        let Some(page) = self.page.take() else { return Ok(None) };
        if page.next_cursor.is_some() {
            self.page = Some(Self::page(&self.session, page.next_cursor).await?);
        }
        let line = |entry| EntryBody::from(entry).to_json_string() + "\n";
        Ok(Some(page.items.into_iter().map(line).collect::<String>().into()))
    }
}

#[OpenApi(prefix_path = "/api/v1/audit", tag = "Tag::Audit")]
impl Api {
    /// Who did what, the oldest first.
    #[oai(path = "/", method = "get", operation_id = "audit_list")]
    async fn list(
        &self,
        Caller(session): Caller,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<AuditPage>, Failure> {
        let page = session.orgs().audit(&page(limit, cursor)?).await?.map(EntryBody::from);
        Ok(Json(AuditPage { items: page.items, next_cursor: page.next_cursor }))
    }

    /// Who did what, whole: newline-delimited JSON, the oldest first.
    #[oai(path = "/export", method = "get", operation_id = "audit_export")]
    async fn export(&self, Caller(session): Caller) -> Result<Export, Failure> {
        let page = Some(Lines::page(&session, None).await?);
        let body = outgoing(Box::new(Lines { session, page }));
        Ok(Export::Lines(Binary(body), "attachment; filename=\"audit.ndjson\"".to_owned()))
    }
}
