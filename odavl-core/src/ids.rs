//! Typed identifiers: `TypeID`s over `UUIDv7` (RFC 9562), such as `org_01h455vb4pex5vsknk084sn02q`.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    error::{Error, Result},
    random,
    secret::Digest,
};

/// Crockford's base32 in lower case, as the `TypeID` specification 0.3 uses it.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The number of characters of an id after its prefix.
pub(crate) const SUFFIX: usize = 26;

fn encode(bits: u128) -> String {
    (0..SUFFIX)
        .rev()
        .map(|place| char::from(ALPHABET[usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default()]))
        .collect()
}

fn decode(suffix: &str) -> Option<u128> {
    let first_fits = suffix.as_bytes().first().is_some_and(|digit| (b'0'..=b'7').contains(digit));
    if suffix.len() != SUFFIX || !first_fits {
        return None;
    }
    suffix.bytes().try_fold(0_u128, |bits, digit| {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        Some((bits << 5) | u128::try_from(value).ok()?)
    })
}

/// `UUIDv7`: 48 bits of milliseconds, then 74 random bits.
fn uuid_v7(at: Timestamp) -> Result<u128> {
    let millis = u128::try_from(at.as_millisecond()).unwrap_or_default() & 0xFFFF_FFFF_FFFF;
    let noise = u128::from_be_bytes(random::bytes()?);
    let version = 7_u128 << 76;
    let variant = 2_u128 << 62;
    let noise_bits = noise & ((0xFFF << 64) | ((1 << 62) - 1));
    Ok((millis << 80) | version | variant | noise_bits)
}

/// `UUIDv8` (RFC 9562) of SHA-256: the same parts always give the same one. Each part goes in with its length.
fn uuid_v8(parts: &[&[u8]]) -> u128 {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend(*part);
    }
    let digest = Digest::of(&bytes);
    let head = digest.as_bytes().first_chunk().map_or(0, |head| u128::from_be_bytes(*head));
    let kept = !((0xF << 76) | (3 << 62));
    (head & kept) | (8 << 76) | (2 << 62)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What stands before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id that sorts by the time it was made.
            pub fn new(at: Timestamp) -> Result<Self> {
                uuid_v7(at).map(Self)
            }

            /// The id that `parts` always give: a retry that names the same things names the same id.
            pub fn derive(parts: &[&[u8]]) -> Self {
                Self(uuid_v8(parts))
            }

            /// The 26 characters after the prefix.
            pub fn suffix(self) -> String {
                encode(self.0)
            }

            /// The id with that suffix.
            pub fn from_suffix(suffix: &str) -> Option<Self> {
                decode(suffix).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.suffix())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(Self::from_suffix)
                    .ok_or_else(|| Error::not_found($kind, &text.escape_default()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A person.
    UserId = "usr", "user";
    /// An organisation.
    OrgId = "org", "organization";
    /// A project of an organisation.
    ProjectId = "prj", "project";
    /// An API key.
    KeyId = "key", "API key";
    /// A session: the family of refresh tokens of one login, or one browser's sign-in.
    SessionId = "ses", "session";
    /// A stored object.
    ObjectId = "obj", "object";
    /// An upload: a direct upload of an object, or a product's results.
    UploadId = "upl", "upload";
    /// A backup.
    BackupId = "bkp", "backup";
    /// An audit entry.
    AuditId = "aud", "audit entry";
    /// A reservation of units.
    ReservationId = "res", "reservation";
    /// An endpoint of webhooks.
    WebhookId = "whk", "webhook";
    /// Something that happened, and is told by webhooks.
    EventId = "evt", "event";
}

impl OrgId {
    /// In which of that many lanes the organisation is, on every node. The last bits of an id are random.
    pub fn lane(self, lanes: usize) -> usize {
        let lanes = u128::try_from(lanes.max(1)).unwrap_or(1);
        usize::try_from((self.0 & u128::from(u32::MAX)) % lanes).unwrap_or(0)
    }
}

impl ReservationId {
    /// What holds the units of an upload. It is told from the ids of callers' own reservations, which are all new ones,
    /// by its version.
    pub(crate) fn of_upload(upload: UploadId) -> Self {
        Self::derive(&[b"upload", &upload.0.to_be_bytes()])
    }

    /// Whether odavl holds something by it for itself, which ends when that is done and not when a caller says so.
    pub(crate) fn is_internal(self) -> bool {
        self.0 >> 76 & 0xF == 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_specification_s_example_encodes_and_decodes() {
        let bits = 0x0189_0a5d_ac96_774b_bcce_b302_099a_8057_u128;
        assert_eq!(encode(bits), "01h455vb4pex5vsknk084sn02q");
        assert_eq!(decode("01h455vb4pex5vsknk084sn02q"), Some(bits));
    }

    #[test]
    fn an_id_of_another_kind_or_out_of_range_is_not_found() {
        let id = OrgId::new(Timestamp::UNIX_EPOCH).unwrap();
        assert!(id.to_string().replace("org_", "key_").parse::<OrgId>().is_err());
        assert!("org_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<OrgId>().is_err());
        assert!("org_é1h2e8kqvbfwea724h75qc655".parse::<OrgId>().is_err());
    }

    #[test]
    fn a_derived_id_depends_on_every_part_and_on_where_parts_end() {
        let id = ReservationId::derive(&[b"ab", b"c"]);
        assert_eq!(id, ReservationId::derive(&[b"ab", b"c"]));
        assert_ne!(id, ReservationId::derive(&[b"a", b"bc"]));
        assert_ne!(id, ReservationId::derive(&[b"abc"]));
        assert_eq!((id.0 >> 76 & 0xF, id.0 >> 62 & 3), (8, 2));
    }

    #[test]
    fn what_holds_for_an_upload_is_told_from_what_a_caller_holds() {
        let upload = UploadId::new(Timestamp::UNIX_EPOCH).unwrap();
        let held = ReservationId::of_upload(upload);
        assert!(held.is_internal() && held.suffix() != upload.suffix());
        assert!(!ReservationId::new(Timestamp::UNIX_EPOCH).unwrap().is_internal());
    }

    #[test]
    fn ids_sort_by_the_millisecond_they_were_made() {
        let early = UserId::new(Timestamp::from_millisecond(1).unwrap()).unwrap();
        let late = UserId::new(Timestamp::from_millisecond(2).unwrap()).unwrap();
        assert!(early < late && early.to_string() < late.to_string());
    }
}
