//! Copies of the database that come to the store of the original: they know nothing of what was stored since.

use std::sync::Arc;

use odavl_core::{
    ErrorCode, Odavl, Result,
    storage::{Catalog, MemoryCatalog, StoreKey},
};

use super::uses::{code, sized};
use crate::support::{Plan, World};
use odavl_core::storage::full;

struct Copied {
    world: World,
    original: Odavl,
    copy: Odavl,
    rows: Arc<dyn Catalog>,
}

impl Copied {
    /// A world whose store is marked, and a copy of its rows that has lost them all but for the mark.
    async fn new() -> Self {
        let world = World::memory(Plan::bytes(100)).await;
        let original = world.start();
        original.sweep().await.unwrap();
        let rows: Arc<dyn Catalog> = Arc::new(MemoryCatalog::default());
        let mark = world.objects.store_mark().await.unwrap().unwrap().mark;
        assert!(rows.renew_store_mark(None, &mark).await.unwrap());
        let stored = world.session(&original, "one").await;
        stored.storage().put(sized("since", 5), full("hello")).await.unwrap();
        let copy = world.start_on(rows.clone());
        Self { world, original, copy, rows }
    }

    /// Days in which whoever of them runs sweeps; answers what it came to in the end.
    async fn days(&self, who: &[&Odavl]) -> Vec<Result<()>> {
        let mut done = Vec::new();
        for _ in 0..3 * 24 * 4 {
            self.world.pass(15);
            done.clear();
            for odavl in who {
                done.push(odavl.sweep().await);
            }
        }
        assert_eq!(self.world.stored_bytes().await, 5);
        done
    }
}

fn codes(done: Vec<Result<()>>) -> Vec<Option<ErrorCode>> {
    done.into_iter().map(|done| done.err().map(|error| error.code())).collect()
}

const REFUSED: Option<ErrorCode> = Some(ErrorCode::Conflict);

#[tokio::test]
async fn an_older_copy_removes_nothing_and_leaves_the_store_to_the_original() {
    let copied = Copied::new().await;
    copied.world.pass(5);
    copied.original.sweep().await.unwrap();
    assert_eq!(codes(copied.days(&[&copied.copy, &copied.original]).await), [REFUSED, None]);
    // Also where it comes back, or runs alone.
    let again = copied.world.start_on(copied.rows.clone());
    assert_eq!(codes(copied.days(&[&again]).await), [REFUSED]);
    assert_eq!(codes(copied.days(&[&copied.world.start(), &again]).await), [None, REFUSED]);
}

#[tokio::test]
async fn a_young_copy_is_contested_until_the_operator_says_which_is_right() {
    let copied = Copied::new().await;
    copied.copy.sweep().await.unwrap();
    assert_eq!(codes(copied.days(&[&copied.original, &copied.copy]).await), [REFUSED, REFUSED]);
    let operator = copied.world.session(&copied.original, "operator").await;
    operator.storage().adopt_store().await.unwrap();
    assert_eq!(codes(copied.days(&[&copied.copy, &copied.original]).await), [REFUSED, None]);
    let told = code(copied.copy.sweep().await);
    assert_eq!(told, ErrorCode::Conflict);
}

#[tokio::test]
async fn a_copy_with_a_store_of_its_own_marks_it() {
    let copied = Copied::new().await;
    let elsewhere = World::memory(Plan::bytes(100)).await;
    let moved = elsewhere.start_on(copied.rows.clone());
    moved.sweep().await.unwrap();
    assert_eq!(codes(copied.days(&[&copied.original, &moved]).await), [None, None]);
}

/// A node may be killed between the database and the store, and one may be slower than another.
#[tokio::test]
async fn a_renewal_that_did_not_reach_the_store_is_made_up_for() {
    let copied = Copied::new().await;
    let (world, rows) = (&copied.world, &copied.world.objects);
    let before = rows.store_mark().await.unwrap().unwrap().mark;
    assert!(rows.renew_store_mark(Some(&before), "half-way").await.unwrap());
    for odavl in [&copied.original, &world.start(), &world.start()] {
        odavl.sweep().await.unwrap();
    }
    let key: StoreKey = "odavl/mark".parse().unwrap();
    let found = world.storage.get(&key, None).await.unwrap().unwrap();
    let found = odavl_core::storage::collect(found.body, 100).await.unwrap();
    let known = rows.store_mark().await.unwrap().unwrap();
    assert_eq!(found, known.mark.as_bytes());
}
