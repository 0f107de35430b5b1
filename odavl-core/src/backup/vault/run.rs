//! What is done each night: make a backup, look at it, and remove what no rule keeps.

use super::{Created, Entry, Pruned, Pruning, Vault, Verified, Which, Wish};
use crate::{
    backup::{
        cipher::Encryption,
        often::Often,
        place::Place,
        port::{Backup, Reading},
        scratch::Scratch,
        verdict::Tier,
    },
    error::Result,
};

/// How a source's backups are made, looked at and kept.
#[derive(Debug, Clone)]
pub struct RunPolicy {
    /// How they are made.
    pub wish: Wish,
    /// How often one is restored; `None` is [`Often::usual`].
    pub verify: Option<Often>,
    /// How they are kept.
    pub pruning: Pruning,
}

/// What came of it. A step is made only where the one before was made, and the backup is good.
#[derive(Debug)]
pub struct Ran {
    /// The backup. Its verdicts are those from before it was verified.
    pub created: Created,
    /// What was found out about it, or why nothing was.
    pub verified: Result<Verified>,
    /// Why it was not restored although it was due.
    pub spared: Option<&'static str>,
    /// What was removed; `None` where that was not tried.
    pub pruned: Option<Result<Pruned>>,
}

impl Vault {
    /// Makes a backup, verifies it, and removes those that no rule keeps. Nothing is removed after one that is not good.
    ///
    /// # Errors
    /// Whatever [`Vault::create`] fails with: then nothing else is done. How the other steps ended is in the answer; a `scratch`
    /// that cannot be reached keeps none from being made.
    pub async fn run(
        &self,
        place: &Place,
        database: &dyn Backup,
        scratch: Result<Scratch>,
        policy: &RunPolicy,
    ) -> Result<Ran> {
        let created = self.create(place, database, policy.wish).await?;
        let (verified, spared) = match self.tier(place, &created.entry, policy).await {
            Ok((tier, spared)) => (self.verify_by(tier, place, &created.entry, scratch).await, spared),
            Err(error) => (Err(error), None),
        };
        let pruned = match &verified {
            Ok(verified) if verified.passed() => Some(self.prune(place, &policy.pruning).await),
            _ => None,
        };
        Ok(Ran { created, verified, spared, pruned })
    }

    async fn verify_by(
        &self,
        tier: Tier,
        place: &Place,
        entry: &Entry,
        scratch: Result<Scratch>,
    ) -> Result<Verified> {
        let which = Which::Id(entry.manifest.id);
        match tier {
            Tier::Bytes => self.verify_bytes(place, which).await,
            // All bytes are proved on the way to the scratch database.
            Tier::Restore => self.verify(place, which, &scratch?).await,
        }
    }

    /// How thoroughly the backup is looked at; and why not more, where it is due and cannot be done.
    async fn tier(
        &self,
        place: &Place,
        made: &Entry,
        policy: &RunPolicy,
    ) -> Result<(Tier, Option<&'static str>)> {
        let manifest = &made.manifest;
        let listing = self.list(place).await?;
        let others = listing.backups.iter().filter(|entry| entry.manifest.id != manifest.id);
        let earlier: Vec<_> =
            others.map(|entry| (entry.manifest.timings.started_at, entry.proof())).collect();
        let often = policy.verify.unwrap_or_else(|| Often::usual(manifest.size));
        let tier = often.due(manifest.timings.started_at, &earlier);
        let spared = if policy.wish.dump.fingerprint == Reading::Without {
            Some("it was made without a fingerprint, so a restore can be compared with nothing")
        } else if matches!(self.keys.encryption, Encryption::For(_)) && self.keys.identities.is_empty() {
            Some("there is no identity here to read it with")
        } else {
            None
        };
        Ok(match (tier, spared) {
            (Tier::Restore, Some(why)) => (Tier::Bytes, Some(why)),
            (tier, _) => (tier, None),
        })
    }
}
