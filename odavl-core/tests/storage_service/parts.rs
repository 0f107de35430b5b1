//! Large uploads: in parts, resumed by any process.

use odavl_core::{
    ErrorCode,
    ids::UploadId,
    page::PageQuery,
    storage::{NewUpload, Progress, Sha256, WHOLE_MOST},
};

use super::uses::{announce, code, name};
use crate::support::{Plan, World, send_all};

pub(crate) const SIZE: u64 = WHOLE_MOST + 7;
const PART: usize = 16 << 20;

pub(crate) fn wish() -> NewUpload {
    NewUpload { size: SIZE, sha256: None, idempotency_key: Some("large".into()), ..announce("large", b"") }
}

fn bytes(number: u32) -> Vec<u8> {
    let size = if number == 5 { 7 } else { PART };
    vec![u8::try_from(number).unwrap(); size]
}

pub(crate) async fn send_part(world: &World, id: UploadId, number: u32) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    let part = bytes(number);
    let signed = session.storage().sign_parts(id, &[(number, Sha256::of(&part))]).await.unwrap();
    assert_eq!(signed.len(), 1);
    send_all(&odavl, &signed[0].request, &part).await.unwrap();
}

fn missing(progress: &Progress) -> &[u32] {
    match progress {
        Progress::Parts { part_size, count: 5, missing } => {
            assert_eq!(*part_size, PART as u64);
            missing
        }
        other => panic!("{other:?}"),
    }
}

async fn parts_arrive_from_any_process_and_become_one_object(world: World) {
    let ticket = world.one().await.storage().upload_url(wish()).await.unwrap();
    assert!(ticket.request.is_none());
    assert_eq!(missing(&ticket.status.progress), [1, 2, 3, 4, 5]);
    let id = ticket.status.id;
    for number in [2, 5] {
        send_part(&world, id, number).await;
    }
    world.pass(60 * 23);
    world.start().sweep().await.unwrap();
    let again = world.one().await.storage().upload_url(wish()).await.unwrap();
    assert_eq!((again.status.id, missing(&again.status.progress)), (id, &[1, 3, 4][..]));
    let session = world.one().await;
    assert_eq!(code(session.storage().complete(id).await), ErrorCode::Conflict);
    for number in [1, 3] {
        send_part(&world, id, number).await;
    }
    world.pass(60 * 23);
    world.start().sweep().await.unwrap();
    send_part(&world, id, 4).await;
    assert_eq!(world.used("storage_bytes").await, SIZE);
    let object = session.storage().complete(id).await.unwrap();
    assert_eq!(object.size, SIZE);
    let read =
        session.storage().read(&name("large"), Some("bytes=67108864-".parse().unwrap())).await.unwrap();
    assert_eq!(odavl_core::storage::collect(read.bytes.body, 100).await.unwrap(), bytes(5));
    world.assert_exact().await;
}

async fn parts_that_never_complete_are_dropped_and_given_back(world: World) {
    let ticket = world.one().await.storage().upload_url(wish()).await.unwrap();
    send_part(&world, ticket.status.id, 1).await;
    world.pass(60 * 24 + 1);
    world.start().sweep().await.unwrap();
    assert_eq!(world.used("storage_bytes").await, 0);
    let open = world.storage.open_multiparts(&"".parse().unwrap(), &PageQuery::default()).await.unwrap();
    assert!(open.items.is_empty());
    world.assert_exact().await;
}

async fn parts_that_are_given_up_are_dropped_and_given_back_at_once(world: World) {
    let session = world.one().await;
    let id = session.storage().upload_url(wish()).await.unwrap().status.id;
    send_part(&world, id, 1).await;
    session.storage().abandon(id).await.unwrap();
    assert_eq!(world.used("storage_bytes").await, 0);
    let open = world.storage.open_multiparts(&"".parse().unwrap(), &PageQuery::default()).await.unwrap();
    assert!(open.items.is_empty());
    let part = (2, Sha256::of(b""));
    assert_eq!(code(session.storage().sign_parts(id, &[part]).await), ErrorCode::Conflict);
    world.assert_exact().await;
}

async fn only_parts_that_there_are_get_a_url(world: World) {
    let session = world.one().await;
    let large = session.storage().upload_url(wish()).await.unwrap().status.id;
    let small = session.storage().upload_url(announce("small", b"x")).await.unwrap().status.id;
    let digest = Sha256::of(b"");
    for (id, parts) in
        [(large, vec![]), (large, vec![(0, digest)]), (large, vec![(6, digest)]), (small, vec![(1, digest)])]
    {
        assert_eq!(code(session.storage().sign_parts(id, &parts).await), ErrorCode::InvalidInput);
    }
}

macro_rules! cases {
    ($($case:ident)*) => {
        mod memory { $(
            #[tokio::test]
            async fn $case() {
                super::$case(crate::support::World::memory(super::Plan::bytes(100_000_000)).await).await;
            }
        )* }
        mod embedded { $(
            #[tokio::test]
            async fn $case() {
                super::$case(crate::support::World::embedded(super::Plan::bytes(100_000_000)).await).await;
            }
        )* }
        #[cfg(feature = "s3")]
        mod s3 { $(
            #[tokio::test]
            async fn $case() {
                super::$case(crate::support::World::s3(super::Plan::bytes(100_000_000)).await).await;
            }
        )* }
    };
}

cases! {
    parts_arrive_from_any_process_and_become_one_object
    parts_that_never_complete_are_dropped_and_given_back
    parts_that_are_given_up_are_dropped_and_given_back_at_once
    only_parts_that_there_are_get_a_url
}
