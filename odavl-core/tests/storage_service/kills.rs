//! A process is stopped at every call of a port, before it is made and before it is answered: what was answered is
//! there, the limit holds at every moment, and after a sweep what counts is what is stored.

use odavl_core::{
    Odavl, Result,
    storage::{NewUpload, full},
};

use super::uses::{announce, name, sized};
use crate::support::{
    Plan, World,
    faults::{Faults, Moment},
    send_all,
};

const LIMIT: u64 = 12;

/// Runs `work` in processes that stop at one call after the other, until one gets to its end.
async fn stop_everywhere(world: World, work: impl AsyncFn(&World, &Odavl) -> Result<()>) {
    for moment in [Moment::Before, Moment::After] {
        for call in 0.. {
            let faults = Faults::at(call, moment);
            let odavl = world.start_with(&faults);
            let done = faults.run(work(&world, &odavl)).await;
            drop(odavl);
            let (used, stored) = (world.used("storage_bytes").await, world.stored_bytes().await);
            assert!(used <= LIMIT && stored <= used, "{moment:?} {call}: {stored} stored, {used} used");
            // Somebody else goes on at once, whatever was left.
            let retried = work(&world, &world.start()).await;
            assert!(!matches!(&retried, Err(error) if error.code().http_status() >= 500), "{retried:?}");
            world.assert_exact().await;
            empty(&world).await;
            if let Some(done) = done {
                done.unwrap();
                assert!(call > 5, "nothing was stopped");
                break;
            }
        }
    }
}

async fn empty(world: &World) {
    let session = world.one().await;
    for object in ["a", "b"] {
        let _ = session.storage().delete(&name(object)).await;
    }
    world.assert_exact().await;
    assert_eq!(world.used("storage_bytes").await, 0);
}

async fn direct(world: &World, odavl: &Odavl, wish: NewUpload, bytes: &[u8]) -> Result<()> {
    let session = world.session(odavl, "one").await;
    let ticket = session.storage().upload_url(wish).await?;
    if let Some(request) = ticket.request {
        match send_all(odavl, &request, bytes).await {
            Err(error) if error.code() != odavl_core::ErrorCode::PreconditionFailed => return Err(error),
            _ => {}
        }
    }
    session.storage().complete(ticket.status.id).await.map(drop)
}

async fn upload_replacing(world: &World, odavl: &Odavl) -> Result<()> {
    direct(world, odavl, announce("a", b"one"), b"one").await?;
    direct(world, odavl, announce("a", b"other"), b"other").await
}

async fn upload_with_a_key(world: &World, odavl: &Odavl) -> Result<()> {
    // Another key for each minute, which is each round.
    let key = odavl_core::Clock::now(&*world.clock).as_second().to_string();
    direct(world, odavl, NewUpload { idempotency_key: Some(key), ..announce("a", b"seven b") }, b"seven b")
        .await
}

async fn put_and_delete(world: &World, odavl: &Odavl) -> Result<()> {
    let session = world.session(odavl, "one").await;
    session.storage().put(sized("a", 4), full("four")).await?;
    session.storage().put(sized("b", 4), full("more")).await?;
    session.storage().delete(&name("a")).await.map(drop)
}

async fn give_up(world: &World, odavl: &Odavl) -> Result<()> {
    let session = world.session(odavl, "one").await;
    for sent in [true, false] {
        let ticket = session.storage().upload_url(announce("a", b"seven b")).await?;
        if sent {
            send_all(odavl, &ticket.request.unwrap(), b"seven b").await?;
        }
        session.storage().abandon(ticket.status.id).await?;
    }
    Ok(())
}

async fn sweep(world: &World, odavl: &Odavl) -> Result<()> {
    let other = world.start();
    direct(world, &other, announce("a", b"one"), b"one").await?;
    world.pass(30);
    let session = world.session(&other, "one").await;
    session.storage().delete(&name("a")).await?;
    let sent = session.storage().upload_url(announce("b", b"sent")).await?;
    send_all(&other, &sent.request.unwrap(), b"sent").await?;
    session.storage().upload_url(announce("b", b"never")).await?;
    world.pass(60);
    odavl.sweep().await
}

macro_rules! kills {
    ($($work:ident)*) => {
        mod memory { $(
            #[tokio::test]
            async fn $work() {
                let world = crate::support::World::memory(super::Plan::bytes(super::LIMIT)).await;
                super::stop_everywhere(world, super::$work).await;
            }
        )* }
        mod embedded { $(
            #[tokio::test]
            async fn $work() {
                let world = crate::support::World::embedded(super::Plan::bytes(super::LIMIT)).await;
                super::stop_everywhere(world, super::$work).await;
            }
        )* }
        #[cfg(feature = "s3")]
        mod s3 { $(
            #[tokio::test]
            async fn $work() {
                let world = crate::support::World::s3(super::Plan::bytes(super::LIMIT)).await;
                super::stop_everywhere(world, super::$work).await;
            }
        )* }
    };
}

kills! { upload_replacing upload_with_a_key put_and_delete give_up sweep }
