//! The database, how nodes reach it, and the nodes.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::MutexGuard,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::super::*;
use crate::{
    ManualClock,
    ids::OrgId,
    metering::{
        Bucket, Charge, HistoryQuery, Limit, MemoryMetering, Op, Period, Pruning, Record, Scope,
        ThresholdEvent, Untold, contract::Dice,
    },
    page::{Page, PageQuery},
};

/// Charged, to the limit of a month.
pub(super) const CALLS: &str = "calls";
/// Held and settled, to the limit of a month.
pub(super) const JOBS: &str = "jobs";
/// Bounded by a rate alone.
pub(super) const BURSTS: &str = "bursts";
pub(super) const LIMIT: u64 = 12;
/// The most in a second.
pub(super) const RATE: u64 = 3;
const NODES: usize = 3;

/// Chance, and what came of it.
#[derive(Debug)]
pub(super) struct Fate {
    dice: Dice,
    /// Whether nothing goes wrong any more.
    calm: bool,
    faults: BTreeMap<&'static str, u64>,
}

/// The database as a node reaches it.
#[derive(Debug)]
struct Reach {
    books: Arc<MemoryMetering>,
    fate: Arc<Mutex<Fate>>,
}

/// Everything there is.
#[derive(Debug)]
pub(super) struct World {
    pub(super) books: Arc<MemoryMetering>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) org: OrgId,
    fate: Arc<Mutex<Fate>>,
    nodes: Mutex<Vec<Arc<Combiner>>>,
    /// What nodes do beside deciding, as long as it is under way.
    tidying: Mutex<JoinSet<()>>,
    /// The thresholds that somebody was told of, by their place.
    told: Arc<Mutex<BTreeSet<u64>>>,
}

impl Reach {
    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().unwrap()
    }

    /// Lets others go ahead.
    async fn wait(&self) {
        let turns = self.fate().dice.roll(4);
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }

    /// Whether that goes wrong now, one time in so many.
    fn fails(&self, fault: &'static str, one_in: u64) -> bool {
        let mut fate = self.fate();
        let fails = fate.dice.roll(one_in) == 0 && !fate.calm;
        if fails {
            *fate.faults.entry(fault).or_default() += 1;
        }
        fails
    }

    async fn call<T>(&self, done: impl Future<Output = Result<T>>) -> Result<T> {
        self.wait().await;
        if self.fails("refused", 12) {
            return Err(Error::unavailable("the database is away", None));
        }
        if self.fails("failed", 20) {
            return Err(Error::internal("a statement failed", None));
        }
        let done = done.await;
        self.wait().await;
        if self.fails("lost", 8) {
            return Err(Error::unavailable("the answer to a COMMIT was lost", None));
        }
        done
    }
}

#[async_trait]
impl Metering for Reach {
    async fn apply(&self, batch: &[Entry]) -> Result<Vec<Decision>> {
        self.call(self.books.apply(batch)).await
    }
    async fn fence(&self, org: OrgId, epoch: u64) -> Result<()> {
        self.call(self.books.fence(org, epoch)).await
    }
    async fn sweep(&self, most: u32) -> Result<u32> {
        self.call(self.books.sweep(most)).await
    }
    async fn prune(&self, part: Pruning) -> Result<Option<Pruning>> {
        self.call(self.books.prune(part)).await
    }
    async fn untold(&self, most: u32) -> Result<Vec<Untold>> {
        self.call(self.books.untold(most)).await
    }
    async fn told(&self, org: OrgId, seq: u64) -> Result<()> {
        self.call(self.books.told(org, seq)).await
    }
    async fn history(&self, org: OrgId, query: &HistoryQuery) -> Result<Vec<Bucket>> {
        self.books.history(org, query).await
    }
    async fn ledger(&self, org: OrgId, page: &PageQuery) -> Result<Page<Record>> {
        self.books.ledger(org, page).await
    }
    async fn thresholds(&self, org: OrgId, page: &PageQuery) -> Result<Page<ThresholdEvent>> {
        self.books.thresholds(org, page).await
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let org = OrgId::new(clock.now()).unwrap();
        let books = Arc::new(MemoryMetering::new(Arc::<ManualClock>::clone(&clock)));
        let fate = Arc::new(Mutex::new(Fate { dice: Dice(seed), calm: false, faults: BTreeMap::new() }));
        let world = Self {
            books,
            clock,
            org,
            fate,
            nodes: Mutex::default(),
            tidying: Mutex::default(),
            told: Arc::default(),
        };
        *world.nodes.lock().unwrap() = (0..NODES).map(|_| world.node()).collect();
        Arc::new(world)
    }

    pub(super) fn roll(&self, sides: u64) -> u64 {
        self.fate.lock().unwrap().dice.roll(sides)
    }

