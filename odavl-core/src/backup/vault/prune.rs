//! Removing the backups that no rule keeps.

use jiff::tz::TimeZone;

use super::{
    Cleared, Entry, Listing, Vault, Which,
    lock::{Lock, Of},
};
use crate::{
    backup::{
        place::Place,
        retention::{Decision, Policy, Proof, Why},
    },
    error::{Error, Result},
    ids::BackupId,
};

/// By which rules backups are kept.
#[derive(Debug, Clone)]
pub struct Pruning {
    /// The rules.
    pub policy: Policy,
    /// Whose hours, days, weeks, ... they mean.
    pub zone: TimeZone,
}

/// What was decided, and done.
#[derive(Debug, Clone)]
pub struct Pruned {
    /// What is kept, and why, and what is not.
    pub decisions: Vec<Decision>,
    /// What lies there and is no backup that counts; it is left alone.
    pub refused: Vec<(BackupId, String)>,
    /// What became of what was left of tries that were killed.
    pub cleared: Cleared,
}

impl Vault {
    /// What would be removed. It changes nothing.
    pub async fn plan_pruning(&self, place: &Place, pruning: &Pruning) -> Result<Pruned> {
        Ok(self.decide(self.list(place).await?, pruning))
    }

    /// Removes the complete backups that no rule keeps; never the newest that was verified.
    ///
    /// # Errors
    /// `conflict` while a backup is being made or another prunes, and where the newest one is bad, or the newest that was
    /// verified turns out to be: the older ones may be all there is.
    pub async fn prune(&self, place: &Place, pruning: &Pruning) -> Result<Pruned> {
        let lock = self.lock(Of::Source(place.clone())).await?;
        let pruned = lock.over(self.prune_locked(place, pruning, &lock)).await;
        lock.release().await;
        pruned
    }

    fn decide(&self, listing: Listing, pruning: &Pruning) -> Pruned {
        let candidates: Vec<_> = listing.backups.iter().map(Entry::candidate).collect();
        let decisions = pruning.policy.decide(&candidates, self.clock.now(), &pruning.zone);
        Pruned { decisions, refused: listing.refused, cleared: Cleared::default() }
    }

    async fn prune_locked(&self, place: &Place, pruning: &Pruning, lock: &Lock) -> Result<Pruned> {
        let listing = self.list(place).await?;
        if self.newest(&listing.backups).is_some_and(|newest| newest.proof() == Proof::Failed) {
            return Err(is_bad("newest backup", place));
        }
        let mut pruned = self.decide(listing, pruning);
        pruned.cleared = self.clear(place, lock).await?;
        let proved = pruned.decisions.iter().find(|decision| decision.keep.contains(&Why::NewestVerified));
        let proved = proved.map(|decision| decision.backup);
        for decision in pruned.decisions.iter_mut().filter(|decision| !decision.is_kept()) {
            lock.check().await?;
            let stays = self.remove(place, (decision.backup, proved), &mut pruned.cleared).await?;
            decision.keep.extend(stays);
        }
        Ok(pruned)
    }

    /// Removes a backup; answers why it stays, where it does. What was decided is as old as the list that it was decided by,
    /// so what has changed since is looked at: of this one, and of the one that was `proved`.
    pub(super) async fn remove(
        &self,
        place: &Place,
        (id, proved): (BackupId, Option<BackupId>),
        cleared: &mut Cleared,
    ) -> Result<Option<Why>> {
        for id in proved.into_iter().chain([id]) {
            if self.is_locked(&Of::Backup(place.clone(), id)).await? {
                return Ok(Some(Why::Verifying));
            }
        }
        if let Some(proved) = proved
            && self.find(place, Which::Id(proved)).await?.proof() != Proof::Verified
        {
            return Err(is_bad("newest backup that was verified", place));
        }
        let Some(keyed) = self.keyed(&place.backup(id)?).await?.remove(&id) else { return Ok(None) };
        if keyed.pinned {
            return Ok(Some(Why::Pinned));
        }
        // First its manifest, so that it is never taken for one that has lost its bytes.
        if !self.let_go(&place.manifest(id)?).await? {
            // Whoever locks objects does so for a time: it is told, and tried again by the next run.
            return Ok(Some(Why::Locked));
        }
        self.remove_files(place, id, &keyed, cleared).await?;
        Ok(None)
    }
}

fn is_bad(which: &str, place: &Place) -> Error {
    Error::Conflict(format!("the {which} of {place} is bad, so nothing is removed: make a good one first"))
}
