//! Leases: what is done for all nodes is done by one of them at a time, and by another when that one is gone.

use jiff::{SignedDuration, Timestamp};

/// What a node asks for: to hold the lease of that name from now on.
#[derive(Debug, Clone)]
pub struct LeaseWish {
    /// The work that it is for.
    pub name: String,
    /// The node: another name for each process, and for each time that it is started.
    pub holder: String,
    /// Now, for a database that has no clock of its own.
    pub at: Timestamp,
    /// For how long; nothing gives it up.
    pub lives: SignedDuration,
}

/// A lease that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The work that it is for.
    pub name: String,
    /// The node that holds it.
    pub holder: String,
    /// Rises whenever it is taken over. What must not be done twice is written under it ([`Change::UnderLease`]): a node
    /// that was stopped for so long that another has taken over is refused when it goes on.
    ///
    /// [`Change::UnderLease`]: super::Change::UnderLease
    pub fence: u64,
    /// Until when nobody else takes it.
    pub until: Timestamp,
}

impl Lease {
    /// What the wish makes of the lease as it is; `None` while another holds it.
    pub(super) fn take(before: Option<&Self>, wish: &LeaseWish, now: Timestamp) -> Option<Self> {
        let held = before.filter(|lease| lease.until > now);
        if held.is_some_and(|lease| lease.holder != wish.holder) {
            return None;
        }
        let last = before.map_or(0, |lease| lease.fence);
        Some(Self {
            name: wish.name.clone(),
            holder: wish.holder.clone(),
            fence: if held.is_some() { last } else { last + 1 },
            until: now.checked_add(wish.lives).unwrap_or(Timestamp::MAX),
        })
    }
}
