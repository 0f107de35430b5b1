//! `leases` and `master_key_checks`: what nodes on one database need of each other.

use crate::{
    auth::{Lease, LeaseWish, refuse},
    db::{Db, Lock, Row, Tx},
    error::Result,
    secret::Digest,
};

const LEASE: &str = "SELECT name, holder, fence, until FROM leases WHERE name = $1";
const PUT_LEASE: &str = "INSERT INTO leases (name, holder, fence, until) VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until = excluded.until";
const CHECK: &str = "SELECT digest FROM master_key_checks";
const PUT_CHECK: &str = "INSERT INTO master_key_checks (id, digest) VALUES (1, $1)
    ON CONFLICT (id) DO UPDATE SET digest = excluded.digest";

pub(super) fn lock(name: &str) -> Lock {
    Lock::on("lease", name)
}

pub(super) async fn take_lease(db: &Db, wish: &LeaseWish) -> Result<Option<Lease>> {
    // Asked before the lock is waited for, it makes a lease end later for others and sooner for its holder, never the
    // other way round.
    let now = db.time().await?.unwrap_or(wish.at);
    let mut tx = db.begin().await?;
    tx.lock([lock(&wish.name)]).await?;
    let before = lease(&mut tx, &wish.name).await?;
    let Some(taken) = Lease::take(before.as_ref(), wish, now) else { return Ok(None) };
    let fence = crate::db::Value::count(taken.fence)?;
    let values = [(&taken.name).into(), (&taken.holder).into(), fence, taken.until.into()];
    tx.execute(PUT_LEASE, &values).await?;
    tx.commit().await?;
    Ok(Some(taken))
}

pub(super) async fn under_lease(tx: &mut Tx, name: &str, fence: u64) -> Result<()> {
    let held = lease(tx, name).await?;
    if held.is_some_and(|lease| lease.fence == fence) { Ok(()) } else { Err(refuse::lease_is_lost(name)) }
}

async fn lease(tx: &mut Tx, name: &str) -> Result<Option<Lease>> {
    let read = |row: &Row| {
        Ok(Lease {
            name: row.read("leases.name")?,
            holder: row.read("leases.holder")?,
            fence: row.read("leases.fence")?,
            until: row.read("leases.until")?,
        })
    };
    super::one(tx.query_one(LEASE, &[name.into()]).await?.as_ref(), read)
}

pub(super) async fn key_check(db: &Db) -> Result<Option<Digest>> {
    super::one(db.query_one(CHECK, &[]).await?.as_ref(), |row| row.read("master_key_checks.digest"))
}

pub(super) async fn put_key_check(tx: &mut Tx, from: Option<Digest>, to: Digest) -> Result<()> {
    let there = tx.query_one(CHECK, &[]).await?;
    if super::one(there.as_ref(), |row| row.read("master_key_checks.digest"))? != from {
        return Err(refuse::stale("master key", &"check"));
    }
    tx.execute(PUT_CHECK, &[to.into()]).await?;
    Ok(())
}
