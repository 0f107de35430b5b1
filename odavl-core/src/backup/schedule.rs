//! When backups are made: a cron expression in a time zone.

use std::{fmt, str::FromStr};

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use jiff::{Timestamp, tz::TimeZone};

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
    /// `invalid_input` where it says no time that ever comes.
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
        Ok(Self { text: text.to_owned(), crontab, zone })
    }

    /// The next time after that one. Where clocks are set back, the hour that comes twice counts once; where they are set
    /// forward, what falls into the hour that is left out is when they have been.
    pub fn after(&self, at: Timestamp) -> Result<Timestamp> {
        let clock = TimeZone::UTC.to_timestamp(self.zone.to_datetime(at));
        let next = clock.map_err(|error| error.to_string()).and_then(|clock| {
            let next = self.crontab.find_next(clock).map_err(|error| error.to_string())?;
            self.zone.to_timestamp(next.datetime()).map_err(|error| error.to_string())
        });
        next.map_err(|error| wrong(&self.text, &error))
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
            let refused = text.parse::<Schedule>().and_then(|schedule| schedule.after(Timestamp::UNIX_EPOCH));
            let refused = refused.unwrap_err();
            assert!(refused.to_string().contains("is not a schedule: "), "{refused}");
            assert!(refused.hint().unwrap().contains("0 2 * * *"));
        }
    }
}
