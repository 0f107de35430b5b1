//! The SQL database under the wings' `sql` adapters: a thin layer that names no engine.
//!
//! SQL is constant, portable text: `$1`, `$2` for parameters, TEXT, BIGINT and BLOB columns, times as integer
//! micros. [`Db::begin`] starts a write transaction, [`Db::query`] reads beside it. Whatever is dropped, cancelled
//! or fails before [`Tx::commit`] is rolled back.

mod error;
mod lock;
mod migrate;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod moved;
#[cfg(feature = "postgres")]
mod postgres;
mod retry;
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
mod tx;
mod value;

use std::{fmt, sync::Arc};

use jiff::Timestamp;

#[cfg(all(feature = "sqlite", feature = "fs", feature = "config", feature = "uploads"))]
use crate::life::Life;
use crate::{clock::Clock, error::Result};

pub use error::{DbError, Violation};
pub use lock::Lock;
#[cfg(all(feature = "sqlite", feature = "postgres"))]
pub use moved::{Moved, move_to_postgres};
#[cfg(feature = "postgres")]
pub use postgres::{Server, examine_postgres, holds_password};
pub use row::{Column, Row};
pub use tx::Tx;
pub use value::Value;

#[cfg(feature = "postgres")]
pub(crate) use postgres::{Conn, Param};
#[cfg(all(feature = "postgres", feature = "backup"))]
pub(crate) use postgres::{Settings as PostgresSettings, pg_error};
#[cfg(feature = "postgres")]
pub(crate) use retry::TRIES;
pub(crate) use retry::retried;
#[cfg(feature = "sqlite")]
pub use sqlite::{Still, hold_still};
#[cfg(feature = "sqlite")]
pub(crate) use sqlite::{blocking, sqlite_error};

/// A database, open: clone it freely, all clones share its connections.
///
/// What a statement reads is a snapshot of what was committed. On SQLite there is one writer, handed out in the
/// order of asking, and a few connections that only read; on PostgreSQL there is a pool of connections.
#[derive(Clone)]
pub struct Db(Engine);

#[derive(Clone)]
enum Engine {
    #[cfg(feature = "sqlite")]
    Sqlite(Arc<sqlite::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Arc<postgres::Postgres>),
}

/// A statement and its parameters.
pub type Query<'a> = (&'static str, &'a [Value]);

impl Db {
    /// Starts a write transaction.
    ///
    /// On SQLite it is the only one until it ends. On PostgreSQL there are many at once, and each statement sees
    /// what others have committed before it, so: what is read to decide what is written, and is not decided by one
    /// statement alone, is locked first, by one call of [`Tx::lock`] before the first read; so is what others read
    /// like that. Two transactions about one thing then run one after the other, and since each takes its locks at once
    /// and in one order, no two wait for each other's. Locks end with the transaction.
    pub async fn begin(&self) -> Result<Tx> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => sqlite.begin().await.map(Tx::sqlite),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.begin().await.map(Tx::postgres),
        }
    }

    /// Reads rows.
    pub async fn query(&self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => {
                let params = params.to_vec();
                sqlite.read(move |conn| Ok(sqlite::query(conn, sql, &params)?)).await
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.query(sql, params).await,
        }
    }

    /// Reads the first row; `None` where there is none.
    pub async fn query_one(&self, sql: &'static str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Reads by several statements in one snapshot: the rows of each, in order.
    pub async fn query_all(&self, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => {
                let queries: Vec<_> = queries.iter().map(|(sql, params)| (*sql, params.to_vec())).collect();
                sqlite.read(move |conn| sqlite::query_all(conn, &queries)).await
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.query_all(queries).await,
        }
    }

    /// The database's own clock; `None` on SQLite, which has the machine's.
    #[cfg_attr(not(feature = "postgres"), expect(clippy::unused_async, reason = "SQLite is not asked"))]
    pub async fn time(&self) -> Result<Option<Timestamp>> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => Ok(None),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.time().await.map(Some),
        }
    }

    /// The statement in the engine's own words, where there are none for both.
    pub fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        // A build with one engine needs but one of them.
        let _ = (sqlite, postgres);
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => sqlite,
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => postgres,
        }
    }

    /// What all clones hold, and each connection.
    #[cfg(all(feature = "sqlite", feature = "fs", feature = "config", feature = "uploads"))]
    pub(crate) fn life(&self) -> &Life {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => sqlite.life(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.settings().life(),
        }
    }

    /// Returns when an organisation's epoch may have risen, as PostgreSQL announces; on SQLite, never.
    pub async fn announced(&self) {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => std::future::pending().await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => postgres.announced().await,
        }
    }
}

