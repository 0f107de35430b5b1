//! Uploads' rows in a SQL database.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    port::{UploadQuery, UploadRows},
    upload::{Attempt, Begun, State, Stored, Upload},
};
use crate::{
    db::{Db, Lock, Row, Tx, Value},
    error::{Error, Result},
    ids::{OrgId, UploadId},
    page::Page,
};

/// Uploads' rows in the table of `0004_uploads.sql`.
#[derive(Debug, Clone)]
pub struct SqlUploads {
    db: Db,
}

impl SqlUploads {
    /// Keeps its rows in `db`.
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

macro_rules! columns {
    () => {
        "id, product, project, slug, run, sha256, created_by, begun_at, attempt, reservation, expires_at, state, \
         stored_at, object, store_key, size, encoding, unpacked, summary"
    };
}

const UPLOAD: &str = concat!("SELECT ", columns!(), " FROM uploads WHERE org = $1 AND id = $2");
/// `$3` and `$4` are where the page before ended; `$5` the project, or NULL; `$6` the products, as JSON.
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM uploads WHERE org = $1 AND state = 'stored' AND (stored_at < $2 OR (stored_at = $2 AND id < $3))
    AND (CAST($4 AS TEXT) IS NULL OR project = $4) AND $5 LIKE '%\"' || product || '\"%'
    ORDER BY stored_at DESC, id DESC LIMIT $6"
);
const EXPIRED: &str = concat!(
    "SELECT ",
    columns!(),
    ", org FROM uploads WHERE state = 'pending' AND expires_at <= $1 ORDER BY expires_at, org, id LIMIT $2"
);
const BEGIN: &str =
    "INSERT INTO uploads (org, id, product, project, slug, run, sha256, created_by, begun_at, attempt,
        reservation, expires_at, state)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending')
    ON CONFLICT (org, id) DO UPDATE SET created_by = excluded.created_by, begun_at = excluded.begun_at,
        attempt = excluded.attempt, reservation = excluded.reservation, expires_at = excluded.expires_at";
const STORE: &str =
    "UPDATE uploads SET state = 'stored', stored_at = $4, object = $5, store_key = $6, size = $7,
        encoding = $8, unpacked = $9, summary = $10
    WHERE org = $1 AND id = $2 AND attempt = $3 AND state = 'pending'";
const DISCARD: &str = "DELETE FROM uploads WHERE org = $1 AND id = $2 AND attempt = $3 AND state = 'pending'";
const DELETE: &str = "UPDATE uploads SET state = 'deleted', summary = NULL
    WHERE org = $1 AND id = $2 AND state = 'stored'";

#[async_trait]
impl UploadRows for SqlUploads {
    async fn begin(&self, org: OrgId, next: &Upload) -> Result<Begun> {
        let mut tx = self.db.begin().await?;
        tx.lock([of_upload(org, next.id)]).await?;
        let begun = match find(&mut tx, org, next.id).await? {
            Some(known) => known.begin_again(next)?,
            None => Begun::New(None),
        };
        if matches!(begun, Begun::New(_)) {
            tx.execute(BEGIN, &begin_params(org, next)).await?;
        }
        tx.commit().await.map(|()| begun)
    }

    async fn store(&self, org: OrgId, id: UploadId, attempt: UploadId, stored: &Stored) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        tx.lock([of_upload(org, id)]).await?;
        let done = tx.execute(STORE, &store_params(org, id, attempt, stored)?).await? == 1;
        let before = match find(&mut tx, org, id).await? {
            Some(upload) => upload.attempt.id == attempt && upload.stored().is_some(),
            None => false,
        };
        tx.commit().await.map(|()| done || before)
    }

    async fn discard(&self, org: OrgId, id: UploadId, attempt: UploadId) -> Result<bool> {
        self.change((org, id), DISCARD, &[org.into(), id.into(), attempt.into()]).await
    }

    async fn delete(&self, org: OrgId, id: UploadId) -> Result<bool> {
        self.change((org, id), DELETE, &[org.into(), id.into()]).await
    }

    async fn upload(&self, org: OrgId, id: UploadId) -> Result<Option<Upload>> {
        self.db.query_one(UPLOAD, &[org.into(), id.into()]).await?.as_ref().map(upload).transpose()
    }

    async fn list(&self, org: OrgId, query: &UploadQuery) -> Result<Page<Upload>> {
        let (at, id) = match query.after()? {
            Some((at, id)) => (Value::from(at), Value::from(id)),
            None => (Value::from(i64::MAX), Value::from(String::new())),
        };
        // Products are of letters, digits and hyphens: none holds what the pattern or the list is made of.
        let products: Vec<_> = query.products.iter().map(|product| format!("\"{product}\"")).collect();
        let most = i64::from(query.page.limit) + 1;
        let params = [org.into(), at, id, query.project.into(), products.concat().into(), most.into()];
        let rows = self.db.query(LIST, &params).await?;
        Ok(query.cut(rows.iter().map(upload).collect::<Result<_>>()?))
    }

    async fn expired(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Upload)>> {
        let rows = self.db.query(EXPIRED, &[now.into(), most.into()]).await?;
        rows.iter().map(|row| Ok((row.parse("uploads.org")?, upload(row)?))).collect()
    }
}

