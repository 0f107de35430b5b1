use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use odavl_core::{
    ManualClock, Result,
    storage::{
        PresignedRequest, Profile, Storage,
        contract::{Answer, StorageHarness},
    },
};
use odavl_test_store::TestStore;

#[path = "../support/s3.rs"]
pub(crate) mod support;

struct Harness {
    clock: Arc<ManualClock>,
    storage: Arc<dyn Storage>,
    _store: TestStore,
}

impl Harness {
    async fn new() -> Self {
        let (clock, store) = (support::clock(), TestStore::start().await);
        let storage = support::storage(&store.url, Profile::full(), clock.clone());
        Self { clock, storage, _store: store }
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
        Ok(support::send(request, body).await)
    }
}

odavl_core::storage_contract!(Harness::new().await);
