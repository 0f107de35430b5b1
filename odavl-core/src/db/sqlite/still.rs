//! Forks. What SQLite knows of its locks it keeps for the whole process: a lock that another thread holds while the process
//! forks is held in the child for ever.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

static WRITERS: Mutex<Writers> = Mutex::new(Writers { open: 0, held: false });
static CHANGED: Condvar = Condvar::new();
/// Read by statements that run.
static MOVING: RwLock<()> = RwLock::new(());

/// Transactions that write.
#[derive(Debug)]
struct Writers {
    open: usize,
    /// Whether no more may begin.
    held: bool,
}

fn writers() -> MutexGuard<'static, Writers> {
    WRITERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn changed(writers: MutexGuard<'_, Writers>) -> MutexGuard<'_, Writers> {
    CHANGED.wait(writers).unwrap_or_else(PoisonError::into_inner)
}

/// While this is held, SQLite rests in this process.
#[derive(Debug)]
pub struct Still {
    writers: MutexGuard<'static, Writers>,
    _statements: RwLockWriteGuard<'static, ()>,
}

/// Waits until no transaction of SQLite is open and no statement runs in this process, and keeps it so: for a process that
/// forks and goes on in its child. Both the parent and the child let go of it afterwards.
pub fn hold_still() -> Still {
    let mut writers = writers();
    writers.held = true;
    while writers.open > 0 {
        writers = changed(writers);
    }
    Still { writers, _statements: MOVING.write().unwrap_or_else(PoisonError::into_inner) }
}

impl Drop for Still {
    fn drop(&mut self) {
        self.writers.held = false;
        CHANGED.notify_all();
    }
}

/// Runs what waits for nothing but SQLite.
pub(super) fn moving<T>(act: impl FnOnce() -> T) -> T {
    let _moving = MOVING.read().unwrap_or_else(PoisonError::into_inner);
    act()
}

/// A transaction that writes, from before its beginning until after its end.
#[derive(Debug)]
pub(super) struct Writing(());

impl Writing {
    /// Waits for its turn: not to be called by what [moves](moving), which a fork waits for.
    pub(super) fn begin() -> Self {
        let mut writers = writers();
        while writers.held {
            writers = changed(writers);
        }
        writers.open += 1;
        Self(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        writers().open -= 1;
        CHANGED.notify_all();
    }
}
