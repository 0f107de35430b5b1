//! The Storage port: bytes under keys, whole or in parts, and URLs that let others send and fetch them.

use std::{fmt, fmt::Debug, ops::Range, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    body::{BoxBody, Expected},
    digest::Sha256,
    key::{KeyPrefix, StoreKey},
    media::{ByteRange, MediaType},
    multipart::{ArrivedPart, Multipart, OpenMultipart, Part},
    object::ObjectMeta,
    presign::{Presign, PresignedRequest},
    upload::Arrival,
};
use crate::{
    error::{Error, Result},
    page::{Page, PageQuery},
};

/// What a put does where the key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PutMode {
    /// Refuses: the first bytes under a key stay.
    Create,
    /// Replaces them.
    Overwrite,
}

/// How bytes are put.
#[derive(Debug, Clone)]
pub struct PutOptions {
    /// What happens where the key is taken.
    pub mode: PutMode,
    /// What the bytes are.
    pub content_type: MediaType,
    /// What the sender said about them; proved before anything is visible.
    pub expected: Expected,
    /// When it is too late for them: from then on nobody watches the key, and nothing becomes visible there.
    pub until: Option<Timestamp>,
}

impl PutOptions {
    /// Refuses what comes too late. An adapter asks when nobody else can change the key any more.
    pub fn check_time(&self, now: Timestamp) -> Result<()> {
        if self.until.is_none_or(|until| now < until) {
            return Ok(());
        }
        Err(Error::invalid_with("the body came too late", "ask for a new URL"))
    }

    /// Options that create, and expect nothing.
    pub fn create(content_type: MediaType) -> Self {
        Self { mode: PutMode::Create, content_type, expected: Expected::default(), until: None }
    }

    /// The same, with what the sender said.
    #[must_use]
    pub fn expecting(self, length: u64, sha256: Sha256) -> Self {
        Self { expected: Expected::exactly(length, sha256), ..self }
    }

    /// The same, replacing what is there.
    #[must_use]
    pub fn overwriting(self) -> Self {
        Self { mode: PutMode::Overwrite, ..self }
    }
}

/// An object that is being read.
pub struct Object {
    /// What is known of all its bytes.
    pub meta: ObjectMeta,
    /// Which of them follow.
    pub range: Range<u64>,
    /// Those bytes. They are of one version, whatever happens to the key meanwhile.
    pub body: BoxBody,
}

impl Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("meta", &self.meta).field("range", &self.range).finish_non_exhaustive()
    }
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: StoreKey,
    /// How many bytes.
    pub size: u64,
    /// When they were stored.
    pub modified: Timestamp,
}

/// Holds bytes under keys.
///
/// Every key carries its organisation ([`StoreKey::org`]); what a caller may touch is decided before.
///
/// # Behavior
/// - What was put is read back: the bytes, their length, digest and type.
/// - A put that is not what it declared, whose body fails, or that comes too late leaves nothing, and what was there
///   stays.
/// - Of many puts that create the same key, exactly one wins; the others get `precondition_failed`.
/// - An overwrite replaces bytes, type and etag together.
/// - A range reads the bytes it names and no others; one that takes nothing is `invalid_input`.
/// - What is absent is `None`, and deleting it is no error.
/// - A list is in the order of the keys' bytes, and its pages miss and repeat nothing.
/// - A key may be the beginning of another key.
/// - A multipart upload is invisible until it is complete, and gone without a trace when it is aborted.
/// - Parts come in any order, can be sent again, and are listed.
/// - Completing takes the parts it names, in order, and refuses one that is missing or not the one named.
/// - Completing and aborting at the same time take turns: what was aborted does not appear later.
/// - A part that is not what it declared is not there.
/// - A presigned request sends exactly the declared bytes, and once where it creates.
/// - A presigned request ends at its time, and serves no other method or key.
/// - A presigned request lives at most an hour.
/// - What a store could not hold a sender to is refused before anything is begun for it.
#[async_trait]
pub trait Storage: Debug + Send + Sync + 'static {
    /// Asks the store for real whether it answers.
    async fn ready(&self) -> Result<()>;

    /// Stores bytes. They are durable and visible as a whole when this answers, or not there at all.
    async fn put(&self, key: &StoreKey, body: BoxBody, options: PutOptions) -> Result<ObjectMeta>;

    /// Reads an object, or a range of it.
    async fn get(&self, key: &StoreKey, range: Option<ByteRange>) -> Result<Option<Object>>;

    /// What is known of an object's bytes. A store that does not say how many there are is an error, never 0.
    async fn head(&self, key: &StoreKey) -> Result<Option<ObjectMeta>>;

    /// Deletes an object.
    async fn delete(&self, key: &StoreKey) -> Result<()>;

    /// The objects whose keys begin with `prefix`; the cursor is the last key of the page before.
    async fn list(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<Stored>>;

    /// Begins a multipart upload.
    async fn begin_multipart(&self, key: &StoreKey, content_type: &MediaType) -> Result<Multipart>;

    /// Stores a part. A part of the same number is replaced.
    async fn put_part(&self, multipart: &Multipart, part: Part, body: BoxBody) -> Result<()>;

    /// The parts that have arrived, by number; `None` where no such upload is open.
    async fn parts(&self, multipart: &Multipart) -> Result<Option<Vec<ArrivedPart>>>;

    /// Makes one object of the parts named, which are in order of their numbers and may leave numbers out.
    async fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: &[Part],
        mode: PutMode,
    ) -> Result<ObjectMeta>;

    /// Drops a multipart upload and its parts; no error where none is open.
    async fn abort_multipart(&self, multipart: &Multipart) -> Result<()>;

    /// The open multipart uploads of keys that begin with `prefix`, by key; `unsupported` where a store cannot tell.
    async fn open_multiparts(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<OpenMultipart>>;

    /// Refuses with `unsupported` a direct upload that [`Storage::presign`] would refuse.
    async fn can_receive(&self, _: &Arrival) -> Result<()> {
        Ok(())
    }

    /// Refuses with `unsupported` to give up what is sent by a presigned put that the store takes again, also where there
    /// is something already: until it expires, its bytes may come and have to count.
    async fn can_give_up(&self, arrival: &Arrival) -> Result<()> {
        match arrival {
            Arrival::Whole { .. } => Err(still_counts()),
            Arrival::Parts { .. } | Arrival::Streamed => Ok(()),
        }
    }

    /// Makes a request that whoever holds it can send until it expires, without another credential.
    async fn presign(&self, key: &StoreKey, what: &Presign, lives: Duration) -> Result<PresignedRequest>;
}

pub(super) fn still_counts() -> Error {
    Error::Unsupported(
        "the store takes the bytes until their URL expires; the upload ends by itself then".to_owned(),
    )
}
