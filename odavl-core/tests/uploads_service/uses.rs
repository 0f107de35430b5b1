//! What each use case does, on every adapter.

use std::sync::Arc;

use odavl_core::{
    ErrorCode, Result,
    page::PageQuery,
    storage::{Body, NewObject, Sha256, collect, full},
    uploads::{Encoding, Filter, NewResults, RunId},
};
use tokio::task::JoinSet;

use super::results::{announce, code, gzip, sarif, send, send_new, with_project, with_scopes};
use crate::support::{Plan, World, faults::Unsettled};

macro_rules! cases {
    ($($case:ident)*) => {
        mod memory { $(
            #[tokio::test]
            async fn $case() {
                let world = crate::support::World::memory(super::plan()).await;
                super::$case(super::with_project(world).await).await;
            }
        )* }
        mod embedded { $(
            #[tokio::test]
            async fn $case() {
                let world = crate::support::World::embedded(super::plan()).await;
                super::$case(super::with_project(world).await).await;
            }
        )* }
        #[cfg(feature = "s3")]
        mod s3 { $(
            #[tokio::test]
            async fn $case() {
                let world = crate::support::World::s3(super::plan()).await;
                super::$case(super::with_project(world).await).await;
            }
        )* }
    };
}

fn plan() -> Plan {
    Plan { bytes: 100_000, analyses: 10, calls: None }
}

cases! {
    results_are_summarised_counted_and_read_back
    packed_results_are_kept_as_they_were_sent
    the_same_run_is_taken_once
    a_retry_at_the_limit_succeeds_and_is_charged_once
    another_content_of_a_run_is_a_conflict
    what_is_not_what_was_said_leaves_nothing
    a_body_that_breaks_frees_the_run
    results_that_do_not_fit_are_refused_unread
    deleted_results_are_given_back_and_stay_counted
    another_organisations_uploads_are_not_found
    a_product_s_scope_reaches_that_product_alone
    of_many_tries_of_a_run_one_is_charged
    of_many_runs_as_many_are_taken_as_the_limit_says
    what_is_stored_is_answered_although_it_cannot_be_settled
    results_stay_however_often_the_store_is_looked_through
}

async fn what_is_stored_is_answered_although_it_cannot_be_settled(world: World) {
    let odavl = world.start_with(&Unsettled::default());
    let taken = send_new(&world.session(&odavl, "one").await).await.unwrap();
    world.assert_exact().await;
    assert_eq!(world.used("storage_bytes").await, taken.upload.stored().unwrap().size);
    assert_eq!(world.used("insight_analyses").await, 1);
}

async fn results_stay_however_often_the_store_is_looked_through(world: World) {
    let session = world.one().await;
    let sent = send_new(&session).await.unwrap().upload;
    for _ in 0..3 {
        world.sweep_all().await;
        assert_eq!(world.objects.due_garbage(jiff::Timestamp::MAX, 10).await.unwrap(), []);
    }
    let content = session.uploads().content(sent.id, None).await.unwrap();
    let bytes = collect(content.bytes.body, 100_000).await.unwrap();
    assert_eq!(bytes.len() as u64, sent.stored().unwrap().size);
    session.uploads().delete(sent.id).await.unwrap();
    world.assert_exact().await;
    assert_eq!(world.stored_bytes().await, 0);
}

async fn assert_nothing(world: &World) {
    assert_eq!(world.used("insight_analyses").await, 0);
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
    world.assert_exact().await;
}

