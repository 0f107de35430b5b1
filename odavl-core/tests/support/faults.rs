//! Stopping a process at a call of a port, before it is made or before it is answered.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use odavl_core::{
    Result,
    ids::{ObjectId, OrgId, UploadId},
    metering::{Bucket, Decision, Entry, HistoryQuery, Metering, Record, ThresholdEvent},
    page::{Page, PageQuery},
    storage::{
        Arrived, ArrivedPart, BoxBody, ByteRange, Catalog, Completion, Garbage, KeyPrefix, ListQuery, Listed,
        MediaType, Multipart, MultipartId, Object, ObjectMeta, ObjectName, ObjectRow, OpenMultipart, Part,
        Presign, PresignedRequest, PutMode, PutOptions, Storage, StorageStats, StoreKey, Stored, Upload,
    },
    uploads::{self, Begun, UploadQuery, UploadRows},
};
use tokio::sync::Notify;

/// Stops everything at the nth call.
#[derive(Debug, Clone)]
pub(crate) struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    left: AtomicI64,
    moment: Moment,
    stopped: Notify,
}

/// When a call stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It is never made.
    Before,
    /// It is made, and never answered.
    After,
}

impl Faults {
    /// Stops at the call of that number, from 0.
    pub(crate) fn at(call: i64, moment: Moment) -> Self {
        Self(Arc::new(Inner { left: AtomicI64::new(call), moment, stopped: Notify::new() }))
    }

    pub(crate) fn metering(&self, port: Arc<dyn Metering>) -> Arc<dyn Metering> {
        Arc::new(Faulty { port, faults: self.clone() })
    }

    pub(crate) fn storage(&self, port: Arc<dyn Storage>) -> Arc<dyn Storage> {
        Arc::new(Faulty { port, faults: self.clone() })
    }

    pub(crate) fn objects(&self, port: Arc<dyn Catalog>) -> Arc<dyn Catalog> {
        Arc::new(Faulty { port, faults: self.clone() })
    }

    pub(crate) fn uploads(&self, port: Arc<dyn UploadRows>) -> Arc<dyn UploadRows> {
        Arc::new(Faulty { port, faults: self.clone() })
    }

    /// Runs until it ends or the fault stops it; `None` where it was stopped.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.0.stopped.notified() => None,
        }
    }

    async fn call<T>(&self, call: impl Future<Output = T>) -> T {
        let left = self.0.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return call.await;
        }
        if left == 0 && self.0.moment == Moment::After {
            call.await;
        }
        self.0.stopped.notify_one();
        pending().await
    }
}

#[derive(Debug)]
struct Faulty<P: ?Sized> {
    faults: Faults,
    port: Arc<P>,
}

macro_rules! calls {
    ($port:ident { $($name:ident($($arg:ident: $kind:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $port for Faulty<dyn $port> {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$answer> {
                self.faults.call(self.port.$name($($arg),*)).await
            })*
        }
    };
}

calls! { Metering {
    apply(batch: &[Entry]) -> Vec<Decision>;
    fence(org: OrgId, epoch: u64) -> ();
    sweep(most: u32) -> u32;
    history(org: OrgId, query: &HistoryQuery) -> Vec<Bucket>;
    ledger(org: OrgId, page: &PageQuery) -> Page<Record>;
    thresholds(org: OrgId, page: &PageQuery) -> Page<ThresholdEvent>;
} }

calls! { Storage {
    ready() -> ();
    put(key: &StoreKey, body: BoxBody, options: PutOptions) -> ObjectMeta;
    get(key: &StoreKey, range: Option<ByteRange>) -> Option<Object>;
    head(key: &StoreKey) -> Option<ObjectMeta>;
    delete(key: &StoreKey) -> ();
    list(prefix: &KeyPrefix, page: &PageQuery) -> Page<Stored>;
    begin_multipart(key: &StoreKey, content_type: &MediaType) -> Multipart;
    put_part(multipart: &Multipart, part: Part, body: BoxBody) -> ();
    parts(multipart: &Multipart) -> Option<Vec<ArrivedPart>>;
    complete_multipart(multipart: &Multipart, parts: &[Part], mode: PutMode) -> ObjectMeta;
    abort_multipart(multipart: &Multipart) -> ();
    open_multiparts(prefix: &KeyPrefix, page: &PageQuery) -> Page<OpenMultipart>;
    presign(key: &StoreKey, what: &Presign, lives: Duration) -> PresignedRequest;
} }

calls! { Catalog {
    begin_upload(org: OrgId, upload: &Upload) -> Upload;
    upload(org: OrgId, id: UploadId) -> Option<Upload>;
    sign_parts(org: OrgId, id: UploadId, parts: &[Part], until: Timestamp) -> Option<Upload>;
    signed_parts(org: OrgId, id: UploadId) -> Vec<Part>;
    attach_multipart(org: OrgId, id: UploadId, multipart: &MultipartId) -> Option<MultipartId>;
    complete_upload(org: OrgId, id: UploadId, arrived: &Arrived) -> Option<Completion>;
    abandon_upload(org: OrgId, id: UploadId, now: Timestamp) -> Option<Upload>;
    forget_upload(org: OrgId, id: UploadId) -> ();
    expired_uploads(now: Timestamp, most: u32) -> Vec<(OrgId, Upload)>;
    object(org: OrgId, id: ObjectId) -> Option<ObjectRow>;
    object_named(org: OrgId, name: &ObjectName) -> Option<ObjectRow>;
    lend_object(org: OrgId, id: ObjectId, until: Timestamp) -> bool;
    delete_object(org: OrgId, id: ObjectId, now: Timestamp) -> Option<ObjectRow>;
    list(org: OrgId, query: &ListQuery) -> Page<Listed>;
    stats(org: OrgId) -> StorageStats;
    due_garbage(now: Timestamp, most: u32) -> Vec<(OrgId, Garbage)>;
    drop_garbage(org: OrgId, object: ObjectId) -> ();
} }

calls! { UploadRows {
    begin(org: OrgId, upload: &uploads::Upload) -> Begun;
    store(org: OrgId, id: UploadId, attempt: UploadId, stored: &uploads::Stored) -> bool;
    discard(org: OrgId, id: UploadId, attempt: UploadId) -> bool;
    delete(org: OrgId, id: UploadId) -> bool;
    upload(org: OrgId, id: UploadId) -> Option<uploads::Upload>;
    list(org: OrgId, query: &UploadQuery) -> Page<uploads::Upload>;
    expired(now: Timestamp, most: u32) -> Vec<(OrgId, uploads::Upload)>;
} }