impl SqlUploads {
    /// Whether the statement changed its row.
    async fn change(
        &self,
        (org, id): (OrgId, UploadId),
        sql: &'static str,
        params: &[Value],
    ) -> Result<bool> {
        let mut tx = self.db.begin().await?;
        tx.lock([of_upload(org, id)]).await?;
        let changed = tx.execute(sql, params).await? == 1;
        tx.commit().await.map(|()| changed)
    }
}

fn of_upload(org: OrgId, id: UploadId) -> Lock {
    Lock::on("results", &format!("{org}/{id}"))
}

async fn find(tx: &mut Tx, org: OrgId, id: UploadId) -> Result<Option<Upload>> {
    tx.query_one(UPLOAD, &[org.into(), id.into()]).await?.as_ref().map(upload).transpose()
}

fn begin_params(org: OrgId, next: &Upload) -> [Value; 12] {
    [
        org.into(),
        next.id.into(),
        Value::text(&next.product),
        next.project.into(),
        Value::text(&next.slug),
        Value::text(&next.run),
        Value::text(&next.sha256),
        Value::text(&next.by),
        next.begun_at.into(),
        next.attempt.id.into(),
        next.attempt.reservation.into(),
        next.attempt.expires_at.into(),
    ]
}

fn store_params(org: OrgId, id: UploadId, attempt: UploadId, stored: &Stored) -> Result<[Value; 10]> {
    let summary = serde_json::to_string(&stored.summary)
        .map_err(|error| Error::internal("a summary cannot be written", Some(error.into())))?;
    Ok([
        org.into(),
        id.into(),
        attempt.into(),
        stored.at.into(),
        stored.object.into(),
        Value::text(&stored.key),
        Value::count(stored.size)?,
        Value::text(stored.encoding.as_str()),
        Value::count(stored.unpacked)?,
        summary.into(),
    ])
}

fn upload(row: &Row) -> Result<Upload> {
    Ok(Upload {
        id: row.parse("uploads.id")?,
        product: row.parse("uploads.product")?,
        project: row.parse("uploads.project")?,
        slug: row.parse("uploads.slug")?,
        run: row.parse("uploads.run")?,
        sha256: row.parse("uploads.sha256")?,
        by: row.parse("uploads.created_by")?,
        begun_at: row.read("uploads.begun_at")?,
        attempt: Attempt {
            id: row.parse("uploads.attempt")?,
            reservation: row.parse("uploads.reservation")?,
            expires_at: row.read("uploads.expires_at")?,
        },
        state: match row.read::<String>("uploads.state")?.as_str() {
            "pending" => State::Pending,
            "deleted" => State::Deleted,
            "stored" => State::Stored(Box::new(stored(row)?)),
            _ => return Err(row.nonsense("uploads.state", None)),
        },
    })
}

fn stored(row: &Row) -> Result<Stored> {
    Ok(Stored {
        at: row.read("uploads.stored_at")?,
        object: row.parse("uploads.object")?,
        key: row.parse("uploads.store_key")?,
        size: row.read("uploads.size")?,
        encoding: row.parse("uploads.encoding")?,
        unpacked: row.read("uploads.unpacked")?,
        summary: row.json("uploads.summary")?,
    })
}
