//! What is measured.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};

/// The most units that a charge, a limit or a counter holds: 2^53 - 1, exact in every client's numbers.
pub const UNITS_MAX: u64 = (1 << 53) - 1;

/// A meter's name: a lower-case letter, then up to 63 lower-case letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterName(Arc<str>);

impl MeterName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MeterName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let fits = (1..=64).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid(format!("`{}` is not a meter's name", text.escape_default())))
        }
    }
}

impl fmt::Display for MeterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for MeterName {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MeterName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// How a meter's units add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeterKind {
    /// Counts what happened in a period: calls, runs, tokens.
    Sum,
    /// Holds what is there now: bytes stored. It is given back, and has no period.
    Gauge,
}

/// Something that is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meter {
    /// Its name, the same on every door.
    pub name: MeterName,
    /// How its units add up.
    pub kind: MeterKind,
}
