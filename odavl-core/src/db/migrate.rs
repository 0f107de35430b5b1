//! Migrations: each applied once, in order, and never changed afterwards.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::error::sqlite_error;
use crate::{
    error::{Error, Result},
    secret::Digest,
};

/// A step of the tables' history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    pub(super) version: u32,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

/// Every migration, oldest first; a wing's tables have a file of their own. A file that was released is never
/// changed: what it did is changed by a new one.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "auth", sql: include_str!("../../migrations/0001_auth.sql") },
    Migration { version: 2, name: "metering", sql: include_str!("../../migrations/0002_metering.sql") },
    Migration { version: 3, name: "storage", sql: include_str!("../../migrations/0003_storage.sql") },
    Migration { version: 4, name: "uploads", sql: include_str!("../../migrations/0004_uploads.sql") },
];

const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// Brings the tables up to date, all in one transaction; writes nothing where they are.
pub(super) fn run(conn: &mut Connection, known: &[Migration], now: Timestamp) -> Result<()> {
    if pending(conn, known)?.is_empty() && has_table(conn)? {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite_error)?;
    tx.execute_batch(TABLE).map_err(sqlite_error)?;
    // Read again under the lock: another process may have been first.
    for migration in pending(&tx, known)? {
        apply(&tx, migration, now)?;
    }
    tx.commit().map_err(sqlite_error)
}

fn apply(conn: &Connection, migration: &Migration, now: Timestamp) -> Result<()> {
    let Migration { version, name, sql } = *migration;
    let record = "INSERT INTO migrations (version, name, digest, applied_at) VALUES (?1, ?2, ?3, ?4)";
    conn.execute_batch(sql)
        .and_then(|()| conn.execute(record, params![version, name, digest(sql), now.as_microsecond()]))
        .map(drop)
        .map_err(sqlite_error)
}

/// What is still to be applied; refuses a history that is not ours.
fn pending<'a>(conn: &Connection, known: &'a [Migration]) -> Result<Vec<&'a Migration>> {
    let applied = applied(conn)?;
    for (version, name, recorded) in &applied {
        let Some(ours) = known.iter().find(|migration| migration.version == *version) else {
            return Err(Error::Unsupported(format!(
                "the database has migration {version} `{name}`, which this odavl does not know: use a newer one"
            )));
        };
        if digest(ours.sql) != *recorded {
            let what =
                format!("migrations.digest of row {version}: `{name}` has changed since it was applied");
            return Err(Error::corrupted(what, None));
        }
    }
    let done = |migration: &&Migration| applied.iter().any(|(version, ..)| *version == migration.version);
    Ok(known.iter().filter(|migration| !done(migration)).collect())
}

fn applied(conn: &Connection) -> Result<Vec<(u32, String, String)>> {
    if !has_table(conn)? {
        return Ok(Vec::new());
    }
    let read = || {
        let mut statement = conn.prepare("SELECT version, name, digest FROM migrations ORDER BY version")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<rusqlite::Result<_>>()
    };
    read().map_err(sqlite_error)
}

fn has_table(conn: &Connection) -> Result<bool> {
    conn.table_exists(None, "migrations").map_err(sqlite_error)
}

fn digest(sql: &str) -> String {
    Digest::of(sql.as_bytes()).to_hex()
}
