//! Reading: what is known of objects, their bytes, and which there are.

use std::ops::Range;

use async_trait::async_trait;
use aws_sdk_s3::{
    primitives::{ByteStream, DateTime},
    types::ChecksumMode,
};
use bytes::Bytes;
use jiff::Timestamp;

use super::{
    super::{
        Ability, Body, ByteRange, Checksum, KeyPrefix, MediaType, Object, ObjectMeta, Sha256, StoreKey,
        Stored,
    },
    Inner, Kind, StoreFault,
    put::MARK,
};
use crate::{
    error::{Error, Result},
    page::{Page, PageQuery},
};

/// What a store knows of an object.
pub(super) struct Found {
    pub(super) meta: ObjectMeta,
    /// Which put made it.
    pub(super) mark: Option<String>,
}

/// What an answer says of an object.
struct Said {
    size: Option<u64>,
    sha256: Option<String>,
    content_type: Option<String>,
    etag: Option<String>,
    modified: Option<DateTime>,
}

impl Said {
    /// A store that does not say how many bytes there are is an error, never 0.
    fn meta(self) -> Result<ObjectMeta, StoreFault> {
        let nonsense = |what| StoreFault::new(Kind::Broken, what);
        Ok(ObjectMeta {
            size: self.size.ok_or_else(|| nonsense("the length of an object is not said"))?,
            checksum: self.sha256.as_deref().and_then(checksum),
            content_type: self
                .content_type
                .and_then(|text| text.parse().ok())
                .unwrap_or_else(MediaType::bytes),
            etag: self.etag.unwrap_or_default(),
            modified: self
                .modified
                .as_ref()
                .and_then(timestamp)
                .ok_or_else(|| nonsense("no time is said"))?,
        })
    }
}

/// What S3 writes of a SHA-256: that of the bytes, or that of the parts' digests and how many parts there are.
fn checksum(text: &str) -> Option<Checksum> {
    match text.split_once('-') {
        Some((sha256, parts)) => {
            Some(Checksum::Composite { sha256: Sha256::from_base64(sha256)?, parts: parts.parse().ok()? })
        }
        None => Sha256::from_base64(text).map(Checksum::Whole),
    }
}

pub(super) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

pub(super) fn size(said: Option<i64>) -> Option<u64> {
    said.and_then(|size| u64::try_from(size).ok())
}

impl Inner {
    pub(super) async fn head(&self, key: &StoreKey) -> Result<Option<ObjectMeta>> {
        if let Some(found) = self.find(key).await? {
            return Ok(Some(found.meta));
        }
        // An answer to this question has no body: it does not tell whether it is the bucket that is missing.
        self.bucket_is_there().await?;
        Ok(None)
    }

    /// The same, where a missing bucket shows in what is asked next.
    pub(super) async fn find(&self, key: &StoreKey) -> Result<Option<Found>> {
        let request = self.asks.head_object().bucket(&self.bucket.name).key(self.path(key));
        let request =
            request.set_checksum_mode(self.can(Ability::Checksums).then_some(ChecksumMode::Enabled));
        let found = match request.send().await.map_err(StoreFault::of) {
            Ok(found) => found,
            Err(fault) if matches!(fault.kind(), Kind::NoKey | Kind::Absent) => return Ok(None),
            Err(fault) => return Err(fault.into()),
        };
        let said = Said {
            size: size(found.content_length),
            sha256: found.checksum_sha256,
            content_type: found.content_type,
            etag: found.e_tag,
            modified: found.last_modified,
        };
        let mark = found.metadata.and_then(|mut metadata| metadata.remove(MARK));
        Ok(Some(Found { meta: said.meta()?, mark }))
    }

