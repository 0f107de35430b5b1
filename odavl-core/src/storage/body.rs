//! Bytes on the way: streams that are read piece by piece, in bounded memory.

use std::{fmt, io::ErrorKind};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use super::digest::{Hasher, Sha256};
use crate::error::{Error, Result};

/// How many bytes the adapters of this crate move at a time.
pub const PIECE: usize = 256 * 1024;

/// A stream of bytes.
#[async_trait]
pub trait Body: Send {
    /// The next bytes; `None` at the end. After an error or the end it is not read again.
    async fn next(&mut self) -> Result<Option<Bytes>>;
}

/// A stream of bytes, whatever its source.
pub type BoxBody = Box<dyn Body>;

/// A stream of bytes that are in memory already.
pub fn full(bytes: impl Into<Bytes>) -> BoxBody {
    Box::new(Full(bytes.into()))
}

/// All bytes of `body`, unless they are more than `most`.
pub async fn collect(mut body: BoxBody, most: u64) -> Result<Bytes> {
    let mut all = BytesMut::new();
    while let Some(piece) = body.next().await? {
        if (all.len() as u64).saturating_add(piece.len() as u64) > most {
            return Err(Error::TooLarge { what: "the body".to_owned(), limit: most });
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

struct Full(Bytes);

#[async_trait]
impl Body for Full {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = self.0.split_to(self.0.len().min(PIECE));
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// What a sender said about the bytes to come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// How many; `None` where it is not known ahead.
    pub length: Option<u64>,
    /// Their digest; `None` where it is not known ahead.
    pub sha256: Option<Sha256>,
}

impl Expected {
    /// Exactly these bytes.
    pub const fn exactly(length: u64, sha256: Sha256) -> Self {
        Self { length: Some(length), sha256: Some(sha256) }
    }
}

/// A body that is measured as it is read, and ends in an error unless it is what was expected.
pub struct Checked {
    body: BoxBody,
    expected: Expected,
    length: u64,
    hasher: Hasher,
}

impl Checked {
    /// Reads `body` and holds it to `expected`.
    pub fn new(body: BoxBody, expected: Expected) -> Self {
        Self { body, expected, length: 0, hasher: Hasher::default() }
    }

    /// The next bytes. More than were expected is an error as soon as they come.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(piece) = self.body.next().await? else { return Ok(None) };
        self.length = self.length.saturating_add(piece.len() as u64);
        if let Some(length) = self.expected.length.filter(|length| self.length > *length) {
            return Err(Error::invalid(format!(
                "the body is longer than the {length} bytes that were declared"
            )));
        }
        self.hasher.update(&piece);
        Ok(Some(piece))
    }

    /// The length and digest of all bytes that were read, once they are proved to be what was expected.
    pub fn finish(self) -> Result<(u64, Sha256)> {
        let sha256 = self.hasher.finish();
        if let Some(length) = self.expected.length.filter(|length| self.length != *length) {
            let detail = format!("the body ended after {} of {length} bytes", self.length);
            return Err(Error::invalid_with(detail, "send it again, whole"));
        }
        if self.expected.sha256.is_some_and(|expected| expected != sha256) {
            let detail = format!("the body's SHA-256 is {sha256}, not the one that was declared");
            return Err(Error::invalid_with(detail, "send the bytes that the digest was made from"));
        }
        Ok((self.length, sha256))
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked")
            .field("expected", &self.expected)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// The error of a body that broke off while it was received.
pub fn broken(source: std::io::Error) -> Error {
    match source.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            Error::invalid_with("the body broke off", "send it again, whole")
        }
        _ => Error::unavailable("the body could not be read", Some(source.into())),
    }
}
