//! Metering on PostgreSQL: a batch is one transaction on a connection of its own, and two round trips as a rule.
//!
//! The first locks the organisations' rows, in order, and reads what their entries need; then everything is decided
//! here; the second writes all of it and commits. Idempotency keys are not looked up but inserted: where one is
//! taken, the transaction is undone by the server, and the batch is decided again with the keys in view (and so are
//! the next ones, for retries come in swarms). So a batch takes two round trips, three where it must read more, and
//! four at most.

mod draft;
mod load;
mod store;
mod wanted;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use self::{
    draft::Draft,
    load::{load, was_committed},
    store::store,
    wanted::Wanted,
};
use super::{
    BATCHES_KEPT, BatchId, prune, read,
    sweep::{Due, sweep},
};
use crate::{
    clock::Clock,
    db::{Conn, Db, DbError, TRIES, Value, Violation},
    error::{Error, ErrorCode, Result},
    ids::OrgId,
    metering::port::{
        Bucket, Decision, Entry, HistoryQuery, Metering, Pruning, Record, ThresholdEvent, Untold,
    },
    page::{Page, PageQuery},
    random,
};

/// For how many batches keys are looked up after one was found taken.
const WARY: u32 = 64;

/// How long after a batch its id is still there for certain, where it was committed.
const BELIEVED: SignedDuration = SignedDuration::from_mins(30);

const FENCE: &str =
    "INSERT INTO metering_orgs (org, epoch, clock, seq, events, open) VALUES ($1, $2, 0, 0, 0, 0)
    ON CONFLICT (org) DO UPDATE SET epoch = GREATEST(metering_orgs.epoch, excluded.epoch)";
const FORGET_BATCHES: &str = "DELETE FROM batches WHERE id IN
    (SELECT id FROM batches WHERE at < $1 ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)";
/// How many ids of batches one statement forgets.
const FORGOTTEN: u32 = 10_000;

/// A [`Metering`] on PostgreSQL, exact with any number of nodes on one database.
#[derive(Debug)]
pub struct PostgresMetering {
    db: Db,
    clock: Arc<dyn Clock>,
    /// One for each lane.
    hands: Vec<Mutex<Hand>>,
}

/// Who writes the batches of a lane: one at a time, on a connection that nobody else uses.
#[derive(Debug, Default)]
struct Hand {
    conn: Option<Conn>,
    /// For how many batches keys are still looked up.
    wary: u32,
}

