//! Points in time, as people write them.

use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, civil::Date, tz::TimeZone};
use odavl_core::Error;

/// An instant (`2026-11-22T09:00:00Z`), the start of a day in UTC (`2026-11-22`), or a distance (`90d`, `12h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    At(Timestamp),
    Away(SignedDuration),
}

impl When {
    /// The instant, or that far after `now`.
    pub(crate) fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Away(distance) => now.checked_add(distance).unwrap_or(Timestamp::MAX),
        }
    }

    /// The instant, or that far before `now`.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Away(distance) => now.checked_sub(distance).unwrap_or(Timestamp::MIN),
        }
    }
}

/// A distance (`90d`, `12h`, `30m`); a day has 24 hours.
pub(crate) fn distance(text: &str) -> Result<SignedDuration, Error> {
    let span = text.parse::<Span>().ok();
    let distance = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    distance.filter(|distance| !distance.is_negative()).ok_or_else(|| {
        let detail = format!("`{}` is not a distance in time", text.escape_default());
        Error::invalid_with(detail, "write it like 90d, 12h or 30m")
    })
}

impl FromStr for When {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        let day = text.parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
        match day {
            Some(start) => Ok(Self::At(start.timestamp())),
            None => distance(text).map(Self::Away).map_err(|_| {
                let detail = format!("`{}` is not a point in time", text.escape_default());
                Error::invalid_with(detail, "write it like 2026-11-22, 2026-11-22T09:00:00Z, 90d or 12h")
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_days_and_distances_are_understood() {
        let now: Timestamp = "2026-11-22T09:00:00Z".parse().unwrap();
        for (text, after) in [
            ("2026-12-01T08:30:00Z", "2026-12-01T08:30:00Z"),
            ("2026-12-01T08:30:00+02:00", "2026-12-01T06:30:00Z"),
            ("2026-12-01", "2026-12-01T00:00:00Z"),
            ("2d", "2026-11-24T09:00:00Z"),
            ("90m", "2026-11-22T10:30:00Z"),
        ] {
            assert_eq!(text.parse::<When>().unwrap().after(now).to_string(), after, "{text}");
        }
        assert_eq!("1h".parse::<When>().unwrap().before(now).to_string(), "2026-11-22T08:00:00Z");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "soon", "-1d", "5", "1month", "2026-13-01"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
