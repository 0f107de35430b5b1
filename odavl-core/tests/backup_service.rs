//! Backups that an installation makes by itself: by a schedule, by one node, told to who should know.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU16, Ordering},
};

use async_trait::async_trait;
use jiff::{SignedDuration, civil::Date, tz::TimeZone};
use odavl_core::{
    Clock, Error, Odavl, Result,
    backup::{
        Alerting, Encryption, Entry, Identities, Job, Keeper, Keys, Policy, Pruning, Routine, Schedule,
        SigningKey, Sources, Tier, Trusted, Vault, Which, Work,
    },
    page::PageQuery,
    secret::Secret,
    session::Context,
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

/// A store that does not answer for a while.
#[derive(Debug, Clone, Default)]
struct Away(Arc<AtomicBool>);

impl Watch for Away {
    async fn call<T: Send>(&self, _: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if self.0.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the store does not answer", None));
        }
        work.await
    }
}

/// A store that answers nobody.
#[derive(Debug, Clone, Default)]
struct Stuck(Arc<()>);

impl Stuck {
    /// How many calls wait for an answer.
    fn calls(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl Watch for Stuck {
    async fn call<T: Send>(&self, _: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let _waits = self.0.clone();
        std::future::pending::<()>().await;
        work.await
    }
}

fn slack() -> Alerting {
    Alerting { slack: Some(Secret::new("https://slack.example/hook".to_owned())), ..Alerting::default() }
}

fn nightly(world: &World) -> Job {
    let schedule = Schedule::new("30 2 * * * Europe/Berlin", "main").unwrap();
    let routine = Routine { schedule, within: HOUR * 6, verified_within: None };
    let pruning = Pruning { policy: Policy::STAGING, zone: TimeZone::UTC };
    Job { routine: Some(routine), pruning, ..world.job() }
}

/// A node that backs up each night, in a world whose clock shows midnight.
fn node(world: &World, alerting: Alerting, letters: &Arc<Letterbox>) -> (Odavl, Keeper) {
    let sources = Sources::new(world.vault(world.backups.clone()), [nightly(world)], alerting);
    let odavl = world.start_backing_up(sources);
    let keeper = odavl.keeper(letters.clone()).unwrap();
    (odavl, keeper)
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
    world.vault(world.backups.clone()).list(&World::place()).await.unwrap().backups
}

#[tokio::test]
async fn over_400_nights_each_has_its_backup_and_those_stay_that_the_rules_keep() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (_odavl, mut keeper) = node(&world, slack(), &letters);
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let (mut made, mut days) = (Vec::new(), Vec::<Date>::new());
    turn(&mut keeper).await;
    for number in 0..400 {
        world.database.insert("nights", [number.to_string()]);
        for hours in [18, 6] {
            world.clock.advance(HOUR * hours);
            turn(&mut keeper).await;
        }
        let newest = backups(&world).await.pop().unwrap();
        if made.last() != Some(&newest.manifest.id) {
            made.push(newest.manifest.id);
            days.push(zone.to_datetime(newest.manifest.timings.started_at).date());
        }
    }
    assert_eq!(days.len(), 400);
    assert!(days.windows(2).all(|two| two[0].tomorrow().unwrap() == two[1]), "{days:?}");
    let kept: Vec<_> = backups(&world).await.iter().map(|entry| entry.manifest.id).collect();
    // All of the 7 days before the newest one, as restic counts them.
    assert_eq!(kept, made[made.len() - 7..]);
    assert_eq!(letters.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn a_backup_that_fails_is_told_once_tried_again_and_told_when_it_is_over() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (odavl, mut keeper) = node(&world, slack(), &letters);
    world.database.insert("rows", ["1", "2"]);
    world.database.fail_dumps_after(Some(3));
    pass(&world, &mut keeper, 3).await;
    let told = letters.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("backups of main of production: failed: "), "{told:?}");
    let operator = odavl.system(&"operator".parse().unwrap(), Context::default()).await.unwrap();
    let [source] = <[_; 1]>::try_from(operator.backups().sources().await.unwrap()).unwrap();
    assert!(source.health.failed.is_some() && source.health.newest().is_none(), "{source:?}");
    assert_eq!(source.health.troubles.len(), 1);

    world.database.fail_dumps_after(None);
    pass(&world, &mut keeper, 2).await;
    assert_eq!(backups(&world).await.len(), 1);
    let told = letters.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("no longer failed"), "{told:?}");
}

