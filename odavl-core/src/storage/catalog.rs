//! The port of object rows: which names an organisation has, and which bytes are theirs.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    digest::Checksum,
    key::{Creator, StoreKey},
    listing::{ListQuery, Listed},
    media::MediaType,
    multipart::{MultipartId, Part},
    object::ObjectName,
    upload::{Arrived, Completion, Upload},
};
use crate::{
    error::Result,
    ids::{ObjectId, OrgId, UploadId},
    page::Page,
};

/// An object of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// Its id: another one whenever the name gets other bytes.
    pub id: ObjectId,
    /// Its name; one object has it at a time.
    pub name: ObjectName,
    /// Where its bytes are.
    pub key: StoreKey,
    /// How many.
    pub size: u64,
    /// Their checksum.
    pub checksum: Checksum,
    /// What they are.
    pub content_type: MediaType,
    /// When they were complete.
    pub created_at: Timestamp,
    /// Who stored them.
    pub created_by: Creator,
    /// When the last URL for them has expired.
    pub urls_until: Timestamp,
}

impl ObjectRow {
    /// What is left to remove once the row is gone.
    pub fn garbage(&self, now: Timestamp) -> Garbage {
        let due_at = now.max(self.urls_until);
        Garbage { object: self.id, key: self.key.clone(), multipart: None, size: self.size, due_at }
    }
}

/// Bytes without a row, which are to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbage {
    /// The object that they were, or were to be.
    pub object: ObjectId,
    /// Where they are.
    pub key: StoreKey,
    /// A multipart upload that is to be aborted besides.
    pub multipart: Option<MultipartId>,
    /// How many bytes were an object's; 0 where they never were.
    pub size: u64,
    /// When the last URL for them has expired.
    pub due_at: Timestamp,
}

/// By what the store is known to be this database's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreMark {
    /// What it is marked with.
    pub mark: String,
    /// What it was marked with before: still, where the new mark has not reached it.
    pub replaced: Option<String>,
}

/// How far the walk through the store's keys has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreWalk {
    /// When it began.
    pub begun: Timestamp,
    /// Past which key it goes on; `None` where it is over.
    pub past: Option<String>,
}

/// What an organisation has stored, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageStats {
    /// How many objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of objects that are gone and wait for their last URL to expire.
    pub garbage_bytes: u64,
}

