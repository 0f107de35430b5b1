//! Migrations on SQLite.

use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};

use super::error::sqlite_error;
use crate::{
    db::migrate::{Applied, Migration, TABLE, digest, pending},
    error::Result,
};

/// Brings the tables up to date, all in one transaction; writes nothing where they are.
pub(in crate::db) fn run(conn: &mut Connection, known: &[Migration], now: Timestamp) -> Result<()> {
    if has_table(conn)? && missing(conn, known)?.is_empty() {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite_error)?;
    tx.execute_batch(TABLE).map_err(sqlite_error)?;
    // Read again under the lock: another process may have been first.
    for migration in missing(&tx, known)? {
        apply(&tx, migration, now)?;
    }
    tx.commit().map_err(sqlite_error)
}

/// Whether all migrations were applied; nothing is written.
#[cfg(feature = "postgres")]
pub(in crate::db) fn is_up_to_date(conn: &Connection, known: &[Migration]) -> Result<bool> {
    Ok(has_table(conn)? && missing(conn, known)?.is_empty())
}

fn apply(conn: &Connection, migration: &Migration, now: Timestamp) -> Result<()> {
    let Migration { version, name, sql, sqlite, .. } = *migration;
    let record = "INSERT INTO migrations (version, name, digest, applied_at) VALUES (?1, ?2, ?3, ?4)";
    conn.execute_batch(sql)
        .and_then(|()| conn.execute_batch(sqlite))
        .and_then(|()| {
            conn.execute(record, params![version, name, digest_of(migration), now.as_microsecond()])
        })
        .map(drop)
        .map_err(sqlite_error)
}

fn missing<'a>(conn: &Connection, known: &'a [Migration]) -> Result<Vec<&'a Migration>> {
    pending(&applied(conn)?, known, digest_of)
}

fn digest_of(migration: &Migration) -> String {
    digest(&[migration.sql, migration.sqlite])
}

fn applied(conn: &Connection) -> Result<Vec<Applied>> {
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
