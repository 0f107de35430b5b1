//! Waiting for one's turn at what can be changed by one alone.

use std::hash::{DefaultHasher, Hash, Hasher};

use tokio::sync::{Mutex, MutexGuard};

/// How many turns can be taken at once.
const TURNS: usize = 256;

/// Turns, in this process. Things share them by hash.
#[derive(Debug)]
pub(super) struct Turns([Mutex<()>; TURNS]);

impl Turns {
    pub(super) const fn new() -> Self {
        Self([const { Mutex::const_new(()) }; TURNS])
    }

    /// Waits, without a thread, for the turn to change what `of` names.
    pub(super) async fn take(&self, of: &impl Hash) -> MutexGuard<'_, ()> {
        self.0[slot(of, TURNS)].lock().await
    }
}

/// Which of so many turns is that of what `of` names.
pub(super) fn slot(of: &impl Hash, turns: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    usize::try_from(hasher.finish() % turns as u64).unwrap_or_default()
}
