//! Checksums of stored bytes: SHA-256 of the whole, or of the parts' digests.

use std::{fmt, str::FromStr};

use super::as_text;
use crate::{
    error::{Error, Result},
    secret::{Digest, hex},
};
use ring::digest::{Context, SHA256};

/// The SHA-256 of some bytes, written as 64 hexadecimal digits. It is no secret: see [`Digest`] for those.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }

    /// A digest that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest as S3's `x-amz-checksum-sha256` writes it.
    #[cfg(any(feature = "direct", feature = "s3"))]
    pub fn to_base64(self) -> String {
        use base64::{Engine, prelude::BASE64_STANDARD};
        BASE64_STANDARD.encode(self.0)
    }

    /// The digest that S3 wrote so.
    #[cfg(feature = "s3")]
    pub(super) fn from_base64(text: &str) -> Option<Self> {
        use base64::{Engine, prelude::BASE64_STANDARD};
        BASE64_STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Digest::from_hex(text)
            .map(|digest| Self(*digest.as_bytes()))
            .ok_or_else(|| Error::invalid_with("that is not a SHA-256", "send 64 hexadecimal digits"))
    }
}

/// Makes a [`Sha256`] from bytes as they come.
#[derive(Clone)]
pub struct Hasher(Context);

impl Hasher {
    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    pub fn finish(self) -> Sha256 {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.finish().as_ref());
        Sha256(bytes)
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(..)")
    }
}

/// What a store can prove of an object's bytes; written `sha256:<digest>`, or `sha256-<parts>:<digest>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// The SHA-256 of all bytes.
    Whole(Sha256),
    /// The SHA-256 of the parts' digests in order: what S3 keeps of a multipart upload.
    Composite {
        /// The digest.
        sha256: Sha256,
        /// How many parts.
        parts: u32,
    },
}

impl Checksum {
    /// The composite of parts with these digests.
    pub fn composite(parts: &[Sha256]) -> Self {
        let mut hasher = Hasher::default();
        for part in parts {
            hasher.update(part.as_bytes());
        }
        Self::Composite { sha256: hasher.finish(), parts: u32::try_from(parts.len()).unwrap_or(u32::MAX) }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(sha256) => write!(f, "sha256:{sha256}"),
            Self::Composite { sha256, parts } => write!(f, "sha256-{parts}:{sha256}"),
        }
    }
}

impl FromStr for Checksum {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let nonsense = || Error::invalid(format!("`{}` is not a checksum", text.escape_default()));
        let (kind, digest) = text.split_once(':').ok_or_else(nonsense)?;
        let sha256 = digest.parse()?;
        match kind.strip_prefix("sha256").ok_or_else(nonsense)?.strip_prefix('-') {
            Some(parts) => Ok(Self::Composite { sha256, parts: parts.parse().map_err(|_| nonsense())? }),
            None if kind == "sha256" => Ok(Self::Whole(sha256)),
            None => Err(nonsense()),
        }
    }
}

as_text!(Sha256, Checksum);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_in_pieces_is_the_digest_of_the_whole() {
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish(), Sha256::of(b"abc"));
        assert_eq!(Sha256::of(b"abc").to_string().parse::<Sha256>().unwrap(), Sha256::of(b"abc"));
    }

    #[test]
    fn a_composite_depends_on_the_order_of_the_parts() {
        let (a, b) = (Sha256::of(b"a"), Sha256::of(b"b"));
        assert_ne!(Checksum::composite(&[a, b]), Checksum::composite(&[b, a]));
    }

    #[test]
    fn a_checksum_survives_its_text() {
        for checksum in [Checksum::Whole(Sha256::of(b"a")), Checksum::composite(&[Sha256::of(b"a")])] {
            assert_eq!(checksum.to_string().parse::<Checksum>().unwrap(), checksum);
        }
        assert!("md5:00".parse::<Checksum>().is_err());
        assert!(format!("sha256x:{}", Sha256::of(b"")).parse::<Checksum>().is_err());
    }
}
