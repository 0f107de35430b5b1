//! A round: three times of what there is is asked for under fire; then all is mended, and looked at.

use std::{
    fs::File,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use odavl_core::{Clock, SystemClock};

use super::{
    books::{Books, start_of},
    checks::{Case, Found},
    client::{Field, Told},
    database::Database,
    demand::{CALLS, JOBS, Limits, TOKENS, What, Wish, demand},
    faults::{Faults, Fire, start_all},
    hooks::{Outbox, Receiver},
    later::end_what_expires,
    node::Node,
    objects::{Kept, Shelf},
    store::Store,
};
use crate::{
    fire::{Dice, Seed},
    service::Installation,
};

/// What takes longer than that never ends.
const MOST: Duration = Duration::from_mins(2);

/// How much is asked for, and by how many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) orgs: usize,
    pub(crate) clients: usize,
    /// After so many answers at most, something goes wrong again.
    pub(crate) calm: u64,
    /// The longest that a node stands still, or hears nothing, in milliseconds.
    pub(crate) outage: u64,
    /// How many objects and results are stored, half of each, and by how many.
    pub(crate) objects: u64,
    pub(crate) senders: usize,
    /// Whether a lease is waited for whose holder was killed, or is taken away from it.
    pub(crate) leases: Leases,
    pub(crate) limits: Limits,
}

/// What becomes of the lease of a node that was killed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Leases {
    /// It ends in its time.
    End,
    /// It is taken away, since its time is half of the short form's.
    Cut,
}

/// What rounds happen on.
#[derive(Clone, Copy)]
pub(crate) struct Stage<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) database: &'a Database,
    pub(crate) store: &'a Store,
    pub(crate) receiver: &'a Receiver,
    pub(crate) nodes: &'a [Node],
    pub(crate) logs: &'a Path,
}

/// Organisations of its own, and who asks for them.
pub(crate) struct Round<'a> {
    number: u64,
    size: Size,
    stage: Stage<'a>,
    /// Their ids.
    orgs: Vec<String>,
    keys: Vec<String>,
    /// The one that stores, and its key.
    storing: (String, String),
    month: i64,
}

impl<'a> Round<'a> {
    pub(crate) fn new(number: u64, size: Size, stage: Stage<'a>) -> Self {
        let Stage { installation, database, .. } = stage;
        let make = |slug: &String, scopes: &str| {
            installation.run(&format!("admin org create {slug}"), "");
            let id = database.rows("SELECT id FROM organizations WHERE slug = $1", &[slug])[0].get(0);
            (id, installation.make_key(slug, scopes))
        };
        // A limit of its own, which refuses nothing, so that what each key used is counted besides.
        let scopes = "--scope insight:write --scope usage:write --scope org:write --limit calls=1000000";
        let slugs = (0..size.orgs).map(|org| format!("org-{number}-{org}"));
        let (orgs, keys) = slugs.map(|slug| make(&slug, scopes)).unzip();
        let scopes = "--scope storage:write --scope uploads:write --scope org:write --scope insight:write";
        let storing = make(&format!("storing-{number}"), scopes);
        Self { number, size, stage, orgs, keys, storing, month: this_month() }
    }

    /// Runs it; answers what went wrong on purpose, what was found, and how many rows the ledger has of it.
    pub(crate) fn run(self, seed: &mut Seed) -> (Faults, Found, i64) {
        let Stage { installation, store, receiver, nodes, .. } = self.stage;
        start_all(nodes, installation);
        let wishes = demand(self.number, self.size.orgs, &self.size.limits, &mut seed.dice());
        let field = Field {
            nodes,
            gateway: &installation.gateway,
            keys: &self.keys,
            wishes: Mutex::new(wishes.into()),
            answered: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            strange: Mutex::default(),
        };
        let (org, key) = &self.storing;
        let storing = Shelf { field: &field, store, org, key, left: AtomicU64::new(self.size.objects) };
        storing.prepare(&mut seed.dice());
        self.keys.iter().for_each(|key| receiver.subscribe(&field, key, &mut seed.dice()));
        let (faults, mut told, kept) = self.burn(&field, &storing, seed);
        self.settle(&field, &mut told, &mut seed.dice());
        let mut again = ask_again(&field, &told, self.size.clients, seed);
        again.extend(storing.compare(&kept, &mut seed.dice()));
        // What is durable is so without any node.
        for node in nodes {
            node.kill();
        }
        self.wait_until("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'odavl'");
        let mut found = self.look(&told, &storing, &kept);
        found.wrong.extend(again);
        found.wrong.extend(field.strange.lock().unwrap().iter().map(|answer| format!("an answer: {answer}")));
        let all: Vec<_> = self.orgs.iter().chain([&self.storing.0]).cloned().collect();
        let lines = self.stage.database.number("SELECT COUNT(*) FROM ledger WHERE org = ANY ($1)", &[&all]);
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        eprintln!("{} answers, {} tries without", count(&field.answered), count(&field.unanswered));
        (faults, found, lines)
    }

