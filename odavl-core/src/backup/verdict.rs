//! What was found out about a backup: verdicts, and what they come to.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    cipher::{Encryption, Identities, Sealed},
    fingerprint::Difference,
    retention::Proof,
};
use crate::{error::Result, ids::BackupId, storage::Sha256};

/// How thoroughly a backup was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// All its bytes were read, and are those that were stored.
    Bytes,
    /// It was restored, and compared.
    Restore,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is good.
    Passed,
    /// It is bad.
    Failed,
}

/// What was found out about a backup. Signed, and bound to the one manifest that it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// About which backup.
    pub backup: BackupId,
    /// The digest of its manifest's text.
    pub manifest: Sha256,
    /// How thoroughly it was looked at.
    pub tier: Tier,
    /// What came of it.
    pub outcome: Outcome,
    /// When it was begun.
    pub at: Timestamp,
    /// How many seconds it took.
    pub seconds: f64,
    /// What looked at it, as `odavl 0.1.0, pg_restore 15.7`.
    pub by: String,
    /// The [`Findings`].
    pub(super) sealed: Sealed,
}

/// What was found, for those alone who may read the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Why it is bad; empty where it is not.
    pub faults: Vec<String>,
    /// What else was seen.
    pub notes: Vec<String>,
}

/// The most differences that are told one by one.
const TOLD: usize = 100;

impl Findings {
    /// The same, and how what was restored differs.
    pub(super) fn differ(&mut self, differences: &[Difference]) {
        self.faults.extend(differences.iter().take(TOLD).map(ToString::to_string));
        if let Some(more) = differences.len().checked_sub(TOLD).filter(|more| *more > 0) {
            self.faults.push(format!("and {more} differences more"));
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        if self.faults.is_empty() { Outcome::Passed } else { Outcome::Failed }
    }

    pub(super) fn seal(&self, encryption: &Encryption) -> Result<Sealed> {
        Sealed::new(encryption, self)
    }
}

impl Verdict {
    /// What was found.
    pub fn findings(&self, identities: &Identities) -> Result<Findings> {
        self.sealed.open(identities)
    }

    /// When one is dated that was begun at `begun` and comes after these: later than they are, whatever a clock said, for the
    /// last word counts.
    pub(super) fn after(verdicts: &[Self], begun: Timestamp) -> Timestamp {
        let last = verdicts.iter().map(|verdict| verdict.at).max();
        let next = last.and_then(|last| last.checked_add(SignedDuration::from_micros(1)).ok());
        next.map_or(begun, |next| begun.max(next))
    }

    /// What all verdicts on a backup come to, in any order. The last word about its bytes counts; a restore proves that they
    /// were good, until they are found to be bad.
    pub(super) fn proof(verdicts: &[Self]) -> Proof {
        let last =
            |tier| verdicts.iter().filter(|verdict| verdict.tier == tier).max_by_key(|verdict| verdict.at);
        let failed =
            |verdict: Option<&Self>| verdict.is_some_and(|verdict| verdict.outcome == Outcome::Failed);
        match (last(Tier::Bytes), last(Tier::Restore)) {
            (bytes, restore) if failed(bytes) && bytes.map(|it| it.at) >= restore.map(|it| it.at) => {
                Proof::Failed
            }
            (_, restore) if failed(restore) => Proof::Failed,
            (_, Some(_)) => Proof::Verified,
            (_, None) => Proof::Unproved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(second: i64, tier: Tier, outcome: Outcome) -> Verdict {
        let at = Timestamp::from_second(second).unwrap();
        Verdict {
            backup: BackupId::derive(&[]),
            manifest: Sha256::of(b""),
            tier,
            outcome,
            at,
            seconds: 1.0,
            by: String::new(),
            sealed: Sealed::Open("{}".into()),
        }
    }

    #[test]
    fn only_a_restore_proves_a_backup_and_later_damage_ends_that() {
        use Outcome::{Failed, Passed};
        use Tier::{Bytes, Restore};
        for (verdicts, proof) in [
            (vec![], Proof::Unproved),
            (vec![(1, Bytes, Passed)], Proof::Unproved),
            (vec![(1, Bytes, Failed)], Proof::Failed),
            (vec![(1, Bytes, Passed), (2, Restore, Passed)], Proof::Verified),
            (vec![(1, Bytes, Failed), (2, Bytes, Passed), (3, Restore, Passed)], Proof::Verified),
            (vec![(2, Restore, Passed), (3, Bytes, Failed)], Proof::Failed),
            (vec![(2, Restore, Passed), (3, Bytes, Failed), (4, Bytes, Passed)], Proof::Verified),
            (vec![(1, Restore, Failed), (2, Bytes, Passed)], Proof::Failed),
            (vec![(1, Restore, Failed), (2, Restore, Passed)], Proof::Verified),
            (vec![(1, Restore, Passed), (2, Restore, Failed)], Proof::Failed),
        ] {
            let made = verdicts.iter().map(|(second, tier, outcome)| verdict(*second, *tier, *outcome));
            assert_eq!(Verdict::proof(&made.collect::<Vec<_>>()), proof, "{verdicts:?}");
        }
    }
}