    fn reach(&self) -> Arc<Reach> {
        Arc::new(Reach { books: Arc::clone(&self.books), fate: Arc::clone(&self.fate) })
    }

    /// A node that was just started. Its batches are small, so that there are many.
    fn node(&self) -> Arc<Combiner> {
        let options = CombinerOptions { lanes: 1, queue: 64, batch: 5 };
        Arc::new(Combiner::new(self.reach(), Arc::<ManualClock>::clone(&self.clock), options))
    }

    /// One of the nodes.
    pub(super) fn any(&self) -> Arc<Combiner> {
        let nth = usize::try_from(self.roll(NODES as u64)).unwrap();
        Arc::clone(&self.nodes.lock().unwrap()[nth])
    }

    /// Kills a node, wherever it is, and starts it anew.
    pub(super) fn kill_one(&self) {
        let nth = usize::try_from(self.roll(NODES as u64)).unwrap();
        let killed = std::mem::replace(&mut self.nodes.lock().unwrap()[nth], self.node());
        for lane in &killed.lanes {
            lane.driver.lock().unwrap().take().inspect(JoinHandle::abort);
        }
        self.tidying.lock().unwrap().abort_all();
        self.note("killed");
    }

    pub(super) fn note(&self, fault: &'static str) {
        *self.fate.lock().unwrap().faults.entry(fault).or_default() += 1;
    }

    pub(super) fn faults(&self) -> BTreeMap<&'static str, u64> {
        self.fate.lock().unwrap().faults.clone()
    }

    /// Lets a node sweep, prune or tell, beside all else; any of it may fail.
    pub(super) fn tidy(&self) {
        let (reach, told) = (self.reach(), Arc::clone(&self.told));
        let what = self.roll(4);
        self.tidying.lock().unwrap().spawn(async move {
            let tidied = match what {
                0 => reach.prune(Pruning::default()).await.map(drop),
                1 => tell(&*reach, &told).await,
                _ => reach.sweep(2).await.map(drop),
            };
            // It is tried again.
            drop(tidied);
        });
    }

    /// The thresholds that somebody was told of, by their place.
    pub(super) fn told(&self) -> BTreeSet<u64> {
        self.told.lock().unwrap().clone()
    }

    /// Ends all that is under way and all that goes wrong; then what expired is swept.
    pub(super) async fn calm(&self) {
        self.fate.lock().unwrap().calm = true;
        let fresh = (0..NODES).map(|_| self.node()).collect();
        let nodes: Vec<Arc<Combiner>> = std::mem::replace(&mut *self.nodes.lock().unwrap(), fresh);
        for node in nodes {
            node.close().await.unwrap();
        }
        let mut tidying = std::mem::take(&mut *self.tidying.lock().unwrap());
        while tidying.join_next().await.is_some() {}
        self.clock.advance(SignedDuration::from_hours(1));
        while self.books.sweep(2).await.unwrap() > 0 {}
    }

    /// Tells of every threshold that nobody was told of.
    pub(super) async fn tell_all(&self) {
        while !self.books.untold(1).await.unwrap().is_empty() {
            tell(&*self.books, &self.told).await.unwrap();
        }
    }

    /// The limit of a meter, and so many units of it.
    pub(super) fn charges(meter: &str, units: u64) -> Vec<Charge> {
        let limit = match meter {
            BURSTS => Limit::hard(Scope::Organization, Period::Window(1), Some(RATE)),
            _ => Limit::hard(Scope::Organization, Period::CALENDAR_MONTH, Some(LIMIT)),
        };
        let (meter, units) = (meter.parse().unwrap(), units.cast_signed());
        vec![Charge { meter, units, limits: [limit].into(), since: None }]
    }

    /// What is used or held of a meter.
    pub(super) async fn used(&self, meter: &str) -> u64 {
        let mut charges = Self::charges(meter, 0);
        charges[0].limits =
            charges[0].limits.iter().map(|limit| Limit { ceiling: None, ..limit.clone() }).collect();
        let entry = Entry {
            org: self.org,
            epoch: 0,
            subject: "".into(),
            op: Op::Probe(charges),
            idempotency: None,
            tags: Arc::default(),
        };
        match self.books.apply(&[entry]).await.unwrap().remove(0) {
            Decision::Granted(answer) => answer.standings[0].used,
            other => panic!("{other:?}"),
        }
    }
}

/// Tells of thresholds as a node does: first they are told, then that is remembered.
async fn tell(books: &dyn Metering, told: &Mutex<BTreeSet<u64>>) -> Result<()> {
    for Untold { org, seq, .. } in books.untold(2).await? {
        told.lock().unwrap().insert(seq);
        books.told(org, seq).await?;
    }
    Ok(())
}