#[cfg(feature = "sqlite")]
impl Db {
    /// Opens the SQLite file at `path`, made if it is not there (mode 0600), and brings its tables up to date.
    ///
    /// # Errors
    /// `unsupported` when a newer odavl wrote it, `corrupted` when a migration that was applied has changed since
    /// or the file is no database, `unavailable` when it cannot be opened or stays locked.
    pub async fn open_sqlite(path: impl AsRef<std::path::Path>, clock: &dyn Clock) -> Result<Self> {
        let (path, now) = (path.as_ref().to_owned(), clock.now());
        let open = move || Self::migrated(sqlite::Sqlite::open(&path, ())?, now);
        blocking(open).await?
    }

    /// Opens a database of its own in a temporary folder that goes when the last clone does; not durable.
    #[cfg(any(test, feature = "contract"))]
    pub async fn temporary(clock: &dyn Clock) -> Result<Self> {
        let now = clock.now();
        let open = move || {
            let no_folder = |error: std::io::Error| {
                crate::error::Error::unavailable("a temporary folder cannot be made", Some(error.into()))
            };
            let folder = tempfile::tempdir().map_err(no_folder)?;
            let mut sqlite = sqlite::Sqlite::open(&folder.path().join("odavl.db"), folder)?;
            sqlite.writer_mut()?.execute_batch("PRAGMA synchronous = OFF").map_err(sqlite_error)?;
            Self::migrated(sqlite, now)
        };
        blocking(open).await?
    }

    fn migrated(mut sqlite: sqlite::Sqlite, now: Timestamp) -> Result<Self> {
        sqlite::migrate(sqlite.writer_mut()?, migrate::MIGRATIONS, now)?;
        Ok(Self(Engine::Sqlite(Arc::new(sqlite))))
    }

    /// SQLite itself, for what is too hot for [`Tx`].
    #[cfg_attr(not(feature = "postgres"), expect(clippy::unnecessary_wraps, reason = "there is one engine"))]
    pub(crate) fn sqlite(&self) -> Result<&sqlite::Sqlite> {
        match &self.0 {
            Engine::Sqlite(sqlite) => Ok(sqlite),
            #[cfg(feature = "postgres")]
            Engine::Postgres(_) => Err(crate::error::Error::internal("this database is not SQLite", None)),
        }
    }
}

#[cfg(feature = "postgres")]
impl Db {
    /// Opens the PostgreSQL database at `url` (`postgres://user:password@host:port/database`) and brings its tables up
    /// to date; nodes that start at the same time wait for the one that does.
    ///
    /// `sslmode` is `disable`, `require` (encrypted, but to whoever answers) or `verify-full` (the certificate holds
    /// for the host's name, by `sslrootcert` or the system's roots); where it is not given, `disable` to a socket or
    /// a loopback address and `verify-full` to any other. `pool` is how many connections are used at most.
    ///
    /// # Errors
    /// `invalid_input` when the URL, the user, the password, the database or the certificate is refused, `unsupported`
    /// when the server is too old or a newer odavl was there, `corrupted` when a migration that was applied has
    /// changed since, `unavailable` when the server does not answer.
    pub async fn open_postgres(url: &str, pool: usize, clock: &dyn Clock) -> Result<Self> {
        let postgres = postgres::Postgres::open(postgres::Settings::parse(url)?, pool, clock.now()).await?;
        Ok(Self(Engine::Postgres(postgres)))
    }

    /// Opens a schema of its own in the database at `url`, which goes when the last clone does.
    #[cfg(any(test, feature = "contract"))]
    pub async fn temporary_postgres(url: &str, clock: &dyn Clock) -> Result<Self> {
        let settings = postgres::Settings::parse(url)?;
        postgres::temporary(settings, clock.now()).await.map(|postgres| Self(Engine::Postgres(postgres)))
    }

    /// The same PostgreSQL database, opened by one more node, as it were; keep the first while it is used.
    #[cfg(any(test, feature = "contract"))]
    pub async fn another(&self, clock: &dyn Clock) -> Result<Self> {
        let settings = self.postgres()?.settings().clone();
        let postgres = postgres::Postgres::open(settings, postgres::TEST_POOL, clock.now()).await?;
        Ok(Self(Engine::Postgres(postgres)))
    }

    /// PostgreSQL itself, for what is too hot for [`Tx`].
    #[cfg_attr(not(feature = "sqlite"), expect(clippy::unnecessary_wraps, reason = "there is one engine"))]
    pub(crate) fn postgres(&self) -> Result<&postgres::Postgres> {
        match &self.0 {
            Engine::Postgres(postgres) => Ok(postgres),
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => Err(crate::error::Error::internal("this database is not PostgreSQL", None)),
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(sqlite) => f.debug_tuple("Db").field(&sqlite.path()).finish(),
            #[cfg(feature = "postgres")]
            Engine::Postgres(postgres) => f.debug_tuple("Db").field(&postgres.place()).finish(),
        }
    }
}
