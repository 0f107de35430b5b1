//! The write transaction.

#[cfg(feature = "postgres")]
use super::postgres;
#[cfg(feature = "sqlite")]
use super::sqlite;
use super::{DbError, Lock, Row, Value};
use crate::error::Result;

/// A write transaction: nothing of it is there until [`Tx::commit`] has answered.
///
/// Dropping it rolls back, and so does cancelling any of its futures: a transaction whose statement was cancelled
/// in flight is over. Cancelling `commit` leaves open which of the two happened, as a crash would; so does losing
/// the connection to PostgreSQL in it, which is `unavailable`.
#[derive(Debug)]
pub struct Tx(Engine);

#[derive(Debug)]
enum Engine {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlite::Open),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Open>),
}

impl Tx {
    #[cfg(feature = "sqlite")]
    pub(super) fn sqlite(open: sqlite::Open) -> Self {
        Self(Engine::Sqlite(open))
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(open: postgres::Open) -> Self {
        Self(Engine::Postgres(Box::new(open)))
    }

    /// Waits until no other transaction is about these things; call it once, before the first read. On SQLite nothing
    /// is to be waited for.
    #[cfg_attr(not(feature = "postgres"), expect(clippy::unused_async, reason = "SQLite has one writer"))]
    pub async fn lock(&mut self, locks: impl IntoIterator<Item = Lock>) -> Result<()> {
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(_) => {
                drop(locks);
                Ok(())
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(open) => Ok(open.lock(locks.into_iter().collect()).await?),
        }
    }

    /// Runs a statement; answers how many rows it changed.
    pub async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, DbError> {
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(open) => {
                let params = params.to_vec();
                open.run(move |conn| sqlite::execute(conn, sql, &params)).await
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(open) => open.execute(sql, params).await,
        }
    }

    /// Runs a statement, such as `INSERT .. RETURNING`, and reads its rows.
    pub async fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        match &mut self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(open) => {
                let params = params.to_vec();
                open.run(move |conn| sqlite::query(conn, sql, &params)).await
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres(open) => open.query(sql, params).await,
        }
    }

    /// Reads the first row; `None` where there is none.
    pub async fn query_one(&mut self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Makes all of it durable, or answers why not: then nothing of it happened.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            #[cfg(feature = "sqlite")]
            Engine::Sqlite(open) => open.commit().await,
            #[cfg(feature = "postgres")]
            Engine::Postgres(open) => open.commit().await,
        }
    }
}
