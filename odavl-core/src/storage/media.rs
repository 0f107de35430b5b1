//! What bytes are (media types), and which of them are asked for (ranges).

use std::{fmt, ops::Range, str::FromStr, sync::Arc};

use super::as_text;
use crate::error::{Error, Result};

/// A media type such as `application/json` (RFC 9110, 8.3.1), with parameters as they were written: at most 255
/// bytes of visible ASCII and spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaType(Arc<str>);

impl MediaType {
    /// `application/octet-stream`: just bytes.
    pub fn bytes() -> Self {
        Self("application/octet-stream".into())
    }

    /// The type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MediaType {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let (kind, subtype) = essence.trim_end_matches(' ').split_once('/').unwrap_or_default();
        let visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if text.len() <= 255 && is_token(kind) && is_token(subtype) && parameters.bytes().all(visible) {
            Ok(Self(text.trim_end_matches(' ').into()))
        } else {
            let detail = format!("`{}` is not a media type", text.escape_default());
            Err(Error::invalid_with(detail, "send one like `application/json`"))
        }
    }
}

/// RFC 9110, 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(MediaType);

/// One range of bytes, as a `Range` header asks for it (RFC 9110, 14.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// From an offset to the end: `bytes=5-`.
    From(u64),
    /// From an offset to another, inclusive: `bytes=5-9`.
    Within(u64, u64),
    /// The last so many: `bytes=-5`.
    Last(u64),
}

impl ByteRange {
    /// The bytes of an object of `size` bytes that the range takes; never none.
    pub fn resolve(self, size: u64) -> Result<Range<u64>> {
        let range = match self {
            Self::From(first) => first..size,
            Self::Within(first, last) => first..last.saturating_add(1).min(size),
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        if range.is_empty() {
            return Err(Error::invalid(format!("{self} takes none of {size} bytes")));
        }
        Ok(range)
    }
}

impl FromStr for ByteRange {
    type Err = Error;
    fn from_str(header: &str) -> Result<Self> {
        parse_range(header).ok_or_else(|| {
            let detail = format!("`{}` is not one range of bytes", header.escape_default());
            Error::invalid_with(detail, "ask for one range like `bytes=0-99`")
        })
    }
}

fn parse_range(header: &str) -> Option<ByteRange> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    match (first.is_empty(), last.is_empty()) {
        (false, true) => number(first).map(ByteRange::From),
        (true, false) => number(last).map(ByteRange::Last),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(ByteRange::Within(first, last))
        }
        (true, true) => None,
    }
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(first) => write!(f, "bytes={first}-"),
            Self::Within(first, last) => write!(f, "bytes={first}-{last}"),
            Self::Last(count) => write!(f, "bytes=-{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_cannot_carry_another_header() {
        for text in ["text/plain", "application/sarif+json; version=2.1.0", "image/svg+xml"] {
            assert_eq!(text.parse::<MediaType>().unwrap().as_str(), text);
        }
        for text in ["", "text", "text/", "/plain", "te xt/plain", "text/plain\r\nx: y", "text/plain; é"] {
            assert!(text.parse::<MediaType>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_range_takes_the_bytes_that_the_header_says() {
        for (header, range) in
            [("bytes=2-", 2..10), ("bytes=2-3", 2..4), ("bytes=2-99", 2..10), ("bytes=-3", 7..10)]
        {
            let parsed: ByteRange = header.parse().unwrap();
            assert_eq!(parsed.to_string(), header);
            assert_eq!(parsed.resolve(10).unwrap(), range);
        }
        assert_eq!(ByteRange::Last(99).resolve(10).unwrap(), 0..10);
    }

    #[test]
    fn a_range_that_takes_nothing_or_says_nothing_is_refused() {
        assert!(ByteRange::From(10).resolve(10).is_err());
        assert!(ByteRange::Last(0).resolve(10).is_err());
        assert!(ByteRange::Last(5).resolve(0).is_err());
        for header in ["", "bytes=", "bytes=-", "bytes=3-2", "bytes=+1-2", "bytes=0-1,3-4", "items=0-1"] {
            assert!(header.parse::<ByteRange>().is_err(), "{header:?}");
        }
    }
}
