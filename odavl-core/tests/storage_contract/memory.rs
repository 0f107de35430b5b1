use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use odavl_core::{
    Clock, ManualClock, Result,
    secret::Secret,
    storage::{
        DirectUrls, MemoryStorage, PresignedRequest, Storage,
        contract::{Answer, StorageHarness, send_direct},
    },
};

struct Harness {
    clock: Arc<ManualClock>,
    urls: DirectUrls,
    storage: Arc<MemoryStorage>,
}

impl Harness {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::constant(1_800_000_000, 0)));
        let urls = DirectUrls::new("https://odavl.example", &Secret::new([7; 32])).unwrap();
        let storage = Arc::new(MemoryStorage::new(clock.clone()).presigning(urls.clone()));
        Self { clock, urls, storage }
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

mod catalog {
    odavl_core::catalog_contract!(odavl_core::storage::MemoryCatalog::default());
}
