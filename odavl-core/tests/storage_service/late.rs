//! Bytes that land when nobody waits for them any more: they are found and removed, and nothing else is.

use jiff::Timestamp;
use odavl_core::{
    Error, ErrorCode, Odavl, Result,
    ids::{ObjectId, OrgId},
    storage::{Creator, Garbage, MediaType, PutOptions, StoreKey, collect, full},
};

use super::uses::{announce, code, name, sized};
use crate::support::{
    Plan, World,
    ports::{Call, Watch},
    send_all,
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

async fn org(world: &World) -> OrgId {
    world.one().await.orgs().read().await.unwrap().id
}

fn key(org: OrgId) -> StoreKey {
    key_of(org, ObjectId::new(Timestamp::UNIX_EPOCH).unwrap())
}

fn key_of(org: OrgId, object: ObjectId) -> StoreKey {
    StoreKey::object(org, &"storage".parse().unwrap(), Creator::System, object)
}

/// The keys that the uploads have that are known.
async fn keys(world: &World) -> Vec<StoreKey> {
    let known = world.objects.expired_uploads(Timestamp::MAX, 10).await.unwrap();
    known.into_iter().map(|(_, upload)| upload.key).collect()
}

async fn queued(world: &World) -> usize {
    let due = world.objects.due_garbage(Timestamp::MAX, 10_000).await.unwrap();
    due.iter().filter(|(_, garbage)| garbage.due_at < Timestamp::MAX).count()
}

/// Lands that many keys of an organisation, one after the other in the store's order. All are named, but for each
/// `every`th.
async fn land_many(world: &World, most: i64, every: i64) {
    let org = org(world).await;
    for n in 0..most {
        let object = ObjectId::new(Timestamp::from_millisecond(n).unwrap()).unwrap();
        let key = key_of(org, object);
        land(world, &key, "late").await;
        if n % every != 0 {
            let garbage = Garbage { object, key, multipart: None, size: 4, due_at: Timestamp::MAX };
            world.objects.queue_garbage(org, &garbage).await.unwrap();
        }
    }
}

async fn what_lands_once_its_upload_is_forgotten_is_removed(world: World) {
    world.one().await.storage().upload_url(announce("a", b"hello")).await.unwrap();
    let key = keys(&world).await.remove(0);
    world.sweep_all().await;
    assert_eq!(keys(&world).await, []);
    land(&world, &key, "hello").await;
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 5));
    // It is found once it is old, and removed a day later.
    world.sweep_all().await;
    assert_eq!(world.stored_bytes().await, 5);
    world.assert_exact().await;
    assert_eq!(world.stored_bytes().await, 0);
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

async fn what_is_sent_for_an_upload_that_was_given_up_is_refused_and_its_space_is_free(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    for sent in [true, false] {
        let ticket = session.storage().upload_url(announce("a", &[1; 80])).await.unwrap();
        let (id, request) = (ticket.status.id, ticket.request.unwrap());
        if sent {
            send_all(&odavl, &request, &[1; 80]).await.unwrap();
        }
        session.storage().abandon(id).await.unwrap();
        session.storage().abandon(id).await.unwrap();
        assert_eq!((world.used("storage_bytes").await, world.used("api_calls").await), (0, 0));
        assert_eq!(code(send_all(&odavl, &request, &[1; 80]).await), ErrorCode::PreconditionFailed);
        assert_eq!(code(session.storage().complete(id).await), ErrorCode::Conflict);
        assert_eq!(world.stored_bytes().await, 0);
    }
    let ticket = session.storage().upload_url(announce("a", b"hello")).await.unwrap();
    send_all(&odavl, &ticket.request.unwrap(), b"hello").await.unwrap();
    session.storage().complete(ticket.status.id).await.unwrap();
    assert_eq!(code(session.storage().abandon(ticket.status.id).await), ErrorCode::Conflict);
    world.assert_exact().await;
    assert_eq!((keys(&world).await, queued(&world).await), (vec![], 0));
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (5, 5));
}

async fn what_something_names_stays(world: World) {
    let (odavl, org) = (world.start(), org(&world).await);
    let session = world.session(&odavl, "one").await;
    session.storage().put(sized("streamed", 5), full("hello")).await.unwrap();
    let ticket = session.storage().upload_url(announce("direct", b"hello")).await.unwrap();
    send_all(&odavl, &ticket.request.unwrap(), b"hello").await.unwrap();
    session.storage().complete(ticket.status.id).await.unwrap();
    // Where records end is signed and kept in the same store; so is what another installation or somebody else has there.
    odavl.forget_ended().await.unwrap();
    land(&world, &key(OrgId::new(Timestamp::UNIX_EPOCH).unwrap()), "theirs").await;
    land(&world, &format!("{org}/notes").parse().unwrap(), "a note").await;
    land(&world, &"odavl-doctor/probe".parse().unwrap(), "probe").await;
    let stored = world.stored_bytes().await;
    for _ in 0..3 {
        world.sweep_all().await;
        assert_eq!((queued(&world).await, world.stored_bytes().await), (0, stored));
    }
    for object in ["streamed", "direct"] {
        let found = session.storage().read(&name(object), None).await.unwrap();
        assert_eq!(collect(found.bytes.body, 10).await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn a_sweep_goes_on_where_the_one_before_stopped_and_begins_anew_a_day_later() {
    let world = World::memory(Plan::bytes(100)).await;
    let (odavl, org) = (world.start(), org(&world).await);
    land_many(&world, 1500, 300).await;
    let found = async |odavl: &Odavl| {
        odavl.sweep().await.unwrap();
        queued(&world).await
    };
    // What is young is not asked about.
    assert_eq!([found(&odavl).await, found(&odavl).await], [0, 0]);
    world.pass(60 * 24);
    assert_eq!([found(&odavl).await, found(&odavl).await, found(&odavl).await], [4, 5, 5]);
    world.pass(60 * 24 - 1);
    land(&world, &key(org), "later").await;
    assert_eq!(found(&odavl).await, 5);
    world.pass(1);
    let strays = world.objects.due_garbage(odavl.now(), 10).await.unwrap();
    assert_eq!((strays.len(), found(&odavl).await), (5, 0));
    for (_, stray) in strays {
        assert_eq!(world.storage.head(&stray.key).await.unwrap(), None);
    }
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
    what_lands_once_its_upload_is_forgotten_is_removed
    what_lands_after_a_put_that_was_not_answered_is_removed
    what_is_sent_for_an_upload_that_was_given_up_is_refused_and_its_space_is_free
    what_something_names_stays
}
