//! Storage in a bucket of an S3 store.
//!
//! A key is the object's key, below the bucket's prefix. What stores do differently is in their [`Profile`]: where one
//! does not refuse a second create, odavl asks first and creates in turn, which is exact within a process; between
//! processes no key is created twice, because it ends in an id that the database gives once. Where one cannot hold a
//! presigned request to what was announced, there is none.

mod client;
mod fault;
mod multipart;
mod presign;
mod profiles;
mod put;
mod read;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    types::{BucketVersioningStatus, ServerSideEncryption},
};

use self::fault::Kind;
pub use self::fault::StoreFault;
use super::{
    Arrival, ArrivedPart, BoxBody, ByteRange, KeyPrefix, MediaType, Multipart, Object, ObjectMeta,
    OpenMultipart, Part, Presign, PresignedRequest, PutMode, PutOptions, Storage, StoreKey, Stored,
    bucket::{Bucket, Encryption},
    port::still_counts,
    profile::{Ability, Profile},
    turns::Turns,
};
use crate::{
    Clock,
    error::{Error, Result},
    page::{Page, PageQuery},
};

/// Objects in a bucket; any number of processes may use it at once.
#[derive(Debug, Clone)]
pub struct S3Storage(Arc<Inner>);

struct Inner {
    /// For small questions.
    asks: Client,
    /// For bytes.
    moves: Client,
    bucket: Bucket,
    profile: (String, Profile),
    clock: Arc<dyn Clock>,
    /// Creating takes turns by key where the store does not see to it.
    creating: Turns,
    /// Putting parts together and dropping them take turns by upload.
    ending: Turns,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("bucket", &self.bucket.name)
            .field("profile", &self.profile.0)
            .finish_non_exhaustive()
    }
}

impl S3Storage {
    /// The storage in `bucket`. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// `invalid_input` where the bucket has no credential, no region or a profile that there is not.
    pub fn open(bucket: Bucket, clock: Arc<dyn Clock>) -> Result<Self> {
        let profile = profiles::profile_of(&bucket)?;
        let (asks, moves) = client::clients(&bucket, &profile.1)?;
        let (creating, ending) = (Turns::new(), Turns::new());
        Ok(Self(Arc::new(Inner { asks, moves, bucket, profile, clock, creating, ending })))
    }

    /// The name of the store's profile, and what it says.
    pub fn profile(&self) -> (&str, &Profile) {
        (&self.0.profile.0, &self.0.profile.1)
    }

    /// Whether the bucket keeps what is deleted in it, as one does that has versions or had them; `None` where the store does
    /// not say.
    ///
    /// # Errors
    /// `unavailable` where it does not answer.
    pub async fn keeps_versions(&self) -> Result<Option<bool>> {
        self.0.keeps_versions().await
    }
}

impl Inner {
    fn can(&self, ability: Ability) -> bool {
        self.profile.1.can(ability)
    }

    /// The key in the bucket.
    fn path(&self, key: &StoreKey) -> String {
        self.below(key.as_str())
    }

    fn below(&self, path: &str) -> String {
        match &self.bucket.prefix {
            Some(prefix) => format!("{prefix}/{path}"),
            None => path.to_owned(),
        }
    }

