//! Objects and results under fire: what a client was told is kept is there, byte for byte, and what is used is what is in
//! the store.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use odavl_core::{storage::Sha256, uploads::RunId};
use serde_json::{Value, json};

use super::{books::Books, checks::Found, client::Field, store::Store};
use crate::{fire::Dice, uploads::results_of, wire::Call};

/// Charged for each run whose results are taken.
pub(crate) const ANALYSES: &str = "analyses";
/// What is stored.
pub(crate) const BYTES: &str = "bytes";
/// One turn in so many of the last ones has results that are larger than what goes to the store in one request.
const LARGE_EVERY: u64 = 16;
const LARGE_BELOW: u64 = 64;
/// A request that is not answered for so long never will be.
const MOST: Duration = Duration::from_mins(2);

/// An organisation that stores.
pub(crate) struct Shelf<'a> {
    pub(crate) field: &'a Field<'a>,
    pub(crate) store: &'a Store,
    pub(crate) org: &'a str,
    pub(crate) key: &'a str,
    /// How many objects and results are still to be stored.
    pub(crate) left: AtomicU64,
}

/// What a client was told is stored: objects by their names, results by their runs.
pub(crate) type Kept = BTreeMap<String, Vec<u8>>;

impl Shelf<'_> {
    /// Makes the project that results belong to.
    pub(crate) fn prepare(&self, dice: &mut Dice) {
        let call = Call::post("/api/v1/projects", &json!({"slug": "app"}));
        self.field.ask(&call.bearer(self.key), dice).well();
    }

    /// Stores what is left to be stored; answers what it was told is kept.
    pub(crate) fn work(&self, mut dice: Dice) -> Kept {
        let mut kept = Kept::new();
        let next =
            || self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        while let Ok(turn) = next() {
            kept.extend(match turn % 2 {
                0 => self.store_object(turn, &mut dice),
                _ => self.send_results(turn, &mut dice),
            });
        }
        kept
    }

    /// Stores an object directly, and removes every third again.
    fn store_object(&self, turn: u64, dice: &mut Dice) -> Option<(String, Vec<u8>)> {
        let (name, bytes) = (format!("objects/{turn}"), format!("turn {turn} ").repeat(500).into_bytes());
        let wish = json!({"name": name, "size": bytes.len(), "sha256": Sha256::of(&bytes).to_string()});
        let begin = Call::post("/api/v1/storage/upload-url", &wish).header("Idempotency-Key", &name);
        let mut ask = |call: Call| self.field.ask(&call.bearer(self.key), dice);
        loop {
            let ticket = ask(begin.clone()).well();
            self.send(&ticket["request"], &bytes);
            let id = ticket["upload"]["id"].as_str().unwrap();
            let completed = ask(Call::new("POST", &format!("/api/v1/storage/uploads/{id}/complete")));
            match completed.status {
                200 => break,
                // The store said yes, and has not got them: they are sent again.
                409 => {}
                _ => drop(completed.well()),
            }
        }
        if turn.is_multiple_of(3) {
            let removed = ask(Call::new("DELETE", &format!("/api/v1/storage/files?name={name}")));
            assert!([200, 404].contains(&removed.status), "{removed}");
            return None;
        }
        Some((name, bytes))
    }

    /// Sends bytes to the store, until it says that they are there.
    fn send(&self, request: &Value, bytes: &[u8]) {
        let begun = Instant::now();
        while !request.is_null() {
            assert!(begun.elapsed() < MOST, "the store takes nothing for {request}");
            match Call::presigned(request, bytes).send(self.store.address()) {
                // What was sent unanswered may be there already.
                Ok(answer) if [200, 412].contains(&answer.status) => return,
                Ok(answer) => assert_eq!(answer.status, 503, "{answer}"),
                Err(_) => {}
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends the results of a run, until they are taken or the limit refuses them; each yes is sent once more.
    fn send_results(&self, turn: u64, dice: &mut Dice) -> Option<(String, Vec<u8>)> {
        let run = RunId::random().unwrap().to_string();
        let is_large = turn % LARGE_EVERY == 1 && turn < LARGE_BELOW;
        let texts: &[usize] = if is_large { &[2000; 3] } else { &[20] };
        let (bytes, call) = results_of(&run, texts);
        let call = call.bearer(self.key);
        let mut ask = || loop {
            match self.field.ask(&call, dice) {
                // Its own former try goes on, somewhere, and was faster in the end.
                answer if answer.status == 409 => {}
                answer => return answer,
            }
        };
        let answer = ask();
        if answer.status != 200 {
            answer.expect_problem(429, "quota_exceeded");
            return None;
        }
        let (first, again) = (answer.json(), ask().well());
        assert_eq!(first["upload"]["id"], again["upload"]["id"], "{first} {again}");
        Some((run, bytes))
    }

    /// Holds what nodes list and give out to what clients were told.
    pub(crate) fn compare(&self, kept: &Kept, dice: &mut Dice) -> Vec<String> {
        let mut ask = |call: Call| self.field.ask(&call.bearer(self.key), dice).well();
        let mut names = |path: &str, name: &str| {
            let page = ask(Call::get(path));
            let text = |item: &Value| item[name].as_str().unwrap().to_owned();
            page["items"].as_array().unwrap().iter().map(text).collect::<Vec<_>>()
        };
        let mut listed = names("/api/v1/storage/files?prefix=objects/&limit=1000", "name");
        listed.extend(names("/api/v1/uploads?limit=1000", "run_id"));
        listed.sort();
        let mut wrong = Vec::new();
        if !listed.iter().eq(kept.keys()) {
            wrong.push(format!("{listed:?} is listed, and {:?} was stored", kept.keys()));
        }
        for (name, bytes) in kept.iter().filter(|(name, _)| name.starts_with("objects/")) {
            let request = ask(Call::post("/api/v1/storage/download-url", &json!({"name": name})));
            let got = self.store.get(request["url"].as_str().unwrap());
            if got.status != 200 || got.body != *bytes {
                wrong.push(format!("{name} is {} bytes, and should be {}", got.body.len(), bytes.len()));
            }
        }
        wrong
    }

    /// Holds the books to the store, once all that expires has expired and was swept.
    pub(crate) fn check(&self, kept: &Kept, books: &Books) -> Found {
        let stored = self.store.bytes(self.org);
        let is_run = |name: &&String| name.parse::<RunId>().is_ok();
        let found = Shelved {
            stored,
            told: kept.values().map(|bytes| i64::try_from(bytes.len()).unwrap()).sum(),
            runs: i64::try_from(kept.keys().filter(is_run).count()).unwrap(),
        };
        found.check(books)
    }
}

/// What is stored, and what was told of it.
pub(crate) struct Shelved {
    /// Bytes in the store.
    pub(crate) stored: i64,
    /// Bytes that clients were told are kept.
    pub(crate) told: i64,
    /// Runs whose results were taken.
    pub(crate) runs: i64,
}

impl Shelved {
    pub(crate) fn check(&self, books: &Books) -> Found {
        let Self { stored, told, runs } = *self;
        let mut found = Found { wrong: books.disagree(), ..Found::default() };
        let held = books.held();
        found.leaked += held.len() as u64;
        found.wrong.extend(held);
        let is_bytes = |scope: &str| scope.is_empty();
        let counters =
            books.counters.iter().filter(|counter| counter.meter == BYTES && is_bytes(&counter.scope));
        let used: i64 = counters.map(|counter| counter.used + counter.reserved).sum();
        if used != stored {
            found.leaked += 1;
            found.wrong.push(format!("{used} bytes are used, and {stored} are in the store"));
        }
        if stored != told {
            found.lost += u64::from(stored < told);
            found.wrong.push(format!("{stored} bytes are in the store, and {told} were told to be kept"));
        }
        let charged: i64 = books.by_period(ANALYSES, "month").values().sum();
        if charged != runs {
            found.lost += u64::from(charged < runs);
            found.doubled += u64::from(charged > runs);
            found.wrong.push(format!("{charged} runs were charged, and {runs} were taken"));
        }
        found
    }
}
