//! When backups are made: a cron expression in a time zone.

use std::{fmt, str::FromStr};

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use crate::{
    error::{Error, Result},
    secret::Digest,
};

/// When the backups of a source are made: `minute hour day-of-month month day-of-week`, and a time zone, which is UTC where
/// none is named, as in `0 2 * * * Europe/Berlin`.
///
/// `H` in the place of a number is one of the source's own, always the same: sources that all say `H 2 * * *` are not begun
/// at once.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    /// Of times as the zone's clocks show them.
    crontab: Crontab,
    zone: TimeZone,
}

impl Schedule {
    /// Reads a schedule of the source that is called `whose`.
    ///
    /// # Errors
    /// `invalid_input` where it cannot be read, names no zone that there is, or says a time that never comes, as `0 0 30 2 *`.
    pub fn new(text: &str, whose: &str) -> Result<Self> {
        let fields: Vec<_> = text.split_ascii_whitespace().collect();
        let (times, zone) = match fields.as_slice() {
            [times @ .., zone] if times.len() == 5 => (times, TimeZone::get(zone)),
            times => (times, Ok(TimeZone::UTC)),
        };
        let zone = zone.map_err(|error| wrong(text, &error.to_string()))?;
        let digest = Digest::of(whose.as_bytes());
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        options.hashed_value = digest.as_bytes().first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
        let crontab = cronexpr::parse_crontab_with(&times.join(" "), options);
        let crontab = crontab.map_err(|error| wrong(text, &error.to_string()))?;
        let schedule = Self { text: text.to_owned(), crontab, zone };
        schedule.after(Timestamp::UNIX_EPOCH)?;
        Ok(schedule)
    }

    /// The first of its times that is later than that. Where clocks are set back, the hour that comes twice counts when it
    /// comes first; where they are set forward, what falls into the hour that is left out is when they are.
    pub fn after(&self, at: Timestamp) -> Result<Timestamp> {
        let mut shown = self.zone.to_datetime(at);
        loop {
            shown = self.shown_after(shown).map_err(|error| wrong(&self.text, &error))?;
            let next = self.when(shown).map_err(|error| wrong(&self.text, &error.to_string()))?;
            // In an hour that comes for the second time, clocks show what has been already.
            if next > at {
                return Ok(next);
            }
        }
    }

    /// The next time that clocks show where they show this one, and nobody sets them.
    fn shown_after(&self, shown: DateTime) -> Result<DateTime, String> {
        let clock = TimeZone::UTC.to_timestamp(shown).map_err(|error| error.to_string())?;
        let next = self.crontab.find_next(clock).map_err(|error| error.to_string())?;
        Ok(next.datetime())
    }

    /// When the zone's clocks show that first; where they never do, when they are set forward past it.
    fn when(&self, shown: DateTime) -> Result<Timestamp, jiff::Error> {
        if let AmbiguousOffset::Gap { after, .. } = self.zone.to_ambiguous_timestamp(shown).offset() {
            let set = self.zone.following(after.to_timestamp(shown)?).next();
            if let Some(set) = set {
                return Ok(set.timestamp());
            }
        }
        self.zone.to_timestamp(shown)
    }

    /// Since when a backup is due, where the last was begun then. However many times have passed, it is one: what was missed
    /// is caught up once. Where none was ever begun, one is due.
    ///
    /// A clock that was set back makes none due before it is again where it was.
    pub fn due(&self, last: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>> {
        let Some(last) = last else { return Ok(Some(now)) };
        let next = self.after(last)?;
        Ok((next <= now).then_some(next))
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Schedule {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::new(text, "")
    }
}

fn wrong(text: &str, told: &str) -> Error {
    // It may be told with a picture of the expression: what is wrong is its last line.
    let why = told.lines().last().unwrap_or_default().trim_start_matches(['^', ' ', '|']).to_owned();
    Error::invalid_with(
        format!("`{}` is not a schedule: {why}", text.escape_default()),
        "say minute, hour, day of the month, month and day of the week, as in `0 2 * * *`, and a time zone if not UTC",
    )
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, civil::Date};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn each_night_has_its_backup_over_400_days_and_no_night_has_two() {
        let schedule: Schedule = "0 2 * * * Europe/Berlin".parse().unwrap();
        let (mut now, mut last) = (at("2025-10-20T00:00:00Z"), Some(at("2025-10-19T20:00:00Z")));
        let mut made = Vec::new();
        for _ in 0..400 * 24 * 12 {
            now += SignedDuration::from_mins(5);
            if schedule.due(last, now).unwrap().is_some() {
                last = Some(now);
                made.push(now);
            }
        }
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let days: Vec<Date> = made.iter().map(|at| zone.to_datetime(*at).date()).collect();
        assert_eq!(days.len(), 400);
        let odd: Vec<_> = days.windows(2).filter(|two| two[0].tomorrow().unwrap() != two[1]).collect();
        assert!(odd.is_empty(), "{odd:?}");
    }

    #[test]
    fn the_next_time_is_later_and_none_is_passed_over_wherever_clocks_are_set() {
        let texts = ["42 2 * * *", "H 2 * * *", "30 1-3 * * *", "*/7 * * * *", "0 0 * * *", "10 2 * * 0"];
        for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"] {
            let clocks = TimeZone::get(zone).unwrap();
            for set in clocks.following(at("2026-01-01T00:00:00Z")).take(2).map(|set| set.timestamp()) {
                for text in texts {
                    let schedule = Schedule::new(&format!("{text} {zone}"), "main").unwrap();
                    let mut now = set - SignedDuration::from_hours(26);
                    let mut next = schedule.after(now).unwrap();
                    while now < set + SignedDuration::from_hours(26) {
                        now += SignedDuration::from_mins(7);
                        let later = schedule.after(now).unwrap();
                        assert!(later > now, "{schedule}: {later} is not after {now}");
                        assert!(next <= now || next == later, "{schedule}: after {now}, {next} or {later}");
                        next = later;
                    }
                }
            }
        }
    }