async fn results_are_summarised_counted_and_read_back(world: World) {
    let session = world.one().await;
    let run = RunId::random().unwrap();
    let document = sarif(run, 3);
    let sent = send(&session, announce(run, &document), &document).await.unwrap();
    assert!(!sent.replayed);
    let read = session.uploads().read(sent.upload.id).await.unwrap();
    assert_eq!(read, sent.upload);
    let stored = read.stored().unwrap();
    assert_eq!((stored.summary.results, stored.summary.levels.warning), (3, 3));
    let content = session.uploads().content(read.id, None).await.unwrap();
    assert_eq!(collect(content.bytes.body, 100_000).await.unwrap(), document);
    assert_eq!(world.used("insight_analyses").await, 1);
    assert_eq!(world.used("storage_bytes").await, document.len() as u64);
    let second = send_new(&session).await.unwrap().upload;
    let page = PageQuery::default();
    let listed = session.uploads().list(&Filter::default(), &page).await.unwrap().items;
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&second) && listed.contains(&read));
    let none = Filter { product: Some("guardian".parse().unwrap()), project: None };
    assert_eq!(session.uploads().list(&none, &page).await.unwrap().items, []);
    world.assert_exact().await;
    assert_eq!(world.used("insight_analyses").await, 2);
}

async fn packed_results_are_kept_as_they_were_sent(world: World) {
    let session = world.one().await;
    let run = RunId::random().unwrap();
    let document = sarif(run, 100);
    let packed = gzip(&document);
    let wish =
        NewResults { length: packed.len() as u64, encoding: Encoding::Gzip, ..announce(run, &document) };
    let sent = send(&session, wish, &packed).await.unwrap().upload;
    let stored = sent.stored().unwrap();
    assert_eq!((stored.size, stored.unpacked), (packed.len() as u64, document.len() as u64));
    let content = session.uploads().content(sent.id, None).await.unwrap();
    assert_eq!(collect(content.bytes.body, 100_000).await.unwrap(), packed);
    assert_eq!(world.used("storage_bytes").await, packed.len() as u64);
    world.assert_exact().await;
}

async fn the_same_run_is_taken_once(world: World) {
    let session = world.one().await;
    let run = RunId::random().unwrap();
    let document = sarif(run, 3);
    let first = send(&session, announce(run, &document), &document).await.unwrap();
    // Packed otherwise, it is the same.
    let packed = gzip(&document);
    let wish =
        NewResults { length: packed.len() as u64, encoding: Encoding::Gzip, ..announce(run, &document) };
    let again = send(&world.one().await, wish, &packed).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.upload, first.upload);
    assert_eq!(world.used("insight_analyses").await, 1);
    assert_eq!(world.used("storage_bytes").await, document.len() as u64);
    world.assert_exact().await;
}

async fn a_retry_at_the_limit_succeeds_and_is_charged_once(world: World) {
    let session = world.one().await;
    let run = RunId::random().unwrap();
    let document = sarif(run, 1);
    for _ in 0..9 {
        send_new(&session).await.unwrap();
    }
    send(&session, announce(run, &document), &document).await.unwrap();
    assert_eq!(code(send_new(&session).await), ErrorCode::QuotaExceeded);
    assert!(send(&session, announce(run, &document), &document).await.unwrap().replayed);
    assert_eq!(world.used("insight_analyses").await, 10);
    world.assert_exact().await;
}

async fn another_content_of_a_run_is_a_conflict(world: World) {
    let session = world.one().await;
    let run = RunId::random().unwrap();
    let (document, other) = (sarif(run, 1), sarif(run, 2));
    send(&session, announce(run, &document), &document).await.unwrap();
    assert_eq!(code(send(&session, announce(run, &other), &other).await), ErrorCode::Conflict);
    assert_eq!(world.used("insight_analyses").await, 1);
    world.assert_exact().await;
}

