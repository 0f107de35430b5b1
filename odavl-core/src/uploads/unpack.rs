//! Unpacking with a cap on everything that a hostile sender chooses.

use std::{
    io::{self, BufRead, BufReader, Read},
    str::FromStr,
};

use flate2::bufread::GzDecoder;
use ring::digest::{Context, SHA256};

use super::Caps;
use crate::error::{Error, Result};

/// How an upload is packed: the `Content-Encoding` that is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952, exactly one member.
    Gzip,
    /// RFC 8878, exactly one frame.
    Zstd,
}

impl Encoding {
    /// The name of the content coding (RFC 9110).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            _ => Err(Error::invalid_with(
                "the content encoding is not one that is understood",
                "send one of zstd, gzip, identity",
            )),
        }
    }
}

/// The unpacked bytes of an upload, counted and digested on the way.
///
/// A stream is one member or frame, and nothing after it: what is stored is the packed stream as it was sent, and
/// readers differ in what they make of a second member, so with one they would not all see what was checked.
pub struct Unpacked<R: Read> {
    decoder: Decoder<BufReader<Packed<R>>>,
    caps: Caps,
    digest: Context,
    len: u64,
}

impl<R: Read> Unpacked<R> {
    /// Unpacks `packed` within the caps.
    pub fn new(packed: R, encoding: Encoding, caps: &Caps) -> Result<Self> {
        let packed = BufReader::with_capacity(64 << 10, Packed { inner: packed, len: 0 });
        let decoder = Decoder::new(packed, encoding, caps)?;
        Ok(Self { decoder, caps: *caps, digest: Context::new(&SHA256), len: 0 })
    }

    /// The bytes that were unpacked so far.
    pub fn unpacked_len(&self) -> u64 {
        self.len
    }

    /// The packed bytes that were read so far; the decoder may be up to 64 KiB behind.
    pub fn packed_len(&self) -> u64 {
        self.decoder.packed().get_ref().len
    }

    /// SHA-256 of the bytes that were read.
    pub fn into_sha256(self) -> [u8; 32] {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.digest.finish().as_ref());
        sha256
    }

    fn within_caps(&self) -> Result<()> {
        if self.len > self.caps.unpacked {
            return Err(Error::TooLarge {
                what: "the unpacked upload".to_owned(),
                limit: self.caps.unpacked,
            });
        }
        let allowed = self.packed_len().saturating_mul(self.caps.ratio).max(RATIO_FREE);
        if self.len > allowed {
            return Err(Error::invalid_with(
                format!("the upload unpacks to more than {} times its size", self.caps.ratio),
                "send it without Content-Encoding",
            ));
        }
        Ok(())
    }
}

/// Unpacked bytes below which the ratio says nothing.
const RATIO_FREE: u64 = 1 << 20;

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let taken = self.decoder.read(buf)?;
        if taken == 0 && !buf.is_empty() {
            self.decoder.expect_end()?;
        }
        self.len += taken as u64;
        self.within_caps().map_err(io::Error::other)?;
        self.digest.update(&buf[..taken]);
        Ok(taken)
    }
}

enum Decoder<R: BufRead> {
    Identity(R),
    Gzip(GzDecoder<R>),
    Zstd(zstd::Decoder<'static, R>),
}

impl<R: BufRead> Decoder<R> {
    fn new(packed: R, encoding: Encoding, caps: &Caps) -> Result<Self> {
        let failed = |error: io::Error| Error::internal("zstd could not be set up", Some(error.into()));
        Ok(match encoding {
            Encoding::Identity => Self::Identity(packed),
            Encoding::Gzip => Self::Gzip(GzDecoder::new(packed)),
            Encoding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(packed).map_err(failed)?.single_frame();
                decoder.window_log_max(caps.window_log).map_err(failed)?;
                Self::Zstd(decoder)
            }
        })
    }

    fn packed(&self) -> &R {
        match self {
            Self::Identity(packed) => packed,
            Self::Gzip(decoder) => decoder.get_ref(),
            Self::Zstd(decoder) => decoder.get_ref(),
        }
    }

    fn packed_mut(&mut self) -> &mut R {
        match self {
            Self::Identity(packed) => packed,
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let (name, taken) = match self {
            Self::Identity(packed) => return packed.read(buf),
            Self::Gzip(decoder) => ("gzip", decoder.read(buf)),
            Self::Zstd(decoder) => ("zstd", decoder.read(buf)),
        };
        taken.map_err(|error| if is_own(&error) { error } else { io::Error::other(broken(name, &error)) })
    }

    fn expect_end(&mut self) -> io::Result<()> {
        if self.packed_mut().fill_buf()?.is_empty() {
            return Ok(());
        }
        Err(io::Error::other(Error::invalid_with(
            "there are bytes after the end of the packed stream",
            "pack the document as a single zstd frame or gzip member",
        )))
    }
}

fn is_own(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Error>())
}

fn broken(name: &str, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return Error::invalid_with(
            format!("the {name} stream ends too early"),
            "send it whole; check that Content-Length is the packed length",
        );
    }
    Error::invalid_with(
        format!("the upload cannot be unpacked as {name}: {}", error.to_string().to_lowercase()),
        "check that Content-Encoding says how the body is packed",
    )
}

/// The bytes as they were sent. Its failures are marked here, so that they never look like a broken stream.
struct Packed<R> {
    inner: R,
    len: u64,
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(buf) {
            Ok(taken) => {
                self.len += taken as u64;
                Ok(taken)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(io::Error::other(super::carried(error))),
        }
    }
}
