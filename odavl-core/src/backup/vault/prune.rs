//! Removing the backups that no rule keeps.

use jiff::tz::TimeZone;

use super::{Vault, lock::Lock};
use crate::{
    backup::{
        place::Place,
        retention::{Decision, Policy, Why},
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
    /// `conflict` while a backup is being made.
    pub async fn prune(&self, place: &Place, pruning: &Pruning) -> Result<Pruned> {
        let lock = self.lock(place).await?;
        let pruned = self.prune_locked(place, pruning, &lock).await;
        let released = lock.release().await;
        let pruned = pruned?;
        released.map(|()| pruned)
    }

    async fn prune_locked(&self, place: &Place, pruning: &Pruning, lock: &Lock) -> Result<Pruned> {
        let mut pruned = self.plan_pruning(place, pruning).await?;
        for decision in pruned.decisions.iter_mut().filter(|decision| !decision.is_kept()) {
            lock.check().await?;
            match self.remove(place, decision.backup).await {
                Ok(()) => {}
                // Whoever locks objects does so for a time: it is reported, and tried again by the next run.
                Err(Error::Conflict(_)) => decision.keep.push(Why::Locked),
                Err(error) => return Err(error),
            }
        }
        Ok(pruned)
    }

    /// Removes a backup: first its manifest, so that it is never taken for one that has lost its bytes.
    async fn remove(&self, place: &Place, id: BackupId) -> Result<()> {
        self.store.delete(&place.manifest(id)?).await?;
        if let Some(keyed) = self.keyed(place).await?.remove(&id) {
            for key in keyed.others.iter().chain(&keyed.verdicts) {
                self.store.delete(key).await?;
            }
            if keyed.pinned {
                self.store.delete(&place.pin(id)?).await?;
            }
        }
        Ok(())
    }
}
