//! A cluster under fire: many nodes on one PostgreSQL and one S3 store, asked for three times of what there is, while all
//! that can fail does. Quotas stay exact.
//!
//! What happens, in each round, on organisations of its own:
//!
//! - Real `odavl serve` processes, each behind a network of its own ([`proxy`]) to a PostgreSQL of the run's own, and all
//!   behind one to the store ([`store`]).
//! - Clients ask for three times the limits ([`demand`]) in every way that charges: `verify`, `consume`, batches of events,
//!   reservations that are settled, released or left. Each has an idempotency key, or is asked once; what is not answered
//!   is asked of another node ([`client`]). Others store objects and results ([`objects`]).
//! - Faults ([`faults`]): SIGKILL, also of nodes that are starting; SIGSTOP; the database restarted, in order and as after a
//!   crash; connections cut, before and after a COMMIT arrived; slow and silent networks; a store that answers 503, late,
//!   half, not at all, or by an `<Error>` in a 200; receivers of webhooks that fail ([`hooks`]).
//!
//! What is checked, once it is over and no node runs ([`checks`], [`objects`], [`hooks`]):
//!
//! - Granted is exactly the limit, wherever demand passed it; no window of a rate has more.
//! - Every yes is in the ledger, once, as it was asked; nothing is there that nobody asked for, nor what was refused.
//! - Asked once more, everything is answered as it was.
//! - Counters, rollups and ledger say the same. Nothing is held that nobody holds.
//! - After a sweep, what is used is what is in the store, to the byte, and that is what clients were told is kept.
//! - Each threshold was recorded once, put into the post once, and arrived.
//!
//! Each check can fail: [`doctored`] shows it. In a short form it is a test as any other; `scripts/torture` runs it for
//! minutes, by `ODAVL_TORTURE_MINUTES` and `ODAVL_TORTURE_NODES`. `ODAVL_CRASH_SEED` makes the same demand and the same
//! faults again; which of them meet is up to the machine.

mod books;
mod checks;
mod client;
mod database;
mod demand;
mod doctored;
mod faults;
mod hooks;
mod later;
mod node;
mod objects;
mod proxy;
mod round;
mod store;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use self::{
    checks::Found,
    database::Database,
    demand::Limits,
    faults::Faults,
    hooks::Receiver,
    node::Node,
    objects::{ANALYSES, BYTES},
    round::{Leases, Round, Size, Stage},
    store::Store,
};
use crate::{
    fire::Seed,
    service::{Engines, Installation},
};

/// In the short form: what takes half a minute.
const SHORT: Size = Size {
    orgs: 3,
    clients: 24,
    calm: 80,
    outage: 700,
    objects: 60,
    senders: 4,
    leases: Leases::Cut,
    limits: Limits { calls: 100, tokens: 150, jobs: 50, bursts: 8 },
};
/// A round of the long form takes a minute or so. A node that stands still for longer than the server bears to be kept
/// waiting loses its transaction.
const LONG: Size = Size {
    orgs: 8,
    clients: 64,
    calm: 400,
    outage: 4000,
    objects: 900,
    senders: 4,
    leases: Leases::End,
    limits: Limits { calls: 1200, tokens: 2400, jobs: 500, bursts: 30 },
};

/// How long, and on how many nodes.
struct Plan {
    nodes: usize,
    /// Rounds begin for so long; once where there is none.
    minutes: Option<u64>,
    size: Size,
}

impl Plan {
    fn read() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        let minutes = number("ODAVL_TORTURE_MINUTES");
        let nodes = number("ODAVL_TORTURE_NODES").map_or(3, |nodes| usize::try_from(nodes).unwrap());
        assert!((3..=9).contains(&nodes), "{nodes} nodes");
        Self { nodes, minutes, size: if minutes.is_some() { LONG } else { SHORT } }
    }

    /// What repeats it.
    fn command(&self, seed: &Seed) -> String {
        let (Self { nodes, minutes, .. }, seed) = (self, seed.number());
        match minutes {
            Some(minutes) => format!("scripts/torture --minutes {minutes} --nodes {nodes} --seed {seed}"),
            None => format!("ODAVL_CRASH_SEED={seed} cargo test -p odavl-cli --test crash cluster::"),
        }
    }
}

/// A folder for the nodes' logs, which is kept where something is wrong.
struct Logs {
    folder: PathBuf,
    /// What repeats the run.
    command: String,
}

impl Drop for Logs {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the nodes' logs are in {}; repeat it with", self.folder.display());
            eprintln!("    {}", self.command);
        } else {
            fs::remove_dir_all(&self.folder).unwrap();
        }
    }
}

#[test]
fn any_number_of_nodes_grant_exactly_what_there_is_whatever_is_killed_stopped_cut_or_restarted() {
    let (plan, mut seed) = (Plan::read(), Seed::new());
    let logs = Logs { folder: tempfile::tempdir().unwrap().keep(), command: plan.command(&seed) };
    let (database, store) = (Database::start(), Store::start(seed.dice()));
    let receiver = Receiver::start(seed.dice());
    let installation = install(&plan, &database, &store);
    let nodes: Vec<_> =
        (0..plan.nodes).map(|number| Node::new(&installation, &database, (&logs.folder, number))).collect();
    let stage = Stage {
        installation: &installation,
        database: &database,
        store: &store,
        receiver: &receiver,
        nodes: &nodes,
        logs: &logs.folder,
    };
    let (begun, mut faults, mut found, mut rows) = (Instant::now(), Faults::default(), Found::default(), 0);
    for turn in 0.. {
        let (broken, looked, lines) = Round::new(turn, plan.size, stage).run(&mut seed);
        faults += broken;
        found += looked;
        rows += lines;
        eprintln!("round {turn}, {} s: {faults}; {found}", begun.elapsed().as_secs());
        let over = plan.minutes.is_none_or(|minutes| begun.elapsed() >= Duration::from_mins(minutes));
        if over || !found.wrong.is_empty() {
            break;
        }
    }
    let in_all = database.number("SELECT COUNT(*) FROM ledger", &[]);
    if in_all != rows {
        found.wrong.push(format!("the ledger has {in_all} rows, and had {rows} after each round"));
    }
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    eprintln!("{} nodes, {minutes:.1} minutes, {faults}, {found}", plan.nodes);
    assert!(found.wrong.is_empty(), "{}", found.wrong.join("\n"));
    assert!(faults.kills > 0 && found.granted > 0, "too little happened to show anything");
}

fn install(plan: &Plan, database: &Database, store: &Store) -> Installation {
    let meters =
        ["calls", "tokens", "jobs", "bursts"].map(|meter| format!("{meter} = {{ kind = \"sum\" }}\n"));
    let meters = format!(
        "{}{ANALYSES} = {{ kind = \"sum\", counts = \"insight\" }}\n\
         {BYTES} = {{ kind = \"gauge\", counts = \"stored_bytes\" }}",
        meters.concat()
    );
    let limits = format!(
        "api_keys = 1000\nlimits.{ANALYSES} = {}\nlimits.{BYTES} = 1000000000\n{}",
        plan.size.objects / 3,
        plan.size.limits.toml()
    );
    let engines = Engines { database: Some(Database::url(database.port)), storage: Some(store.url()) };
    Installation::with(&meters, &limits, engines)
}
