//! Secrets at rest: one master key outside the database, a key of its own for each purpose, and an AEAD that
//! binds what it seals to its table, row and column.
//!
//! Sealed is `version (1 byte) | nonce (12) | ciphertext | tag (16)`, with ChaCha20-Poly1305: it is constant-time on
//! every processor, and a repeated nonce would expose the two messages alone, where with AES-GCM it would give
//! away the key that authenticates all. Random nonces of 96 bits are safe far beyond the secrets that a service
//! has (2^32 under one key).

mod file;

use std::{fmt, str::FromStr};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac::{self, HMAC_SHA256},
};

use crate::{
    error::{Error, Result},
    random,
    secret::{Digest, Secret, hex},
};

const SALT: &[u8] = b"odavl master key 1";

/// The installation's master key, with the versions before it: what was sealed under one of those still opens.
///
/// As text, a line (or a word) for each version, the oldest first, each 32 bytes in hexadecimal or base64. So a
/// key is rotated by adding a line, on every node; the last one seals.
#[derive(Clone)]
pub struct MasterKey {
    /// Pseudo-random keys (RFC 5869): the versions before the newest, version 1 first.
    older: Vec<hmac::Key>,
    newest: hmac::Key,
}

/// Where a sealed secret is kept. It opens there and nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The row: its primary key, as text.
    pub row: &'a str,
    /// The column.
    pub column: &'a str,
}

impl MasterKey {
    /// A master key of one version.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self { older: Vec::new(), newest: extract(bytes) }
    }

    /// A new master key, and its text.
    pub fn generate() -> Result<(Self, Secret<String>)> {
        let bytes = random::bytes::<32>()?;
        Ok((Self::new(&bytes), Secret::new(hex(&bytes))))
    }

    /// The key for `purpose` under the newest version.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        expand(&self.newest, &format!("odavl derive 1\0{purpose}"))
    }

    /// The keys for `purpose` under the versions before, the newest first: what was made before a rotation is
    /// checked with those.
    pub fn derive_older(&self, purpose: &str) -> Vec<[u8; 32]> {
        let info = format!("odavl derive 1\0{purpose}");
        self.older.iter().rev().map(|version| expand(version, &info)).collect()
    }

    /// What it is known by in the database, where it says nothing of itself: by its newest version, and by those before, the
    /// newest first.
    pub fn checks(&self) -> (Digest, Vec<Digest>) {
        const PURPOSE: &str = "master key check";
        let of = |key: [u8; 32]| Digest::of(&key);
        (of(self.derive(PURPOSE)), self.derive_older(PURPOSE).into_iter().map(of).collect())
    }

    /// Seals `secret` for that place, under the newest version.
    pub fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>> {
        let failed = || Error::internal(format!("a secret for {place} could not be sealed"), None);
        let version = u8::try_from(self.older.len() + 1).map_err(|_| failed())?;
        let key = self.sealing_key(version).ok_or_else(failed)?;
        let nonce = random::bytes::<NONCE_LEN>()?;
        let mut body = secret.to_vec();
        let bound = Aad::from(place.bound(version));
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound, &mut body)
            .map_err(|_| failed())?;
        Ok([&[version], nonce.as_slice(), &body].concat())
    }

    /// Opens what was sealed for that place. Anything else is `corrupted`.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>> {
        let opened = sealed.split_first_chunk::<{ 1 + NONCE_LEN }>().and_then(|(head, body)| {
            let (version, nonce) = head.split_first()?;
            let key = self.sealing_key(*version)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut body = body.to_vec();
            let bound = Aad::from(place.bound(*version));
            key.open_in_place(nonce, bound, &mut body).ok().map(|secret| Secret::new(secret.to_vec()))
        });
        opened.ok_or_else(|| Error::corrupted(format!("{place} does not open under the master key"), None))
    }

    fn sealing_key(&self, version: u8) -> Option<LessSafeKey> {
        let place = usize::from(version).checked_sub(1)?;
        let version = self.older.iter().chain([&self.newest]).nth(place)?;
        let key = expand(version, "odavl seal 1");
        UnboundKey::new(&CHACHA20_POLY1305, &key).ok().map(LessSafeKey::new)
    }
}

impl Place<'_> {
    /// Each part goes in with its length, so that no two places have the same bytes.
    fn bound(&self, version: u8) -> Vec<u8> {
        let mut bytes = vec![version];
        for part in [self.table, self.row, self.column] {
            bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} of `{}`", self.table, self.column, self.row.escape_default())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

impl FromStr for MasterKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let versions: Option<Vec<_>> =
            text.split_whitespace().map(|word| key_bytes(word).as_ref().map(extract)).collect();
        let known = versions.filter(|versions| versions.len() <= 255).and_then(|mut older| {
            let newest = older.pop()?;
            Some(Self { older, newest })
        });
        known.ok_or_else(|| {
            Error::invalid_with(
                "that is not a master key",
                "a master key is 32 random bytes in hexadecimal or base64, such as `openssl rand -hex 32` makes",
            )
        })
    }
}