/// What a try came to, where it is no answer.
enum Failed {
    /// Nothing of it is there: it may be tried again.
    Undone(Error),
    /// An idempotency key was taken: to be tried again with the keys in view.
    Taken(Error),
    /// The end of it.
    Final(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl PostgresMetering {
    /// The books in `db`, which is a PostgreSQL database; periods are told by `clock`.
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        Self { db, clock, hands: vec![Mutex::default()] }
    }

    /// Writes batches of that many lanes at once, each on a connection of its own: as many as the combiner has.
    #[must_use]
    pub fn with_lanes(mut self, lanes: usize) -> Self {
        self.hands.resize_with(lanes.max(1), Mutex::default);
        self
    }

    /// Decides in one transaction, which is committed only if something was written.
    async fn write<T: Send>(
        &self,
        mut wanted: Wanted,
        decide: impl Fn(&mut Draft, Timestamp) -> Result<T> + Send + Sync,
    ) -> Result<T> {
        // What crosses lanes is no hot path's: it goes with the first of them.
        let lane = wanted.orgs.first().map_or(0, |org| org.lane(self.hands.len()));
        let hand = self.hands.get(lane).ok_or_else(|| Error::internal("there is no such lane", None))?;
        let mut hand = hand.lock().await;
        let mut tries = 1;
        loop {
            wanted.sees_keys |= hand.wary > 0;
            hand.wary = hand.wary.saturating_sub(1);
            match self.attempt(&mut hand, &mut wanted, &decide).await {
                Ok(done) => return Ok(done),
                Err(Failed::Taken(_)) if !wanted.sees_keys => hand.wary = WARY,
                Err(Failed::Undone(_)) if tries < TRIES => {}
                Err(Failed::Undone(error) | Failed::Taken(error) | Failed::Final(error)) => {
                    return Err(error);
                }
            }
            tries += 1;
        }
    }

    async fn attempt<T: Send>(
        &self,
        hand: &mut Hand,
        wanted: &mut Wanted,
        decide: &(impl Fn(&mut Draft, Timestamp) -> Result<T> + Send + Sync),
    ) -> Result<T, Failed> {
        // Whoever drops us half-way drops the connection, and the transaction with it.
        let conn = match hand.conn.take().filter(|conn| !conn.is_closed()) {
            Some(conn) => conn,
            None => self.connect().await?,
        };
        let mut draft = load(&conn, load::BEGIN, wanted).await.map_err(undone)?;
        // Asked under the lock, so that a later batch of an organisation never has an earlier time.
        let now = self.clock.now();
        let mut done = decide(&mut draft, now)?;
        if draft.lacks.is_some() {
            wanted.extend(draft.lacks.take());
            draft = load(&conn, None, wanted).await.map_err(undone)?;
            done = decide(&mut draft, now)?;
            if draft.lacks.is_some() {
                let moved = "what a batch needs changed twice while it was read";
                return Err(Failed::Undone(Error::unavailable(moved, None)));
            }
        }
        if !draft.wrote {
            conn.batch("ROLLBACK").await.map_err(undone)?;
            hand.conn = Some(conn);
            return Ok(done);
        }
        let id: BatchId = random::bytes()?;
        match store(&conn, &mut draft, (&id, now)).await {
            Ok(()) => {}
            Err(lost) if conn.is_closed() => {
                let found = self.find_out(hand, wanted, (id, lost.into())).await;
                found.map_err(|failed| self.believed(failed, now))?;
            }
            Err(failed) if failed.violation() == Some(Violation::Unique) => {
                // The server undid the transaction when it was told to commit it.
                hand.conn = Some(conn);
                return Err(Failed::Taken(failed.into()));
            }
            Err(failed) => return Err(undone(failed)),
        }
        hand.conn = hand.conn.take().or(Some(conn));
        Ok(done)
    }

    /// What is not there was undone, unless this node stood still for so long that the others may have forgotten it.
    fn believed(&self, failed: Failed, at: Timestamp) -> Failed {
        match failed {
            Failed::Undone(error) if self.clock.now().duration_since(at) > BELIEVED => Failed::Final(error),
            failed => failed,
        }
    }

    async fn forget_batches(&self, until: Timestamp) -> Result<()> {
        loop {
            let mut tx = self.db.begin().await?;
            let forgotten = tx.execute(FORGET_BATCHES, &[until.into(), FORGOTTEN.into()]).await?;
            tx.commit().await?;
            if forgotten < FORGOTTEN.into() {
                return Ok(());
            }
        }
    }

    async fn connect(&self) -> Result<Conn> {
        let mut conn = self.db.postgres()?.connect().await?;
        conn.prepare_all(&load::STATEMENTS).await?;
        conn.prepare_all(&store::STATEMENTS).await?;
        Ok(conn)
    }

    /// The answer to a COMMIT was lost. Under the organisations' locks, which the lost transaction held to its end,
    /// its batch is there or never will be. Where that cannot be asked either, all of it fails as `unavailable`: any
    /// other error would say that nothing of it is there.
    async fn find_out(
        &self,
        hand: &mut Hand,
        wanted: &Wanted,
        (id, lost): (BatchId, Error),
    ) -> Result<(), Failed> {
        let unknown = |why: Error| {
            let what =
                "the connection to the database was lost in a batch, and what became of it is not known";
            Failed::Final(Error::unavailable(what, Some(why.into())))
        };
        let conn = self.connect().await.map_err(unknown)?;
        let committed = was_committed(&conn, wanted, &id).await.map_err(|failed| unknown(failed.into()))?;
        hand.conn = Some(conn);
        if committed {
            return Ok(());
        }
        let what = "the connection to the database was lost in a batch";
        Err(Failed::Undone(Error::unavailable(what, Some(lost.into()))))
    }
}

/// What the server undid, or never began.
fn undone(failed: DbError) -> Failed {
    let error = Error::from(failed);
    if error.code() == ErrorCode::Unavailable { Failed::Undone(error) } else { Failed::Final(error) }
}

#[async_trait]
impl Metering for PostgresMetering {
    async fn apply(&self, batch: &[Entry]) -> Result<Vec<Decision>> {
        let decide =
            |draft: &mut Draft, now| batch.iter().map(|entry| draft.post(entry, now)).collect::<Result<_>>();
        self.write(Wanted::by(batch), decide).await
    }

    async fn fence(&self, org: OrgId, epoch: u64) -> Result<()> {
        let mut tx = self.db.begin().await?;
        tx.execute(FENCE, &[org.into(), Value::count(epoch)?]).await?;
        tx.commit().await
    }

    async fn sweep(&self, most: u32) -> Result<u32> {
        let now = self.clock.now();
        self.forget_batches(now.checked_sub(BATCHES_KEPT).unwrap_or(Timestamp::MIN)).await?;
        let release =
            async |due: Due| self.write(Wanted::expiring(&due), |draft, now| draft.expire(&due, now)).await;
        sweep(&self.db, (now, most), release).await
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
