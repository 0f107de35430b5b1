//! What happens at the same time: a sweep while an upload is completed, bytes that come late, several who complete.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::SignedDuration;
use odavl_core::{
    Error, ErrorCode, Odavl, Result,
    auth::OrgUpdate,
    ids::UploadId,
    storage::{Body, NewObject, NewUpload, full},
};
use tokio::task::JoinSet;

use super::{
    parts::{SIZE, send_part, wish},
    uses::{announce, code, name, sized},
};
use crate::support::{
    Plan, World,
    faults::Unsettled,
    ports::{Call, Watch},
    send, send_all,
};

type Act = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Does something else once, just before a call of that name is made.
#[derive(Clone)]
struct Meanwhile(&'static str, Arc<Mutex<Option<Act>>>);

impl Meanwhile {
    fn at(name: &'static str, act: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(name, Arc::new(Mutex::new(Some(Box::pin(act)))))
    }

    fn happened(&self) -> bool {
        self.1.lock().unwrap().is_none()
    }
}

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "before {}", self.0)
    }
}

impl Watch for Meanwhile {
    async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let act = if call.name == self.0 { self.1.lock().unwrap().take() } else { None };
        if let Some(act) = act {
            act.await;
        }
        work.await
    }
}

async fn all_parts(world: &World, key: &str) -> UploadId {
    let wish = NewUpload { idempotency_key: Some(key.into()), ..wish() };
    let id = world.one().await.storage().upload_url(wish).await.unwrap().status.id;
    for number in 1..=5 {
        send_part(world, id, number).await;
    }
    id
}

/// Lets time pass, and sweeps.
fn sweep_after(world: &World, minutes: i64) -> impl Future<Output = ()> + Send + 'static {
    let (odavl, clock): (Odavl, _) = (world.start(), world.clock.clone());
    async move {
        clock.advance(SignedDuration::from_mins(minutes));
        odavl.sweep().await.unwrap();
    }
}

async fn a_sweep_does_not_end_an_upload_that_is_being_completed(world: World) {
    for call in ["complete_multipart", "complete_upload"] {
        let id = all_parts(&world, call).await;
        world.pass(60 * 24 - 1);
        let meanwhile = Meanwhile::at(call, sweep_after(&world, 2));
        let odavl = world.start_with(&meanwhile);
        let session = world.session(&odavl, "one").await;
        assert_eq!(session.storage().complete(id).await.unwrap().size, SIZE);
        assert!(meanwhile.happened());
        world.assert_exact().await;
        assert_eq!(world.stored_bytes().await, SIZE);
        session.storage().delete(&name("large")).await.unwrap();
        world.assert_exact().await;
    }
}

async fn an_upload_that_is_completed_and_given_up_at_once_is_one_of_the_two(world: World) {
    for call in ["complete_multipart", "complete_upload"] {
        let (id, other) = (all_parts(&world, call).await, world.one().await);
        let meanwhile = Meanwhile::at(call, async move { other.storage().abandon(id).await.unwrap() });
        let session = world.session(&world.start_with(&meanwhile), "one").await;
        assert_eq!(code(session.storage().complete(id).await), ErrorCode::Conflict, "{call}");
        assert!(meanwhile.happened() && world.used("storage_bytes").await == 0);
        world.assert_exact().await;
    }
    let (id, other) = (all_parts(&world, "k").await, world.one().await);
    let meanwhile = Meanwhile::at("abandon_upload", async move {
        other.storage().complete(id).await.unwrap();
    });
    let session = world.session(&world.start_with(&meanwhile), "one").await;
    assert_eq!(code(session.storage().abandon(id).await), ErrorCode::Conflict);
    assert!(meanwhile.happened());
    world.assert_exact().await;
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (SIZE, SIZE));
}

async fn an_upload_is_completed_though_its_organisation_changes_at_that_moment(world: World) {
    let id = all_parts(&world, "k").await;
    let operator = world.session(&world.start(), "operator").await;
    let meanwhile = Meanwhile::at("upload", async move {
        let noted = OrgUpdate { metadata: Some([("a".into(), "b".into())].into()), ..OrgUpdate::default() };
        operator.orgs().update(&"one".parse().unwrap(), noted).await.unwrap();
    });
    let odavl = world.start_with(&meanwhile);
    assert_eq!(world.session(&odavl, "one").await.storage().complete(id).await.unwrap().size, SIZE);
    assert!(meanwhile.happened());
    world.assert_exact().await;
}