/// 64 hexadecimal digits, or base64 of either alphabet with or without padding.
fn key_bytes(word: &str) -> Option<[u8; 32]> {
    if let Some(bytes) = Digest::from_hex(word) {
        return Some(*bytes.as_bytes());
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE]
        .iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(word).ok())
        .and_then(|bytes| bytes.try_into().ok())
}

/// HKDF-Extract (RFC 5869) with SHA-256.
fn extract(bytes: &[u8; 32]) -> hmac::Key {
    let salt = hmac::Key::new(HMAC_SHA256, SALT);
    hmac::Key::new(HMAC_SHA256, hmac::sign(&salt, bytes).as_ref())
}

/// HKDF-Expand to one block, which is one HMAC: unlike `ring::hkdf`, it has no failure that someone would have to
/// answer with a key of zeros.
fn expand(key: &hmac::Key, info: &str) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    context.update(info.as_bytes());
    context.update(&[1]);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "signing_keys", row: "k1", column: "sealed" };

    fn key(byte: u8) -> MasterKey {
        MasterKey::new(&[byte; 32])
    }

    #[test]
    fn what_was_sealed_opens_in_its_place() {
        let sealed = key(1).seal(PLACE, b"canary").unwrap();
        assert_eq!(key(1).open(PLACE, &sealed).unwrap().reveal(), b"canary");
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_ne!(sealed, key(1).seal(PLACE, b"canary").unwrap());
    }

    #[test]
    fn another_table_row_column_or_key_does_not_open_it() {
        let sealed = key(1).seal(PLACE, b"canary").unwrap();
        let elsewhere = [
            Place { table: "webhooks", ..PLACE },
            Place { row: "k2", ..PLACE },
            Place { column: "secret", ..PLACE },
            Place { table: "signing_keysk", row: "1", ..PLACE },
        ];
        for place in elsewhere {
            assert!(key(1).open(place, &sealed).is_err(), "{place}");
        }
        assert_eq!(key(2).open(PLACE, &sealed).unwrap_err().code(), crate::ErrorCode::Corrupted);
    }

    #[test]
    fn a_cut_or_changed_secret_does_not_open() {
        let sealed = key(1).seal(PLACE, b"canary").unwrap();
        for end in 0..sealed.len() {
            assert!(key(1).open(PLACE, &sealed[..end]).is_err(), "cut at {end}");
        }
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key(1).open(PLACE, &changed).is_err(), "changed at {place}");
        }
    }

    #[test]
    fn a_rotated_key_opens_what_the_one_before_sealed_and_seals_with_the_new_one() {
        let (old, new) = ("01".repeat(32), "02".repeat(32));
        let before: MasterKey = old.parse().unwrap();
        let both: MasterKey = format!("{old}\n{new}\n").parse().unwrap();
        let sealed = before.seal(PLACE, b"canary").unwrap();
        assert_eq!(both.open(PLACE, &sealed).unwrap().reveal(), b"canary");
        assert!(before.open(PLACE, &both.seal(PLACE, b"canary").unwrap()).is_err());
        assert_eq!(both.derive_older("audit"), [before.derive("audit")]);
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        assert_ne!(key(1).derive("audit"), key(1).derive("refresh"));
        assert_ne!(key(1).derive("audit"), key(2).derive("audit"));
    }

    #[test]
    fn keys_are_derived_as_rfc_5869_says() {
        let mut wanted = [0; 32];
        let info = [b"odavl derive 1\0audit".as_slice()];
        let prk = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, SALT).extract(&[1; 32]);
        prk.expand(&info, ring::hkdf::HKDF_SHA256).unwrap().fill(&mut wanted).unwrap();
        assert_eq!(key(1).derive("audit"), wanted);
    }

    #[test]
    fn a_key_is_read_from_hexadecimal_and_base64() {
        let wanted = MasterKey::new(&[0xfb; 32]).derive("audit");
        let texts = ["fb".repeat(32), "+/v7".repeat(10) + "+/s=", "-_v7".repeat(10) + "-_s"];
        for text in texts {
            assert_eq!(text.parse::<MasterKey>().unwrap().derive("audit"), wanted, "{text}");
        }
        for wrong in ["", " \n", "00", &"0".repeat(63), &"zz".repeat(32)] {
            assert!(wrong.parse::<MasterKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", key(1)), "MasterKey(..)");
    }
}
