//! Stored objects.

use odavl_core::{
    Error,
    ids::UploadId,
    storage::{Deleted, Depth, ListQuery, NewUpload, ObjectName, PutMode, StorageStats},
};
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};

use super::{
    Tag,
    objects::{EntryBody, ObjectBody, RequestBody, SignedPartBody, StatusBody, TicketBody},
};
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{PageLimit, Size, Time, page},
    shape::{self, Cursor, IdempotencyKey, Sha256, Text},
};

pub(super) struct Api;

/// An object that is to be uploaded.
#[derive(Object)]
#[oai(rename = "UploadUrlRequest", deny_unknown_fields)]
struct UploadUrlBody {
    /// Its name: NFC, 1 to 1,024 bytes, no empty, `.` or `..` segment.
    name: Text<shape::ObjectName>,
    /// How many bytes it has.
    size: Size,
    /// Their SHA-256, as 64 hexadecimal digits: needed up to 64 MiB. Larger objects come in parts with a digest each.
    sha256: Option<Text<Sha256>>,
    /// What they are; `application/octet-stream` unless said.
    content_type: Option<Text<shape::MediaType>>,
    /// Whether an object of that name may be replaced; it may unless said otherwise.
    overwrite: Option<bool>,
}

impl UploadUrlBody {
    fn parse(self, once: Option<Text<IdempotencyKey>>) -> Result<NewUpload, Failure> {
        let content_type = self
            .content_type
            .as_ref()
            .map_or("application/octet-stream", |content_type| content_type.as_str());
        Ok(NewUpload {
            name: self.name.parse()?,
            size: self.size.0,
            sha256: self.sha256.map(|digest| digest.parse()).transpose()?,
            content_type: content_type.parse()?,
            mode: if self.overwrite == Some(false) { PutMode::Create } else { PutMode::Overwrite },
            idempotency_key: once.map(|key| key.0),
        })
    }
}

/// A part that is to be sent.
#[derive(Object)]
#[oai(rename = "Part", deny_unknown_fields)]
struct PartBody {
    /// Its number, from 1.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    number: u32,
    /// The SHA-256 of its bytes, as 64 hexadecimal digits.
    sha256: Text<Sha256>,
}

/// The parts that are to be sent.
#[derive(Object)]
#[oai(rename = "PartsRequest", deny_unknown_fields)]
struct PartsBody {
    /// The parts, 1 to 1,000.
    #[oai(validator(min_items = 1, max_items = 1000))]
    parts: Vec<PartBody>,
}

/// The requests that send parts.
#[derive(Object)]
#[oai(rename = "SignedParts")]
struct SignedPartsBody {
    /// One for each part.
    items: Vec<SignedPartBody>,
}

/// The object that is to be fetched.
#[derive(Object)]
#[oai(rename = "DownloadUrlRequest", deny_unknown_fields)]
struct DownloadUrlBody {
    /// Its name.
    name: Text<shape::ObjectName>,
}

/// A page of objects.
#[derive(Object)]
#[oai(rename = "ObjectPage")]
struct ObjectPage {
    /// Objects, and folders where a delimiter was given, in the order of their names.
    items: Vec<EntryBody>,
    /// Where the next page starts; null on the last.
    next_cursor: Option<String>,
}

/// What deleting did.
#[derive(Object)]
#[oai(rename = "DeletedObject")]
struct DeletedBody {
    /// The object that was there.
    object: ObjectBody,
    /// When its bytes count no longer: at once, or when the last URL for them has expired.
    freed_at: Time,
}

impl From<Deleted> for DeletedBody {
    fn from(deleted: Deleted) -> Self {
        Self { object: deleted.object.into(), freed_at: Time(deleted.freed_at) }
    }
}

/// What the organisation has stored, exactly.
#[derive(Object)]
#[oai(rename = "StorageStats")]
struct StatsBody {
    /// How many objects.
    objects: u64,
    /// Their bytes.
    bytes: u64,
    /// Bytes of deleted and replaced objects that still count: a URL for them still works.
    garbage_bytes: u64,
}

impl From<StorageStats> for StatsBody {
    fn from(stats: StorageStats) -> Self {
        Self { objects: stats.objects, bytes: stats.bytes, garbage_bytes: stats.garbage_bytes }
    }
}

#[OpenApi(prefix_path = "/api/v1/storage", tag = "Tag::Storage")]
impl Api {
    /// Holds space for an object, and answers the request that sends it: it takes exactly the announced bytes, once.
    ///
    /// Objects above 64 MiB come in parts: ask for their URLs next. Asked again with the same `Idempotency-Key`, it
    /// answers the same upload, and which parts are missing.
    #[oai(path = "/upload-url", method = "post", operation_id = "storage_upload_url")]
    async fn upload_url(
        &self,
        Caller(session): Caller,
        /// Makes a retry get the same upload.
        #[oai(name = "Idempotency-Key")]
        Header(once): Header<Option<Text<IdempotencyKey>>>,
        Json(body): Json<UploadUrlBody>,
    ) -> Result<Json<TicketBody>, Failure> {
        Ok(Json(session.storage().upload_url(body.parse(once)?).await?.into()))
    }

