//! Backups that an installation makes by itself: by a schedule, by one node, told to who should know.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[cfg(test)]
mod support;

#[cfg(test)]
#[path = "backup_service/asking.rs"]
mod asking;

#[cfg(test)]
#[path = "backup_service/keeping.rs"]
mod keeping;

#[cfg(test)]
#[path = "backup_service/telling.rs"]
mod telling;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use async_trait::async_trait;
use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use odavl_core::{
    Clock, Error, Odavl, Result,
    backup::{
        Alerting, Encryption, Entry, Health, Identities, Job, Keeper, Keys, Policy, Pruning, Routine,
        Schedule, Scratch, SigningKey, Sources, Tier, Trusted, Vault, Which, Wish, Work,
    },
    page::PageQuery,
    secret::Secret,
    session::{Context, Session},
    storage::{KeyPrefix, PutOptions, Storage, StoreKey, Stored, collect, full},
    webhooks::{Courier, Letter},
};

use support::{
    World,
    ports::{Call, Watch, Watched},
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Keeps the letters that it gets, and answers as it is told.
#[derive(Debug)]
struct Letterbox {
    letters: Mutex<Vec<Letter>>,
    status: AtomicU16,
}

impl Letterbox {
    fn new() -> Arc<Self> {
        Arc::new(Self { letters: Mutex::default(), status: AtomicU16::new(200) })
    }

    /// What came since this was last asked.
    fn take(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.letters.lock().unwrap())
    }

    fn texts(&self) -> Vec<String> {
        let text = |letter: Letter| {
            let body: serde_json::Value = serde_json::from_str(&letter.body).unwrap();
            body["text"].as_str().unwrap_or_else(|| body["type"].as_str().unwrap()).to_owned()
        };
        self.take().into_iter().map(text).collect()
    }
}

#[async_trait]
impl Courier for Letterbox {
    async fn send(&self, letter: &Letter) -> Result<u16> {
        let status = self.status.load(Ordering::SeqCst);
        if status == 0 {
            return Err(Error::unavailable("nobody is there", None));
        }
        if status < 300 {
            self.letters.lock().unwrap().push(letter.clone());
        }
        Ok(status)
    }
}

/// What is wrong with a store.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Nothing,
    /// It answers that it is away.
    Away,
    /// It answers nobody.
    Stuck,
    /// It never answers that call.
    StuckAt(&'static str),
    /// The bytes of dumps are others when they are read.
    Spoils,
}

/// The store of a world, with something wrong with it at times.
#[derive(Debug, Clone)]
struct Faulty {
    store: Arc<dyn Storage>,
    fault: Arc<Mutex<Fault>>,
    waits: Arc<()>,
}

impl Faulty {
    fn new(world: &World) -> Self {
        let (fault, waits) = (Arc::new(Mutex::new(Fault::Nothing)), Arc::default());
        Self { store: world.backups.clone(), fault, waits }
    }

    fn has(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn vault(&self, world: &World) -> Vault {
        world.vault(Watched::new(&self.store, self))
    }

    /// How many calls wait for an answer, and some.
    fn calls(&self) -> usize {
        Arc::strong_count(&self.waits)
    }
}

impl Watch for Faulty {
    async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            Fault::Away => return Err(Error::unavailable("the store does not answer", None)),
            Fault::Spoils if call.name == "get" => spoil(&self.store).await,
            Fault::StuckAt(name) if name != call.name => {}
            Fault::Stuck | Fault::StuckAt(_) => {
                let _waits = self.waits.clone();
                std::future::pending::<()>().await;
            }
            Fault::Nothing | Fault::Spoils => {}
        }
        work.await
    }
}

/// All that there is.
async fn stored(store: &Arc<dyn Storage>) -> Vec<Stored> {
    store
        .list(&KeyPrefix::default(), &PageQuery { limit: PageQuery::MOST, cursor: None })
        .await
        .unwrap()
        .items
}

async fn write(store: &Arc<dyn Storage>, key: &StoreKey, bytes: Vec<u8>) {
    let options = PutOptions::create("application/octet-stream".parse().unwrap()).overwriting();
    store.put(key, full(bytes), options).await.unwrap();
}

async fn spoil(store: &Arc<dyn Storage>) {
    for object in stored(store).await.iter().filter(|object| object.key.as_str().contains("/data-")) {
        write(store, &object.key, vec![0; usize::try_from(object.size).unwrap()]).await;
    }
}

fn slack() -> Alerting {
    Alerting { slack: Some(Secret::new("https://slack.example/hook".to_owned())), ..Alerting::default() }
}

fn nightly(world: &World) -> Job {
    let schedule = Schedule::new("30 2 * * * Europe/Berlin", "main").unwrap();
    let routine = Routine { schedule, late_after: HOUR * 6, unverified_after: None };
    let pruning = Pruning { policy: Policy::STAGING, zone: TimeZone::UTC };
    Job { routine: Some(routine), pruning, ..world.job() }
}

/// A node that backs up each night, in a world whose clock shows midnight.
fn node(world: &World, alerting: Alerting, letters: &Arc<Letterbox>) -> (Odavl, Keeper) {
    node_on(world, world.vault(world.backups.clone()), alerting, letters)
}

/// The same, with backups in that vault.
fn node_on(world: &World, vault: Vault, alerting: Alerting, letters: &Arc<Letterbox>) -> (Odavl, Keeper) {
    let odavl = world.start_backing_up(Sources::new(vault, [nightly(world)], alerting));
    let keeper = odavl.keeper(letters.clone()).unwrap();
    (odavl, keeper)
}

async fn operator(odavl: &Odavl) -> Session {
    odavl.system(&"operator".parse().unwrap(), Context::default()).await.unwrap()
}

/// How the backups of the one source stand.
async fn health(odavl: &Odavl) -> Health {
    let [source] = <[_; 1]>::try_from(operator(odavl).await.backups().sources().await.unwrap()).unwrap();
    source.health
}

/// Some hours pass, and what is due is done.
async fn pass(world: &World, keeper: &mut Keeper, hours: i32) {
    for _ in 0..hours {
        world.clock.advance(HOUR);
        turn(keeper).await;
    }
}

/// What is due is done, and what came of it is looked at.
async fn turn(keeper: &mut Keeper) {
    keeper.turn().await.unwrap();
    keeper.finish().await;
    keeper.turn().await.unwrap();
    keeper.finish().await;
}

async fn backups(world: &World) -> Vec<Entry> {
    backups_in(&world.vault(world.backups.clone())).await
}

async fn backups_in(vault: &Vault) -> Vec<Entry> {
    vault.list(&World::place()).await.unwrap().backups
}

/// Asks until there is an answer.
async fn until<T>(ask: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..2000 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it never came");
}