#[tokio::test]
async fn whoever_could_not_be_told_is_told_later_and_whoever_was_is_not_told_again() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let webhook = ("https://example.com/hook".to_owned(), SECRET.parse().unwrap());
    let alerting = Alerting { webhook: Some(webhook), on_success: true, ..slack() };
    let (_odavl, mut keeper) = node(&world, alerting.clone(), &letters);
    letters.status.store(0, Ordering::SeqCst);
    turn(&mut keeper).await;
    assert!(letters.take().is_empty());
    letters.status.store(503, Ordering::SeqCst);
    world.clock.advance(HOUR / 30);
    turn(&mut keeper).await;
    letters.status.store(204, Ordering::SeqCst);
    world.clock.advance(HOUR / 30);
    turn(&mut keeper).await;
    let told = letters.take();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].headers.is_empty() && told[0].body.contains("is complete"), "{told:?}");
    let body: serde_json::Value = serde_json::from_str(&told[1].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["source"]), (&"backup.completed".into(), &"main".into()));
    assert_eq!(body["data"]["backup"], backups(&world).await[0].manifest.id.to_string());
    let names: Vec<_> = told[1].headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["webhook-id", "webhook-timestamp", "webhook-signature"]);
    // Another node knows who was told: it lies beside the backups.
    let (_second, mut other) = node(&world, alerting, &letters);
    drop(keeper);
    pass(&world, &mut other, 2).await;
    assert_eq!(letters.texts(), Vec::<String>::new());
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";

#[tokio::test]
async fn where_the_store_does_not_answer_that_is_told_and_nothing_is_made_on_a_guess() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (_odavl, mut keeper) = node(&world, slack(), &letters);
    turn(&mut keeper).await;
    assert_eq!(backups(&world).await.len(), 1);
    let away = Away::default();
    let store = Watched::new(&world.backups, &away);
    let sources = Sources::new(world.vault(store), [nightly(&world)], slack());
    let odavl = world.start_backing_up(sources);
    let mut keeper = odavl.keeper(letters.clone()).unwrap();
    away.0.store(true, Ordering::SeqCst);
    pass(&world, &mut keeper, 30).await;
    let told = letters.texts();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("unreachable"), "{told:?}");
    away.0.store(false, Ordering::SeqCst);
    pass(&world, &mut keeper, 1).await;
    assert_eq!(backups(&world).await.len(), 2);
    assert!(letters.texts().iter().any(|text| text.contains("no longer unreachable")));
}

#[tokio::test]
async fn of_two_nodes_one_makes_the_backup_and_the_other_takes_over_when_it_is_gone() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (first, mut one) = node(&world, slack(), &letters);
    let (_second, mut two) = node(&world, slack(), &letters);
    turn(&mut one).await;
    turn(&mut two).await;
    assert_eq!(backups(&world).await.len(), 1);
    world.clock.advance(HOUR * 26);
    turn(&mut two).await;
    turn(&mut one).await;
    assert_eq!(backups(&world).await.len(), 2, "the lease was free, and one of them has it");
    drop(first);
    world.clock.advance(HOUR * 24);
    turn(&mut two).await;
    assert_eq!(backups(&world).await.len(), 3);
}

#[tokio::test]
async fn a_clock_that_goes_back_by_a_day_begins_nothing() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (_odavl, mut keeper) = node(&world, slack(), &letters);
    turn(&mut keeper).await;
    assert_eq!(backups(&world).await.len(), 1);
    world.clock.advance(-HOUR * 24);
    for _ in 0..24 {
        pass(&world, &mut keeper, 1).await;
    }
    assert_eq!(backups(&world).await.len(), 1);
    pass(&world, &mut keeper, 25).await;
    assert_eq!(backups(&world).await.len(), 2);
    assert_eq!(letters.texts(), Vec::<String>::new());
}

