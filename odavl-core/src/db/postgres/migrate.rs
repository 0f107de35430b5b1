//! Migrations on PostgreSQL.

use jiff::Timestamp;

use super::Conn;
use crate::{
    db::{
        DbError, Row,
        migrate::{Applied, Migration, TABLE, digest, pending},
    },
    error::{Error, Result},
};

/// Any number that nobody else takes a lock by. Whoever has it waits for no table for long: nodes that serve would queue
/// behind it for as long as somebody else, such as a dump, has the table.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7163384694823305); SET LOCAL lock_timeout = '2s'";

/// Nodes that start together wait for the one that migrates, however long it takes.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
    SET LOCAL idle_in_transaction_session_timeout = 0";

/// Brings the tables up to date; writes nothing where they are. Each migration is a transaction of its own under the lock, so
/// that nodes that serve wait for none longer than it takes itself.
pub(super) async fn run(conn: &mut Conn, known: &[Migration], now: Timestamp) -> Result<()> {
    while !(has_table(conn).await? && missing(conn, known).await?.is_empty()) {
        conn.batch(BEGIN).await.map_err(refused)?;
        conn.batch(LOCK).await.map_err(refused)?;
        conn.batch(&dialect(TABLE)).await.map_err(refused)?;
        // Read again under the lock: another node may have been first.
        if let Some(migration) = missing(conn, known).await?.first() {
            apply(conn, migration, now).await.map_err(refused)?;
        }
        conn.batch("COMMIT").await?;
    }
    Ok(())
}

/// The names of what is still to be applied, `None` where nothing was; refuses tables of a newer odavl.
pub(super) async fn state(conn: &mut Conn, known: &[Migration]) -> Result<Option<Vec<&'static str>>> {
    if !has_table(conn).await? {
        return Ok(None);
    }
    let missing = missing(conn, known).await?;
    Ok(Some(missing.iter().map(|migration| migration.name).collect()))
}

async fn apply(conn: &mut Conn, migration: &Migration, now: Timestamp) -> Result<(), DbError> {
    const RECORD: &str = "INSERT INTO migrations (version, name, digest, applied_at) VALUES ($1, $2, $3, $4)";
    conn.batch(&dialect(migration.sql)).await?;
    conn.batch(migration.postgres).await?;
    let values = [migration.version.into(), migration.name.into(), digest_of(migration).into(), now.into()];
    conn.execute(RECORD, &values).await.map(drop)
}

async fn missing<'a>(conn: &mut Conn, known: &'a [Migration]) -> Result<Vec<&'a Migration>> {
    const APPLIED: &str = "SELECT version, name, digest FROM migrations ORDER BY version";
    let rows = conn.query(APPLIED, &[]).await?;
    let read = |row: &Row| {
        Ok((row.read("migrations.version")?, row.read("migrations.name")?, row.read("migrations.digest")?))
    };
    let applied: Vec<Applied> = rows.iter().map(read).collect::<Result<_>>()?;
    pending(&applied, known, digest_of)
}

async fn has_table(conn: &mut Conn) -> Result<bool> {
    let found = conn.query("SELECT 1 WHERE to_regclass('migrations') IS NOT NULL", &[]).await?;
    Ok(!found.is_empty())
}

fn digest_of(migration: &Migration) -> String {
    digest(&[migration.sql, migration.postgres])
}

/// The portable text as PostgreSQL writes it; text is compared by its bytes there, too.
fn dialect(sql: &str) -> String {
    sql.replace(" WITHOUT ROWID", "").replace(" BLOB", " BYTEA").replace(" TEXT", " TEXT COLLATE \"C\"")
}

/// A user that may not make tables is told so: it is what a first start meets.
fn refused(failed: DbError) -> Error {
    match Error::from(failed) {
        Error::Internal { what, source: Some(source) } if source.to_string().starts_with("42501") => {
            Error::invalid_with(what, format!("grant the user CREATE on the database's schema ({source})"))
        }
        other => other,
    }
}
