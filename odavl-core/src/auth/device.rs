//! Device authorisation (RFC 8628): a code shown in a terminal, approved in a browser.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scope::Scopes;
use crate::{
    error::{Error, Result},
    ids::{OrgId, UserId},
    random,
    secret::Digest,
};

/// RFC 8628, 6.1: consonants only, so that no word appears and no digit is mistaken.
const CONSONANTS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What the person types: eight consonants, shown as `WDJB-MJHT`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; 8]);

impl UserCode {
    /// A new code: 20^8 are possible (34.5 bits), which is why entering one is throttled.
    pub fn new() -> Result<Self> {
        let mut code = [0; 8];
        let mut place = 0;
        while place < code.len() {
            // Bytes from 240 up would favour the first consonants.
            for byte in random::bytes::<16>()?.into_iter().filter(|byte| *byte < 240) {
                if let Some(letter) = code.get_mut(place) {
                    *letter = CONSONANTS[usize::from(byte % 20)];
                    place += 1;
                }
            }
        }
        Ok(Self(code))
    }

    /// What is stored instead of the code.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        write!(f, "{}-{}", &text[..4], &text[4..])
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(..)")
    }
}

impl FromStr for UserCode {
    type Err = Error;
    /// Case, hyphens and spaces do not matter.
    fn from_str(text: &str) -> Result<Self> {
        let letters: Vec<u8> = text
            .bytes()
            .filter(|byte| !matches!(byte, b'-' | b' '))
            .map(|byte| byte.to_ascii_uppercase())
            .collect();
        <[u8; 8]>::try_from(letters)
            .ok()
            .filter(|code| code.iter().all(|letter| CONSONANTS.contains(letter)))
            .map(Self)
            .ok_or_else(|| {
                Error::invalid_with("that is not a code", "type the eight letters that the terminal shows")
            })
    }
}

/// How far a device's request has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Nobody has answered.
    Pending,
    /// Someone said yes, for this organisation and these scopes.
    Approved {
        /// Who.
        user: UserId,
        /// For which organisation.
        org: OrgId,
        /// What was granted.
        scopes: Scopes,
    },
    /// Someone said no.
    Denied,
    /// The tokens were handed out: a code works once.
    Claimed,
}

/// A device's request to be signed in.
#[derive(Debug, Clone)]
pub struct DeviceGrant {
    /// The digest of the device's code.
    pub device_code: Digest,
    /// The digest of the person's code.
    pub user_code: Digest,
    /// The registered client.
    pub client_id: String,
    /// What it asked for.
    pub scopes: Scopes,
    /// Where it asked from, as text.
    pub address: Option<String>,
    /// How far it has come.
    pub state: DeviceState,
    /// How many seconds it must wait between polls; rises by 5 with every `slow_down`.
    pub interval: u32,
    /// When it last polled.
    pub polled_at: Option<Timestamp>,
    /// When it asked.
    pub created_at: Timestamp,
    /// When the codes end.
    pub expires_at: Timestamp,
    /// Counts the changes: a change based on an older one is a conflict.
    pub rev: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = UserCode::new().unwrap();
        let typed = code.to_string().to_lowercase().replace('-', " ");
        assert_eq!(typed.parse::<UserCode>().unwrap(), code);
        for wrong in ["", "BCDF", "BCDF-GHJA", "BCDF-GHJKL"] {
            assert!(wrong.parse::<UserCode>().is_err(), "{wrong}");
        }
    }
}
