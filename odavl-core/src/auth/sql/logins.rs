//! `logins`.

use jiff::Timestamp;

use super::{all, moved_on, one, require_org, require_user};
use crate::{
    auth::Login,
    db::{Db, Row, Tx, Value},
    error::Result,
    ids::{SessionId, UserId},
    secret::Digest,
};

macro_rules! login_columns {
    () => {
        "id, user_id, org, kind, client_id, scopes, generation, digest, previous, previous_at, previous_retries, \
         address, authenticated_at, created_at, expires_at, ends_at, revoked_at, rev"
    };
}

const ADD_LOGIN: &str = "INSERT INTO logins (id, user_id, org, kind, client_id, scopes, generation, digest, previous,
    previous_at, previous_retries, address, authenticated_at, created_at, expires_at, ends_at, revoked_at, rev)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
const SET_LOGIN: &str = "UPDATE logins SET org = $3, kind = $4, client_id = $5, scopes = $6, generation = $7,
    digest = $8, previous = $9, previous_at = $10, previous_retries = $11, address = $12, authenticated_at = $13,
    created_at = $14, expires_at = $15, ends_at = $16, revoked_at = $17, rev = rev + 1
    WHERE id = $1 AND user_id = $2 AND rev = $18";
const THEIRS: &str = "SELECT id FROM logins WHERE id = $1 AND user_id = $2";
const LOGIN: &str = concat!("SELECT ", login_columns!(), " FROM logins WHERE id = $1");
const LOGINS: &str = concat!(
    "SELECT ",
    login_columns!(),
    " FROM logins WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id"
);
const END_LOGINS: &str = "UPDATE logins SET revoked_at = $3, rev = rev + 1
    WHERE user_id = $1 AND revoked_at IS NULL AND id <> $2";
const DROP_ENDED: &str = "DELETE FROM logins WHERE expires_at < $1 OR ends_at < $1 OR revoked_at < $1";

pub(super) async fn add_login(tx: &mut Tx, login: &Login) -> Result<()> {
    require_user(tx, login.user).await?;
    if let Some(org) = login.org {
        require_org(tx, org).await?;
    }
    let added = tx.execute(ADD_LOGIN, &login_values(login)?).await;
    added.map(drop).map_err(|failed| failed.or_exists("session", &login.id))
}

pub(super) async fn set_login(tx: &mut Tx, login: &Login) -> Result<()> {
    if let Some(org) = login.org {
        require_org(tx, org).await?;
    }
    if tx.execute(SET_LOGIN, &login_values(login)?).await? == 0 {
        return Err(moved_on(tx, THEIRS, &[login.id.into(), login.user.into()], "session", &login.id).await);
    }
    Ok(())
}

pub(super) async fn end_logins(
    tx: &mut Tx,
    user: UserId,
    except: Option<SessionId>,
    at: Timestamp,
) -> Result<()> {
    let except = except.map_or_else(String::new, |id| id.to_string());
    tx.execute(END_LOGINS, &[user.into(), except.into(), at.into()]).await?;
    Ok(())
}

pub(super) async fn drop_ended(tx: &mut Tx, at: Timestamp) -> Result<()> {
    tx.execute(DROP_ENDED, &[at.into()]).await?;
    Ok(())
}

pub(super) async fn login(db: &Db, id: SessionId) -> Result<Option<Login>> {
    one(db.query_one(LOGIN, &[id.into()]).await?.as_ref(), read_login)
}

pub(super) async fn logins(db: &Db, user: UserId) -> Result<Vec<Login>> {
    all(&db.query(LOGINS, &[user.into()]).await?, read_login)
}

fn login_values(login: &Login) -> Result<[Value; 18]> {
    let previous = login.previous;
    Ok([
        login.id.into(),
        login.user.into(),
        login.org.into(),
        login.kind.as_str().into(),
        (&login.client_id).into(),
        Value::text(&login.scopes),
        Value::count(login.generation)?,
        login.digest.into(),
        previous.map(|(digest, ..)| digest).into(),
        previous.map(|(_, at, _)| at).into(),
        previous.map(|(.., retries)| u32::from(retries)).into(),
        login.address.as_ref().into(),
        login.authenticated_at.into(),
        login.created_at.into(),
        login.expires_at.into(),
        login.ends_at.into(),
        login.revoked_at.into(),
        Value::count(login.rev)?,
    ])
}

fn read_login(row: &Row) -> Result<Login> {
    Ok(Login {
        id: row.parse("logins.id")?,
        user: row.parse("logins.user_id")?,
        org: row.parse_opt("logins.org")?,
        kind: row.parse("logins.kind")?,
        client_id: row.read("logins.client_id")?,
        scopes: row.parse("logins.scopes")?,
        generation: row.read("logins.generation")?,
        digest: row.read("logins.digest")?,
        previous: read_previous(row)?,
        address: row.read("logins.address")?,
        authenticated_at: row.read("logins.authenticated_at")?,
        created_at: row.read("logins.created_at")?,
        expires_at: row.read("logins.expires_at")?,
        ends_at: row.read("logins.ends_at")?,
        revoked_at: row.read("logins.revoked_at")?,
        rev: row.read("logins.rev")?,
    })
}

fn read_previous(row: &Row) -> Result<Option<(Digest, Timestamp, u8)>> {
    let Some(digest) = row.read("logins.previous")? else { return Ok(None) };
    Ok(Some((digest, row.read("logins.previous_at")?, row.read("logins.previous_retries")?)))
}