    #[test]
    fn an_hour_that_comes_twice_counts_once_and_one_that_does_not_come_is_not_left_out() {
        let after = |text: &str, now| text.parse::<Schedule>().unwrap().after(at(now)).unwrap();
        // Clocks show 02:42 at 00:42Z, and at 01:42Z again.
        let night = "42 2 * * * Europe/Berlin";
        assert_eq!(after(night, "2026-10-25T00:10:00Z"), at("2026-10-25T00:42:00Z"));
        for now in ["2026-10-25T00:42:00Z", "2026-10-25T01:10:00Z", "2026-10-25T01:42:00Z"] {
            assert_eq!(after(night, now), at("2026-10-26T01:42:00Z"), "{now}");
        }
        // They are set from 02:00 to 03:00 at 01:00Z.
        assert_eq!(after(night, "2026-03-29T00:59:59Z"), at("2026-03-29T01:00:00Z"));
        assert_eq!(after(night, "2026-03-29T01:00:00Z"), at("2026-03-30T00:42:00Z"));
        let often = "*/20 * * * * Europe/Berlin";
        assert_eq!(after(often, "2026-03-29T00:50:00Z"), at("2026-03-29T01:00:00Z"));
        assert_eq!(after(often, "2026-03-29T01:00:00Z"), at("2026-03-29T01:20:00Z"));
    }

    #[test]
    fn what_was_missed_is_caught_up_once() {
        let schedule: Schedule = "0 2 * * *".parse().unwrap();
        assert!(schedule.due(None, at("2026-01-01T00:00:00Z")).unwrap().is_some());
        let last = Some(at("2026-01-01T02:00:01Z"));
        assert_eq!(schedule.due(last, at("2026-01-02T01:59:59Z")).unwrap(), None);
        let back = at("2026-01-09T15:00:00Z");
        assert_eq!(schedule.due(last, back).unwrap(), Some(at("2026-01-02T02:00:00Z")));
        assert_eq!(schedule.due(Some(back), back).unwrap(), None);
        assert_eq!(schedule.after(back).unwrap(), at("2026-01-10T02:00:00Z"));
    }

    #[test]
    fn a_clock_that_was_set_back_by_a_day_makes_none_due() {
        let schedule: Schedule = "0 2 * * *".parse().unwrap();
        let last = Some(at("2026-01-05T02:00:01Z"));
        for now in ["2026-01-04T02:00:02Z", "2026-01-05T02:00:01Z", "2026-01-06T01:59:59Z"] {
            assert_eq!(schedule.due(last, at(now)).unwrap(), None, "{now}");
        }
        assert!(schedule.due(last, at("2026-01-06T02:00:00Z")).unwrap().is_some());
    }

    #[test]
    fn sources_that_say_the_same_are_spread_and_each_keeps_its_time() {
        let begun = |whose: &str| {
            let schedule = Schedule::new("H 2 * * *", whose).unwrap();
            schedule.after(at("2026-01-01T00:00:00Z")).unwrap()
        };
        let all: std::collections::BTreeSet<_> = (0..60).map(|n| begun(&format!("source-{n}"))).collect();
        assert!(all.len() > 30, "{}", all.len());
        assert_eq!(begun("main"), begun("main"));
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_how_one_looks() {
        for text in
            ["", "daily", "0 2 * *", "61 2 * * *", "0 25 * * *", "0 2 * * * Nowhere/Land", "0 0 30 2 *"]
        {
            let refused = text.parse::<Schedule>().unwrap_err();
            assert!(refused.to_string().contains("is not a schedule: "), "{refused}");
            assert!(refused.hint().unwrap().contains("0 2 * * *"));
        }
    }
}