    pub(super) async fn get(&self, key: &StoreKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        let takes_nothing =
            |range: &ByteRange| Error::invalid(format!("{range} takes none of the bytes of `{key}`"));
        if let Some(range @ ByteRange::Last(0)) = &range {
            return Err(takes_nothing(range));
        }
        // A part of the bytes cannot be proved by the digest of all.
        let mode = (self.can(Ability::Checksums) && range.is_none()).then_some(ChecksumMode::Enabled);
        let request = self.moves.get_object().bucket(&self.bucket.name).key(self.path(key));
        let request = request.set_checksum_mode(mode).set_range(range.map(|range| range.to_string()));
        let found = match (request.send().await.map_err(StoreFault::of), range) {
            (Ok(found), _) => found,
            (Err(fault), _) if matches!(fault.kind(), Kind::NoKey | Kind::Absent) => {
                self.gone(fault).await?;
                return Ok(None);
            }
            (Err(fault), Some(range)) if *fault.kind() == Kind::NoRange => return Err(takes_nothing(&range)),
            (Err(fault), _) => return Err(fault.into()),
        };
        let within = match range {
            Some(_) => Some(part_of(found.content_range.as_deref()).ok_or_else(|| {
                StoreFault::new(Kind::Broken, "a range was asked for, and which one came is not said")
            })?),
            None => None,
        };
        let size = within.as_ref().map_or_else(|| size(found.content_length), |(_, size)| Some(*size));
        let said = Said {
            size,
            sha256: found.checksum_sha256,
            content_type: found.content_type,
            etag: found.e_tag,
            modified: found.last_modified,
        };
        let meta = said.meta()?;
        let range = within.map_or(0..meta.size, |(range, _)| range);
        let body = Coming { stream: found.body, left: range.end - range.start, held: None, key: key.clone() };
        Ok(Some(Object { meta, range, body: Box::new(body) }))
    }

    pub(super) async fn list(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<Stored>> {
        let after = page.cursor.as_deref().map(|cursor| self.below(cursor));
        let request = self.asks.list_objects_v2().bucket(&self.bucket.name);
        let request = request.prefix(self.below(prefix.as_str())).set_start_after(after);
        let most = i32::try_from(page.limit).unwrap_or(i32::MAX);
        let listed = request.max_keys(most).send().await.map_err(StoreFault::of)?;
        let contents = listed.contents.unwrap_or_default();
        let last = contents.last().and_then(|object| self.above(object.key.as_deref()?)).map(str::to_owned);
        let next_cursor = last.filter(|_| listed.is_truncated == Some(true));
        // What has another form is not odavl's.
        let items = contents.iter().filter_map(|object| {
            let key = self.above(object.key.as_deref()?)?.parse().ok()?;
            Some(Stored {
                key,
                size: size(object.size)?,
                modified: object.last_modified.as_ref().and_then(timestamp)?,
            })
        });
        Ok(Page { items: items.collect(), next_cursor })
    }
}

/// Which bytes of how many an answer has: `bytes 0-4/10`.
fn part_of(header: Option<&str>) -> Option<(Range<u64>, u64)> {
    let (range, size) = header?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?, size.parse().ok()?))
}

/// Bytes as they come from the store. The SDK proves them against the digest that the store keeps once they have all
/// come, so the last of them are held back until then.
struct Coming {
    stream: ByteStream,
    left: u64,
    held: Option<Bytes>,
    key: StoreKey,
}

#[async_trait]
impl Body for Coming {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.stream.next().await {
                Some(Ok(piece)) => {
                    let length = piece.len() as u64;
                    self.left = self.left.checked_sub(length).ok_or_else(|| self.damaged(None))?;
                    if let Some(before) = self.held.replace(piece).filter(|before| !before.is_empty()) {
                        return Ok(Some(before));
                    }
                }
                Some(Err(error)) if self.left == 0 => return Err(self.damaged(Some(error.into()))),
                Some(Err(error)) => return Err(StoreFault::broken(error).into()),
                None if self.left > 0 => {
                    return Err(StoreFault::new(Kind::Broken, "too few bytes came").into());
                }
                None => return Ok(self.held.take().filter(|last| !last.is_empty())),
            }
        }
    }
}

impl Coming {
    fn damaged(&self, source: Option<crate::error::Cause>) -> Error {
        Error::corrupted(format!("the bytes of `{}` are not those that were put", self.key), source)
    }
}
