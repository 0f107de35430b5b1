//! A process is stopped at every call of a port while it takes results: the retry succeeds, also at the limit, and is
//! charged once.

use odavl_core::{
    Clock, Odavl, Result,
    page::PageQuery,
    uploads::{Filter, RunId},
};

use super::results::{announce, sarif, send, with_project};
use crate::support::{
    Plan, World,
    faults::{Faults, Moment},
};

const ROUNDS: i64 = 80;

async fn stop_everywhere(world: World, then: Then) {
    let world = with_project(world).await;
    for moment in [Moment::Before, Moment::After] {
        for call in 0..ROUNDS {
            let run = RunId::random().unwrap();
            let faults = Faults::at(call, moment);
            let odavl = world.start_with(&faults);
            let done = faults.run(take(&world, &odavl, run)).await;
            drop(odavl);
            let place = format!("{moment:?} {call}");
            assert!(world.used("insight_analyses").await <= 1, "{place}");
            let (used, stored) = (world.used("storage_bytes").await, world.stored_bytes().await);
            assert!(stored <= used, "{place}: {stored} stored, {used} used");
            match then {
                // The limit is one analysis: a retry that held another one would be refused.
                Then::Retry => take(&world, &world.start(), run).await.unwrap(),
                Then::Leave => {}
            }
            world.assert_exact().await;
            let listed = world.one().await.uploads().list(&Filter::default(), &PageQuery::default()).await;
            let there = listed.unwrap().items;
            assert_eq!(world.used("insight_analyses").await, there.len() as u64, "{place}");
            assert!(there.len() == 1 || matches!(then, Then::Leave), "{place}");
            for upload in there {
                world.one().await.uploads().delete(upload.id).await.unwrap();
            }
            next_month(&world).await;
            if let Some(done) = done {
                done.unwrap();
                assert!(call > 5, "nothing was stopped");
                break;
            }
            assert!(call + 1 < ROUNDS, "it never came to its end");
        }
    }
}

#[derive(Clone, Copy)]
enum Then {
    Retry,
    Leave,
}

async fn take(world: &World, odavl: &Odavl, run: RunId) -> Result<()> {
    let session = world.session(odavl, "one").await;
    let document = sarif(run, 2);
    send(&session, announce(run, &document), &document).await.map(drop)
}

/// The analyses of another month count anew.
async fn next_month(world: &World) {
    let now = world.clock.now();
    let month = now.to_zoned(jiff::tz::TimeZone::UTC).date().last_of_month().tomorrow().unwrap();
    let start = month.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp();
    world.clock.advance(start.duration_since(now));
    world.assert_exact().await;
    assert_eq!((world.used("insight_analyses").await, world.used("storage_bytes").await), (0, 0));
}

fn plan() -> Plan {
    Plan { bytes: 10_000, analyses: 1, calls: None }
}

#[tokio::test]
async fn a_retry_goes_on_in_memory() {
    stop_everywhere(World::memory(plan()).await, Then::Retry).await;
}

#[tokio::test]
async fn a_retry_goes_on_embedded() {
    stop_everywhere(World::embedded(plan()).await, Then::Retry).await;
}

#[tokio::test]
async fn the_sweeper_ends_what_nobody_retries_in_memory() {
    stop_everywhere(World::memory(plan()).await, Then::Leave).await;
}

#[tokio::test]
async fn the_sweeper_ends_what_nobody_retries_embedded() {
    stop_everywhere(World::embedded(plan()).await, Then::Leave).await;
}
