//! A store of one's own behind the Storage port, held to the same behaviour as odavl's own by its contract suite.
//!
//!     cargo test -p odavl-examples --test custom_adapter
//!
//! This one tells how many bytes went through another store. An adapter of a new engine has the same methods, and does
//! the work instead of passing it on; `Odavl::builder().storage(..)` takes either.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use odavl_core::{
    Result,
    page::{Page, PageQuery},
    storage::{
        Arrival, ArrivedPart, Body, BoxBody, ByteRange, KeyPrefix, MediaType, Multipart, Object, ObjectMeta,
        OpenMultipart, Part, Presign, PresignedRequest, PutMode, PutOptions, Storage, StoreKey, Stored,
    },
};

/// Another store, and how many bytes went into it and came out of it.
#[derive(Debug)]
struct Counted<S> {
    inner: S,
    written: Arc<AtomicU64>,
    read: Arc<AtomicU64>,
}

impl<S: Storage> Counted<S> {
    fn new(inner: S) -> Self {
        Self { inner, written: Arc::default(), read: Arc::default() }
    }
}

/// A body that is counted as it is read: bodies are streams, and nothing holds one whole.
struct Counting {
    body: BoxBody,
    count: Arc<AtomicU64>,
}

#[async_trait]
impl Body for Counting {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = self.body.next().await?;
        self.count.fetch_add(piece.as_ref().map_or(0, |piece| piece.len() as u64), Ordering::Relaxed);
        Ok(piece)
    }
}

fn counting(body: BoxBody, count: &Arc<AtomicU64>) -> BoxBody {
    Box::new(Counting { body, count: count.clone() })
}

#[async_trait]
impl<S: Storage> Storage for Counted<S> {
    async fn ready(&self) -> Result<()> {
        self.inner.ready().await
    }

    async fn put(&self, key: &StoreKey, body: BoxBody, options: PutOptions) -> Result<ObjectMeta> {
        self.inner.put(key, counting(body, &self.written), options).await
    }

    async fn get(&self, key: &StoreKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        let found = self.inner.get(key, range).await?;
        Ok(found.map(|object| Object { body: counting(object.body, &self.read), ..object }))
    }

    async fn head(&self, key: &StoreKey) -> Result<Option<ObjectMeta>> {
        self.inner.head(key).await
    }

    async fn delete(&self, key: &StoreKey) -> Result<()> {
        self.inner.delete(key).await
    }

    async fn list(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<Stored>> {
        self.inner.list(prefix, page).await
    }

    async fn begin_multipart(&self, key: &StoreKey, content_type: &MediaType) -> Result<Multipart> {
        self.inner.begin_multipart(key, content_type).await
    }

    async fn put_part(&self, multipart: &Multipart, part: Part, body: BoxBody) -> Result<()> {
        self.inner.put_part(multipart, part, counting(body, &self.written)).await
    }

    async fn parts(&self, multipart: &Multipart) -> Result<Option<Vec<ArrivedPart>>> {
        self.inner.parts(multipart).await
    }

    async fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: &[Part],
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        self.inner.complete_multipart(multipart, parts, mode).await
    }

    async fn abort_multipart(&self, multipart: &Multipart) -> Result<()> {
        self.inner.abort_multipart(multipart).await
    }

    async fn open_multiparts(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<OpenMultipart>> {
        self.inner.open_multiparts(prefix, page).await
    }

    async fn can_receive(&self, arrival: &Arrival) -> Result<()> {
        self.inner.can_receive(arrival).await
    }

    async fn can_give_up(&self, arrival: &Arrival) -> Result<()> {
        self.inner.can_give_up(arrival).await
    }

    async fn presign(&self, key: &StoreKey, what: &Presign, lives: Duration) -> Result<PresignedRequest> {
        self.inner.presign(key, what, lives).await
    }
}

#[cfg(test)]
mod contract {
    use jiff::Timestamp;
    use odavl_core::{
        Clock, ManualClock,
        secret::Secret,
        storage::{
            DirectUrls, MemoryStorage,
            contract::{Answer, StorageHarness, send_direct},
        },
    };

    use super::*;

    struct Harness {
        clock: Arc<ManualClock>,
        urls: DirectUrls,
        storage: Arc<Counted<MemoryStorage>>,
    }

    impl Harness {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::new(Timestamp::constant(1_800_000_000, 0)));
            let urls = DirectUrls::new("https://odavl.example", &Secret::new([7; 32])).unwrap();
            let inner = MemoryStorage::new(clock.clone()).presigning(urls.clone());
            Self { clock, urls, storage: Arc::new(Counted::new(inner)) }
        }
    }

    #[async_trait]
    impl StorageHarness for Harness {
        fn storage(&self) -> Arc<dyn Storage> {
            self.storage.clone()
        }

        fn clock(&self) -> &ManualClock {
            &self.clock
        }

        async fn send(&self, request: &PresignedRequest, body: Bytes) -> Result<Answer> {
            send_direct(&self.urls, &*self.storage, self.clock.now(), request, body).await
        }
    }

    odavl_core::storage_contract!(Harness::new());

    #[tokio::test]
    async fn bytes_are_counted_both_ways() {
        let counted = Harness::new().storage;
        let key: StoreKey = "org_00000000000000000000000000/storage/key_00000000000000000000000000/obj_00000000000000000000000000".parse().unwrap();
        let options = PutOptions::create(MediaType::bytes());
        counted.put(&key, odavl_core::storage::full("hello"), options).await.unwrap();
        let found = counted.get(&key, None).await.unwrap().unwrap();
        odavl_core::storage::collect(found.body, 5).await.unwrap();
        assert_eq!((counted.written.load(Ordering::Relaxed), counted.read.load(Ordering::Relaxed)), (5, 5));
    }
}