async fn an_upload_that_is_put_off_under_the_sweeper_goes_on(world: World) {
    let id = world.one().await.storage().upload_url(wish()).await.unwrap().status.id;
    for number in 1..=4 {
        send_part(&world, id, number).await;
    }
    world.pass(60 * 24);
    let session = world.one().await;
    let goes_on = async move {
        assert_eq!(code(session.storage().complete(id).await), ErrorCode::Conflict);
    };
    let meanwhile = Meanwhile::at("abandon_upload", goes_on);
    world.start_with(&meanwhile).sweep().await.unwrap();
    assert!(meanwhile.happened());
    send_part(&world, id, 5).await;
    assert_eq!(world.one().await.storage().complete(id).await.unwrap().size, SIZE);
    world.assert_exact().await;
}

async fn of_those_who_begin_with_one_key_each_gets_the_same_upload(world: World) {
    let other = world.one().await;
    let first = Arc::new(Mutex::new(None));
    let told = first.clone();
    let meanwhile = Meanwhile::at("begin_upload", async move {
        *told.lock().unwrap() = Some(other.storage().upload_url(wish()).await.unwrap().status.id);
    });
    let odavl = world.start_with(&meanwhile);
    let second = world.session(&odavl, "one").await.storage().upload_url(wish()).await.unwrap();
    assert_eq!(Some(second.status.id), *first.lock().unwrap());
    assert_eq!(world.used("storage_bytes").await, SIZE);
    world.assert_exact().await;
}

async fn whoever_completes_at_the_same_time_is_answered_the_same(world: World) {
    let id = all_parts(&world, "k").await;
    let mut completing = JoinSet::new();
    for _ in 0..4 {
        let session = world.one().await;
        completing.spawn(async move { session.storage().complete(id).await });
    }
    let answers = completing.join_all().await.into_iter().collect::<Result<Vec<_>>>().unwrap();
    assert!(answers.iter().all(|object| *object == answers[0]), "{answers:?}");
    world.assert_exact().await;
    assert_eq!(world.stored_bytes().await, SIZE);
}

/// Bytes of which the end comes when that much time has passed.
struct Late(Option<bytes::Bytes>, Arc<odavl_core::ManualClock>, SignedDuration);

#[async_trait::async_trait]
impl Body for Late {
    async fn next(&mut self) -> Result<Option<bytes::Bytes>> {
        if self.0.is_none() {
            self.1.advance(self.2);
        }
        Ok(self.0.take())
    }
}

async fn bytes_come_a_little_late_or_not_at_all(world: World) {
    let odavl = world.start();
    let session = world.session(&odavl, "one").await;
    for (minutes, comes) in [(5, false), (4, true)] {
        let ticket = session.storage().upload_url(announce("a", b"hello")).await.unwrap();
        world.pass(14);
        let late = Late(Some("hello".into()), world.clock.clone(), SignedDuration::from_mins(minutes + 1));
        let sent = send(&odavl, &ticket.request.unwrap(), Box::new(late), 5).await;
        assert_eq!(
            sent.map(drop).map_err(|error| error.code()),
            comes.then_some(()).ok_or(ErrorCode::InvalidInput)
        );
        world.assert_exact().await;
        assert_eq!(world.stored_bytes().await, if comes { 5 } else { 0 });
    }
}

async fn a_stream_that_ends_late_is_there(world: World) {
    let late = Late(Some("hello".into()), world.clock.clone(), SignedDuration::from_mins(59));
    let meanwhile = Meanwhile::at("complete_upload", sweep_after(&world, 30));
    let odavl = world.start_with(&meanwhile);
    world.session(&odavl, "one").await.storage().put(sized("a", 5), Box::new(late)).await.unwrap();
    assert!(meanwhile.happened());
    world.assert_exact().await;
    assert_eq!(world.stored_bytes().await, 5);
}

/// Loses the answer once, to a call of that name.
#[derive(Debug, Clone)]
struct Loses(&'static str, Arc<AtomicBool>);

impl Loses {
    fn once(name: &'static str) -> Self {
        Self(name, Arc::default())
    }
}

impl Watch for Loses {
    async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let lost = call.name == self.0 && !self.1.swap(true, Ordering::SeqCst);
        let done = work.await;
        if lost { Err(Error::unavailable("its answer was lost", None)) } else { done }
    }
}

async fn whoever_was_answered_an_error_stores_nothing_beyond_their_quota(world: World) {
    let wish = |key: &str| {
        let large = NewUpload { size: 40_000_000, ..announce(key, b"hello") };
        NewUpload { idempotency_key: Some(key.into()), ..large }
    };
    for failing in ["presign", "begin_upload"] {
        for key in ["1", "2", "3"] {
            let odavl = world.start_with(&Loses::once(failing));
            let failed = world.session(&odavl, "one").await.storage().upload_url(wish(key)).await;
            assert_ne!(failed.unwrap_err().code(), ErrorCode::Internal);
        }
        let mut signed = 0;
        for key in ["1", "2", "3"] {
            match world.one().await.storage().upload_url(wish(key)).await {
                Ok(ticket) => signed += u64::from(ticket.request.is_some()),
                Err(error) => assert_eq!(error.code(), ErrorCode::QuotaExceeded, "{error}"),
            }
        }
        assert_eq!((signed, world.used("storage_bytes").await), (2, 80_000_000), "{failing}");
        world.assert_exact().await;
        world.pass(60);
        world.start().sweep().await.unwrap();
        assert_eq!(world.used("storage_bytes").await, 0, "{failing}");
    }
}

