//! `replies`.

use jiff::Timestamp;

use super::{one, require_org};
use crate::{
    auth::{Reply, refuse},
    db::{Db, Row, Tx, Violation},
    error::Result,
    ids::OrgId,
    secret::Digest,
};

const ADD_REPLY: &str =
    "INSERT INTO replies (org, key, request, target, expires_at) VALUES ($1, $2, $3, $4, $5)";
const REPLY: &str = "SELECT org, key, request, target, expires_at FROM replies WHERE org = $1 AND key = $2";
const DROP_ENDED: &str = "DELETE FROM replies WHERE expires_at < $1";

pub(super) async fn add_reply(tx: &mut Tx, reply: &Reply) -> Result<()> {
    require_org(tx, reply.org).await?;
    let values = [
        reply.org.into(),
        reply.key.into(),
        reply.request.into(),
        (&reply.target).into(),
        reply.expires_at.into(),
    ];
    tx.execute(ADD_REPLY, &values).await.map(drop).map_err(|failed| match failed.violation() {
        Some(Violation::Unique) => refuse::reply_taken(),
        _ => failed.into(),
    })
}

pub(super) async fn drop_ended(tx: &mut Tx, at: Timestamp) -> Result<()> {
    tx.execute(DROP_ENDED, &[at.into()]).await?;
    Ok(())
}

pub(super) async fn reply(db: &Db, org: OrgId, key: &Digest) -> Result<Option<Reply>> {
    one(db.query_one(REPLY, &[org.into(), (*key).into()]).await?.as_ref(), read_reply)
}

fn read_reply(row: &Row) -> Result<Reply> {
    Ok(Reply {
        org: row.parse("replies.org")?,
        key: row.read("replies.key")?,
        request: row.read("replies.request")?,
        target: row.read("replies.target")?,
        expires_at: row.read("replies.expires_at")?,
    })
}
