//! Stored objects as people see them: their names, and what is known about their bytes.

use std::{fmt, str::FromStr, sync::Arc};

use jiff::Timestamp;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::{as_text, digest::Checksum, media::MediaType};
use crate::{
    error::{Error, Result},
    text,
};

/// The name of an object within its organisation, such as `insight/report.sarif`.
///
/// Unicode in normal form C (UAX #15), 1 to 1,024 bytes; segments are parted by `/`, and none is empty, `.` or
/// `..`. Control, format and bidirectional characters, line separators and noncharacters are refused: they make two names
/// look the same, or a listing lie. So is the backslash, which parts a path on Windows: a client that saves
/// `a\..\b` under its name would leave the folder it was told to write to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(Arc<str>);

impl ObjectName {
    /// The most bytes a name has.
    pub const MOST: usize = 1024;

    /// The name that `text` is once it is in normal form C; for names that come from a file system.
    pub fn normalized(text: &str) -> Result<Self> {
        text.nfc().collect::<String>().parse()
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands after the last `/`.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The `Content-Disposition` that makes a browser save the object under its file name and never show it
    /// (RFC 6266; the name as RFC 8187 writes it).
    pub fn attachment(&self) -> String {
        use fmt::Write;
        let mut header = String::from("attachment; filename*=UTF-8''");
        for byte in self.file_name().bytes() {
            if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
                header.push(char::from(byte));
            } else {
                let _ = write!(header, "%{byte:02X}");
            }
        }
        header
    }
}

impl FromStr for ObjectName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        if text.is_empty() || text.len() > Self::MOST {
            let detail = format!("an object's name has 1 to {} bytes, not {}", Self::MOST, text.len());
            return Err(Error::invalid(detail));
        }
        if let Some(bad) = text.chars().find(|c| *c == '\\' || text::hides(*c)) {
            let detail = format!("an object's name cannot hold `{}`", bad.escape_unicode());
            return Err(Error::invalid_with(detail, "use visible characters, and `/` between segments"));
        }
        if text.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
            let detail = format!("`{text}` has an empty segment, `.` or `..`");
            return Err(Error::invalid_with(detail, "name objects like `folder/file.ext`"));
        }
        if !is_nfc(text) {
            let detail = format!("`{text}` is not in Unicode normal form C");
            return Err(Error::invalid_with(detail, "send the name composed (NFC)"));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

as_text!(ObjectName);

/// What a store knows of an object's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// How many bytes.
    pub size: u64,
    /// Their checksum; `None` where the store keeps none.
    pub checksum: Option<Checksum>,
    /// What they are.
    pub content_type: MediaType,
    /// An opaque tag of this version of the bytes.
    pub etag: String,
    /// When they were stored; the store's clock may tell it a little differently than the put that stored them.
    pub modified: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> bool {
        text.parse::<ObjectName>().is_err_and(|error| error.code() == crate::ErrorCode::InvalidInput)
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for name in ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\\..\\b"] {
            assert!(refused(name), "{name:?}");
        }
        for name in ["a", "a/b.txt", "...", "a/..b", "weird name/ü/日本", "🦀"] {
            assert!(!refused(name), "{name:?}");
        }
    }

    #[test]
    fn a_name_that_hides_something_is_refused() {
        for name in
            ["a\0b", "a\nb", "\u{7f}", "\u{85}", "\u{202e}fdp.exe", "a\u{200d}b", "\u{2028}", "\u{feff}a"]
        {
            assert!(refused(name), "{name:?}");
        }
        assert!(refused("\u{ffff}") && refused("\u{10ffff}") && refused("\u{fdd0}"));
    }

    #[test]
    fn a_name_has_at_most_1024_bytes() {
        assert!(!refused(&"a".repeat(1024)));
        assert!(refused(&"a".repeat(1025)));
        assert!(refused(&"é".repeat(513)));
    }

    #[test]
    fn a_name_in_another_normal_form_is_refused_and_can_be_normalised() {
        assert!(refused("caf\u{65}\u{301}/na\u{ef}ve"));
        assert!(refused("\u{212b}ngstr\u{f6}m"));
        assert_eq!(ObjectName::normalized("caf\u{65}\u{301}").unwrap(), "caf\u{e9}".parse().unwrap());
        assert!(ObjectName::normalized("../caf\u{65}\u{301}").is_err());
    }

    #[test]
    fn an_attachment_cannot_leave_its_header() {
        let name: ObjectName = "a/x\"; y=ü.html".parse().unwrap();
        assert_eq!(name.attachment(), "attachment; filename*=UTF-8''x%22%3B%20y%3D%C3%BC.html");
    }
}
