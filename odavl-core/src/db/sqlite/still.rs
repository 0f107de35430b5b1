//! Forks: SQLite has locks of the whole process, and one that another thread holds while the process forks is held in the
//! child for ever.

use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

static MOVING: RwLock<()> = RwLock::new(());

/// While this is held, no thread runs a statement of SQLite.
#[derive(Debug)]
pub struct Still(#[expect(dead_code, reason = "it is held, not read")] RwLockWriteGuard<'static, ()>);

/// Waits until no thread runs a statement of SQLite, and keeps it so: for a process that forks and goes on in its child.
/// Both the parent and the child let go of it afterwards.
pub fn hold_still() -> Still {
    Still(MOVING.write().unwrap_or_else(PoisonError::into_inner))
}

/// Runs what is within SQLite; never within another that runs.
pub(super) fn moving<T>(act: impl FnOnce() -> T) -> T {
    let _moving = MOVING.read().unwrap_or_else(PoisonError::into_inner);
    act()
}