/// Keeps the rows of objects, of uploads in progress, and of bytes that are to be removed.
///
/// Another organisation's thing is absent. Only the sweeper's questions, [`Catalog::expired_uploads`],
/// [`Catalog::due_garbage`] and [`Catalog::unnamed`], and what is of the store, are not of one
/// organisation.
///
/// # Behavior
/// - An upload begins once: the same again is answered as it stands, another of its id is a `conflict`.
/// - An upload is found by its id, and by its object's.
/// - Completing swaps the name's row at once; the object that had the name becomes garbage.
/// - Completing again answers the same, also when the object is gone; what was abandoned is a `conflict`.
/// - A name that must be new is `precondition_failed` where it is taken, and the upload stays open.
/// - Abandoning leaves no object, and queues what may have arrived; what is complete, or lives longer, is not
///   abandoned.
/// - Parts that are signed again are replaced, and the upload lives until the later time; once it is no longer open,
///   nothing is signed.
/// - The first multipart name that is attached to an open upload counts.
/// - Deleting removes the row once and queues its bytes.
/// - Garbage is due when the last URL for it has expired, and goes when it is dropped.
/// - Bytes that an object has are never due, whatever was queued.
/// - What neither an object, an upload nor garbage names is unnamed; what one of them names, in the organisation that is
///   asked about, never is, also while it goes from one to the next.
/// - A store's mark is renewed from the one that is known, or from none, by one of many; the one before is known besides.
/// - How far the walk through the store has come is known to whoever asks.
/// - Garbage that is queued again is due at the later time.
/// - Uploads are listed when they have expired, whatever became of them, until they are forgotten; an open one is not
///   forgotten.
/// - A list is in the order of the names' bytes; its pages miss and repeat nothing.
/// - A list of folders shows each common beginning once.
/// - Statistics equal the rows, to the object and the byte.
/// - Another organisation's things are absent, and nothing that is done to them happens.
#[async_trait]
pub trait Catalog: Debug + Send + Sync + 'static {
    /// Begins an upload, and answers it as it stands.
    async fn begin_upload(&self, org: OrgId, upload: &Upload) -> Result<Upload>;

    /// An upload.
    async fn upload(&self, org: OrgId, id: UploadId) -> Result<Option<Upload>>;

    /// The upload that an object comes from, or was to, while it is not forgotten.
    async fn upload_of(&self, org: OrgId, object: ObjectId) -> Result<Option<Upload>>;

    /// Notes parts for which URLs are about to be made, none living longer than `until`; for an upload that comes
    /// whole, none. Make them only where the upload that this answers is open.
    async fn sign_parts(
        &self,
        org: OrgId,
        id: UploadId,
        parts: &[Part],
        until: Timestamp,
    ) -> Result<Option<Upload>>;

    /// The parts for which URLs were made, by number.
    async fn signed_parts(&self, org: OrgId, id: UploadId) -> Result<Vec<Part>>;

    /// Notes the store's name for an upload in parts, and answers the one that counts; `None` where none does.
    async fn attach_multipart(
        &self,
        org: OrgId,
        id: UploadId,
        multipart: &MultipartId,
    ) -> Result<Option<MultipartId>>;

    /// Makes an object of an upload whose bytes have arrived.
    async fn complete_upload(
        &self,
        org: OrgId,
        id: UploadId,
        arrived: &Arrived,
    ) -> Result<Option<Completion>>;

    /// Ends an upload that came to nothing, unless it lives longer than `by`, and answers it as it stands then.
    async fn abandon_upload(
        &self,
        org: OrgId,
        id: UploadId,
        by: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Upload>>;

    /// Forgets an upload that is completed or abandoned, and its parts.
    async fn forget_upload(&self, org: OrgId, id: UploadId) -> Result<()>;

    /// Up to `most` uploads that had expired by `now`, the oldest first.
    async fn expired_uploads(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Upload)>>;

    /// An object by its id.
    async fn object(&self, org: OrgId, id: ObjectId) -> Result<Option<ObjectRow>>;

    /// The object that has a name.
    async fn object_named(&self, org: OrgId, name: &ObjectName) -> Result<Option<ObjectRow>>;

    /// Notes that a URL about to be made for an object's bytes works until then; false where there is no such object.
    async fn lend_object(&self, org: OrgId, id: ObjectId, until: Timestamp) -> Result<bool>;

    /// Deletes an object's row and queues its bytes; answers the row where it was there.
    async fn delete_object(&self, org: OrgId, id: ObjectId, now: Timestamp) -> Result<Option<ObjectRow>>;

    /// A page of the organisation's objects.
    async fn list(&self, org: OrgId, query: &ListQuery) -> Result<Page<Listed>>;

    /// What the organisation has stored.
    async fn stats(&self, org: OrgId) -> Result<StorageStats>;

    /// Up to `most` bytes to remove that were due by `now`, the oldest first.
    async fn due_garbage(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Garbage)>>;

    /// What the store is marked with.
    async fn store_mark(&self) -> Result<Option<StoreMark>>;

    /// Notes a new mark in the place of that one; answers whether it was the one.
    async fn renew_store_mark(&self, from: Option<&str>, to: &str) -> Result<bool>;

    /// How far the walk through the store has come; `None` where none ever began.
    async fn store_walk(&self) -> Result<Option<StoreWalk>>;

    /// Notes how far it has come.
    async fn keep_store_walk(&self, walk: &StoreWalk) -> Result<()>;

    /// Which of these objects no row names.
    async fn unnamed(&self, objects: &[(OrgId, ObjectId)]) -> Result<Vec<(OrgId, ObjectId)>>;

    /// Queues bytes that no row names.
    async fn queue_garbage(&self, org: OrgId, garbage: &Garbage) -> Result<()>;

    /// Forgets garbage that was removed.
    async fn drop_garbage(&self, org: OrgId, object: ObjectId) -> Result<()>;
}
