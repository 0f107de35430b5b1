use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::{sync::Semaphore, task::JoinHandle};

use super::*;
use crate::{
    ManualClock,
    ids::OrgId,
    metering::{
        Bucket, Charge, HistoryQuery, Idempotency, Limit, MemoryMetering, Op, Period, Pruning, Record, Scope,
        ThresholdEvent, Untold,
    },
    page::{Page, PageQuery},
    secret::Digest,
};

/// Books in memory behind a gate: each batch waits for a permit; an entry of subject `bad` fails its batch.
#[derive(Debug)]
struct Gated {
    books: MemoryMetering,
    gate: Semaphore,
    batches: Mutex<Vec<Vec<OrgId>>>,
    down: AtomicBool,
}

#[async_trait]
impl Metering for Gated {
    async fn apply(&self, batch: &[Entry]) -> Result<Vec<Decision>> {
        self.batches.lock().unwrap().push(batch.iter().map(|entry| entry.org).collect());
        self.gate.acquire().await.unwrap().forget();
        if self.down.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the database is away", Some("pulled".into())));
        }
        if batch.iter().any(|entry| &*entry.subject == "bad") {
            return Err(Error::corrupted("counters.used of row bad makes no sense", None));
        }
        self.books.apply(batch).await
    }
    async fn fence(&self, org: OrgId, epoch: u64) -> Result<()> {
        self.books.fence(org, epoch).await
    }
    async fn sweep(&self, most: u32) -> Result<u32> {
        self.books.sweep(most).await
    }
    async fn prune(&self, part: Pruning) -> Result<Option<Pruning>> {
        self.books.prune(part).await
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
    async fn untold(&self, most: u32) -> Result<Vec<Untold>> {
        self.books.untold(most).await
    }
    async fn told(&self, org: OrgId, seq: u64) -> Result<()> {
        self.books.told(org, seq).await
    }
}

struct Room {
    metering: Arc<Gated>,
    combiner: Arc<Combiner>,
    clock: Arc<ManualClock>,
    org: OrgId,
}

type Caller = JoinHandle<Result<Decision>>;

impl Room {
    fn new(permits: usize, options: CombinerOptions) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let metering = Arc::new(Gated {
            books: MemoryMetering::new(Arc::<ManualClock>::clone(&clock)),
            gate: Semaphore::new(permits),
            batches: Mutex::default(),
            down: AtomicBool::new(false),
        });
        let combiner =
            Combiner::new(Arc::<Gated>::clone(&metering), Arc::<ManualClock>::clone(&clock), options);
        let org = OrgId::new(clock.now()).unwrap();
        Self { metering, combiner: Arc::new(combiner), clock, org }
    }

    fn open(permits: usize) -> Self {
        Self::new(permits, CombinerOptions::default())
    }

    fn charge(&self, units: i64, limits: &[Limit]) -> Entry {
        let charges =
            vec![Charge { meter: "api_calls".parse().unwrap(), units, limits: limits.into(), since: None }];
        Entry {
            org: self.org,
            epoch: 0,
            subject: "good".into(),
            op: Op::Charge(charges),
            idempotency: None,
            tags: Arc::default(),
        }
    }

    fn one(&self) -> Entry {
        self.charge(1, &[month(1000)])
    }

    fn call(&self, entry: Entry) -> Caller {
        let combiner = Arc::clone(&self.combiner);
        tokio::spawn(async move { combiner.decide(entry).await })
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            tokio::task::yield_now().await;
        }
    }

    fn batches(&self) -> Vec<usize> {
        self.metering.batches.lock().unwrap().iter().map(Vec::len).collect()
    }

    fn waiting(&self) -> usize {
        self.combiner.lanes[0].queue.len()
    }

    /// A caller whose batch has closed and waits at the gate, so that whoever comes next queues.
    async fn first(&self) -> Caller {
        let caller = self.call(self.one());
        self.until(|room| room.batches().len() == 1).await;
        caller
    }

    async fn refused(&self, entry: Entry) -> bool {
        matches!(self.combiner.decide(entry).await.unwrap(), Decision::Denied(_))
    }

    async fn charged(&self) -> usize {
        self.metering.ledger(self.org, &PageQuery::default()).await.unwrap().items.len()
    }
}

