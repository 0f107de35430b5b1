//! Plays the scenarios of `scenarios/` by the library, over HTTP and on the command line, on SQLite and on PostgreSQL:
//! the same steps have to come to the same. It prints how many were played.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it did"
)]

mod case;
mod cli;
mod core;
mod http;
mod world;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use odavl_core::{Clock, SystemClock};

use case::{Case, Doors};
use world::{Actors, Engine, World};

/// A way to odavl.
trait Door {
    /// What it is called in `doors.toml`.
    fn name(&self) -> &'static str;

    /// Takes a step as whoever holds `key`.
    fn take(&self, step: &case::Step, key: &str, actors: &Actors) -> case::Outcome;
}

/// Longer than all of it takes.
const LONG: u64 = 180;

/// A day and a month end at midnight (UTC), and what was used with them: the processes know no other clock.
fn wait_for_a_day_that_is_long_enough() {
    let now = u64::try_from(SystemClock.now().as_second()).unwrap();
    let left = 86_400 - now % 86_400;
    if left < LONG {
        thread::sleep(Duration::from_secs(left));
    }
}

fn main() {
    wait_for_a_day_that_is_long_enough();
    let cases = Case::read_all();
    assert!(cases.len() >= 60, "there are {} cases", cases.len());
    let doors = Doors::read();
    let (mut played, mut failed) = (0, 0);
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::open(engine);
        let database = format!("{engine:?}").to_lowercase();
        let ways: [&dyn Door; 3] =
            [&core::Library::new(&world), &http::Http::new(&world), &cli::CommandLine::new(&world)];
        for door in ways {
            let (can, cannot): (Vec<_>, Vec<_>) =
                cases.iter().partition(|case| doors.lacks(door.name(), case).is_none());
            for case in &can {
                let actors = world.actors();
                let outcome = catch_unwind(AssertUnwindSafe(|| case.play(door, actors)));
                played += 1;
                if outcome.is_err() {
                    failed += 1;
                    println!("FAILED {} on {database}, door {}: {}", case.file, door.name(), case.name);
                }
            }
            let (played, left) = (can.len(), cannot.len());
            println!(
                "scenarios on {database}, door {}: {played} played, {left} need what it does not do",
                door.name()
            );
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {word}. {} passed; {failed} failed", played - failed);
    assert_eq!(failed, 0);
}
