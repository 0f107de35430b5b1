//! How thoroughly a new backup is looked at: a pure rule.

use std::num::NonZeroU32;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{retention::Proof, verdict::Tier};

/// A dump that is larger is restored once a week, unless something else is said.
const LARGE: u64 = 50_000_000_000;
/// A week, less what nights differ in when they begin.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24 - 12);

/// How often a source's backups are restored and compared. All bytes of the others are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Often {
    /// Each of them.
    Each,
    /// One a week.
    Weekly,
    /// Every so many.
    Every(NonZeroU32),
    /// None.
    Never,
}

impl Often {
    /// Each one, unless the dump has more than 50 GB: then one a week.
    pub fn usual(size: u64) -> Self {
        if size <= LARGE { Self::Each } else { Self::Weekly }
    }

    /// How thoroughly a backup is looked at that was begun at `at`, where those before it are `earlier`, in any order. One
    /// that failed spares no other its restore, and neither does one that is dated later.
    pub fn due(self, at: Timestamp, earlier: &[(Timestamp, Proof)]) -> Tier {
        let mut earlier: Vec<_> = earlier.iter().filter(|(then, _)| *then <= at).collect();
        earlier.sort_by_key(|(then, _)| std::cmp::Reverse(*then));
        let verified = |(_, proof): &&(Timestamp, Proof)| *proof == Proof::Verified;
        let spared = match self {
            Self::Each => false,
            Self::Never => true,
            Self::Weekly => {
                earlier.into_iter().filter(verified).any(|(then, _)| at.duration_since(*then) < WEEK)
            }
            Self::Every(number) => {
                let others = usize::try_from(number.get() - 1).unwrap_or(usize::MAX);
                earlier.into_iter().take(others).any(|one| verified(&one))
            }
        };
        if spared { Tier::Bytes } else { Tier::Restore }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of so many nights' backups are restored.
    fn restored(often: Often, nights: u8, proof: impl Fn(u8) -> Proof) -> Vec<u8> {
        let mut earlier = Vec::new();
        let mut restored = Vec::new();
        for night in 0..nights {
            // Each night begins a little sooner or later than the others.
            let jitter = i64::from(night % 3) * 300;
            let at = Timestamp::from_second(i64::from(night) * 86_400 + 900 - jitter).unwrap();
            let due = often.due(at, &earlier) == Tier::Restore;
            earlier.push((at, if due { proof(night) } else { Proof::Unproved }));
            restored.extend(due.then_some(night));
        }
        restored
    }

    #[test]
    fn a_backup_is_restored_as_often_as_it_is_said() {
        let good = |_| Proof::Verified;
        assert_eq!(restored(Often::Each, 3, good), [0, 1, 2]);
        assert!(restored(Often::Never, 30, good).is_empty());
        assert_eq!(restored(Often::Weekly, 22, good), [0, 7, 14, 21]);
        let every = |number| Often::Every(NonZeroU32::new(number).unwrap());
        assert_eq!(restored(every(1), 3, good), [0, 1, 2]);
        assert_eq!(restored(every(4), 10, good), [0, 4, 8]);
    }

    #[test]
    fn one_that_is_bad_spares_no_other_its_restore() {
        let bad_first = |night| if night == 0 { Proof::Failed } else { Proof::Verified };
        assert_eq!(restored(Often::Weekly, 9, bad_first), [0, 1, 8]);
        let every = Often::Every(NonZeroU32::new(4).unwrap());
        assert_eq!(restored(every, 6, bad_first), [0, 1, 5]);
    }

    #[test]
    fn one_of_the_future_spares_none_and_the_order_does_not_matter() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let verified = |second| (at(second), Proof::Verified);
        let every = Often::Every(NonZeroU32::new(2).unwrap());
        for often in [Often::Weekly, every] {
            assert_eq!(often.due(at(1_000_000), &[verified(1_000_001)]), Tier::Restore);
        }
        let earlier = [verified(999_999), (at(1), Proof::Unproved)];
        assert_eq!(every.due(at(1_000_000), &earlier), Tier::Bytes);
        assert_eq!(every.due(at(1_000_000), &[earlier[1], earlier[0]]), Tier::Bytes);
    }

    #[test]
    fn what_is_large_is_restored_once_a_week_unless_it_is_said() {
        assert_eq!((Often::usual(LARGE), Often::usual(LARGE + 1)), (Often::Each, Often::Weekly));
    }
}