fn month(max: u64) -> Limit {
    Limit::hard(Scope::Organization, Period::CALENDAR_MONTH, Some(max))
}

fn granted(answer: &Result<Decision>) -> bool {
    matches!(answer, Ok(Decision::Granted(_)))
}

#[tokio::test]
async fn while_one_batch_commits_the_next_one_fills() {
    let room = Room::open(0);
    let first = room.first().await;
    let rest: Vec<_> = (0..7).map(|_| room.call(room.one())).collect();
    room.until(|room| room.waiting() == 7).await;
    room.metering.gate.add_permits(2);
    assert!(granted(&first.await.unwrap()));
    for caller in rest {
        assert!(granted(&caller.await.unwrap()));
    }
    assert_eq!(room.batches(), [1, 7]);
}

#[tokio::test]
async fn a_batch_takes_no_more_than_fits_and_the_rest_comes_next() {
    let room = Room::new(0, CombinerOptions { lanes: 1, queue: 100, batch: 3 });
    let mut callers = vec![room.first().await];
    callers.extend((0..7).map(|_| room.call(room.one())));
    room.until(|room| room.waiting() == 7).await;
    room.metering.gate.add_permits(4);
    for caller in callers {
        assert!(granted(&caller.await.unwrap()));
    }
    assert_eq!(room.batches(), [1, 3, 3, 1]);
}

#[tokio::test]
async fn a_full_queue_is_unavailable_and_one_organisation_fills_half_of_it() {
    let room = Room::new(0, CombinerOptions { lanes: 1, queue: 8, batch: 8 });
    let mut callers = vec![room.first().await];
    callers.extend((0..4).map(|_| room.call(room.one())));
    room.until(|room| room.waiting() == 4).await;
    assert_eq!(room.combiner.decide(room.one()).await.unwrap_err().code(), ErrorCode::Unavailable);
    let of_others = || Entry { org: OrgId::new(room.clock.now()).unwrap(), ..room.one() };
    callers.extend((0..4).map(|_| room.call(of_others())));
    room.until(|room| room.waiting() == 8).await;
    assert_eq!(room.combiner.decide(of_others()).await.unwrap_err().code(), ErrorCode::Unavailable);
    let id = crate::ids::ReservationId::new(room.clock.now()).unwrap();
    let ends = [Op::Settle { id, actual: Vec::new() }, Op::Release { id }];
    let ends: Vec<_> = ends.into_iter().map(|op| room.call(Entry { op, ..room.one() })).collect();
    callers.push(room.call(room.charge(-1, &[month(1000)])));
    room.until(|room| room.waiting() == 11).await;
    room.metering.gate.add_permits(9);
    for caller in callers {
        assert!(granted(&caller.await.unwrap()));
    }
    for end in ends {
        assert_eq!(end.await.unwrap().unwrap(), Decision::NoReservation);
    }
    assert!(granted(&room.combiner.decide(room.one()).await), "there is room again");
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_batch_closes_is_not_charged() {
    let room = Room::open(0);
    let first = room.first().await;
    let (leaves, stays) = (room.call(room.one()), room.call(room.one()));
    room.until(|room| room.waiting() == 2).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    room.metering.gate.add_permits(2);
    assert!(granted(&first.await.unwrap()) && granted(&stays.await.unwrap()));
    assert_eq!((room.batches(), room.charged().await), (vec![1, 1], 2));
}

#[tokio::test]
async fn a_caller_who_leaves_later_is_charged_once() {
    let room = Room::open(0);
    let first = room.first().await;
    first.abort();
    let next = room.call(room.one());
    room.metering.gate.add_permits(2);
    assert!(granted(&next.await.unwrap()));
    assert_eq!(room.charged().await, 2);
}

#[tokio::test]
async fn a_batch_that_fails_is_split_until_the_bad_entry_stands_alone() {
    let room = Room::open(0);
    let first = room.first().await;
    let entry = |nth| Entry { subject: if nth == 5 { "bad" } else { "good" }.into(), ..room.one() };
    let callers: Vec<_> = (0..8).map(|nth| room.call(entry(nth))).collect();
    room.until(|room| room.waiting() == 8).await;
    room.metering.gate.add_permits(100);
    assert!(granted(&first.await.unwrap()));
    for (nth, caller) in callers.into_iter().enumerate() {
        let answer = caller.await.unwrap();
        match nth {
            5 => assert_eq!(answer.unwrap_err().code(), ErrorCode::Corrupted),
            _ => assert!(granted(&answer), "{nth}: {answer:?}"),
        }
    }
    assert_eq!(room.batches(), [1, 8, 4, 4, 2, 1, 1, 2]);
    assert_eq!(room.charged().await, 8);
}

#[tokio::test]
async fn a_database_that_is_away_is_not_asked_again_for_each_half() {
    let room = Room::open(0);
    let first = room.first().await;
    let callers: Vec<_> = (0..8).map(|_| room.call(room.one())).collect();
    room.until(|room| room.waiting() == 8).await;
    room.metering.down.store(true, Ordering::SeqCst);
    room.metering.gate.add_permits(2);
    for caller in std::iter::once(first).chain(callers) {
        let error = caller.await.unwrap().unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable);
        assert!(error.retry_after().is_some());
        assert_eq!(crate::Chain(&error).to_string(), "the database is away: pulled");
    }
    assert_eq!(room.batches(), [1, 8]);
}

