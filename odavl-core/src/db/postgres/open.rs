//! A write transaction.

use std::fmt;

use super::Lent;
use crate::{
    db::{DbError, Lock, Row, Value},
    error::{Error, Result},
};

/// A transaction that is open.
pub(crate) struct Open {
    lent: Option<Lent>,
    /// Whether a statement failed: then the server takes no more, and answers a COMMIT with a rollback.
    failed: bool,
}

impl Open {
    pub(super) fn new(lent: Lent) -> Self {
        Self { lent: Some(lent), failed: false }
    }

    /// Takes the locks in the order of their keys, in one round trip.
    pub(in crate::db) async fn lock(&mut self, locks: Vec<Lock>) -> Result<(), DbError> {
        let lent = self.lent()?;
        let mut keys: Vec<_> = locks.into_iter().map(|lock| lock.key() ^ lent.home.salt).collect();
        keys.sort_unstable();
        keys.dedup();
        let locked = lent.lock(&keys).await;
        self.track(locked)
    }

    pub(in crate::db) async fn execute(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<u64, DbError> {
        let done = self.lent()?.execute(sql, params).await;
        self.track(done)
    }

    pub(in crate::db) async fn query(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<Row>, DbError> {
        let read = self.lent()?.query(sql, params).await;
        self.track(read)
    }

    pub(in crate::db) async fn commit(mut self) -> Result<()> {
        if self.failed {
            return Err(Error::internal("a transaction of which a statement failed was committed", None));
        }
        let mut lent = self.lent.take().ok_or_else(over)?;
        let committed = lent.batch("COMMIT").await;
        if committed.is_err() {
            // Whatever became of it, nothing of it is left on a connection that another takes.
            lent.close();
        }
        Ok(committed?)
    }

    fn track<T>(&mut self, done: Result<T, DbError>) -> Result<T, DbError> {
        self.failed |= done.is_err();
        done
    }

    fn lent(&mut self) -> Result<&mut Lent, DbError> {
        self.lent.as_mut().ok_or_else(|| over().into())
    }
}

fn over() -> Error {
    Error::internal("the transaction is over", None)
}

impl Drop for Open {
    /// Rolls back, and gives the connection back afterwards; without a runtime to do so, it is closed.
    fn drop(&mut self) {
        let Some(mut lent) = self.lent.take().filter(|lent| !lent.busy) else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(async move {
                if lent.batch("ROLLBACK").await.is_err() {
                    lent.close();
                }
            })),
            Err(_) => lent.close(),
        }
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").field("failed", &self.failed).finish_non_exhaustive()
    }
}
