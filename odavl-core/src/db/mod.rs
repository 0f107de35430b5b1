//! The SQL database under the wings' `sql` adapters: a thin layer that names no engine.
//!
//! SQL is constant, portable text: `$1`, `$2` for parameters, TEXT, BIGINT and BLOB columns, times as integer
//! micros. [`Db::begin`] gives the one write transaction at a time, [`Db::query`] reads beside it. Whatever is
//! dropped, cancelled or fails before [`Tx::commit`] is rolled back.

mod error;
mod migrate;
mod row;
mod sqlite;
mod tx;
mod value;

#[cfg(test)]
mod tests;

use std::{fmt, path::Path, sync::Arc};

use jiff::Timestamp;

#[cfg(any(test, feature = "contract"))]
use crate::error::Error;
use crate::{clock::Clock, error::Result};

pub use error::{DbError, Violation};
pub use row::{Column, Row};
pub use tx::Tx;
pub use value::Value;

pub(crate) use error::sqlite_error;

/// A database, open: clone it freely, all clones share its connections.
///
/// On SQLite there is one writer, handed out in the order of asking, and a few connections that only read. What
/// a reader sees is a snapshot of what was committed.
#[derive(Clone)]
pub struct Db(Arc<sqlite::Sqlite>);

impl Db {
    /// Opens the SQLite file at `path`, made if it is not there (mode 0600), and brings its tables up to date.
    ///
    /// # Errors
    /// `unsupported` when a newer odavl wrote it, `corrupted` when a migration that was applied has changed since
    /// or the file is no database, `unavailable` when it cannot be opened or stays locked.
    pub async fn open_sqlite(path: impl AsRef<Path>, clock: &dyn Clock) -> Result<Self> {
        let (path, now) = (path.as_ref().to_owned(), clock.now());
        let open = move || Self::migrated(sqlite::Sqlite::open(&path, ())?, now);
        sqlite::blocking(open).await?
    }

    /// Opens a database of its own in a temporary folder that goes when the last clone does; not durable.
    #[cfg(any(test, feature = "contract"))]
    pub async fn temporary(clock: &dyn Clock) -> Result<Self> {
        let now = clock.now();
        let open = move || {
            let no_folder = |error: std::io::Error| {
                Error::unavailable("a temporary folder cannot be made", Some(error.into()))
            };
            let folder = tempfile::tempdir().map_err(no_folder)?;
            let mut sqlite = sqlite::Sqlite::open(&folder.path().join("odavl.db"), folder)?;
            sqlite.writer_mut()?.execute_batch("PRAGMA synchronous = OFF").map_err(sqlite_error)?;
            Self::migrated(sqlite, now)
        };
        sqlite::blocking(open).await?
    }

    fn migrated(mut sqlite: sqlite::Sqlite, now: Timestamp) -> Result<Self> {
        migrate::run(sqlite.writer_mut()?, migrate::MIGRATIONS, now)?;
        Ok(Self(Arc::new(sqlite)))
    }

    /// Starts the write transaction: waits its turn, then holds the database's write lock until it ends.
    pub async fn begin(&self) -> Result<Tx> {
        let writer = self.0.writer().await;
        let (writer, begun) = sqlite::blocking(move || {
            let begun = writer.begin();
            (writer, begun)
        })
        .await?;
        begun.map(|()| Tx::new(writer))
    }

    /// Reads rows, in a snapshot of their own.
    pub async fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        let params = params.to_vec();
        self.sqlite_read(move |conn| Ok(sqlite::query(conn, sql, &params)?)).await
    }

    /// Reads the first row; `None` where there is none.
    pub async fn query_one(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Asks the database whether it can be written and read now.
    pub async fn check(&self) -> Result<()> {
        let lock = |conn: &mut rusqlite::Connection| conn.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
        self.sqlite_write(move |conn| lock(conn).map_err(sqlite_error)).await?;
        self.query("SELECT COUNT(*) FROM migrations", &[]).await.map(drop)
    }

    /// Runs `act` on SQLite's writer in one hop to the blocking pool, for what is too hot for [`Tx`]. What it
    /// leaves open is rolled back.
    pub(crate) async fn sqlite_write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut writer = self.0.writer().await;
        sqlite::blocking(move || {
            writer.settle()?;
            act(&mut writer)
        })
        .await?
    }

    /// Runs `act` on a connection that only reads, in one hop to the blocking pool.
    pub(crate) async fn sqlite_read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let reader = self.0.reader().await?;
        sqlite::blocking(move || reader.run(act)).await?
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Db").field(&self.0.path()).finish()
    }
}
