//! Ports with something between them and odavl that sees each call, and may stop it.

use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use odavl_core::{
    Result,
    auth::{
        ApiKey, AuditEntry, AuditHead, Auth, Bumps, DeviceGrant, Email, Lease, LeaseWish, Login, Membership,
        OrgRef, Organization, Place, Project, Reply, SigningKey, Slug, User, Write,
    },
    ids::{EventId, KeyId, ObjectId, OrgId, SessionId, UploadId, UserId, WebhookId},
    metering::{Bucket, Decision, Entry, HistoryQuery, Metering, Pruning, Record, ThresholdEvent, Untold},
    page::{Page, PageQuery},
    secret::Digest,
    storage::{
        Arrival, Arrived, ArrivedPart, BoxBody, ByteRange, Catalog, Completion, Garbage, KeyPrefix,
        ListQuery, Listed, MediaType, Multipart, MultipartId, Object, ObjectMeta, ObjectName, ObjectRow,
        OpenMultipart, Part, Presign, PresignedRequest, PutMode, PutOptions, Storage, StorageStats, StoreKey,
        StoreMark, StoreWalk, Stored, Upload,
    },
    uploads::{self, Begun, UploadQuery, UploadRows},
    webhooks::{Claim, Delivery, Endpoint, WebhookRows},
};

/// A call of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    /// The port's name.
    pub(crate) port: &'static str,
    /// The method's.
    pub(crate) name: &'static str,
    /// Whether it changes something, or hands out what can.
    pub(crate) writes: bool,
}

/// What stands between odavl and its ports.
pub(crate) trait Watch: Clone + Debug + Send + Sync + 'static {
    /// Makes the call, or does not.
    fn call<T: Send>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T>> + Send,
    ) -> impl Future<Output = Result<T>> + Send;
}

/// A port behind a watch.
#[derive(Debug)]
pub(crate) struct Watched<P: ?Sized, W> {
    port: Arc<P>,
    watch: W,
}

impl<P: ?Sized, W: Watch> Watched<P, W> {
    pub(crate) fn new(port: &Arc<P>, watch: &W) -> Arc<Self> {
        Arc::new(Self { port: port.clone(), watch: watch.clone() })
    }
}

