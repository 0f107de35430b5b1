//! Limits, where one stands against them, and what a refusal says.

use std::{fmt, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{meter::MeterName, period::Period};
use crate::ids::KeyId;

/// The percentages of a limit at which a warning is given, each once per meter and period.
pub const THRESHOLDS: [u8; 3] = [80, 90, 100];

/// Whose units a limit counts. Stored as the key's id, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "Option<KeyId>", from = "Option<KeyId>")]
pub enum Scope {
    /// All of the organisation's.
    Organization,
    /// Those of one of its keys.
    Key(KeyId),
}

impl From<Scope> for Option<KeyId> {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Organization => None,
            Scope::Key(id) => Some(id),
        }
    }
}

impl From<Option<KeyId>> for Scope {
    fn from(key: Option<KeyId>) -> Self {
        key.map_or(Self::Organization, Self::Key)
    }
}

/// A bound on one meter over one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// Whose units count.
    pub scope: Scope,
    /// Over what time.
    pub period: Period,
    /// The most units; `None` is unlimited (counted, never refused).
    pub max: Option<u64>,
    /// The most that is admitted: `max` for a hard limit, more or `None` for a soft one.
    pub ceiling: Option<u64>,
}

impl Limit {
    /// A limit that refuses what passes `max`.
    pub const fn hard(scope: Scope, period: Period, max: Option<u64>) -> Self {
        Self { scope, period, max, ceiling: max }
    }

    /// The highest threshold that `used` has reached; `None` below the first, or when unlimited.
    pub fn warning(&self, used: u64) -> Option<u8> {
        THRESHOLDS.into_iter().rev().find(|percent| self.reaches(used, *percent))
    }

    /// Whether `used` has reached that percentage of the limit; nothing reaches what is unlimited.
    pub(crate) fn reaches(&self, used: u64, percent: u8) -> bool {
        let reached = |max: u64| u128::from(used) * 100 >= u128::from(max) * u128::from(percent);
        used > 0 && self.max.is_some_and(reached)
    }
}

/// Where a meter stands against one of its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The meter.
    pub meter: MeterName,
    /// What this request charged; 0 where nothing was asked.
    pub units: u64,
    /// What is used in the period, this request and open reservations included.
    pub used: u64,
    /// The limit; `None` is unlimited.
    pub limit: Option<u64>,
    /// What is left; `None` is unlimited.
    pub remaining: Option<u64>,
    /// When the period ends; `None` for what is held.
    pub resets_at: Option<Timestamp>,
    /// The highest threshold reached (80, 90 or 100).
    pub warning: Option<u8>,
    /// Over what time the limit counts.
    pub period: Period,
    /// The key whose own limit this is; `None` for the organisation's.
    pub key_id: Option<KeyId>,
}

impl Standing {
    /// Where `meter` stands when `used` units are used after a charge of `units`.
    pub fn new(meter: MeterName, units: u64, limit: &Limit, used: u64, at: Timestamp) -> Self {
        Self {
            meter,
            units,
            used,
            limit: limit.max,
            remaining: limit.max.map(|max| max.saturating_sub(used)),
            resets_at: limit.period.bounds(at).map(|(_, end)| end),
            warning: limit.warning(used),
            period: limit.period,
            key_id: limit.scope.into(),
        }
    }
}

/// Whether a refused limit was a rate or a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// A limit over a short window.
    Rate,
    /// A limit over a period, or of what is held.
    Quota,
}

/// A limit that refused a charge. Nothing was charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Where the meter stands; `units` is what was asked.
    pub standing: Standing,
    /// When it was refused.
    pub at: Timestamp,
}

impl Refusal {
    /// Whether a rate or a quota refused.
    pub const fn kind(&self) -> RefusalKind {
        if self.standing.period.is_rate() { RefusalKind::Rate } else { RefusalKind::Quota }
    }

    /// How long to wait: until the period ends, where that is within an hour.
    pub fn retry_after(&self) -> Option<Duration> {
        let wait = self.standing.resets_at?.duration_since(self.at);
        let seconds = wait.as_secs() + i64::from(wait.subsec_nanos() > 0);
        u64::try_from(seconds).ok().filter(|seconds| *seconds <= 3600).map(Duration::from_secs)
    }

    pub(crate) fn hint(&self) -> String {
        match (self.kind(), self.standing.resets_at) {
            (RefusalKind::Rate, _) => "slow down and try again".to_owned(),
            (RefusalKind::Quota, Some(at)) => format!("it resets at {at}; a larger plan has more"),
            (RefusalKind::Quota, None) => {
                "delete what is no longer needed; a larger plan has more".to_owned()
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Standing { meter, units, used, limit, period, .. } = &self.standing;
        let limit = limit.unwrap_or_default();
        match period {
            Period::Held => write!(f, "{meter}: {used} of {limit} are held, {units} more do not fit"),
            _ => write!(f, "{meter}: {used} of {limit} are used, {units} more do not fit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_reached_at_the_exact_unit() {
        let limit = Limit::hard(Scope::Organization, Period::Day, Some(10));
        let warnings: Vec<_> = [0, 7, 8, 9, 10, 11].map(|used| limit.warning(used)).into();
        assert_eq!(warnings, [None, None, Some(80), Some(90), Some(100), Some(100)]);
    }

    #[test]
    fn a_limit_of_zero_and_an_unlimited_one_give_no_warning_for_nothing() {
        assert_eq!(Limit::hard(Scope::Organization, Period::Day, Some(0)).warning(0), None);
        assert_eq!(Limit::hard(Scope::Organization, Period::Day, None).warning(5), None);
    }
}
