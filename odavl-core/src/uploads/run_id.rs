//! The id of one analysis run, made by the client.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    error::{Error, Result},
    random,
};

/// A UUID (RFC 9562) that names one run of an analysis; the same run sent twice is recognised by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(u128);

impl RunId {
    /// A new random id. Version 4, because the JSON schema of SARIF 2.1.0 allows no version above 5.
    pub fn random() -> Result<Self> {
        let noise = u128::from_be_bytes(random::bytes()?);
        let cleared = noise & !((0xF << 76) | (0b11 << 62));
        Ok(Self(cleared | (4 << 76) | (0b10 << 62)))
    }

    /// The 16 bytes, most significant first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl FromStr for RunId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let hyphens_fit = text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
        let digits = text.replace('-', "");
        match u128::from_str_radix(&digits, 16) {
            Ok(bits) if bits != 0 && hyphens_fit && text.len() == 36 => Ok(Self(bits)),
            _ => Err(Error::invalid_with(
                "the run id is not a UUID",
                "write it as 8-4-4-4-12 hexadecimal digits, not all zero",
            )),
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(f, "{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RunId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_in_either_case_reads_back_in_lower_case() {
        let id: RunId = "3F0F8BB6-5a1b-4f4e-9d0b-0a6c1d6a7e11".parse().unwrap();
        assert_eq!(id.to_string(), "3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11");
    }

    #[test]
    fn what_is_not_a_uuid_is_refused() {
        for text in [
            "",
            "00000000-0000-0000-0000-000000000000",
            "3f0f8bb65a1b4f4e9d0b0a6c1d6a7e11",
            "3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e1",
            "3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e112",
            "+f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11",
            "3f0f8bb65-a1b-4f4e-9d0b-0a6c1d6a7e11",
            "3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7eé",
        ] {
            assert!(text.parse::<RunId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_new_id_is_of_version_4_and_its_own() {
        let id = RunId::random().unwrap();
        assert_eq!(id.to_string().as_bytes()[14], b'4');
        assert!(b"89ab".contains(&id.to_string().as_bytes()[19]));
        assert_ne!(id, RunId::random().unwrap());
    }
}
