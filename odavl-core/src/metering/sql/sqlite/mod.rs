//! Metering on SQLite.

mod batch;
mod page;
mod rows;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    BATCHES_KEPT, BatchId, prune, read,
    sweep::{Due, sweep},
};
use crate::{
    clock::Clock,
    db::{Db, sqlite_error},
    error::Result,
    ids::OrgId,
    metering::port::{
        Bucket, Decision, Entry, HistoryQuery, Metering, Pruning, Record, ThresholdEvent, Untold,
    },
    page::{Page, PageQuery},
    random,
};
use batch::Batch;
use page::Pages;

/// A [`Metering`] on SQLite: a batch is one transaction, and one sync of the disk.
#[derive(Debug)]
pub struct SqliteMetering {
    db: Db,
    clock: Arc<dyn Clock>,
    pages: Arc<Mutex<Pages>>,
}

impl SqliteMetering {
    /// The books in `db`; periods are told by `clock`.
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, pages: Arc::default() }
    }

    /// Runs `act` in one write transaction, which is committed only if something was written.
    async fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Batch<'_>, Timestamp) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (clock, pages) = (Arc::clone(&self.clock), Arc::clone(&self.pages));
        let id = random::bytes()?;
        let run = move |conn: &mut Connection| {
            // The writer is ours, so nobody waits for the pages.
            let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
            transact(conn, &mut pages, id, &*clock, act)
        };
        self.db.sqlite()?.write(run).await
    }
}

fn transact<T>(
    conn: &Connection,
    pages: &mut Pages,
    id: BatchId,
    clock: &dyn Clock,
    act: impl FnOnce(&mut Batch<'_>, Timestamp) -> Result<T>,
) -> Result<T> {
    conn.execute_batch("BEGIN IMMEDIATE").map_err(sqlite_error)?;
    pages.refresh(conn)?;
    // Asked under the lock, so that a later batch never has an earlier time.
    let now = clock.now();
    let mut batch = Batch::new(conn, pages);
    let done = act(&mut batch, now)?;
    let stamp = batch.commit(id, now)?;
    pages.keep(stamp);
    Ok(done)
}

#[async_trait]
impl Metering for SqliteMetering {
    async fn apply(&self, batch: &[Entry]) -> Result<Vec<Decision>> {
        let entries = batch.to_vec();
        self.write(move |batch, now| entries.iter().map(|entry| batch.post(entry, now)).collect()).await
    }

    async fn fence(&self, org: OrgId, epoch: u64) -> Result<()> {
        self.write(move |batch, _| batch.fence(org, epoch)).await
    }

    async fn sweep(&self, most: u32) -> Result<u32> {
        self.write(|batch, now| {
            batch.forget_batches(now.checked_sub(BATCHES_KEPT).unwrap_or(Timestamp::MIN))
        })
        .await?;
        let release = async |due: Due| self.write(move |batch, now| batch.expire(&due, now)).await;
        sweep(&self.db, (self.clock.now(), most), release).await
    }

    async fn prune(&self, part: Pruning) -> Result<Option<Pruning>> {
        prune::prune(&self.db, part, self.clock.now()).await
    }

    async fn history(&self, org: OrgId, query: &HistoryQuery) -> Result<Vec<Bucket>> {
        read::history(&self.db, org, query, self.clock.now()).await
    }

    async fn ledger(&self, org: OrgId, page: &PageQuery) -> Result<Page<Record>> {
        read::ledger(&self.db, org, page).await
    }

    async fn thresholds(&self, org: OrgId, page: &PageQuery) -> Result<Page<ThresholdEvent>> {
        read::thresholds(&self.db, org, page).await
    }

    async fn untold(&self, most: u32) -> Result<Vec<Untold>> {
        read::untold(&self.db, most).await
    }

    async fn told(&self, org: OrgId, seq: u64) -> Result<()> {
        read::told(&self.db, org, seq).await
    }
}
