//! Objects that arrive in parts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    digest::{Checksum, Sha256},
    key::{KeyPrefix, StoreKey},
};
use crate::{
    error::{Error, Result},
    page::{Page, PageQuery},
};

/// The store's own name of a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MultipartId(pub String);

/// A multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Multipart {
    /// The key that it will be under.
    pub key: StoreKey,
    /// The store's name for it.
    pub id: MultipartId,
}

/// The most parts that a multipart upload has; they are numbered from 1.
pub const PARTS_MOST: u32 = 10_000;

/// The fewest bytes of a part that is not the last. Some stores also want all parts but the last equal.
pub const PART_LEAST: u64 = 5 * 1024 * 1024;

/// A part of a multipart upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// Its number: 1 to [`PARTS_MOST`].
    pub number: u32,
    /// How many bytes.
    pub size: u64,
    /// Their digest.
    pub sha256: Sha256,
}

/// A part that has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArrivedPart {
    /// Its number.
    pub number: u32,
    /// How many bytes.
    pub size: u64,
    /// Their digest; `None` where the store keeps none.
    pub sha256: Option<Sha256>,
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenMultipart {
    /// The upload.
    pub multipart: Multipart,
    /// When it was begun.
    pub begun: Timestamp,
}

impl OpenMultipart {
    /// The page of `all` whose keys begin with `prefix`, by key and id; for adapters that read all of them.
    pub fn page(all: impl Iterator<Item = Self>, prefix: &KeyPrefix, page: &PageQuery) -> Page<Self> {
        let after = page.cursor.as_deref().unwrap_or_default();
        let mut open: Vec<_> = all
            .filter(|open| open.multipart.key.as_str().starts_with(prefix.as_str()))
            .filter(|open| open.cursor().as_str() > after)
            .collect();
        open.sort_by_key(Self::cursor);
        Page::cut(open, page.limit, Self::cursor)
    }

    fn cursor(&self) -> String {
        format!("{} {}", self.multipart.key, self.multipart.id.0)
    }
}

/// The size and checksum of the object that these parts make, once they can make one: at least one part, in order
/// of their numbers, none but the last smaller than [`PART_LEAST`].
pub fn assemble(parts: &[Part]) -> Result<(u64, Checksum)> {
    let Some((_, but_last)) = parts.split_last() else {
        return Err(Error::invalid("a multipart upload is completed with at least one part"));
    };
    if !parts.is_sorted_by(|a, b| a.number < b.number) {
        return Err(Error::invalid_with("the parts are not in order", "name each once, by its number"));
    }
    parts.iter().try_for_each(|part| check_number(part.number))?;
    if let Some(small) = but_last.iter().find(|part| part.size < PART_LEAST) {
        let detail = format!("part {} has {} bytes", small.number, small.size);
        return Err(Error::invalid_with(
            detail,
            format!("all parts but the last have at least {PART_LEAST}"),
        ));
    }
    let size = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.size));
    let digests: Vec<_> = parts.iter().map(|part| part.sha256).collect();
    Ok((size, Checksum::composite(&digests)))
}

/// Refuses a part's number that no store takes.
pub fn check_number(number: u32) -> Result<()> {
    if (1..=PARTS_MOST).contains(&number) {
        return Ok(());
    }
    Err(Error::invalid(format!("parts are numbered from 1 to {PARTS_MOST}, not {number}")))
}

/// The error of a part that was named but has not arrived as named.
pub fn not_arrived(part: Part) -> Error {
    Error::Conflict(format!(
        "part {} has not arrived with the length and digest that were named",
        part.number
    ))
}

/// The error of a multipart upload that is not open.
pub fn not_open(multipart: &Multipart) -> Error {
    Error::not_found("multipart upload", &multipart.id.0.escape_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u32, size: u64) -> Part {
        Part { number, size, sha256: Sha256::of(&number.to_be_bytes()) }
    }

    #[test]
    fn parts_in_order_make_an_object_of_their_sizes() {
        let parts = [part(1, PART_LEAST), part(3, PART_LEAST), part(4, 1)];
        let digests = parts.map(|part| part.sha256);
        assert_eq!(assemble(&parts).unwrap(), (2 * PART_LEAST + 1, Checksum::composite(&digests)));
    }

    #[test]
    fn parts_that_no_store_would_take_are_refused() {
        assert!(assemble(&[]).is_err());
        assert!(assemble(&[part(2, PART_LEAST), part(1, 1)]).is_err());
        assert!(assemble(&[part(1, PART_LEAST), part(1, 1)]).is_err());
        assert!(assemble(&[part(1, PART_LEAST - 1), part(2, 1)]).is_err());
        assert!(assemble(&[part(0, 1)]).is_err() && assemble(&[part(PARTS_MOST + 1, 1)]).is_err());
    }
}
