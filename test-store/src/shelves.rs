//! What the store keeps, and the rules of putting it there.

use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use ring::digest::{SHA256, digest};
use s3s::{
    S3Result,
    dto::{ETagCondition, StreamingBlob},
    s3_error,
};

use crate::BUCKET;

#[derive(Debug, Default)]
pub(crate) struct Shelves {
    /// Makes etags and upload ids: none is ever used again.
    last: u64,
    /// How many parts came, of whichever upload.
    pub(crate) parts: usize,
    /// The number of the parts that it does not take.
    pub(crate) refused: Option<i32>,
    /// Whether it says that it keeps what is deleted.
    pub(crate) versioned: bool,
    pub(crate) objects: BTreeMap<String, Object>,
    /// By key, then by id.
    pub(crate) uploads: BTreeMap<(String, String), Upload>,
}

#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) bytes: Bytes,
    pub(crate) about: About,
    /// As S3 writes it: a composite ends in how many parts there were.
    pub(crate) sha256: Option<String>,
    pub(crate) encryption: Option<String>,
    pub(crate) etag: String,
    pub(crate) modified: SystemTime,
}

/// What the sender says of an object.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) content_type: Option<String>,
    pub(crate) metadata: Option<HashMap<String, String>>,
}

#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) about: About,
    pub(crate) encryption: Option<String>,
    pub(crate) begun: SystemTime,
    pub(crate) parts: BTreeMap<i32, Part>,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) bytes: Bytes,
    pub(crate) sha256: Option<String>,
    pub(crate) etag: String,
}

impl Shelves {
    pub(crate) fn fresh(&mut self) -> String {
        self.last += 1;
        format!("{:08}", self.last)
    }

    /// Puts an object where the condition allows it.
    pub(crate) fn place(
        &mut self,
        key: &str,
        object: Object,
        condition: Option<&ETagCondition>,
    ) -> S3Result<()> {
        if condition.is_some_and(ETagCondition::is_any) && self.objects.contains_key(key) {
            return Err(s3_error!(PreconditionFailed, "there is an object already"));
        }
        self.objects.insert(key.to_owned(), object);
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "a store has a clock of its own")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

pub(crate) fn check_bucket(name: &str) -> S3Result<()> {
    if name == BUCKET { Ok(()) } else { Err(s3_error!(NoSuchBucket)) }
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(digest(&SHA256, bytes))
}

/// All bytes of a body, proved to be those that were declared.
pub(crate) async fn take(body: Option<StreamingBlob>, declared: Option<&str>) -> S3Result<Bytes> {
    let mut bytes = BytesMut::new();
    let mut body = body.ok_or_else(|| s3_error!(IncompleteBody))?;
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(
            &piece.map_err(|error| s3s::S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, error))?,
        );
    }
    if declared.is_some_and(|declared| declared != sha256(&bytes)) {
        return Err(s3_error!(BadDigest, "the SHA-256 is another one"));
    }
    Ok(bytes.freeze())
}