async fn what_nothing_is_held_for_any_more_is_not_put_off(world: World) {
    let one = world.one().await;
    let ticket = one.storage().upload_url(announce("a", b"hello")).await.unwrap();
    send_all(&world.start(), &ticket.request.unwrap(), b"hello").await.unwrap();
    // Its reservation runs out unseen, and others take the space.
    world.pass(40);
    assert_eq!(world.metering.sweep(10).await.unwrap(), 1);
    let rest = NewUpload { size: 50_000_000, ..announce("b", b"rest") };
    for _ in 0..2 {
        one.storage().upload_url(rest.clone()).await.unwrap();
    }
    for _ in 0..6 {
        assert_eq!(code(one.storage().complete(ticket.status.id).await), ErrorCode::QuotaExceeded);
        world.pass(5);
    }
    world.start().sweep().await.unwrap();
    assert_eq!(code(one.storage().complete(ticket.status.id).await), ErrorCode::NotFound);
    assert_eq!(world.stored_bytes().await, 0);
}

async fn an_upload_whose_parts_never_come_ends_whoever_asks_for_it(world: World) {
    let id = world.one().await.storage().upload_url(wish()).await.unwrap().status.id;
    send_part(&world, id, 1).await;
    for _ in 0..9 * 24 / 5 {
        let _ = world.one().await.storage().complete(id).await;
        world.pass(60 * 5);
        world.start().sweep().await.unwrap();
    }
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
}

async fn what_was_not_settled_is_given_back_all_the_same(world: World) {
    for replaced in [false, true] {
        let odavl = world.start_with(&Unsettled::default());
        let _ = world.session(&odavl, "one").await.storage().put(sized("a", 5), full("hello")).await;
        let session = world.one().await;
        assert_eq!(session.storage().read(&name("a"), None).await.unwrap().object.size, 5);
        if replaced {
            session.storage().put(sized("a", 3), full("you")).await.unwrap();
            world.start().sweep().await.unwrap();
            assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (3, 3));
        }
        session.storage().delete(&name("a")).await.unwrap();
        assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
        world.assert_exact().await;
    }
}

async fn what_is_stored_is_answered_although_it_cannot_be_settled(world: World) {
    for object in [sized("a", 5), NewObject::new(name("b"))] {
        let odavl = world.start_with(&Unsettled::default());
        world.session(&odavl, "one").await.storage().put(object, full("hello")).await.unwrap();
    }
    world.assert_exact().await;
    assert_eq!((world.used("storage_bytes").await, world.used("api_calls").await), (10, 2));
}

macro_rules! cases {
    (everywhere { $($case:ident)* } by_a_clock_that_moves { $($timed:ident)* }) => {
        mod memory { cases! { @ memory $($case)* $($timed)* } }
        mod embedded { cases! { @ embedded $($case)* $($timed)* } }
        #[cfg(feature = "s3")]
        mod s3 { cases! { @ s3 $($case)* } }
    };
    (@ $on:ident $($case:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            super::$case(crate::support::World::$on(super::Plan::bytes(100_000_000)).await).await;
        }
    )*};
}

// A store of its own has a clock of its own, which no test moves: what it does in time the contract shows.
cases! {
    everywhere {
        whoever_was_answered_an_error_stores_nothing_beyond_their_quota
        what_nothing_is_held_for_any_more_is_not_put_off
        an_upload_whose_parts_never_come_ends_whoever_asks_for_it
        a_sweep_does_not_end_an_upload_that_is_being_completed
    an_upload_that_is_completed_and_given_up_at_once_is_one_of_the_two
        an_upload_is_completed_though_its_organisation_changes_at_that_moment
        an_upload_that_is_put_off_under_the_sweeper_goes_on
        whoever_completes_at_the_same_time_is_answered_the_same
        a_stream_that_ends_late_is_there
        of_those_who_begin_with_one_key_each_gets_the_same_upload
        what_was_not_settled_is_given_back_all_the_same
        what_is_stored_is_answered_although_it_cannot_be_settled
    }
    by_a_clock_that_moves {
        bytes_come_a_little_late_or_not_at_all
    }
}