    /// How far an upload is: which parts are missing, or the object that it became.
    #[oai(path = "/uploads/:id", method = "get", operation_id = "storage_upload")]
    async fn upload(
        &self,
        Caller(session): Caller,
        /// The upload.
        Path(id): Path<Text<shape::UploadId>>,
    ) -> Result<Json<StatusBody>, Failure> {
        Ok(Json(session.storage().upload(id.parse::<UploadId>()?).await?.into()))
    }

    /// Answers the requests that send parts of a large object; each takes exactly its bytes, for an hour.
    #[oai(path = "/uploads/:id/parts", method = "post", operation_id = "storage_sign_parts")]
    async fn sign_parts(
        &self,
        Caller(session): Caller,
        /// The upload.
        Path(id): Path<Text<shape::UploadId>>,
        Json(body): Json<PartsBody>,
    ) -> Result<Json<SignedPartsBody>, Failure> {
        let part = |part: PartBody| Ok((part.number, part.sha256.parse()?));
        let parts = body.parts.into_iter().map(part).collect::<Result<Vec<_>, Error>>()?;
        let signed = session.storage().sign_parts(id.parse::<UploadId>()?, &parts).await?;
        Ok(Json(SignedPartsBody { items: signed.into_iter().map(SignedPartBody::from).collect() }))
    }

    /// Ends an upload whose bytes have arrived: they are the object of that name from now on.
    #[oai(path = "/uploads/:id/complete", method = "post", operation_id = "storage_complete")]
    async fn complete(
        &self,
        Caller(session): Caller,
        /// The upload.
        Path(id): Path<Text<shape::UploadId>>,
    ) -> Result<Json<ObjectBody>, Failure> {
        Ok(Json(session.storage().complete(id.parse::<UploadId>()?).await?.into()))
    }

    /// Gives an upload up: its space is free at once, and what is sent for it is refused.
    #[oai(path = "/uploads/:id", method = "delete", operation_id = "storage_abandon")]
    async fn abandon(
        &self,
        Caller(session): Caller,
        /// The upload.
        Path(id): Path<Text<shape::UploadId>>,
    ) -> Result<(), Failure> {
        Ok(session.storage().abandon(id.parse::<UploadId>()?).await?)
    }

    /// Answers the request that fetches an object, for a quarter of an hour; it outlives a revocation of the key.
    #[oai(path = "/download-url", method = "post", operation_id = "storage_download_url")]
    async fn download_url(
        &self,
        Caller(session): Caller,
        Json(body): Json<DownloadUrlBody>,
    ) -> Result<Json<RequestBody>, Failure> {
        let name: ObjectName = body.name.parse()?;
        Ok(Json(session.storage().download_url(&name).await?.into()))
    }

    /// The organisation's objects.
    #[oai(path = "/files", method = "get", operation_id = "storage_list")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the query")]
    async fn list(
        &self,
        Caller(session): Caller,
        /// What their names begin with.
        Query(prefix): Query<Option<Text<shape::Prefix>>>,
        /// `/`: what holds a further `/` after the prefix is one folder.
        Query(delimiter): Query<Option<Text<shape::Delimiter>>>,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<ObjectPage>, Failure> {
        let query = ListQuery::new(
            prefix.unwrap_or_default().0,
            depth(&delimiter.unwrap_or_default())?,
            page(limit, cursor)?,
        )?;
        let page = session.storage().list(&query).await?.map(EntryBody::from);
        Ok(Json(ObjectPage { items: page.items, next_cursor: page.next_cursor }))
    }

    /// Deletes an object. Its bytes count until they are removed.
    #[oai(path = "/files", method = "delete", operation_id = "storage_delete")]
    async fn delete(
        &self,
        Caller(session): Caller,
        /// The object's name.
        Query(name): Query<Text<shape::ObjectName>>,
    ) -> Result<Json<DeletedBody>, Failure> {
        Ok(Json(session.storage().delete(&name.parse()?).await?.into()))
    }

    /// How many objects there are, and how many bytes.
    #[oai(path = "/stats", method = "get", operation_id = "storage_stats")]
    async fn stats(&self, Caller(session): Caller) -> Result<Json<StatsBody>, Failure> {
        Ok(Json(session.storage().stats().await?.into()))
    }
}

fn depth(delimiter: &str) -> Result<Depth, Failure> {
    match delimiter {
        "" => Ok(Depth::All),
        "/" => Ok(Depth::Folders),
        _ => Err(Failure(Error::invalid("the delimiter is `/`, or absent"))),
    }
}
