//! History: how windows are cut, and how rollups become buckets.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    period::Period,
    port::{Bucket, Grouping, HistoryQuery, Resolution},
};

impl Resolution {
    /// When the window that holds `at` began.
    pub fn start(self, at: Timestamp) -> Timestamp {
        self.period().bounds(at).map_or(at, |(start, _)| start)
    }

    /// When the window that holds `at` ends and the next begins.
    pub fn end(self, at: Timestamp) -> Timestamp {
        self.period().bounds(at).map_or(at, |(_, end)| end)
    }

    /// The resolution as it is written on every door.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The rollups that history of this resolution is read from.
    pub(super) const fn rollup(self) -> Self {
        match self {
            Self::Hour => Self::Hour,
            Self::Day | Self::Month => Self::Day,
        }
    }

    const fn period(self) -> Period {
        match self {
            Self::Hour => Period::Window(3600),
            Self::Day => Period::Day,
            Self::Month => Period::CALENDAR_MONTH,
        }
    }
}

/// The rollups that every line of the ledger is added to.
pub(super) const ROLLUPS: [Resolution; 2] = [Resolution::Hour, Resolution::Day];

impl HistoryQuery {
    /// From when and until when rollups are read: whole windows.
    pub(super) fn span(&self) -> (Timestamp, Timestamp) {
        let last = self.to.checked_sub(SignedDuration::from_micros(1)).unwrap_or(self.to);
        let from = self.resolution.start(self.from);
        (from, self.resolution.end(last).max(from))
    }
}

/// A rollup, or the sum of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rollup {
    pub(super) start: Timestamp,
    pub(super) subject: String,
    pub(super) units: i64,
    pub(super) count: u64,
}

/// What a gauge held, to tell closing values from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    /// What it held at the end of the span.
    pub(super) at_end: i64,
    /// When its first window began; nothing is told of the time before.
    pub(super) since: Timestamp,
    /// The present: nothing is told of windows that have not begun.
    pub(super) now: Timestamp,
}

/// The buckets of `query`, in time order, from the rollups of its span; `held` is set for a gauge's total.
pub(super) fn buckets(query: &HistoryQuery, rollups: Vec<Rollup>, held: Option<Held>) -> Vec<Bucket> {
    let mut sums: BTreeMap<(Timestamp, String), (i64, u64)> = BTreeMap::new();
    for Rollup { start, subject, units, count } in rollups {
        let subject = if query.grouping == Grouping::Total { String::new() } else { subject };
        let sum = sums.entry((query.resolution.start(start), subject)).or_default();
        *sum = (sum.0.saturating_add(units), sum.1.saturating_add(count));
    }
    if let Some(held) = held {
        fill(query, held, &mut sums);
    }
    let bucket = |((start, subject), (units, count))| Bucket { start, subject, units, count, closing: None };
    let mut buckets: Vec<_> = sums.into_iter().map(bucket).collect();
    if let Some(held) = held {
        close(&mut buckets, held.at_end);
    }
    buckets
}

/// A gauge holds something in windows in which nothing happens, too.
fn fill(query: &HistoryQuery, held: Held, sums: &mut BTreeMap<(Timestamp, String), (i64, u64)>) {
    let (from, to) = query.span();
    let mut start = from.max(query.resolution.start(held.since));
    while start < to && start <= held.now {
        sums.entry((start, String::new())).or_default();
        let next = query.resolution.end(start);
        if next <= start {
            return;
        }
        start = next;
    }
}

/// Counts back from what was held at the end.
fn close(buckets: &mut [Bucket], at_end: i64) {
    let mut closing = at_end;
    for bucket in buckets.iter_mut().rev() {
        bucket.closing = Some(u64::try_from(closing).unwrap_or(0));
        closing = closing.saturating_sub(bucket.units);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(resolution: Resolution, from: &str, to: &str) -> HistoryQuery {
        HistoryQuery {
            meter: "storage_bytes".parse().unwrap(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            resolution,
            grouping: Grouping::Total,
        }
    }

    fn rollup(start: &str, units: i64) -> Rollup {
        Rollup { start: start.parse().unwrap(), subject: "key_1".to_owned(), units, count: 1 }
    }

    #[test]
    fn a_span_is_whole_windows_and_ends_with_the_one_before_to() {
        let day = query(Resolution::Day, "2026-11-03T10:00:00Z", "2026-11-05T00:00:00Z");
        let expected = ("2026-11-03T00:00:00Z".parse().unwrap(), "2026-11-05T00:00:00Z".parse().unwrap());
        assert_eq!(day.span(), expected);
        let day = query(Resolution::Day, "2026-11-03T10:00:00Z", "2026-11-05T00:00:00.000001Z");
        assert_eq!(day.span().1, "2026-11-06T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn months_are_summed_from_days() {
        let query = query(Resolution::Month, "2026-10-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let days = vec![
            rollup("2026-10-31T00:00:00Z", 1),
            rollup("2026-11-01T00:00:00Z", 2),
            rollup("2026-11-30T00:00:00Z", 4),
        ];
        let units: Vec<_> = buckets(&query, days, None).iter().map(|bucket| bucket.units).collect();
        assert_eq!(units, [1, 6]);
    }

    #[test]
    fn a_gauge_closes_every_window_since_its_first_and_none_to_come() {
        let query = query(Resolution::Day, "2026-11-01T00:00:00Z", "2026-11-30T00:00:00Z");
        let held = Held {
            at_end: 70,
            since: "2026-11-03T00:00:00Z".parse().unwrap(),
            now: "2026-11-06T10:00:00Z".parse().unwrap(),
        };
        let days = vec![rollup("2026-11-03T00:00:00Z", 100), rollup("2026-11-05T00:00:00Z", -30)];
        let closing: Vec<_> = buckets(&query, days, Some(held)).iter().map(|b| b.closing.unwrap()).collect();
        assert_eq!(closing, [100, 100, 70, 70]);
    }
}