async fn what_is_not_what_was_said_leaves_nothing(world: World) {
    let session = world.one().await;
    let run = RunId::random().unwrap();
    let document = sarif(run, 1);
    let said = announce(run, &document);
    let not_sarif = br#"{"version": "1.0.0", "runs": []}"#;
    let bomb = gzip(&vec![b' '; 80 << 20]);
    let wrong = [
        (NewResults { sha256: Sha256::of(b"other"), ..said.clone() }, document.clone()),
        (NewResults { run: RunId::random().unwrap(), ..said.clone() }, document.clone()),
        (NewResults { length: said.length + 1, ..said.clone() }, document.clone()),
        (NewResults { length: said.length - 1, ..said.clone() }, document.clone()),
        (NewResults { encoding: Encoding::Zstd, ..said.clone() }, document.clone()),
        (announce(run, not_sarif), not_sarif.to_vec()),
        (announce(run, b""), Vec::new()),
        (announce(run, b"\xff\xfe"), b"\xff\xfe".to_vec()),
        (NewResults { product: "else".parse().unwrap(), ..said.clone() }, document.clone()),
        (NewResults { length: bomb.len() as u64, encoding: Encoding::Gzip, ..said.clone() }, bomb),
    ];
    for (wish, bytes) in wrong {
        let refused = code(send(&session, wish, &bytes).await);
        assert!(matches!(refused, ErrorCode::InvalidInput | ErrorCode::TooLarge), "{refused:?}");
        assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
    }
    let elsewhere = NewResults { project: "else".parse().unwrap(), ..said.clone() };
    assert_eq!(code(send(&session, elsewhere, &document).await), ErrorCode::NotFound);
    let large = NewResults { length: 65 << 20, ..said.clone() };
    assert_eq!(code(send(&session, large, &document).await), ErrorCode::TooLarge);
    assert_nothing(&world).await;
    assert_eq!(world.used("api_calls").await, 0);
    send(&session, said, &document).await.unwrap();
}

struct Broken(Option<Vec<u8>>);

#[async_trait::async_trait]
impl Body for Broken {
    async fn next(&mut self) -> Result<Option<bytes::Bytes>> {
        let piece = self.0.take().map(bytes::Bytes::from);
        piece.map(Some).ok_or_else(|| odavl_core::Error::invalid("the body broke off"))
    }
}

async fn a_body_that_breaks_frees_the_run(world: World) {
    let session = world.one().await;
    let run = RunId::random().unwrap();
    let document = sarif(run, 50);
    let half = Broken(Some(document[..document.len() / 2].to_vec()));
    let broken = session.uploads().create(announce(run, &document), Box::new(half)).await;
    assert_eq!(code(broken), ErrorCode::InvalidInput);
    assert_eq!(world.used("insight_analyses").await, 0);
    // Also for another content: nothing of the first is left.
    let other = sarif(run, 49);
    send(&session, announce(run, &other), &other).await.unwrap();
    world.assert_exact().await;
}

struct Unread;

#[async_trait::async_trait]
impl Body for Unread {
    async fn next(&mut self) -> Result<Option<bytes::Bytes>> {
        panic!("a body was read that there is no room for");
    }
}

async fn results_that_do_not_fit_are_refused_unread(world: World) {
    let session = world.one().await;
    for _ in 0..10 {
        send_new(&session).await.unwrap();
    }
    let run = RunId::random().unwrap();
    let wish = announce(run, &sarif(run, 1));
    let refused = session.uploads().create(wish.clone(), Box::new(Unread)).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().standing.meter.as_str(), "insight_analyses");
    assert_eq!(world.uploads.expired(jiff::Timestamp::MAX, 10).await.unwrap(), [], "nothing was written");
    let large = NewResults { product: "guardian".parse().unwrap(), length: 100_000, ..wish };
    let refused = session.uploads().create(large, Box::new(Unread)).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().standing.meter.as_str(), "storage_bytes");
    world.assert_exact().await;
}

async fn deleted_results_are_given_back_and_stay_counted(world: World) {
    let session = world.one().await;
    let run = RunId::random().unwrap();
    let document = sarif(run, 1);
    let sent = send(&session, announce(run, &document), &document).await.unwrap().upload;
    session.uploads().delete(sent.id).await.unwrap();
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), (0, 0));
    assert_eq!(world.used("insight_analyses").await, 1);
    assert_eq!(code(session.uploads().read(sent.id).await), ErrorCode::NotFound);
    assert_eq!(code(session.uploads().content(sent.id, None).await), ErrorCode::NotFound);
    assert_eq!(code(session.uploads().delete(sent.id).await), ErrorCode::NotFound);
    assert_eq!(code(send(&session, announce(run, &document), &document).await), ErrorCode::Conflict);
    world.assert_exact().await;
}