#[tokio::test]
async fn closing_answers_who_is_waiting_and_refuses_who_comes_later() {
    let room = Room::open(0);
    let callers = [room.first().await, room.call(room.one()), room.call(room.one())];
    room.until(|room| room.waiting() == 2).await;
    room.metering.gate.add_permits(2);
    room.combiner.close().await.unwrap();
    room.combiner.close().await.unwrap();
    for caller in callers {
        assert!(granted(&caller.await.unwrap()));
    }
    assert_eq!(room.combiner.decide(room.one()).await.unwrap_err().code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn dropping_ends_the_task() {
    let Room { metering, combiner, .. } = Room::open(0);
    drop(combiner);
    while Arc::strong_count(&metering) > 1 {
        tokio::task::yield_now().await;
    }
}

mod denials {
    use super::*;

    /// Denied once, so that the next one may be answered from memory.
    async fn denied(limits: &[Limit]) -> Room {
        let room = Room::open(1000);
        assert!(granted(&room.combiner.decide(room.charge(8, limits)).await));
        assert!(room.refused(room.charge(3, limits)).await);
        assert_eq!(room.batches().len(), 2);
        room
    }

    #[tokio::test]
    async fn as_much_or_more_is_denied_from_memory_and_less_is_asked() {
        let limits = [month(10)];
        let room = denied(&limits).await;
        for units in [3, 5] {
            let decision = room.combiner.decide(room.charge(units, &limits)).await.unwrap();
            let Decision::Denied(refusal) = decision else { panic!("{decision:?}") };
            assert_eq!((refusal.standing.units, refusal.standing.used), (units.unsigned_abs(), 8));
        }
        assert_eq!(room.batches().len(), 2);
        assert!(granted(&room.combiner.decide(room.charge(2, &limits)).await));
    }

    #[tokio::test]
    async fn another_limit_epoch_or_key_and_a_second_later_are_asked() {
        let limits = [month(10)];
        let room = denied(&limits).await;
        assert!(granted(&room.combiner.decide(room.charge(3, &[month(11)])).await));
        assert_eq!(room.batches().len(), 3);
        assert!(room.refused(Entry { epoch: 1, ..room.charge(3, &limits) }).await);
        let key = Idempotency { key: Digest::of(b"key"), request: Digest::of(b"request") };
        assert!(room.refused(Entry { idempotency: Some(key), ..room.charge(3, &limits) }).await);
        let Op::Charge(charges) = room.charge(3, &limits).op else { unreachable!() };
        assert!(room.refused(Entry { op: Op::Probe(charges), ..room.one() }).await);
        assert_eq!(room.batches().len(), 6);
        room.clock.advance(SignedDuration::from_secs(1));
        assert!(room.refused(room.charge(3, &limits)).await);
        assert_eq!(room.batches().len(), 7);
    }

    #[tokio::test]
    async fn a_window_that_ends_is_not_remembered_longer() {
        let limits = [month(1000), Limit::hard(Scope::Organization, Period::Window(1), Some(10))];
        let room = denied(&limits).await;
        assert!(room.refused(room.charge(3, &limits)).await);
        room.clock.advance(SignedDuration::from_secs(1));
        assert!(granted(&room.combiner.decide(room.charge(3, &limits)).await));
    }

    #[tokio::test]
    async fn what_is_held_is_never_denied_from_memory() {
        let limits = [Limit::hard(Scope::Organization, Period::Held, Some(10))];
        let room = denied(&limits).await;
        assert!(room.refused(room.charge(3, &limits)).await);
        assert_eq!(room.batches().len(), 3);
    }

    #[tokio::test]
    async fn giving_back_makes_room_at_once() {
        let limits = [month(10)];
        let room = denied(&limits).await;
        assert!(granted(&room.combiner.decide(room.charge(-1, &limits)).await));
        assert!(granted(&room.combiner.decide(room.charge(3, &limits)).await));
    }
}

#[tokio::test]
async fn what_ends_charges_of_one_organisation_shuts_out_no_other() {
    let room = Room::new(0, CombinerOptions { lanes: 1, queue: 8, batch: 4 });
    let first = room.first().await;
    let id = crate::ids::ReservationId::new(room.clock.now()).unwrap();
    let ends: Vec<_> = (0..8).map(|_| room.call(Entry { op: Op::Release { id }, ..room.one() })).collect();
    room.until(|room| room.waiting() == 8).await;
    let other = room.call(Entry { org: OrgId::new(room.clock.now()).unwrap(), ..room.one() });
    room.until(|room| room.waiting() == 9).await;
    room.metering.gate.add_permits(20);
    assert!(granted(&first.await.unwrap()) && granted(&other.await.unwrap()));
    for end in ends {
        end.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn no_batch_has_organisations_of_two_lanes_and_all_are_answered() {
    let room = Room::new(usize::MAX >> 4, CombinerOptions { lanes: 4, ..CombinerOptions::default() });
    let orgs: Vec<_> = (0..64).map(|_| OrgId::new(room.clock.now()).unwrap()).collect();
    let callers: Vec<_> = (0..1024)
        .map(|nth| room.call(Entry { org: orgs[nth % orgs.len()], ..room.charge(1, &[month(10)]) }))
        .collect();
    let mut yeses = 0;
    for caller in callers {
        yeses += usize::from(matches!(caller.await.unwrap().unwrap(), Decision::Granted(_)));
    }
    assert_eq!(yeses, 64 * 10);
    let batches = room.metering.batches.lock().unwrap().clone();
    let lanes: Vec<_> = batches.iter().map(|orgs| orgs[0].lane(4)).collect();
    for (orgs, lane) in batches.iter().zip(&lanes) {
        assert!(orgs.iter().all(|org| org.lane(4) == *lane));
    }
    assert!((0..4).all(|lane| lanes.contains(&lane)));
    assert!(batches.len() < 1024, "they were combined");
    room.combiner.close().await.unwrap();
    assert!(room.combiner.decide(room.one()).await.is_err());
}
