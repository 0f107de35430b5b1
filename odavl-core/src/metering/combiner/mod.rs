//! Combining: concurrent callers share one transaction, and one sync of the disk, instead of queueing for it.

mod denials;
mod queue;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::JoinHandle;

use super::port::{Decision, Entry, Metering};
use crate::{
    clock::Clock,
    error::{Cause, Error, ErrorCode, Result},
};
use denials::Denials;
use queue::{Queue, Waiting};

/// How many may wait, and how many share a transaction.
#[derive(Debug, Clone, Copy)]
pub struct CombinerOptions {
    /// How many lanes there are: an organisation is always in the same one, and no batch has entries of two. One lane
    /// shares the most commits; more are for a database that is spread over several machines by organisation.
    pub lanes: usize,
    /// How many entries may wait in a lane; one organisation's at most half of them.
    pub queue: usize,
    /// How many entries a batch holds at most.
    pub batch: usize,
}

impl Default for CombinerOptions {
    fn default() -> Self {
        Self { lanes: 1, queue: 8192, batch: 2048 }
    }
}

/// Gathers concurrent callers into batches of a [`Metering`]: while one batch commits, the next one fills.
///
/// # Behavior
/// - A lone caller's entry is applied at once: there is no timer.
/// - An organisation's entries are applied in the order in which they came; those of one lane are, too.
/// - No batch has entries of organisations of two lanes.
/// - A full queue refuses with `unavailable`; one organisation fills at most half of it. What ends a charge is let in.
/// - A caller who leaves before the batch of their entry closes is not charged; afterwards the entry counts once.
/// - A batch that fails is split until the bad entry stands alone; `unavailable` fails all of it at once.
/// - What was denied a moment ago is denied from memory: to charges without an idempotency key, for as much or
///   more, within the same epoch and period, for a second at most. Never for what is held.
#[derive(Debug)]
pub struct Combiner {
    /// At least one.
    lanes: Vec<Lane>,
    denials: Arc<Denials>,
    clock: Arc<dyn Clock>,
}

/// Who waits, and the task that answers them.
#[derive(Debug)]
struct Lane {
    queue: Arc<Queue>,
    driver: Mutex<Option<JoinHandle<()>>>,
}

impl Lane {
    fn is_driven(&self) -> bool {
        let driver = self.driver.lock().unwrap_or_else(PoisonError::into_inner);
        driver.as_ref().is_some_and(|driver| !driver.is_finished())
    }
}

impl Combiner {
    /// A combiner before `metering`, with a task for each lane on the present tokio runtime; dropping it ends them.
    pub fn new(metering: Arc<dyn Metering>, clock: Arc<dyn Clock>, options: CombinerOptions) -> Self {
        let denials = Arc::new(Denials::default());
        let shared = Arc::clone(&denials);
        let lane = move |_| {
            let queue = Arc::new(Queue::new(options.queue));
            let (denials, metering) = (Arc::clone(&shared), Arc::clone(&metering));
            let driver = Driver { queue: Arc::clone(&queue), denials, metering };
            let driver = tokio::spawn(driver.run(options.batch.max(1)));
            Lane { queue, driver: Mutex::new(Some(driver)) }
        };
        let lanes = (0..options.lanes.max(1)).map(lane).collect();
        Self { lanes, denials, clock }
    }

    /// Decides an entry together with whoever else is asking. The answer is durable.
    ///
    /// # Errors
    /// `unavailable` when too many are waiting, when metering is closed, and when the database does not answer.
    pub async fn decide(&self, entry: Entry) -> Result<Decision> {
        if let Some(refusal) = self.denials.recall(&entry, self.clock.now()) {
            return Ok(Decision::Denied(refusal));
        }
        let lane = self.lanes.get(entry.org.lane(self.lanes.len()));
        let lane = lane.ok_or_else(|| Error::internal("the combiner has no such lane", None))?;
        let answer = lane.queue.join(entry)?;
        answer
            .await
            .map_err(|gone| Error::internal("metering stopped before it answered", Some(gone.into())))?
    }

    /// Fails where a lane decides nothing any more.
    pub(crate) fn check(&self) -> Result<()> {
        if self.lanes.iter().all(Lane::is_driven) {
            return Ok(());
        }
        Err(Error::unavailable(
            "this node's metering has ended, and decides nothing until it is started anew",
            None,
        ))
    }

    /// Answers everyone who is waiting, and refuses whoever comes later.
    pub async fn close(&self) -> Result<()> {
        self.lanes.iter().for_each(|lane| lane.queue.close());
        for lane in &self.lanes {
            let driver = lane.driver.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(driver) = driver {
                driver
                    .await
                    .map_err(|error| Error::internal("the metering task failed", Some(error.into())))?;
            }
        }
        Ok(())
    }
}

impl Drop for Combiner {
    fn drop(&mut self) {
        self.lanes.iter().for_each(|lane| lane.queue.close());
    }
}

/// The task that applies one batch after the other.
struct Driver {
    queue: Arc<Queue>,
    denials: Arc<Denials>,
    metering: Arc<dyn Metering>,
}

impl Driver {
    async fn run(self, most: usize) {
        while let Some(batch) = self.queue.next(most).await {
            self.answer(batch).await;
        }
    }

    async fn answer(&self, batch: Vec<Waiting>) {
        let (entries, mut callers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.entry, Some(waiting.answer))).unzip();
        for (place, answer) in self.apply(&entries).await {
            if let Some(caller) = callers.get_mut(place).and_then(Option::take) {
                // Whoever left in the meantime finds the answer by asking again with the same key.
                let _ = caller.send(answer);
            }
        }
    }

    /// Applies the entries, in halves where they fail together.
    async fn apply(&self, entries: &[Entry]) -> Vec<(usize, Result<Decision>)> {
        let mut answers = Vec::with_capacity(entries.len());
        let mut parts: Vec<Range<usize>> = std::iter::once(0..entries.len()).collect();
        while let Some(part) = parts.pop() {
            match self.apply_part(&entries[part.clone()]).await {
                Ok(decisions) => answers.extend(part.zip(decisions.into_iter().map(Ok))),
                Err(error) if part.len() > 1 && error.code() != ErrorCode::Unavailable => {
                    let middle = part.start + part.len() / 2;
                    parts.push(middle..part.end);
                    parts.push(part.start..middle);
                }
                Err(error) => answers.extend(part.clone().zip(copies(error, part.len()))),
            }
        }
        answers
    }

    async fn apply_part(&self, entries: &[Entry]) -> Result<Vec<Decision>> {
        let decisions = self.metering.apply(entries).await?;
        if decisions.len() != entries.len() {
            return Err(Error::internal(
                "metering answered another number of entries than it was asked",
                None,
            ));
        }
        for (entry, decision) in entries.iter().zip(&decisions) {
            self.denials.learn(entry, decision);
        }
        Ok(decisions)
    }
}

impl Drop for Driver {
    /// However the task ends, nobody waits for it.
    fn drop(&mut self) {
        self.queue.abandon();
    }
}

/// The same error for each of several callers, who share its cause; one that is not `unavailable` has one.
fn copies(error: Error, callers: usize) -> Vec<Result<Decision>> {
    let Error::Unavailable { what, retry_after, source } = error else { return vec![Err(error)] };
    let source: Option<Arc<dyn std::error::Error + Send + Sync>> = source.map(Arc::from);
    let copy = |_| {
        let source = source.clone().map(Cause::from);
        Err(Error::Unavailable { what: what.clone(), retry_after, source })
    };
    (0..callers).map(copy).collect()
}
