//! `api_keys`.

use jiff::Timestamp;

use super::{all, json, moved_on, one, page_values, require_org, require_user};
use crate::{
    auth::{ApiKey, refuse},
    db::{Db, Row, Tx, Value},
    error::{Error, Result},
    ids::{KeyId, OrgId},
    page::{Page, PageQuery},
};

const ADD_KEY: &str =
    "INSERT INTO api_keys (org, id, owner, name, scopes, environment, metadata, limits, allowed_ips,
    digest, previous, previous_until, disabled, created_at, expires_at, revoked_at, rev, last_used_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
const SET_KEY: &str = "UPDATE api_keys SET owner = $3, name = $4, scopes = $5, environment = $6, metadata = $7,
    limits = $8, allowed_ips = $9, digest = $10, previous = $11, previous_until = $12, disabled = $13,
    created_at = $14, expires_at = $15, revoked_at = $16, rev = rev + 1 WHERE org = $1 AND id = $2 AND rev = $17";
const OURS: &str = "SELECT id FROM api_keys WHERE org = $1 AND id = $2";
const KEY: &str = "SELECT id, org, owner, name, scopes, environment, metadata, limits, allowed_ips, digest, previous,
    previous_until, disabled, created_at, expires_at, revoked_at, last_used_at, rev FROM api_keys WHERE id = $1";
const KEYS: &str =
    "SELECT id, org, owner, name, scopes, environment, metadata, limits, allowed_ips, digest, previous,
    previous_until, disabled, created_at, expires_at, revoked_at, last_used_at, rev FROM api_keys
    WHERE org = $1 AND id > $2 ORDER BY id LIMIT $3";
const ACTIVE: &str = "SELECT COUNT(*) AS active FROM api_keys
    WHERE org = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";
const TOUCH: &str = "UPDATE api_keys SET last_used_at = $3
    WHERE org = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at < $3)";

pub(super) async fn add_key(tx: &mut Tx, key: &ApiKey, most: Option<u64>) -> Result<()> {
    require_org(tx, key.org).await?;
    if let Some(owner) = key.owner {
        require_user(tx, owner).await?;
    }
    let active = tx.query_one(ACTIVE, &[key.org.into(), key.created_at.into()]).await?;
    let active = read_active(active)?;
    if let Some(most) = most.filter(|most| active >= *most) {
        return Err(refuse::too_many_keys(most));
    }
    let mut values = key_values(key)?;
    values.push(key.last_used_at.into());
    let added = tx.execute(ADD_KEY, &values).await;
    added.map(drop).map_err(|failed| failed.or_exists("API key", &key.id))
}

pub(super) async fn set_key(tx: &mut Tx, key: &ApiKey) -> Result<()> {
    if let Some(owner) = key.owner {
        require_user(tx, owner).await?;
    }
    if tx.execute(SET_KEY, &key_values(key)?).await? == 0 {
        return Err(moved_on(tx, OURS, &[key.org.into(), key.id.into()], "API key", &key.id).await);
    }
    Ok(())
}

pub(super) async fn key(db: &Db, id: KeyId) -> Result<Option<ApiKey>> {
    one(db.query_one(KEY, &[id.into()]).await?.as_ref(), read_key)
}

pub(super) async fn keys(db: &Db, org: OrgId, query: &PageQuery) -> Result<Page<ApiKey>> {
    let [after, limit] = page_values::<KeyId>(query)?;
    let rows = db.query(KEYS, &[org.into(), after, limit]).await?;
    Ok(Page::cut(all(&rows, read_key)?, query.limit, |key| key.id.to_string()))
}

pub(super) async fn active_keys(db: &Db, org: OrgId, at: Timestamp) -> Result<u64> {
    read_active(db.query_one(ACTIVE, &[org.into(), at.into()]).await?)
}

/// How many keys one transaction writes a hint to.
const TOUCHED: usize = 100;

pub(super) async fn touch_keys(db: &Db, used: &[(OrgId, KeyId, Timestamp)]) -> Result<()> {
    // Nodes that write the same rows do so in the same order.
    let mut used = used.to_vec();
    used.sort_unstable();
    // Some at a time: whoever revokes one of them does not wait for all.
    for some in used.chunks(TOUCHED) {
        let mut tx = db.begin().await?;
        for (org, id, at) in some {
            tx.execute(TOUCH, &[(*org).into(), (*id).into(), (*at).into()]).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

fn read_active(row: Option<Row>) -> Result<u64> {
    row.ok_or_else(|| Error::internal("a count answered no row", None))?.read("api_keys.active")
}

fn key_values(key: &ApiKey) -> Result<Vec<Value>> {
    Ok(vec![
        key.org.into(),
        key.id.into(),
        key.owner.into(),
        (&key.name).into(),
        Value::text(&key.scopes),
        key.environment.as_str().into(),
        json(&key.metadata)?,
        json(&key.limits)?,
        json(&key.allowed_ips)?,
        key.digest.into(),
        key.previous.map(|(digest, _)| digest).into(),
        key.previous.map(|(_, until)| until).into(),
        key.disabled.into(),
        key.created_at.into(),
        key.expires_at.into(),
        key.revoked_at.into(),
        Value::count(key.rev)?,
    ])
}

fn read_key(row: &Row) -> Result<ApiKey> {
    let previous = row.read::<Option<_>>("api_keys.previous")?;
    let until = row.read::<Option<_>>("api_keys.previous_until")?;
    Ok(ApiKey {
        id: row.parse("api_keys.id")?,
        org: row.parse("api_keys.org")?,
        owner: row.parse_opt("api_keys.owner")?,
        name: row.read("api_keys.name")?,
        scopes: row.parse("api_keys.scopes")?,
        environment: row.parse("api_keys.environment")?,
        metadata: row.json("api_keys.metadata")?,
        limits: row.json("api_keys.limits")?,
        allowed_ips: row.json("api_keys.allowed_ips")?,
        digest: row.read("api_keys.digest")?,
        previous: previous.zip(until),
        disabled: row.read("api_keys.disabled")?,
        created_at: row.read("api_keys.created_at")?,
        expires_at: row.read("api_keys.expires_at")?,
        revoked_at: row.read("api_keys.revoked_at")?,
        last_used_at: row.read("api_keys.last_used_at")?,
        rev: row.read("api_keys.rev")?,
    })
}
