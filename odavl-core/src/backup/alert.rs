//! What somebody should know of a source's backups: when one is late, failed, unverified, or of an unusual size, and when
//! that is over.

use std::{collections::BTreeSet, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::{error::Result, ids::BackupId};

/// How many complete backups before the last say what size is usual.
const USUAL: usize = 7;
/// With fewer than that, no size is usual.
const KNOWN: usize = 3;

/// A try to make a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How many bytes the dump had; or why there is none.
    pub outcome: Result<u64, String>,
}

/// What is known of a source's backups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// The tries, oldest first.
    pub attempts: Vec<Attempt>,
    /// When the newest backup that was verified was begun.
    pub verified: Option<Timestamp>,
    /// Which one could not be verified, and why.
    pub unverifiable: Option<String>,
}

/// What is expected of a source's backups.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// When they are begun.
    pub schedule: Schedule,
    /// How long after that a complete one should be there.
    pub late_after: SignedDuration,
    /// How old the newest verified one may become; `None` where none is verified.
    pub unverified_after: Option<SignedDuration>,
    /// Since when this is expected: what was before is nobody's fault.
    pub since: Timestamp,
}

/// Of what kind a trouble is: there is one of each at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TroubleKind {
    /// No complete backup came in time.
    Late,
    /// The last try failed, or made one that is bad.
    Failed,
    /// Nobody could find out whether a backup is good.
    Unverifiable,
    /// None was verified for too long.
    Unverified,
    /// The last one is at most half, or at least twice, as large as is usual.
    UnusualSize,
    /// One is dated in the future, and does not count: a clock was wrong.
    Future,
    /// Nobody knows: the store does not answer.
    Unreachable,
}

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Of what kind.
    pub kind: TroubleKind,
    /// What it is, in a sentence.
    pub detail: String,
}

/// What somebody is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "alert")]
pub enum Alert {
    /// It began.
    Trouble(Trouble),
    /// It is over.
    Recovered {
        /// What.
        kind: TroubleKind,
    },
    /// A backup was made: told where that is wished.
    Completed {
        /// Which.
        backup: BackupId,
        /// How many bytes the dump has.
        bytes: u64,
        /// How many are stored.
        stored_bytes: u64,
        /// How long it took.
        seconds: f64,
    },
}

impl TroubleKind {
    /// As it is stored and told to programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Unverifiable => "unverifiable",
            Self::Unverified => "unverified",
            Self::UnusualSize => "unusual_size",
            Self::Future => "future",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for TroubleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Unverifiable => "unverifiable",
            Self::Unverified => "unverified",
            Self::UnusualSize => "of unusual size",
            Self::Future => "dated in the future",
            Self::Unreachable => "unreachable",
        })
    }
}

impl Record {
    fn complete(&self) -> impl DoubleEndedIterator<Item = (Timestamp, u64)> {
        self.attempts.iter().filter_map(|attempt| Some((attempt.at, *attempt.outcome.as_ref().ok()?)))
    }

    /// What is wrong now.
    pub fn troubles(&self, expected: &Expectation, now: Timestamp) -> Result<Vec<Trouble>> {
        let found = [
            self.late(expected, now)?,
            self.failed(),
            self.unverifiable(),
            self.unverified(expected, now),
            self.unusual_size(),
        ];
        Ok(found.into_iter().flatten().collect())
    }

    fn late(&self, expected: &Expectation, now: Timestamp) -> Result<Option<Trouble>> {
        let last = self.complete().next_back().map(|(at, _)| at);
        let due = expected.schedule.after(last.unwrap_or(expected.since).max(expected.since))?;
        let by = due.checked_add(expected.late_after).unwrap_or(Timestamp::MAX);
        let last = last.map_or_else(|| "there is none".to_owned(), |last| format!("the last is of {last}"));
        let detail = format!("a complete backup was expected by {by}, and {last}");
        Ok((now > by).then_some(Trouble { kind: TroubleKind::Late, detail }))
    }

    fn failed(&self) -> Option<Trouble> {
        let last = self.attempts.last()?;
        let why = last.outcome.as_ref().err()?;
        let detail = format!("the backup that began at {} failed: {why}", last.at);
        Some(Trouble { kind: TroubleKind::Failed, detail })
    }

    fn unverifiable(&self) -> Option<Trouble> {
        let detail = self.unverifiable.clone()?;
        Some(Trouble { kind: TroubleKind::Unverifiable, detail })
    }

    fn unverified(&self, expected: &Expectation, now: Timestamp) -> Option<Trouble> {
        let within = expected.unverified_after?;
        let since = self.verified.unwrap_or(expected.since).max(expected.since);
        let detail = match self.verified {
            Some(verified) => format!("the newest backup that was restored and compared is of {verified}"),
            None => "no backup was restored and compared yet".to_owned(),
        };
        (now.duration_since(since) > within).then_some(Trouble { kind: TroubleKind::Unverified, detail })
    }

    fn unusual_size(&self) -> Option<Trouble> {
        let mut complete = self.complete().rev().map(|(_, size)| size);
        let last = complete.next()?;
        let mut before: Vec<_> = complete.take(USUAL).collect();
        if before.len() < KNOWN {
            return None;
        }
        before.sort_unstable();
        let usual = before.get(before.len() / 2).copied()?;
        let is_usual = last > usual / 2 && last < usual.saturating_mul(2) || last == usual;
        let detail = format!("the last backup has {last} bytes, where {usual} are usual");
        (!is_usual).then_some(Trouble { kind: TroubleKind::UnusualSize, detail })
    }
}

