//! Which backups are kept: pure rules, and the reason for each decision.

use std::fmt;

use jiff::{SignedDuration, Timestamp, ToSpan, Zoned, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::BackupId,
};

/// The newest, where it is younger than the one before it by more than this, may be of a clock that was ahead.
const ALONE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many backups are kept of each kind; 0 is a rule that keeps none.
///
/// A rule counts hours, days, ... that have a backup, not those that have none, and keeps the last one of each. What one
/// rule keeps stays, whatever the others say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keep {
    /// The last so many.
    pub last: u32,
    /// The last one of so many hours.
    pub hourly: u32,
    /// The last one of so many days.
    pub daily: u32,
    /// The last one of so many weeks (ISO 8601, from Monday).
    pub weekly: u32,
    /// The last one of so many months.
    pub monthly: u32,
    /// The last one of so many years.
    pub yearly: u32,
    /// All of so many days before the newest one. Counted from there, and not from now: where backups have stopped coming,
    /// those that there are stay. One that comes more than a week after the one before it may be of a clock that was ahead:
    /// days are counted from the one before until another one comes.
    pub within_days: u32,
}

/// A policy that keeps something: one that is empty cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Keep", into = "Keep")]
pub struct Policy(Keep);

impl Policy {
    /// All of 30 days, and the last 7 whatever their dates.
    pub const PRODUCTION: Self = Self::all(30, 7);
    /// All of 7 days, and the last 3 whatever their dates.
    pub const STAGING: Self = Self::all(7, 3);

    const fn all(within_days: u32, last: u32) -> Self {
        Self(Keep { last, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, within_days })
    }

    /// The preset of that environment, where it has one.
    pub fn preset(environment: &str) -> Option<Self> {
        match environment {
            "production" => Some(Self::PRODUCTION),
            "staging" => Some(Self::STAGING),
            _ => None,
        }
    }

    /// Decides about the backups of one database in one environment, the newest first; only complete ones are asked about.
    ///
    /// `zone` says when days, weeks, months and years begin.
    pub fn decide(&self, candidates: &[Candidate], now: Timestamp, zone: &TimeZone) -> Vec<Decision> {
        let mut sorted: Vec<_> = candidates.iter().collect();
        sorted.sort_by_key(|candidate| std::cmp::Reverse((candidate.at, candidate.id)));
        let mut rules = Rules::new(self.0, counted_from(&sorted, now), zone);
        let mut newer_verified = false;
        let decide = |candidate: &&Candidate| {
            let mut keep = Vec::new();
            if candidate.at > now {
                keep.push(Why::Future);
            } else if candidate.proof != Proof::Failed {
                rules.keep(candidate, &mut keep);
            } else if !newer_verified {
                keep.push(Why::Failed);
            }
            if candidate.proof == Proof::Verified && candidate.at <= now && !newer_verified {
                keep.push(Why::NewestVerified);
                newer_verified = true;
            }
            if candidate.pinned == Pinned::Yes {
                keep.push(Why::Pinned);
            }
            Decision { backup: candidate.id, at: candidate.at, keep }
        };
        sorted.iter().map(decide).collect()
    }
}

impl TryFrom<Keep> for Policy {
    type Error = Error;
    fn try_from(keep: Keep) -> Result<Self> {
        if keep == Keep::default() {
            return Err(Error::invalid_with(
                "a retention policy that keeps nothing",
                "say how many to keep, such as `within_days = 30`; backups are removed one by one by their ids",
            ));
        }
        Ok(Self(keep))
    }
}

impl From<Policy> for Keep {
    fn from(policy: Policy) -> Self {
        policy.0
    }
}

/// What is known of whether a backup can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// It was restored, and was what had been dumped.
    Verified,
    /// Nobody has restored it yet.
    Unproved,
    /// It was tried, and is bad.
    Failed,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Verified => "verified by a restore",
            Self::Unproved => "not restored yet",
            Self::Failed => "bad",
        })
    }
}

/// Whether somebody said that a backup stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Pinned {
    Yes,
    No,
}

/// A complete backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub id: BackupId,
    /// When its snapshot was taken.
    pub at: Timestamp,
    /// What is known of it.
    pub proof: Proof,
    /// Whether it stays in any case.
    pub pinned: Pinned,
}

/// What is decided about a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Which.
    pub backup: BackupId,
    /// When its snapshot was taken.
    pub at: Timestamp,
    /// Why it is kept; it is removed where nothing says so.
    pub keep: Vec<Why>,
}

