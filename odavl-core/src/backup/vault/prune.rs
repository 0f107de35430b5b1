//! Removing the backups that no rule keeps.

use jiff::tz::TimeZone;

use super::{
    Cleared, Vault,
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
        let listing = self.list(place).await?;
        let candidates: Vec<_> = listing.backups.iter().map(super::Entry::candidate).collect();
        let decisions = pruning.policy.decide(&candidates, self.clock.now(), &pruning.zone);
        Ok(Pruned { decisions, refused: listing.refused, cleared: Cleared::default() })
    }

    /// Removes the complete backups that no rule keeps; never the newest that was verified.
    ///
    /// # Errors
    /// `conflict` while a backup is being made or another prunes, and where the newest one is bad: the older ones may be all there is.
    pub async fn prune(&self, place: &Place, pruning: &Pruning) -> Result<Pruned> {
        let lock = self.lock(Of::Source(place.clone())).await?;
        let pruned = lock.over(self.prune_locked(place, pruning, &lock)).await;
        lock.release().await;
        pruned
    }

    async fn prune_locked(&self, place: &Place, pruning: &Pruning, lock: &Lock) -> Result<Pruned> {
        let newest = self.list(place).await?.backups.pop();
        if newest.is_some_and(|newest| newest.proof() == Proof::Failed) {
            return Err(Error::Conflict(format!(
                "the newest backup of {place} is bad, so nothing is removed: make a good one first"
            )));
        }
        let mut cleared = self.clear(place, lock).await?;
        let mut pruned = self.plan_pruning(place, pruning).await?;
        for decision in pruned.decisions.iter_mut().filter(|decision| !decision.is_kept()) {
            lock.check().await?;
            let id = decision.backup;
            if self.is_locked(&Of::Backup(place.clone(), id)).await? {
                decision.keep.push(Why::Verifying);
            } else if !self.remove(place, id, &mut cleared).await? {
                // Whoever locks objects does so for a time: it is told, and tried again by the next run.
                decision.keep.push(Why::Locked);
            }
        }
        Ok(Pruned { cleared, ..pruned })
    }

    /// Removes a backup: first its manifest, so that it is never taken for one that has lost its bytes. Answers whether the
    /// store let go of it.
    async fn remove(&self, place: &Place, id: BackupId, cleared: &mut Cleared) -> Result<bool> {
        if !self.let_go(&place.manifest(id)?).await? {
            return Ok(false);
        }
        if let Some(keyed) = self.keyed(place).await?.remove(&id) {
            self.remove_files(place, id, &keyed, cleared).await?;
        }
        Ok(true)
    }
}
