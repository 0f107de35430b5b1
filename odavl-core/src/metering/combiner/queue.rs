//! Who is waiting, in the order of coming.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};

use crate::{
    error::{Error, Result},
    ids::OrgId,
    metering::port::{Decision, Entry, Op},
};

/// A bounded queue of entries.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Notify,
    most: usize,
}

/// An entry, and who waits for its answer.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) entry: Entry,
    pub(super) answer: oneshot::Sender<Result<Decision>>,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Of those, how many are bounded, in all and of each organisation.
    bounded: usize,
    of_org: HashMap<OrgId, usize>,
    closed: bool,
}

impl Queue {
    pub(super) fn new(most: usize) -> Self {
        Self { state: Mutex::default(), arrived: Notify::new(), most: most.max(2) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an entry at the end; `unavailable` where there is no room for it. There always is for what ends a charge:
    /// it was let in before, and what it frees others may be waiting for.
    pub(super) fn join(&self, entry: Entry) -> Result<oneshot::Receiver<Result<Decision>>> {
        let (answer, receiver) = oneshot::channel();
        let mut state = self.state();
        if state.closed {
            return Err(Error::unavailable("metering is closed", None));
        }
        if !ends(&entry.op) {
            if state.bounded >= self.most {
                return Err(Error::unavailable("too many requests are waiting to be metered", None));
            }
            let of_org = state.of_org.entry(entry.org).or_default();
            if *of_org >= self.most / 2 {
                let what = "too many requests of this organization are waiting to be metered";
                return Err(Error::unavailable(what, None));
            }
            *of_org += 1;
            state.bounded += 1;
        }
        state.waiting.push_back(Waiting { entry, answer });
        drop(state);
        self.arrived.notify_one();
        Ok(receiver)
    }

    /// The next batch, once there is one: whoever is still waiting. `None` when closed and empty.
    pub(super) async fn next(&self, most: usize) -> Option<Vec<Waiting>> {
        loop {
            let (batch, closed) = {
                let mut state = self.state();
                (state.take(most), state.closed)
            };
            match batch.is_empty() {
                false => return Some(batch),
                true if closed => return None,
                true => self.arrived.notified().await,
            }
        }
    }

    /// Lets nobody in any more.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Closes, and sends everybody away.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.closed = true;
        state.bounded = 0;
        state.of_org.clear();
        state.waiting.clear();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.state().waiting.len()
    }
}

/// Whether it ends what was charged or held before.
fn ends(op: &Op) -> bool {
    match op {
        Op::Settle { .. } | Op::Release { .. } => true,
        Op::Charge(charges) => !charges.is_empty() && charges.iter().all(|charge| charge.units < 0),
        Op::Probe(_) | Op::Reserve { .. } | Op::Extend { .. } => false,
    }
}

impl State {
    /// Takes up to `most` entries whose callers are still there, and drops those whose callers left.
    fn take(&mut self, most: usize) -> Vec<Waiting> {
        let mut batch = Vec::with_capacity(most.min(self.waiting.len()));
        while batch.len() < most
            && let Some(next) = self.waiting.pop_front()
        {
            self.leave(&next.entry);
            if !next.answer.is_closed() {
                batch.push(next);
            }
        }
        batch
    }

    fn leave(&mut self, entry: &Entry) {
        if ends(&entry.op) {
            return;
        }
        self.bounded -= 1;
        if let Some(of_org) = self.of_org.get_mut(&entry.org) {
            *of_org -= 1;
            if *of_org == 0 {
                self.of_org.remove(&entry.org);
            }
        }
    }
}
