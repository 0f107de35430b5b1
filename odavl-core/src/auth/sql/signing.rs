//! `signing_keys` and `setup_links`.

use jiff::Timestamp;

use super::{all, people};
use crate::{
    auth::{SetupLink, SigningKey, refuse},
    db::{Db, Row, Tx},
    error::Result,
    secret::Digest,
};

const ADD_SIGNING_KEY: &str =
    "INSERT INTO signing_keys (kid, public, sealed, active_from, retires_at) VALUES ($1, $2, $3, $4, $5)";
const DROP_SIGNING_KEYS: &str = "DELETE FROM signing_keys WHERE retires_at <= $1";
const SIGNING_KEYS: &str =
    "SELECT kid, public, sealed, active_from, retires_at FROM signing_keys ORDER BY active_from, kid";

const PUT_SETUP: &str = "INSERT INTO setup_links (id, digest, expires_at) VALUES (1, $1, $2)
    ON CONFLICT (id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at";
const CLAIM_SETUP: &str = "DELETE FROM setup_links WHERE digest = $1 AND expires_at > $2";

pub(super) async fn add_signing_key(tx: &mut Tx, key: &SigningKey) -> Result<()> {
    let values = [
        (&key.kid).into(),
        key.public.as_slice().into(),
        key.sealed.as_slice().into(),
        key.active_from.into(),
        key.retires_at.into(),
    ];
    let added = tx.execute(ADD_SIGNING_KEY, &values).await;
    added.map(drop).map_err(|failed| failed.or_exists("signing key", &key.kid))
}

pub(super) async fn drop_signing_keys(tx: &mut Tx, at: Timestamp) -> Result<()> {
    tx.execute(DROP_SIGNING_KEYS, &[at.into()]).await?;
    Ok(())
}

pub(super) async fn signing_keys(db: &Db) -> Result<Vec<SigningKey>> {
    all(&db.query(SIGNING_KEYS, &[]).await?, read_signing_key)
}

pub(super) async fn put_setup(tx: &mut Tx, link: &SetupLink) -> Result<()> {
    if tx.query_one(people::ANYONE, &[]).await?.is_some() {
        return Err(refuse::is_set_up());
    }
    tx.execute(PUT_SETUP, &[link.digest.into(), link.expires_at.into()]).await?;
    Ok(())
}

pub(super) async fn claim_setup(tx: &mut Tx, digest: &Digest, at: Timestamp) -> Result<()> {
    let claimed = tx.execute(CLAIM_SETUP, &[(*digest).into(), at.into()]).await?;
    if claimed == 0 { Err(refuse::no_setup_link()) } else { Ok(()) }
}

fn read_signing_key(row: &Row) -> Result<SigningKey> {
    let public: Vec<u8> = row.read("signing_keys.public")?;
    Ok(SigningKey {
        kid: row.read("signing_keys.kid")?,
        public: public.try_into().map_err(|_| row.nonsense("signing_keys.public", None))?,
        sealed: row.read("signing_keys.sealed")?,
        active_from: row.read("signing_keys.active_from")?,
        retires_at: row.read("signing_keys.retires_at")?,
    })
}
