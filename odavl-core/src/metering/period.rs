//! Over what time a limit counts. All bounds are UTC.

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};

/// The time over which a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// What is held now: no beginning and no end (gauges).
    Held,
    /// A month from that day (1 to 31, cut to the month's last day); 1 is the calendar month.
    Month(u8),
    /// A calendar day.
    Day,
    /// A fixed window of that many seconds (1 to 86,400), counted from the Unix epoch: a rate.
    Window(u32),
}

impl Period {
    /// The calendar month.
    pub const CALENDAR_MONTH: Self = Self::Month(1);

    /// Whether a limit over this period is a rate, refused as `rate_limited`.
    pub const fn is_rate(self) -> bool {
        matches!(self, Self::Window(_))
    }

    /// When the period that holds `at` began, and when the next begins; `None` for what is held.
    pub fn bounds(self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        match self {
            Self::Held => None,
            Self::Month(day) => month_bounds(day, at),
            Self::Day => {
                let midnight = at.to_zoned(TimeZone::UTC).date();
                Some((utc(midnight)?, utc(midnight.checked_add(1.day()).ok()?)?))
            }
            Self::Window(seconds) => {
                let start = at.as_second() - at.as_second().rem_euclid(i64::from(seconds));
                let start = Timestamp::from_second(start).ok()?;
                Some((start, start.checked_add(SignedDuration::from_secs(i64::from(seconds))).ok()?))
            }
        }
    }

    /// How long the period is, in seconds, for `RateLimit-Policy`; a month counts the days of the one at `at`.
    pub fn seconds(self, at: Timestamp) -> Option<u64> {
        let (start, end) = self.bounds(at)?;
        u64::try_from(end.as_second() - start.as_second()).ok()
    }
}

fn utc(date: Date) -> Option<Timestamp> {
    let midnight: DateTime = date.into();
    TimeZone::UTC.to_timestamp(midnight).ok()
}

/// The anchor day in the month of `date`, cut to its last day.
fn anchored(date: Date, day: u8) -> Option<Date> {
    let day = i8::try_from(day).ok()?.min(date.days_in_month());
    Date::new(date.year(), date.month(), day).ok()
}

fn month_bounds(day: u8, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let today = at.to_zoned(TimeZone::UTC).date();
    let first = today.first_of_month();
    let this = anchored(first, day)?;
    let (start, end) = if today < this {
        (anchored(first.checked_sub(1.month()).ok()?, day)?, this)
    } else {
        (this, anchored(first.checked_add(1.month()).ok()?, day)?)
    };
    Some((utc(start)?, utc(end)?))
}

/// `held`, `month`, `month:15`, `day`, `60s`: as in the configuration and in stored counters.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held => f.write_str("held"),
            Self::Month(1) => f.write_str("month"),
            Self::Month(day) => write!(f, "month:{day}"),
            Self::Day => f.write_str("day"),
            Self::Window(seconds) => write!(f, "{seconds}s"),
        }
    }
}

impl FromStr for Period {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str, most: u32| {
            let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|n| plain && (1..=most).contains(n))
        };
        let period = match text {
            "held" => Some(Self::Held),
            "month" => Some(Self::CALENDAR_MONTH),
            "day" => Some(Self::Day),
            _ => match (text.strip_prefix("month:"), text.strip_suffix('s')) {
                (Some(day), _) => number(day, 31).and_then(|day| u8::try_from(day).ok()).map(Self::Month),
                (None, Some(seconds)) => number(seconds, 86_400).map(Self::Window),
                (None, None) => None,
            },
        };
        period.ok_or_else(|| {
            Error::invalid_with(
                format!("`{}` is not a period", text.escape_default()),
                "use `month`, `month:15`, `day`, `held`, or a number of seconds such as `60s`",
            )
        })
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(period: &str, at: &str) -> (String, String) {
        let (start, end) = period.parse::<Period>().unwrap().bounds(at.parse().unwrap()).unwrap();
        (start.to_string(), end.to_string())
    }

    #[test]
    fn a_calendar_month_ends_where_the_next_begins() {
        let month = bounds("month", "2026-12-31T23:59:59.999999Z");
        assert_eq!(month, ("2026-12-01T00:00:00Z".into(), "2027-01-01T00:00:00Z".into()));
    }

    #[test]
    fn an_anchor_past_a_month_s_end_is_cut_to_its_last_day() {
        let expected = ("2028-02-29T00:00:00Z".into(), "2028-03-31T00:00:00Z".into());
        assert_eq!(bounds("month:31", "2028-03-30T12:00:00Z"), expected);
        let expected = ("2028-01-31T00:00:00Z".into(), "2028-02-29T00:00:00Z".into());
        assert_eq!(bounds("month:31", "2028-02-28T23:00:00Z"), expected);
    }

    #[test]
    fn windows_are_fixed_from_the_epoch() {
        let expected = ("2026-11-22T10:05:00Z".into(), "2026-11-22T10:06:00Z".into());
        assert_eq!(bounds("60s", "2026-11-22T10:05:59Z"), expected);
    }

    #[test]
    fn every_form_is_read_back_as_written() {
        for text in ["held", "month", "month:15", "day", "1s", "86400s"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for text in ["", "month:0", "month:32", "month:+5", "0s", "060s", "+60s", "86401s", "s", "week"] {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }
}