    /// Asks for everything while things go wrong.
    fn burn(&self, field: &Field<'_>, storing: &Shelf<'_>, seed: &mut Seed) -> (Faults, Vec<Told>, Kept) {
        let over = AtomicBool::new(false);
        let Stage { installation, database, store, logs, .. } = self.stage;
        let before = store.faults();
        let mut fire = Fire {
            installation,
            database,
            store,
            field,
            calm: self.size.calm,
            outage: self.size.outage,
            dice: seed.dice(),
            faults: Faults::default(),
            undo: Vec::new(),
            turn: 0,
            log: File::options().create(true).append(true).open(logs.join("faults.log")).unwrap(),
        };
        let (told, kept) = thread::scope(|scope| {
            let client = |dice: Dice| scope.spawn(move || field.work(dice));
            let clients: Vec<_> = (0..self.size.clients).map(|_| client(seed.dice())).collect();
            let sender = |dice: Dice| scope.spawn(move || storing.work(dice));
            let senders: Vec<_> = (0..self.size.senders).map(|_| sender(seed.dice())).collect();
            let watch = scope.spawn(|| {
                let _over = Over(&over);
                while !field.wishes.lock().unwrap().is_empty()
                    && !clients.iter().all(thread::ScopedJoinHandle::is_finished)
                {
                    thread::sleep(Duration::from_millis(1));
                }
                clients
            });
            fire.rage(&over);
            let clients = watch.join().unwrap();
            let told = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
            let kept = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
            (told, kept)
        });
        fire.faults.store = store.faults() - before;
        (fire.faults, told, kept)
    }

    /// Waits until nothing is held, and asks for what is left, unit by unit: until all of it is used.
    fn settle(&self, field: &Field<'_>, told: &mut Vec<Told>, dice: &mut Dice) {
        if self.size.leases == Leases::Cut {
            self.stage.database.rows("UPDATE leases SET until = 0", &[]);
        }
        for turn in 0.. {
            self.wait_until(&format!(
                "SELECT COUNT(*) FROM reservations WHERE state = 'open' AND org IN ({})",
                self.list()
            ));
            let before = told.len();
            for org in 0..self.orgs.len() {
                for meter in [CALLS, TOKENS, JOBS] {
                    self.drain(field, (org, meter, turn), dice, told);
                }
            }
            // Where everything was refused at once, with nothing held, nothing more can be granted.
            let refused = told[before..].iter().all(|told| !told.outcome.is_yes());
            if refused {
                return;
            }
        }
    }

    fn drain(
        &self,
        field: &Field<'_>,
        (org, meter, turn): (usize, &'static str, u64),
        dice: &mut Dice,
        told: &mut Vec<Told>,
    ) {
        for nth in 0.. {
            let name = format!("{}-{org}-{meter}-{turn}-{nth}", self.number);
            let wish = Wish { name, org, what: What::Consume((meter, 1)) };
            *field.wishes.lock().unwrap() = [wish].into();
            let drained = field.work(dice.another());
            let granted = drained.iter().all(|told| told.outcome.is_yes());
            told.extend(drained);
            if !granted {
                return;
            }
        }
    }

    fn list(&self) -> String {
        self.orgs.iter().map(|org| format!("'{org}'")).collect::<Vec<_>>().join(", ")
    }

    /// Returns when the statement counts none.
    fn wait_until(&self, none: &str) {
        let begun = Instant::now();
        while self.stage.database.number(none, &[]) > 0 {
            assert!(begun.elapsed() < MOST, "there is always one: {none}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn look(&self, told: &[Told], storing: &Shelf<'_>, kept: &Kept) -> Found {
        let Stage { installation, database, store, receiver, .. } = self.stage;
        let month = (self.month == this_month()).then_some(self.month);
        let mut found = Found::default();
        for (org, id) in self.orgs.iter().enumerate() {
            let told: Vec<_> = told.iter().filter(|told| told.wish.org == org).collect();
            let case = Case { limits: self.size.limits, told, books: Books::read(database, id), month };
            found += case.check();
        }
        end_what_expires(installation, (database, store), receiver);
        found += storing.check(kept, &Books::read(database, &self.storing.0));
        let received = receiver.taken();
        let post = self.orgs.iter().flat_map(|org| Outbox::read(database, org).wrong(&received));
        found.wrong.extend(post);
        found
    }
}

/// Asks everything once more; answers what was answered otherwise.
fn ask_again(field: &Field<'_>, told: &[Told], clients: usize, seed: &mut Seed) -> Vec<String> {
    let share = told.len().div_ceil(clients).max(1);
    thread::scope(|scope| {
        let ask = |part: &[Told], mut dice: Dice| {
            part.iter().filter_map(|told| field.again(told, &mut dice)).collect::<Vec<_>>()
        };
        let part = |part| {
            let dice = seed.dice();
            scope.spawn(move || ask(part, dice))
        };
        let work: Vec<_> = told.chunks(share).map(part).collect();
        work.into_iter().flat_map(|work| work.join().unwrap()).collect()
    })
}

fn this_month() -> i64 {
    start_of("month", SystemClock.now().as_microsecond())
}

/// Says that it is over, also where it panicked.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
