//! Bytes that land when nobody waits for them any more: they are removed.

use jiff::Timestamp;
use odavl_core::{
    Error, ErrorCode, Result,
    storage::{MediaType, PutOptions, StoreKey, full},
};

use super::uses::{code, sized};
use crate::support::{
    Plan, World,
    ports::{Call, Watch},
};

/// A store that does not answer a put. What was sent may land later.
#[derive(Debug, Clone)]
struct Silent;

impl Watch for Silent {
    async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if (call.port, call.name) == ("Storage", "put") {
            return Err(Error::unavailable("the store does not answer", None));
        }
        work.await
    }
}

async fn land(world: &World, key: &StoreKey, bytes: &'static str) {
    world.storage.put(key, full(bytes), PutOptions::create(MediaType::bytes())).await.unwrap();
}

/// The keys that the uploads have that are known.
async fn keys(world: &World) -> Vec<StoreKey> {
    let known = world.objects.expired_uploads(Timestamp::MAX, 10).await.unwrap();
    known.into_iter().map(|(_, upload)| upload.key).collect()
}

async fn what_lands_after_a_put_that_was_not_answered_is_removed(world: World) {
    let odavl = world.start_with(&Silent);
    let put = world.session(&odavl, "one").await.storage().put(sized("a", 5), full("hello")).await;
    assert_eq!(code(put), ErrorCode::Unavailable);
    assert_eq!(world.used("storage_bytes").await, 0);
    let key = keys(&world).await.remove(0);
    land(&world, &key, "hello").await;
    // Its upload is known for an hour more, and ends it.
    world.pass(61);
    world.start().sweep().await.unwrap();
    assert_eq!(world.stored_bytes().await, 0);
    world.assert_exact().await;
}

macro_rules! cases {
    ($($case:ident)*) => {
        mod memory { $(
            #[tokio::test]
            async fn $case() {
                super::$case(crate::support::World::memory(super::Plan::bytes(100)).await).await;
            }
        )* }
        mod embedded { $(
            #[tokio::test]
            async fn $case() {
                super::$case(crate::support::World::embedded(super::Plan::bytes(100)).await).await;
            }
        )* }
        #[cfg(feature = "s3")]
        mod s3 { $(
            #[tokio::test]
            async fn $case() {
                super::$case(crate::support::World::s3(super::Plan::bytes(100)).await).await;
            }
        )* }
    };
}

cases! {
    what_lands_after_a_put_that_was_not_answered_is_removed
}