macro_rules! calls {
    ($port:ident { $($kind:ident $name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl<W: Watch> $port for Watched<dyn $port, W> {
            $(async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                let (port, name) = (stringify!($port), stringify!($name));
                let call = Call { port, name, writes: calls!(@ $kind) };
                self.watch.call(call, self.port.$name($($arg),*)).await
            })*
        }
    };
    (@ reads) => { false };
    (@ writes) => { true };
}

calls! { Auth {
    writes write(write: Write) -> Vec<(OrgId, u64)>;
    writes touch_keys(used: &[(OrgId, KeyId, Timestamp)]) -> ();
    reads user(id: UserId) -> Option<User>;
    reads user_by_email(email: &Email) -> Option<User>;
    reads users(page: &PageQuery) -> Page<User>;
    reads org(name: &OrgRef) -> Option<Organization>;
    reads orgs(page: &PageQuery) -> Page<Organization>;
    reads epoch(org: OrgId) -> Option<u64>;
    reads bumps(since: Option<Place>) -> Bumps;
    reads membership(org: OrgId, user: UserId) -> Option<Membership>;
    reads memberships(user: UserId) -> Vec<Membership>;
    reads members(org: OrgId, page: &PageQuery) -> Page<(Membership, User)>;
    reads project(org: OrgId, slug: &Slug) -> Option<Project>;
    reads projects(org: OrgId, page: &PageQuery) -> Page<Project>;
    reads key(id: KeyId) -> Option<ApiKey>;
    reads keys(org: OrgId, page: &PageQuery) -> Page<ApiKey>;
    reads active_keys(org: OrgId, at: Timestamp) -> u64;
    reads login(id: SessionId) -> Option<Login>;
    reads logins(user: UserId) -> Vec<Login>;
    reads device(device_code: &Digest) -> Option<DeviceGrant>;
    reads device_by_user_code(user_code: &Digest) -> Option<DeviceGrant>;
    reads signing_keys() -> Vec<SigningKey>;
    reads reply(org: OrgId, key: &Digest) -> Option<Reply>;
    reads is_set_up() -> bool;
    writes take_lease(wish: &LeaseWish) -> Option<Lease>;
    reads key_check() -> Option<Digest>;
    reads time() -> Option<Timestamp>;
    reads audit(org: OrgId, page: &PageQuery) -> Page<AuditEntry>;
    reads audit_head(org: OrgId) -> Option<AuditHead>;
} }

calls! { Metering {
    writes apply(batch: &[Entry]) -> Vec<Decision>;
    writes fence(org: OrgId, epoch: u64) -> ();
    writes sweep(most: u32) -> u32;
    writes prune(part: Pruning) -> Option<Pruning>;
    reads history(org: OrgId, query: &HistoryQuery) -> Vec<Bucket>;
    reads ledger(org: OrgId, page: &PageQuery) -> Page<Record>;
    reads thresholds(org: OrgId, page: &PageQuery) -> Page<ThresholdEvent>;
    reads untold(most: u32) -> Vec<Untold>;
    writes told(org: OrgId, seq: u64) -> ();
} }

calls! { Storage {
    reads ready() -> ();
    writes put(key: &StoreKey, body: BoxBody, options: PutOptions) -> ObjectMeta;
    reads get(key: &StoreKey, range: Option<ByteRange>) -> Option<Object>;
    reads head(key: &StoreKey) -> Option<ObjectMeta>;
    writes delete(key: &StoreKey) -> ();
    reads list(prefix: &KeyPrefix, page: &PageQuery) -> Page<Stored>;
    writes begin_multipart(key: &StoreKey, content_type: &MediaType) -> Multipart;
    writes put_part(multipart: &Multipart, part: Part, body: BoxBody) -> ();
    reads parts(multipart: &Multipart) -> Option<Vec<ArrivedPart>>;
    writes complete_multipart(multipart: &Multipart, parts: &[Part], mode: PutMode) -> ObjectMeta;
    writes abort_multipart(multipart: &Multipart) -> ();
    reads can_receive(arrival: &Arrival) -> ();
    reads can_give_up(arrival: &Arrival) -> ();
    reads open_multiparts(prefix: &KeyPrefix, page: &PageQuery) -> Page<OpenMultipart>;
    writes presign(key: &StoreKey, what: &Presign, lives: Duration) -> PresignedRequest;
} }

calls! { Catalog {
    writes begin_upload(org: OrgId, upload: &Upload) -> Upload;
    reads upload(org: OrgId, id: UploadId) -> Option<Upload>;
    reads upload_of(org: OrgId, object: ObjectId) -> Option<Upload>;
    writes sign_parts(org: OrgId, id: UploadId, parts: &[Part], until: Timestamp) -> Option<Upload>;
    reads signed_parts(org: OrgId, id: UploadId) -> Vec<Part>;
    writes attach_multipart(org: OrgId, id: UploadId, multipart: &MultipartId) -> Option<MultipartId>;
    writes complete_upload(org: OrgId, id: UploadId, arrived: &Arrived) -> Option<Completion>;
    writes abandon_upload(org: OrgId, id: UploadId, by: Timestamp, now: Timestamp) -> Option<Upload>;
    writes forget_upload(org: OrgId, id: UploadId) -> ();
    reads expired_uploads(now: Timestamp, most: u32) -> Vec<(OrgId, Upload)>;
    reads object(org: OrgId, id: ObjectId) -> Option<ObjectRow>;
    reads object_named(org: OrgId, name: &ObjectName) -> Option<ObjectRow>;
    writes lend_object(org: OrgId, id: ObjectId, until: Timestamp) -> bool;
    writes delete_object(org: OrgId, id: ObjectId, now: Timestamp) -> Option<ObjectRow>;
    reads list(org: OrgId, query: &ListQuery) -> Page<Listed>;
    reads stats(org: OrgId) -> StorageStats;
    reads due_garbage(now: Timestamp, most: u32) -> Vec<(OrgId, Garbage)>;
    reads store_mark() -> Option<StoreMark>;
    reads store_walk() -> Option<StoreWalk>;
    writes keep_store_walk(walk: &StoreWalk) -> ();
    writes renew_store_mark(from: Option<&str>, to: &str) -> bool;
    reads unnamed(objects: &[(OrgId, ObjectId)]) -> Vec<(OrgId, ObjectId)>;
    writes queue_garbage(org: OrgId, garbage: &Garbage) -> ();
    writes drop_garbage(org: OrgId, object: ObjectId) -> ();
} }

calls! { UploadRows {
    writes begin(org: OrgId, upload: &uploads::Upload) -> Begun;
    writes store(org: OrgId, id: UploadId, attempt: UploadId, stored: &uploads::Stored) -> bool;
    writes discard(org: OrgId, id: UploadId, attempt: UploadId) -> bool;
    writes delete(org: OrgId, id: UploadId) -> bool;
    reads upload(org: OrgId, id: UploadId) -> Option<uploads::Upload>;
    reads list(org: OrgId, query: &UploadQuery) -> Page<uploads::Upload>;
    reads expired(now: Timestamp, most: u32) -> Vec<(OrgId, uploads::Upload)>;
} }

calls! { WebhookRows {
    writes add(org: OrgId, endpoint: &Endpoint, most: u32) -> bool;
    reads endpoint(org: OrgId, id: WebhookId) -> Option<Endpoint>;
    reads endpoints(org: OrgId) -> Vec<Endpoint>;
    writes remove(org: OrgId, id: WebhookId) -> bool;
    writes enqueue(org: OrgId, deliveries: &[Delivery]) -> ();
    reads due(now: Timestamp, after: Option<WebhookId>, most: u32) -> Vec<(OrgId, WebhookId)>;
    writes claim(org: OrgId, endpoint: WebhookId, claim: Claim) -> Vec<Result<Delivery>>;
    writes report(org: OrgId, after: &Delivery) -> bool;
    writes replay(org: OrgId, endpoint: WebhookId, event: EventId, now: Timestamp) -> Option<Delivery>;
    reads deliveries(org: OrgId, endpoint: WebhookId, page: &PageQuery) -> Page<Delivery>;
    writes forget(before: Timestamp, most: u32) -> u32;
} }
