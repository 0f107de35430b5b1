//! Removing the backups that no rule keeps.

use jiff::tz::TimeZone;

use super::{Vault, lock::Lock};
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
}

impl Vault {
    /// What would be removed. It changes nothing.
    pub async fn plan_pruning(&self, place: &Place, pruning: &Pruning) -> Result<Pruned> {
        let listing = self.list(place).await?;
        let candidates: Vec<_> = listing.backups.iter().map(super::Entry::candidate).collect();
        let decisions = pruning.policy.decide(&candidates, self.clock.now(), &pruning.zone);
        Ok(Pruned { decisions, refused: listing.refused })
    }

    /// Removes the complete backups that no rule keeps; never the newest that was verified.
    ///
    /// # Errors
    /// `conflict` while a backup is being made, and where the newest one is bad: the older ones may be all there is.
    pub async fn prune(&self, place: &Place, pruning: &Pruning) -> Result<Pruned> {
        let lock = self.lock(place).await?;
        let pruned = self.prune_locked(place, pruning, &lock).await;
        let released = lock.release().await;
        let pruned = pruned?;
        released.map(|()| pruned)
    }

    async fn prune_locked(&self, place: &Place, pruning: &Pruning, lock: &Lock) -> Result<Pruned> {
        let newest = self.list(place).await?.backups.pop();
        if newest.is_some_and(|newest| newest.proof() == Proof::Failed) {
            return Err(Error::Conflict(format!(
                "the newest backup of {place} is bad, so nothing is removed: make a good one first"
            )));
        }
        let mut pruned = self.plan_pruning(place, pruning).await?;
        for decision in pruned.decisions.iter_mut().filter(|decision| !decision.is_kept()) {
            lock.check().await?;
            if !self.remove(place, decision.backup).await? {
                // Whoever locks objects does so for a time: it is told, and tried again by the next run.
                decision.keep.push(Why::Locked);
            }
        }
        Ok(pruned)
    }

    /// Removes a backup: first its manifest, so that it is never taken for one that has lost its bytes. Answers whether the
    /// store let go of it.
    async fn remove(&self, place: &Place, id: BackupId) -> Result<bool> {
        let manifest = place.manifest(id)?;
        if let Err(refused) = self.store.delete(&manifest).await {
            // A store that answers, and has it still, does not want to.
            return match self.store.head(&manifest).await {
                Ok(Some(_)) => Ok(false),
                _ => Err(refused),
            };
        }
        if let Some(keyed) = self.keyed(place).await?.remove(&id) {
            for key in keyed.others.iter().chain(&keyed.verdicts) {
                self.store.delete(key).await?;
            }
            if keyed.pinned {
                self.store.delete(&place.pin(id)?).await?;
            }
        }
        Ok(true)
    }
}
