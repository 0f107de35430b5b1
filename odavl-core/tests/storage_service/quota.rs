//! No quota is passed by a byte, however many ask at once.

use std::sync::Arc;

use odavl_core::{
    ErrorCode,
    storage::{NewObject, full},
};
use tokio::task::JoinSet;

use super::uses::{announce, name, sized};
use crate::support::{Plan, World, send_all};

async fn of_64_uploads_as_many_succeed_as_fit(world: World) {
    let odavl = world.start();
    let session = Arc::new(world.session(&odavl, "one").await);
    let mut uploads = JoinSet::new();
    for number in 0..64 {
        let (session, odavl) = (session.clone(), odavl.clone());
        uploads.spawn(async move {
            let bytes = [number; 30];
            let object = format!("upload-{number}");
            let ticket = session.storage().upload_url(announce(&object, &bytes)).await?;
            send_all(&odavl, &ticket.request.unwrap(), &bytes).await?;
            session.storage().complete(ticket.status.id).await
        });
    }
    let mut stored = 0;
    while let Some(uploaded) = uploads.join_next().await {
        match uploaded.unwrap() {
            Ok(_) => stored += 1,
            Err(error) => assert_eq!(error.code(), ErrorCode::QuotaExceeded, "{error}"),
        }
    }
    assert_eq!(stored, 33);
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (990, 990));
    world.assert_exact().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_uploads_as_many_succeed_as_fit_in_memory() {
    of_64_uploads_as_many_succeed_as_fit(World::memory(Plan::bytes(1000)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_uploads_as_many_succeed_as_fit_embedded() {
    of_64_uploads_as_many_succeed_as_fit(World::embedded(Plan::bytes(1000)).await).await;
}

/// A body that nobody may read.
struct Unread;

#[async_trait::async_trait]
impl odavl_core::storage::Body for Unread {
    async fn next(&mut self) -> odavl_core::Result<Option<bytes::Bytes>> {
        panic!("a body was read that there is no room for");
    }
}

#[tokio::test]
async fn what_is_refused_touches_no_store_and_reads_no_byte() {
    let world = World::memory(Plan { bytes: 0, analyses: 0, calls: None }).await;
    let faults = crate::support::faults::Faults::at(i64::MAX, crate::support::faults::Moment::Before);
    let odavl = world.start_with(&faults);
    let session = world.session(&odavl, "one").await;
    let refused = session.storage().put(NewObject::new(name("a")), Box::new(Unread)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    let refused = session.storage().upload_url(announce("a", b"x")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    session.storage().put(sized("empty", 0), full("")).await.unwrap();
    world.assert_exact().await;
}

#[tokio::test]
async fn a_request_quota_that_is_used_up_refuses_uploads_and_lets_one_free_space() {
    let world = World::memory(Plan { bytes: 100, analyses: 0, calls: Some(2) }).await;
    let session = world.one().await;
    session.storage().put(sized("a", 1), full("x")).await.unwrap();
    session.storage().put(sized("b", 1), full("x")).await.unwrap();
    let refused = session.storage().put(sized("c", 1), full("x")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    assert_eq!(refused.refusal().unwrap().standing.meter.as_str(), "api_calls");
    session.storage().delete(&name("a")).await.unwrap();
    assert_eq!(world.used("storage_bytes").await, 1);
    assert_eq!(world.used("api_calls").await, 2);
}