    /// What follows the prefix in a key of the bucket; `None` where it is not below it.
    fn above<'a>(&self, path: &'a str) -> Option<&'a str> {
        match &self.bucket.prefix {
            Some(prefix) => path.strip_prefix(prefix.as_str())?.strip_prefix('/'),
            None => Some(path),
        }
    }

    /// The condition of a write that creates, where the store knows it.
    fn only_once(&self, mode: PutMode) -> Option<String> {
        (mode == PutMode::Create && self.can(Ability::ConditionalPut)).then(|| "*".to_owned())
    }

    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.bucket.encryption {
            None => (None, None),
            Some(Encryption::Own) => (Some(ServerSideEncryption::Aes256), None),
            Some(Encryption::Kms(key)) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        }
    }

    async fn ready(&self) -> Result<()> {
        self.bucket_is_there().await.map_err(Error::from)
    }

    async fn bucket_is_there(&self) -> Result<(), StoreFault> {
        let asked = self.asks.head_bucket().bucket(&self.bucket.name).send().await.map_err(StoreFault::of);
        match asked.map(drop) {
            Err(fault) if *fault.kind() == Kind::Absent => Err(StoreFault::new(Kind::NoBucket, "404")),
            // An answer to this question has no body, where alone a store says what it is that it refuses.
            Err(fault) if matches!(fault.kind(), Kind::Forbidden | Kind::Other) => self.lists().await,
            asked => asked,
        }
    }

    async fn keeps_versions(&self) -> Result<Option<bool>> {
        let request = self.asks.get_bucket_versioning().bucket(&self.bucket.name);
        match request.send().await.map_err(StoreFault::of) {
            Ok(said) => Ok(Some(matches!(
                said.status,
                Some(BucketVersioningStatus::Enabled | BucketVersioningStatus::Suspended)
            ))),
            // The store does not know the question, or does not let us ask.
            Err(fault) if !fault.is_outage() => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    async fn lists(&self) -> Result<(), StoreFault> {
        let request =
            self.asks.list_objects_v2().bucket(&self.bucket.name).prefix(self.below("")).max_keys(1);
        request.send().await.map_err(StoreFault::of).map(drop)
    }

    async fn delete(&self, key: &StoreKey) -> Result<()> {
        let request = self.asks.delete_object().bucket(&self.bucket.name).key(self.path(key));
        match request.send().await.map_err(StoreFault::of) {
            Ok(_) => Ok(()),
            Err(fault) => Ok(self.gone(fault).await?),
        }
    }

    /// Nothing where the fault says that what was asked for is not there, and the store itself is.
    async fn gone(&self, fault: StoreFault) -> Result<(), StoreFault> {
        match fault.kind() {
            Kind::NoKey | Kind::NoUpload => Ok(()),
            Kind::Absent => self.bucket_is_there().await,
            _ => Err(fault),
        }
    }
}

/// The error of a create whose key is taken.
fn taken(key: &StoreKey) -> Error {
    Error::PreconditionFailed(format!("there are bytes under `{key}` already"))
}

#[async_trait]
impl Storage for S3Storage {
    async fn ready(&self) -> Result<()> {
        self.0.ready().await
    }

    async fn put(&self, key: &StoreKey, body: BoxBody, options: PutOptions) -> Result<ObjectMeta> {
        self.0.put(key, body, options).await
    }

    async fn get(&self, key: &StoreKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        self.0.get(key, range).await
    }

    async fn head(&self, key: &StoreKey) -> Result<Option<ObjectMeta>> {
        self.0.head(key).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<()> {
        self.0.delete(key).await
    }

    async fn list(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<Stored>> {
        self.0.list(prefix, page).await
    }

    async fn begin_multipart(&self, key: &StoreKey, content_type: &MediaType) -> Result<Multipart> {
        self.0.begin_multipart(key, content_type, None).await
    }

    async fn put_part(&self, multipart: &Multipart, part: Part, body: BoxBody) -> Result<()> {
        self.0.put_part(multipart, part, body).await
    }

    async fn parts(&self, multipart: &Multipart) -> Result<Option<Vec<ArrivedPart>>> {
        let arrived = self.0.arrived(multipart).await?;
        Ok(arrived.map(|parts| parts.into_iter().map(|(part, _)| part).collect()))
    }

    async fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: &[Part],
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        self.0.complete_multipart(multipart, parts, mode).await
    }

    async fn abort_multipart(&self, multipart: &Multipart) -> Result<()> {
        self.0.abort_multipart(multipart).await
    }

    async fn open_multiparts(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<OpenMultipart>> {
        self.0.open_multiparts(prefix, page).await
    }

    async fn can_receive(&self, arrival: &Arrival) -> Result<()> {
        match arrival {
            Arrival::Whole { .. } => self.0.holds_to_put(PutMode::Create),
            Arrival::Parts { .. } => self.0.holds_to_part(),
            Arrival::Streamed => Ok(()),
        }
    }

    async fn can_give_up(&self, arrival: &Arrival) -> Result<()> {
        match arrival {
            Arrival::Whole { .. } if !self.0.can(Ability::WriteOnce) => Err(still_counts()),
            _ => Ok(()),
        }
    }

    async fn presign(&self, key: &StoreKey, what: &Presign, lives: Duration) -> Result<PresignedRequest> {
        self.0.presign(key, what, lives).await
    }
}
