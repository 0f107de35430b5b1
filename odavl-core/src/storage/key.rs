//! Where bytes lie in a store: keys that are never derived from what people name things.

use std::{fmt, str::FromStr, sync::Arc};

use super::as_text;
use crate::{
    error::{Error, Result},
    ids::{KeyId, ObjectId, OrgId, UserId},
};

/// The key of an object in a store: `<org>/<product>/<user or key>/<object id>`.
///
/// An object id is never used again, so neither is a key. Other keys (of backups, probes, signed audit heads) have
/// the same form: 1 to 12 segments of 1 to 128 lower-case letters, digits, `.`, `_` and `-`, none of them `.` or
/// `..`, at most 900 bytes. So a key is safe as an S3 key and as a path, also where a file system ignores case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreKey(Arc<str>);

impl StoreKey {
    /// The key of an organisation's object.
    pub fn object(org: OrgId, product: &Product, creator: Creator, object: ObjectId) -> Self {
        Self(format!("{org}/{product}/{creator}/{object}").into())
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The organisation whose bytes these are; `None` where they are odavl's own.
    pub fn org(&self) -> Option<OrgId> {
        self.segments().next()?.parse().ok()
    }

    /// Whose object it is the key of, and which; `None` where it is none's.
    pub(crate) fn names(&self) -> Option<(OrgId, ObjectId)> {
        let segments: Vec<_> = self.segments().collect();
        let [org, product, creator, object] = segments.as_slice() else { return None };
        let (org, object) = (org.parse().ok()?, object.parse().ok()?);
        let is_its = Self::object(org, &product.parse().ok()?, creator.parse().ok()?, object) == *self;
        is_its.then_some((org, object))
    }

    /// The segments, from the root.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl FromStr for StoreKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let fits = text.len() <= 900 && text.split('/').count() <= 12 && text.split('/').all(is_segment);
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid(format!("`{}` is not a store key", text.escape_default())))
        }
    }
}

fn is_segment(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text != "." && text != ".." && text.bytes().all(is_key_byte)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
}

/// The beginning of keys, such as `org_.../`; empty for all. It may end within a segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// Every key of every organisation; of what odavl keeps for itself, none.
    pub(crate) fn orgs() -> Self {
        Self(format!("{}_", OrgId::PREFIX))
    }

    /// Every key of an organisation.
    pub fn org(org: OrgId) -> Self {
        Self(format!("{org}/"))
    }

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyPrefix {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let (folders, last) = text.rsplit_once('/').map_or((None, text), |(head, last)| (Some(head), last));
        let folders_fit = folders.is_none_or(|folders| folders.parse::<StoreKey>().is_ok());
        if folders_fit && last.len() <= 128 && last.bytes().all(is_key_byte) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(format!("`{}` is not the beginning of a store key", text.escape_default())))
        }
    }
}

/// What an object belongs to: `storage` for files that people store, or the product that made it. 1 to 32 lower-case letters,
/// digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Product(Arc<str>);

impl Product {
    /// The product as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Product {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if fits {
            Ok(Self(text.into()))
        } else {
            Err(Error::invalid(format!("`{}` is not a product", text.escape_default())))
        }
    }
}

/// Who stored an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Creator {
    /// A person.
    User(UserId),
    /// An API key.
    Key(KeyId),
    /// The program that odavl is part of.
    System,
}

impl fmt::Display for Creator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Key(key) => key.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}

impl FromStr for Creator {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "system" => Ok(Self::System),
            _ => text.parse().map(Self::User).or_else(|_| text.parse().map(Self::Key)),
        }
    }
}

as_text!(StoreKey, Product, Creator);

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn an_object_s_key_names_its_organisation_and_parses_back() {
        let org = OrgId::new(Timestamp::UNIX_EPOCH).unwrap();
        let by = Creator::Key(KeyId::new(Timestamp::UNIX_EPOCH).unwrap());
        let object = ObjectId::new(Timestamp::UNIX_EPOCH).unwrap();
        let key = StoreKey::object(org, &"storage".parse().unwrap(), by, object);
        assert_eq!(key.org(), Some(org));
        assert_eq!(key.as_str().parse::<StoreKey>().unwrap(), key);
        assert_eq!(by.to_string().parse::<Creator>().unwrap(), by);
        assert_eq!(key.names(), Some((org, object)));
        assert!(key.as_str().starts_with(KeyPrefix::orgs().as_str()));
    }

    #[test]
    fn a_key_of_another_form_names_no_object() {
        let org = OrgId::new(Timestamp::UNIX_EPOCH).unwrap();
        let object = ObjectId::new(Timestamp::UNIX_EPOCH).unwrap();
        for key in [
            format!("audit/{org}/00000000000000000001"),
            format!("{org}/storage/{object}"),
            format!("{org}/storage/system/{object}/more"),
            format!("{org}/storage/somebody/{object}"),
            format!("{org}/storage/system/{org}"),
            format!("org_/storage/system/{object}"),
        ] {
            assert_eq!(key.parse::<StoreKey>().unwrap().names(), None, "{key}");
        }
    }

    #[test]
    fn a_key_that_a_path_could_misread_is_refused() {
        for key in ["", "/a", "a/", "a//b", "..", "a/../b", "a/.", "A", "a b", "a\\b", "a\0", "ü", "a~b"] {
            assert!(key.parse::<StoreKey>().is_err(), "{key:?}");
        }
        assert!("a/".repeat(12).trim_end_matches('/').parse::<StoreKey>().is_ok());
        assert!("a/".repeat(13).trim_end_matches('/').parse::<StoreKey>().is_err());
    }

    #[test]
    fn a_prefix_may_end_within_a_segment_but_not_leave_the_root() {
        for prefix in ["", "a", "a/", "a/b", "a/b/c."] {
            assert!(prefix.parse::<KeyPrefix>().is_ok(), "{prefix:?}");
        }
        for prefix in ["/", "../", "a/../", "a//", "A", "a/\0"] {
            assert!(prefix.parse::<KeyPrefix>().is_err(), "{prefix:?}");
        }
    }
}