/// What somebody is told where troubles of these kinds were known, and those are there now: each once, at its beginning and its
/// end. While nobody can look, nothing has ended.
pub fn alerts(known: &BTreeSet<TroubleKind>, now: &[Trouble]) -> Vec<Alert> {
    let begun = now.iter().filter(|trouble| !known.contains(&trouble.kind)).cloned().map(Alert::Trouble);
    let now: BTreeSet<_> = now.iter().map(|trouble| trouble.kind).collect();
    let is_seen = !now.contains(&TroubleKind::Unreachable);
    let ended = known.iter().filter(|kind| is_seen && !now.contains(kind));
    begun.chain(ended.map(|kind| Alert::Recovered { kind: *kind })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    fn expectation(since: Timestamp) -> Expectation {
        let unverified_after = Some(HOUR * (8 * 24));
        Expectation { schedule: "0 2 * * *".parse().unwrap(), late_after: HOUR * 2, unverified_after, since }
    }

    /// Lets 400 nights pass, in each of which happens what `night` says; answers what was told on which night.
    fn nights(
        night: impl Fn(usize) -> Option<Result<u64, String>>,
        verifies: impl Fn(usize) -> bool,
    ) -> Vec<(usize, Alert)> {
        let begun: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let (expected, mut record) = (expectation(begun), Record::default());
        let (mut known, mut told) = (BTreeSet::new(), Vec::new());
        for number in 0..400 {
            let midnight = begun + HOUR * (i32::try_from(number).unwrap() * 24);
            if let Some(outcome) = night(number) {
                let at = midnight + HOUR * 2;
                if outcome.is_ok() && verifies(number) {
                    record.verified = Some(at);
                }
                record.attempts.push(Attempt { at, outcome });
            }
            for hour in 3..=24 {
                let now = record.troubles(&expected, midnight + HOUR * hour).unwrap();
                told.extend(alerts(&known, &now).into_iter().map(|alert| (number, alert)));
                known = now.iter().map(|trouble| trouble.kind).collect();
            }
        }
        told
    }

    fn kind(alert: &Alert) -> (TroubleKind, bool) {
        match alert {
            Alert::Trouble(trouble) => (trouble.kind, true),
            Alert::Recovered { kind } => (*kind, false),
            Alert::Completed { .. } => unreachable!("nobody asked for it"),
        }
    }

    fn kinds(told: Vec<(usize, Alert)>) -> Vec<(usize, TroubleKind, bool)> {
        let of = |(night, alert)| {
            let (kind, began) = kind(&alert);
            (night, kind, began)
        };
        told.into_iter().map(of).collect()
    }

    #[test]
    fn nobody_is_told_anything_while_all_is_well() {
        assert_eq!(nights(|night| Some(Ok(1000 + night as u64)), |_| true), []);
    }

    #[test]
    fn a_failure_a_missed_night_and_their_end_are_told_once_each() {
        use TroubleKind::{Failed, Late};
        let night = |night| match night {
            100 => Some(Err("pg_dump: connection refused".to_owned())),
            200..203 => None,
            _ => Some(Ok(1000)),
        };
        let told = kinds(nights(night, |_| true));
        assert_eq!(
            told,
            [
                (100, Failed, true),
                (100, Late, true),
                (101, Late, false),
                (101, Failed, false),
                (200, Late, true),
                (203, Late, false),
            ]
        );
    }

    #[test]
    fn half_and_twice_the_usual_size_are_told_and_growth_is_not() {
        use TroubleKind::UnusualSize;
        let night = |night| {
            Some(Ok(match night {
                50 => 500,
                60 => 2000,
                51..400 => 1000 + night as u64,
                _ => 1000,
            }))
        };
        let told = kinds(nights(night, |_| true));
        let at: Vec<_> = told.iter().map(|(night, kind, _)| (*night, *kind)).collect();
        assert_eq!(at, [(50, UnusualSize), (51, UnusualSize)]);
        let night = |night| Some(Ok(if night == 60 { 2000 } else { 1000 }));
        assert_eq!(kinds(nights(night, |_| true)), [(60, UnusualSize, true), (61, UnusualSize, false)]);
    }

    #[test]
    fn what_is_not_verified_for_eight_days_is_told() {
        use TroubleKind::Unverified;
        let told = kinds(nights(|_| Some(Ok(1000)), |night| !(100..120).contains(&night)));
        // The last that was verified is of the 99th night.
        assert_eq!(told, [(107, Unverified, true), (120, Unverified, false)]);
    }

    #[test]
    fn while_nobody_can_look_nothing_has_ended() {
        use TroubleKind::{Failed, Late, Unreachable};
        let now = |kinds: &[TroubleKind]| -> Vec<_> {
            kinds.iter().map(|kind| Trouble { kind: *kind, detail: String::new() }).collect()
        };
        let told = |known: &[TroubleKind], kinds: &[TroubleKind]| {
            alerts(&known.iter().copied().collect(), &now(kinds)).iter().map(kind).collect::<Vec<_>>()
        };
        assert_eq!(told(&[Late, Failed], &[Unreachable]), [(Unreachable, true)]);
        assert_eq!(told(&[Late, Failed, Unreachable], &[Unreachable]), []);
        assert_eq!(told(&[Late, Failed, Unreachable], &[Failed]), [(Late, false), (Unreachable, false)]);
    }

    #[test]
    fn an_empty_database_is_of_its_usual_size() {
        assert_eq!(nights(|_| Some(Ok(0)), |_| true), []);
    }
}
