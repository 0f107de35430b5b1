//! The write transaction.

use super::{
    error::DbError,
    row::Row,
    sqlite::{self, Writer},
    value::Value,
};
use crate::error::{Error, Result};

/// A write transaction: nothing of it is there until [`Tx::commit`] has answered.
///
/// Dropping it rolls back, and so does cancelling any of its futures: a transaction whose statement was cancelled
/// in flight is over. Cancelling `commit` leaves open which of the two happened, as a crash would.
pub struct Tx(Option<Writer>);

impl Tx {
    pub(super) fn new(writer: Writer) -> Self {
        Self(Some(writer))
    }

    /// Runs a statement; answers how many rows it changed.
    pub async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, DbError> {
        let params = params.to_vec();
        self.run(move |conn| sqlite::execute(conn, sql, &params)).await
    }

    /// Runs a statement, such as `INSERT .. RETURNING`, and reads its rows.
    pub async fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        let params = params.to_vec();
        self.run(move |conn| sqlite::query(conn, sql, &params)).await
    }

    /// Reads the first row; `None` where there is none.
    pub async fn query_one(&mut self, sql: &'static str, params: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Makes all of it durable, or answers why not: then nothing of it happened.
    pub async fn commit(mut self) -> Result<()> {
        let commit = |conn: &rusqlite::Connection| conn.execute_batch("COMMIT").map_err(DbError::of);
        Ok(self.run(commit).await?)
    }

    /// Lends the writer to the blocking pool: whoever holds it last gives it back, rolled back if need be.
    async fn run<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&rusqlite::Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let writer = self.0.take().ok_or_else(over)?;
        let (writer, done) = sqlite::blocking(move || {
            let done = act(&writer);
            (writer, done)
        })
        .await?;
        self.0 = Some(writer);
        done
    }
}

fn over() -> Error {
    Error::internal("the transaction is over: one of its statements was cancelled", None)
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tx").field("open", &self.0.is_some()).finish()
    }
}