#[tokio::test]
async fn an_operator_begins_a_backup_sees_it_and_has_it_verified() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let operator = odavl.system(&"operator".parse().unwrap(), Context::default()).await.unwrap();
    world.database.insert("rows", ["1", "2"]);
    let running = operator.backups().create("main").await.unwrap();
    assert_eq!(running.since, world.clock.now());
    let listed = until(async || {
        let page = operator.backups().list("main", &PageQuery::default()).await.unwrap();
        (!page.items.is_empty()).then_some(page)
    })
    .await;
    let id = listed.items[0].manifest.id;
    until(async || operator.backups().verify("main", id).await.ok()).await;
    let verdicts = until(async || {
        let entry = operator.backups().get("main", id).await.unwrap();
        (entry.verdicts.len() == 2).then_some(entry.verdicts)
    })
    .await;
    assert!(verdicts.iter().all(|verdict| verdict.tier == Tier::Restore), "{verdicts:?}");
    let plan = operator.backups().restore_plan("main", id, "copy".parse().unwrap()).await.unwrap();
    assert_eq!((plan.backup, plan.to.as_str()), (id, "copy"));
    let absent = operator.backups().create("nothing").await.unwrap_err();
    assert_eq!(absent.code(), odavl_core::ErrorCode::NotFound);
    assert!(world.vault(world.backups.clone()).find(&World::place(), Which::Newest).await.is_ok());
}

#[tokio::test]
async fn what_was_begun_ends_with_the_installation() {
    let world = World::unlimited().await;
    let stuck = Stuck::default();
    let store = Watched::new(&world.backups, &stuck);
    let idle = stuck.calls();
    let sources = Sources::new(world.vault(store), [nightly(&world)], slack());
    let odavl = world.start_backing_up(sources);
    let operator = odavl.system(&"operator".parse().unwrap(), Context::default()).await.unwrap();
    operator.backups().create("main").await.unwrap();
    until(async || (stuck.calls() > idle).then_some(())).await;
    drop((operator, odavl));
    until(async || (stuck.calls() <= idle).then_some(())).await;
}

#[tokio::test]
async fn a_verification_that_fails_is_seen_and_told_until_the_backup_was_verified() {
    let world = World::unlimited().await;
    let letters = Letterbox::new();
    let (secret, recipient) = Identities::generate();
    let vault = |identities: Identities| {
        let signing = SigningKey::from_seed(&[7; 32]).unwrap();
        let encryption = Encryption::For(recipient.parse().unwrap());
        let keys = Keys { signing, trusted: Trusted::default(), encryption, identities };
        Vault::new(world.backups.clone(), world.clock.clone(), keys)
    };
    let sources = Sources::new(vault(Identities::default()), [nightly(&world)], slack());
    let odavl = world.start_backing_up(sources);
    let mut keeper = odavl.keeper(letters.clone()).unwrap();
    turn(&mut keeper).await;
    let operator = odavl.system(&"operator".parse().unwrap(), Context::default()).await.unwrap();
    let id = operator.backups().list("main", &PageQuery::default()).await.unwrap().items[0].manifest.id;

    // It began when the backup did, as far as the clock tells.
    operator.backups().verify("main", id).await.unwrap();
    let failed = until(async || {
        let [source] = <[_; 1]>::try_from(operator.backups().sources().await.unwrap()).unwrap();
        source.health.failed
    })
    .await;
    assert_eq!(failed.work, Work::Verify(id));
    pass(&world, &mut keeper, 1).await;
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("could not be verified"), "{told:?}");
    assert_eq!(backups(&world).await.len(), 1, "the backup itself is not made again");

    let reads = vault(secret.reveal().parse().unwrap());
    reads.verify(&World::place(), Which::Id(id), &world.database).await.unwrap();
    pass(&world, &mut keeper, 2).await;
    let told = letters.texts();
    assert!(told.len() == 1 && told[0].contains("no longer failed"), "{told:?}");
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

#[test]
fn a_secret_that_is_none_is_told_and_not_repeated() {
    for text in ["", "whsec_", "whsec_AAAA", "hunter2hunter2hunter2hunter2hunter2"] {
        let refused = text.parse::<odavl_core::backup::WebhookSecret>().unwrap_err();
        assert!(text.is_empty() || !refused.to_string().contains(text), "{refused}");
    }
}
