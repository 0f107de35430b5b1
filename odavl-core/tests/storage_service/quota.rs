//! No quota is passed by a byte, however many ask at once.

use std::{collections::BTreeMap, sync::Arc};

use odavl_core::{
    ErrorCode,
    auth::{KeyUpdate, NewKeyRequest, OrgRef, OrgUpdate},
    ids::{KeyId, ReservationId, UploadId},
    metering::{Allowance, Allowances, Consume, Entry, MeterName, Op, Reserve},
    session::Session,
    storage::{Body, NewObject, NewUpload, Upload, full},
};
use tokio::task::JoinSet;

use super::uses::{announce, code, name, sized};
use crate::support::{Plan, World, faults::Unsettled, people::with_key, recorder::Recorder, send_all};

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
impl Body for Unread {
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

async fn row(world: &World, id: UploadId) -> Upload {
    let org = world.one().await.orgs().read().await.unwrap().id;
    world.objects.upload(org, id).await.unwrap().unwrap()
}

async fn what_an_upload_holds_is_no_callers_to_end(world: World) {
    let session = world.one().await;
    for key in [None, Some("k".to_owned())] {
        let wish = NewUpload { idempotency_key: key, ..announce("a", b"hello") };
        let id = session.storage().upload_url(wish).await.unwrap().status.id;
        let held = row(&world, id).await.reservation;
        for held in [held, ReservationId::from_suffix(&id.suffix()).unwrap()] {
            assert_eq!(code(session.usage().settle(held, Vec::new()).await), ErrorCode::NotFound);
            assert_eq!(code(session.usage().release(held).await), ErrorCode::NotFound);
        }
    }
    assert_eq!(world.used("storage_bytes").await, 10);
    world.assert_exact().await;
}

async fn bytes_whose_hold_was_settled_do_not_become_an_object(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    let ticket = session.storage().upload_url(announce("a", b"hello")).await.unwrap();
    send_all(&odavl, &ticket.request.unwrap(), b"hello").await.unwrap();
    let entry = Entry {
        org: session.orgs().read().await.unwrap().id,
        epoch: u64::MAX,
        subject: "".into(),
        op: Op::Settle { id: row(&world, ticket.status.id).await.reservation, actual: Vec::new() },
        idempotency: None,
        tags: Arc::default(),
    };
    world.metering.apply(&[entry]).await.unwrap();
    assert_eq!(code(session.storage().complete(ticket.status.id).await), ErrorCode::Conflict);
    world.assert_exact().await;
    assert_eq!(world.stored_bytes().await, 0);
}

#[tokio::test]
async fn what_an_upload_holds_is_no_callers_to_end_in_memory() {
    what_an_upload_holds_is_no_callers_to_end(World::memory(Plan::bytes(100)).await).await;
}

#[tokio::test]
async fn what_an_upload_holds_is_no_callers_to_end_embedded() {
    what_an_upload_holds_is_no_callers_to_end(World::embedded(Plan::bytes(100)).await).await;
}

#[tokio::test]
async fn bytes_whose_hold_was_settled_do_not_become_an_object_in_memory() {
    bytes_whose_hold_was_settled_do_not_become_an_object(World::memory(Plan::bytes(100)).await).await;
}

#[tokio::test]
async fn bytes_whose_hold_was_settled_do_not_become_an_object_embedded() {
    bytes_whose_hold_was_settled_do_not_become_an_object(World::embedded(Plan::bytes(100)).await).await;
}

fn ten_bytes() -> Allowances {
    let limit = Allowance { max: Some(10), per: None, soft: false, ceiling: None };
    Allowances::from([("storage_bytes".parse().unwrap(), vec![limit])])
}

#[tokio::test]
async fn a_key_that_is_limited_later_has_used_what_it_stored_before() {
    let world = World::unlimited().await;
    let (odavl, one) = (world.start(), world.one().await);
    let new = one.keys().create(NewKeyRequest::new("a", "storage:admin".parse().unwrap())).await.unwrap();
    let key = with_key(&odavl, new.token.unwrap().secret()).await;
    key.storage().put(sized("a", 10), full("0123456789")).await.unwrap();
    let limit = KeyUpdate { limits: Some(ten_bytes()), ..KeyUpdate::default() };
    one.keys().update(new.key.id, limit).await.unwrap();
    let refused = key.storage().put(sized("b", 10), full("0123456789")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    key.storage().delete(&name("a")).await.unwrap();
    key.storage().put(sized("b", 10), full("0123456789")).await.unwrap();
    let refused = key.storage().put(sized("c", 1), full("0")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
}

#[tokio::test]
async fn bytes_that_are_settled_when_nothing_is_held_any_more_are_their_keys_too() {
    let world = World::unlimited().await;
    let (odavl, one) = (world.start_with(&Unsettled::default()), world.one().await);
    let wish =
        NewKeyRequest { limits: ten_bytes(), ..NewKeyRequest::new("a", "storage:admin".parse().unwrap()) };
    let new = one.keys().create(wish).await.unwrap();
    let secret = new.token.unwrap().secret().clone();
    with_key(&odavl, &secret).await.storage().put(sized("a", 10), full("0123456789")).await.unwrap();
    // The reservation ends before anyone has settled it.
    world.pass(60 * 26);
    assert_eq!(world.metering.sweep(10).await.unwrap(), 1);
    assert_eq!(world.used("storage_bytes").await, 0);
    world.start().sweep().await.unwrap();
    assert_eq!(world.used("storage_bytes").await, 10);
    let key = with_key(&world.start(), &secret).await;
    assert_eq!(code(key.storage().put(sized("b", 1), full("0")).await), ErrorCode::QuotaExceeded);
    world.assert_exact().await;
}

#[tokio::test]
async fn an_upload_that_cannot_be_ended_holds_up_no_other_organisation() {
    let world = World::memory(Plan::bytes(100)).await;
    let odavl = world.start();
    let operator = world.session(&odavl, "operator").await;
    let one = world.one().await;
    let org = OrgRef::Id(one.orgs().read().await.unwrap().id);
    let plan = OrgUpdate { plan: Some("PRO".into()), ..OrgUpdate::default() };
    operator.orgs().update(&org, plan).await.unwrap();
    let ticket = one.storage().upload_url(announce("a", b"0123")).await.unwrap();
    send_all(&odavl, &ticket.request.unwrap(), b"0123").await.unwrap();
    let two = world.session(&odavl, "two").await;
    let wish = Reserve {
        units: vec![("autopilot_runs".parse().unwrap(), 5)],
        lifetime: jiff::SignedDuration::from_mins(1),
        idempotency_key: None,
        tags: BTreeMap::new(),
    };
    two.usage().reserve(wish.clone()).await.unwrap();

    let mut without = world.settings.clone();
    without.catalog.plans.remove("PRO");
    world.pass(60 * 26);
    let lacking = world.start_watched(&Recorder::default(), without);
    assert_eq!(lacking.sweep().await.unwrap_err().code(), ErrorCode::Internal);
    world.session(&lacking, "two").await.usage().reserve(wish).await.unwrap();
}

#[tokio::test]
async fn where_numbers_end_what_is_used_is_told_all_the_same() {
    let world = World::unlimited().await;
    let meter: MeterName = "autopilot_runs".parse().unwrap();
    let most = (1 << 53) - 1;
    let wish = Consume { meter, units: most, idempotency_key: None, tags: BTreeMap::new() };
    world.one().await.usage().consume(wish).await.unwrap();
    assert_eq!(world.used("autopilot_runs").await, most);
}

/// Eleven pieces of 1 MiB, before one of which something happens to a key.
struct Interrupted {
    left: u8,
    owner: Session,
    key: KeyId,
    ends: bool,
}

#[async_trait::async_trait]
impl Body for Interrupted {
    async fn next(&mut self) -> odavl_core::Result<Option<bytes::Bytes>> {
        self.left -= 1;
        match self.left {
            0 => return Ok(None),
            6 if self.ends => drop(self.owner.keys().revoke(self.key).await?),
            6 => {
                let named = KeyUpdate { name: Some("renamed".into()), ..KeyUpdate::default() };
                drop(self.owner.keys().update(self.key, named).await?);
            }
            _ => {}
        }
        Ok(Some(bytes::Bytes::from(vec![0; 1 << 20])))
    }
}

#[tokio::test]
async fn a_stream_outlives_a_change_of_its_organisation_and_not_its_own_key() {
    let world = World::unlimited().await;
    let (odavl, owner) = (world.start(), world.one().await);
    for ends in [false, true] {
        let wish = NewKeyRequest::new("a", "storage:write".parse().unwrap());
        let new = owner.keys().create(wish).await.unwrap();
        let session = with_key(&odavl, new.token.unwrap().secret()).await;
        let body = Interrupted { left: 12, owner: world.session(&odavl, "one").await, key: new.key.id, ends };
        let put = session.storage().put(NewObject::new(name("a")), Box::new(body)).await;
        match put {
            Ok(object) => assert!(!ends && object.size == 11 << 20),
            Err(error) => assert!(ends && error.code() == ErrorCode::Unauthenticated, "{error}"),
        }
    }
}