impl Decision {
    /// Whether it stays.
    pub fn is_kept(&self) -> bool {
        !self.keep.is_empty()
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.keep.is_empty() {
            return write!(f, "remove {}: no rule keeps it", self.backup);
        }
        let why: Vec<_> = self.keep.iter().map(Why::to_string).collect();
        write!(f, "keep {}: {}", self.backup, why.join(", "))
    }
}

/// Why a backup is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// Among the last ones.
    Last,
    /// The last of its hour.
    Hourly,
    /// The last of its day.
    Daily,
    /// The last of its week.
    Weekly,
    /// The last of its month.
    Monthly,
    /// The last of its year.
    Yearly,
    /// Of the days before the newest one.
    Within,
    /// The newest that was restored and found good.
    NewestVerified,
    /// Somebody said so.
    Pinned,
    /// It is dated later than now: one of the clocks is wrong, and it fills no place of another's.
    Future,
    /// It is bad, and none since was found good. It fills no place of a good one.
    Failed,
    /// The store does not let it be removed.
    Locked,
    /// Somebody verifies or restores it at the moment; or the newest that was verified, which may turn out to be bad.
    Verifying,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Last => "one of the last",
            Self::Hourly => "the last of its hour",
            Self::Daily => "the last of its day",
            Self::Weekly => "the last of its week",
            Self::Monthly => "the last of its month",
            Self::Yearly => "the last of its year",
            Self::Within => "within the days that are kept",
            Self::NewestVerified => "the newest that was verified",
            Self::Pinned => "pinned",
            Self::Future => "dated in the future",
            Self::Failed => "failed its verification, and none since was verified",
            Self::Locked => "the store does not let it be removed",
            Self::Verifying => "it, or the newest that was verified, is being verified or restored",
        })
    }
}

/// From where days are counted: the newest that is of the past and not known to be bad, or the one before where it is alone.
fn counted_from(sorted: &[&Candidate], now: Timestamp) -> Option<Timestamp> {
    let mut good = sorted
        .iter()
        .filter(|candidate| candidate.at <= now && candidate.proof != Proof::Failed)
        .map(|candidate| candidate.at);
    let newest = good.next()?;
    let before = good.next().filter(|before| newest.duration_since(*before) > ALONE);
    Some(before.unwrap_or(newest))
}

/// The rules on their way from the newest to the oldest.
struct Rules<'a> {
    zone: &'a TimeZone,
    slots: [Slot; 6],
    /// What is later than this is kept.
    since: Option<Timestamp>,
}

struct Slot {
    why: Why,
    left: u32,
    /// The hour, day, ... of the one that was kept last.
    filled: Option<i64>,
}

impl<'a> Rules<'a> {
    fn new(keep: Keep, counted_from: Option<Timestamp>, zone: &'a TimeZone) -> Self {
        let slot = |why, left| Slot { why, left, filled: None };
        let slots = [
            slot(Why::Last, keep.last),
            slot(Why::Hourly, keep.hourly),
            slot(Why::Daily, keep.daily),
            slot(Why::Weekly, keep.weekly),
            slot(Why::Monthly, keep.monthly),
            slot(Why::Yearly, keep.yearly),
        ];
        let since = counted_from.filter(|_| keep.within_days > 0).map(|from| {
            let first = from.to_zoned(zone.clone()).checked_sub(i64::from(keep.within_days).days());
            first.map_or(Timestamp::MIN, |first| first.timestamp())
        });
        Self { zone, slots, since }
    }

    fn keep(&mut self, candidate: &Candidate, keep: &mut Vec<Why>) {
        if self.since.is_some_and(|since| candidate.at > since) {
            keep.push(Why::Within);
        }
        let local = candidate.at.to_zoned(self.zone.clone());
        for slot in self.slots.iter_mut().filter(|slot| slot.left > 0) {
            let bucket = slot.why.bucket(&local);
            if bucket.is_none() || bucket != slot.filled {
                slot.filled = bucket;
                slot.left -= 1;
                keep.push(slot.why);
            }
        }
    }
}

impl Why {
    /// The hour, day, ... that `at` is in; `None` where each backup stands for itself.
    fn bucket(self, at: &Zoned) -> Option<i64> {
        let date = at.date();
        let year = i64::from(date.year());
        let month = year * 100 + i64::from(date.month());
        let day = month * 100 + i64::from(date.day());
        let week = date.iso_week_date();
        match self {
            Self::Hourly => Some(day * 100 + i64::from(at.hour())),
            Self::Daily => Some(day),
            Self::Weekly => Some(i64::from(week.year()) * 100 + i64::from(week.week())),
            Self::Monthly => Some(month),
            Self::Yearly => Some(year),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
