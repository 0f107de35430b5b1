//! `audit_entries`.

use super::{all, json, one, require_org};
use crate::{
    auth::{AuditDraft, AuditEntry, AuditHead, AuditSeal},
    db::{Db, Row, Tx, Value},
    error::Result,
    ids::OrgId,
    page::{Page, PageQuery},
};

const APPEND: &str = "INSERT INTO audit_entries
    (org, seq, id, at, actor, action, target, address, request_id, detail, previous, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const HEAD: &str = "SELECT seq, hash FROM audit_entries WHERE org = $1 ORDER BY seq DESC LIMIT 1";
const ENTRIES: &str =
    "SELECT seq, org, id, at, actor, action, target, address, request_id, detail, previous, hash
    FROM audit_entries WHERE org = $1 AND seq > $2 ORDER BY seq LIMIT $3";

/// Appends to the chain of the draft's organisation. Nobody else appends to it now, and the primary key refuses a
/// second entry in the same place.
pub(super) async fn append(tx: &mut Tx, draft: &AuditDraft, seal: &AuditSeal) -> Result<()> {
    require_org(tx, draft.org).await?;
    let head = one(tx.query_one(HEAD, &[draft.org.into()]).await?.as_ref(), read_head)?;
    let entry = seal.link(head.as_ref(), draft);
    let values = [
        entry.org.into(),
        Value::count(entry.seq)?,
        entry.id.into(),
        entry.at.into(),
        entry.actor.into(),
        entry.action.into(),
        entry.target.into(),
        entry.address.into(),
        entry.request_id.into(),
        json(&entry.detail)?,
        entry.previous.into(),
        entry.hash.into(),
    ];
    tx.execute(APPEND, &values).await?;
    Ok(())
}

pub(super) async fn head(db: &Db, org: OrgId) -> Result<Option<AuditHead>> {
    one(db.query_one(HEAD, &[org.into()]).await?.as_ref(), read_head)
}

pub(super) async fn entries(db: &Db, org: OrgId, query: &PageQuery) -> Result<Page<AuditEntry>> {
    let after = Value::count(query.after::<u64>()?.unwrap_or(0))?;
    let limit = Value::from(i64::from(query.limit) + 1);
    let rows = db.query(ENTRIES, &[org.into(), after, limit]).await?;
    Ok(Page::cut(all(&rows, read_entry)?, query.limit, |entry| entry.seq.to_string()))
}

fn read_head(row: &Row) -> Result<AuditHead> {
    Ok(AuditHead { seq: row.read("audit_entries.seq")?, hash: row.read("audit_entries.hash")? })
}

fn read_entry(row: &Row) -> Result<AuditEntry> {
    Ok(AuditEntry {
        id: row.parse("audit_entries.id")?,
        org: row.parse("audit_entries.org")?,
        seq: row.read("audit_entries.seq")?,
        at: row.read("audit_entries.at")?,
        actor: row.read("audit_entries.actor")?,
        action: row.read("audit_entries.action")?,
        target: row.read("audit_entries.target")?,
        address: row.read("audit_entries.address")?,
        request_id: row.read("audit_entries.request_id")?,
        detail: row.json("audit_entries.detail")?,
        previous: row.read("audit_entries.previous")?,
        hash: row.read("audit_entries.hash")?,
    })
}