async fn another_organisations_uploads_are_not_found(world: World) {
    let odavl = world.start();
    let (one, two) = (world.session(&odavl, "one").await, world.session(&odavl, "two").await);
    let sent = send_new(&one).await.unwrap().upload;
    assert_eq!(code(two.uploads().read(sent.id).await), ErrorCode::NotFound);
    assert_eq!(code(two.uploads().content(sent.id, None).await), ErrorCode::NotFound);
    assert_eq!(code(two.uploads().delete(sent.id).await), ErrorCode::NotFound);
    let listed = two.uploads().list(&Filter::default(), &PageQuery::default()).await.unwrap();
    assert_eq!(listed.items, []);
    let own = sarif(sent.run, 5);
    send(&two, announce(sent.run, &own), &own).await.unwrap();
}

async fn a_product_s_scope_reaches_that_product_alone(world: World) {
    let odavl = world.start();
    let sent = send_new(&world.session(&odavl, "one").await).await.unwrap().upload;
    let guardian = with_scopes(&world, &odavl, "guardian:admin").await;
    assert_eq!(code(send_new(&guardian).await), ErrorCode::Forbidden);
    assert_eq!(code(guardian.uploads().read(sent.id).await), ErrorCode::Forbidden);
    assert_eq!(code(guardian.uploads().delete(sent.id).await), ErrorCode::Forbidden);
    let page = PageQuery::default();
    assert_eq!(guardian.uploads().list(&Filter::default(), &page).await.unwrap().items, []);
    let insight = Filter { product: Some("insight".parse().unwrap()), project: None };
    assert_eq!(code(guardian.uploads().list(&insight, &page).await), ErrorCode::Forbidden);

    let writer = with_scopes(&world, &odavl, "insight:write").await;
    send_new(&writer).await.unwrap();
    assert_eq!(writer.uploads().list(&insight, &page).await.unwrap().items.len(), 2);
    assert_eq!(code(writer.uploads().delete(sent.id).await), ErrorCode::Forbidden);
    let none = with_scopes(&world, &odavl, "usage:read").await;
    assert_eq!(code(none.uploads().list(&Filter::default(), &page).await), ErrorCode::Forbidden);
    let put = none.storage().put(NewObject::new("a".parse().unwrap()), full("x")).await;
    assert_eq!(code(put), ErrorCode::Forbidden);
}

async fn of_many_tries_of_a_run_one_is_charged(world: World) {
    let session = Arc::new(world.one().await);
    let run = RunId::random().unwrap();
    let document = sarif(run, 150);
    let mut tries = JoinSet::new();
    // As many as the limits could hold at once: each try holds for itself until one has won.
    for _ in 0..8 {
        let (session, document) = (session.clone(), document.clone());
        tries.spawn(async move { send(&session, announce(run, &document), &document).await });
    }
    let mut sent = 0;
    while let Some(tried) = tries.join_next().await {
        match tried.unwrap() {
            Ok(_) => sent += 1,
            Err(error) => assert_eq!(error.code(), ErrorCode::Conflict, "{error}"),
        }
    }
    assert!(sent > 0);
    assert_eq!(world.used("insight_analyses").await, 1);
    assert_eq!((world.used("storage_bytes").await, world.stored_bytes().await), {
        let size = document.len() as u64;
        (size, size)
    });
    world.assert_exact().await;
}

async fn of_many_runs_as_many_are_taken_as_the_limit_says(world: World) {
    let session = Arc::new(world.one().await);
    let mut runs = JoinSet::new();
    for _ in 0..32 {
        let session = session.clone();
        runs.spawn(async move { send_new(&session).await });
    }
    let mut sent = 0;
    while let Some(tried) = runs.join_next().await {
        match tried.unwrap() {
            Ok(_) => sent += 1,
            Err(error) => assert_eq!(error.code(), ErrorCode::QuotaExceeded, "{error}"),
        }
    }
    assert_eq!(sent, 10);
    assert_eq!(world.used("insight_analyses").await, 10);
    world.assert_exact().await;
}
