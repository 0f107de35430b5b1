//! Nodes, clients and sweepers on one database, simulated: everything that happens follows from a seed. Each call of the
//! port may be late, overtaken, refused before it is made, and lost after it is done; nodes are killed at any of its
//! awaits; clients leave, or ask twice at once; several nodes sweep, prune and tell of thresholds at the same time. What
//! must hold is what holds of real processes (`tests/crash/cluster` of the command line): here thousands of times in
//! seconds.

mod clients;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use clients::{End, Told, What};
use world::{BURSTS, CALLS, JOBS, LIMIT, RATE, World};

use super::*;
use crate::{
    ids::ReservationId,
    metering::{Record, ThresholdEvent},
    page::PageQuery,
};

/// How many seeds are tried; one alone by `ODAVL_SIMULATION_SEED`.
const SEEDS: u64 = 4000;
/// Everything that can go wrong.
const FAULTS: [&str; 6] = ["asked twice at once", "failed", "killed", "left", "lost", "refused"];

/// How often what went wrong.
type Faults = BTreeMap<&'static str, u64>;

#[test]
fn nothing_is_lost_doubled_or_granted_beyond_the_limit_whatever_fails_when() {
    if let Ok(seed) = std::env::var("ODAVL_SIMULATION_SEED") {
        try_seed(seed.parse().unwrap());
        return;
    }
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = |first: u64| (first..SEEDS).step_by(workers).flat_map(try_seed).collect::<Vec<_>>();
    let seen: Vec<_> = std::thread::scope(|scope| {
        let work: Vec<_> = (0..workers as u64).map(|first| scope.spawn(move || share(first))).collect();
        work.into_iter().flat_map(|work| work.join().unwrap()).collect()
    });
    let seen: BTreeSet<_> = seen.into_iter().map(|(fault, _)| fault).collect();
    assert!(seen.into_iter().eq(FAULTS), "not everything went wrong that can");
}

fn try_seed(seed: u64) -> Faults {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (wrong, faults) = runtime.block_on(run(seed));
    assert!(wrong.is_empty(), "repeat it with ODAVL_SIMULATION_SEED={seed}:\n{}", wrong.join("\n"));
    faults
}

/// What is wrong after the run of a seed, and how often what failed.
async fn run(seed: u64) -> (Vec<String>, Faults) {
    let world = World::new(seed);
    let mut told = clients::demand(&world).await;
    world.calm().await;
    clients::drain(&world, &mut told).await;
    world.tell_all().await;
    let mut wrong = clients::ask_again(&world, &told).await;
    let page = PageQuery { limit: 10_000, cursor: None };
    let ledger = world.books.ledger(world.org, &page).await.unwrap().items;
    let thresholds = world.books.thresholds(world.org, &page).await.unwrap().items;
    each_answer_is_in_the_ledger(&told, &ledger, &mut wrong);
    nothing_else_is_in_the_ledger(&told, &ledger, &mut wrong);
    limits_are_reached_and_never_passed(&world, &ledger, &mut wrong).await;
    thresholds_were_recorded_once(&thresholds, &mut wrong);
    if !thresholds.iter().map(|event| event.seq).eq(world.told()) {
        wrong.push(format!("{:?} were told of {thresholds:?}", world.told()));
    }
    (wrong, world.faults())
}

fn each_answer_is_in_the_ledger(told: &[Told], ledger: &[Record], wrong: &mut Vec<String>) {
    let mut lines = BTreeMap::<_, Vec<_>>::new();
    for record in ledger {
        lines.entry(record.tags.get("name").cloned().unwrap_or_default()).or_default().push(record);
    }
    for Told { wish, decision, .. } in told {
        let lines = lines.get(&wish.name).map_or(&[][..], Vec::as_slice);
        match decision {
            _ if lines.len() > 1 => wrong.push(format!("{wish:?} is in the ledger {} times", lines.len())),
            Some(Decision::Granted(_)) if lines.is_empty() => {
                wrong.push(format!("{wish:?} was granted and is lost"));
            }
            Some(Decision::Denied(_)) if !lines.is_empty() && wish.what.is_final() => {
                wrong.push(format!("{wish:?} was denied, and is in the ledger"));
            }
            Some(Decision::Granted(_) | Decision::Denied(_)) | None => {}
            other => wrong.push(format!("{wish:?} was answered by {other:?}")),
        }
        if lines.iter().any(|line| line.charges != wish.charges()) {
            wrong.push(format!("{lines:?} is not {wish:?}"));
        }
    }
}

fn nothing_else_is_in_the_ledger(told: &[Told], ledger: &[Record], wrong: &mut Vec<String>) {
    let names: BTreeSet<_> = told.iter().map(|told| &told.wish.name).collect();
    let mut settled: BTreeMap<_, _> =
        told.iter().filter_map(settlement).filter(|(_, units)| *units > 0).collect();
    for (record, seq) in ledger.iter().zip(1..) {
        if record.seq != seq {
            wrong.push(format!("{record:?} is at {seq}"));
        }
        let known = match (record.tags.get("name"), record.reservation) {
            (Some(name), _) => names.contains(name),
            (None, Some(id)) => {
                let units = settled.remove(&id).and_then(|units| i64::try_from(units).ok());
                units.is_some_and(|units| record.charges == [(JOBS.parse().unwrap(), units)])
            }
            (None, None) => false,
        };
        if !known {
            wrong.push(format!("nobody asked for {record:?}"));
        }
    }
    if !settled.is_empty() {
        wrong.push(format!("{settled:?} were settled, and are lost"));
    }
}

/// What a client was told that it settled, and what is charged for it.
fn settlement(told: &Told) -> Option<(ReservationId, u64)> {
    let (Some(Decision::Granted(made)), What::Hold(held, End::Settle(used))) =
        (&told.decision, &told.wish.what)
    else {
        return None;
    };
    matches!(told.ended, Some(Decision::Granted(_))).then_some((made.reservation?, *used.min(held)))
}

async fn limits_are_reached_and_never_passed(world: &World, ledger: &[Record], wrong: &mut Vec<String>) {
    let charged = |meter: &str, counts: &dyn Fn(&Record) -> bool| -> i64 {
        let charges = ledger.iter().filter(|record| counts(record)).flat_map(|record| &record.charges);
        charges.filter(|(name, _)| name.as_str() == meter).map(|(_, units)| units).sum()
    };
    for meter in [CALLS, JOBS] {
        let (granted, used) = (charged(meter, &|_| true), world.used(meter).await);
        if (granted, used) != (LIMIT.cast_signed(), LIMIT) {
            wrong.push(format!("{granted} of {meter} were granted, {used} are counted, of {LIMIT}"));
        }
    }
    let windows: BTreeSet<_> = ledger.iter().map(|record| record.counted_at.as_second()).collect();
    for second in windows {
        let granted = charged(BURSTS, &|record| record.counted_at.as_second() == second);
        if granted > RATE.cast_signed() {
            wrong.push(format!("{granted} of {BURSTS} were granted in a window, of {RATE}"));
        }
    }
}

fn thresholds_were_recorded_once(events: &[ThresholdEvent], wrong: &mut Vec<String>) {
    let mut seen: Vec<_> =
        events.iter().map(|event| (event.standing.meter.as_str(), event.threshold)).collect();
    seen.sort_unstable();
    let expected = [CALLS, JOBS].map(|meter| [80, 90, 100].map(|percent| (meter, percent)));
    if seen != expected.concat() {
        wrong.push(format!("the thresholds are {seen:?}"));
    }
}
