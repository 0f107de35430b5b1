use crate::{
    ManualClock,
    ids::ReservationId,
    metering::{
        Answer, Charge, Combiner, CombinerOptions, Idempotency, Limit, Op, Period, Scope,
        port::Decision::{Conflict, Granted},
    },
    secret::Digest,
};

use super::*;

struct Room {
    db: Db,
    clock: Arc<ManualClock>,
    org: OrgId,
}

impl Room {
    async fn new() -> Self {
        let url = std::env::var("ODAVL_TEST_POSTGRES").expect(
            "the tests need PostgreSQL: run them by scripts/test, or first `eval \"$(scripts/services start)\"`",
        );
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let db = Db::temporary_postgres(&url, &*clock).await.unwrap();
        Self { db, org: OrgId::new(clock.now()).unwrap(), clock }
    }

    /// A node on the same database, with a pool of its own.
    async fn node(&self) -> Arc<PostgresMetering> {
        let db = self.db.another(&*self.clock).await.unwrap();
        Arc::new(PostgresMetering::new(db, Arc::<ManualClock>::clone(&self.clock)))
    }

    fn charge(&self, units: i64, max: u64) -> Entry {
        let limit = Limit::hard(Scope::Organization, Period::CALENDAR_MONTH, Some(max));
        let charges =
            vec![Charge { meter: "api_calls".parse().unwrap(), units, limits: [limit].into(), since: None }];
        let (subject, op) = ("key_1".into(), Op::Charge(charges));
        Entry { org: self.org, epoch: 0, subject, op, idempotency: None, tags: Arc::default() }
    }

    async fn connect(&self) -> Conn {
        self.db.postgres().unwrap().connect().await.unwrap()
    }

    async fn number(&self, sql: &'static str) -> i64 {
        self.db.query_one(sql, &[]).await.unwrap().unwrap().read("n").unwrap()
    }

    /// Another node that holds our organisation's row.
    async fn holder(&self) -> Conn {
        let holder = self.connect().await;
        holder.batch("BEGIN").await.unwrap();
        holder.batch("SELECT * FROM metering_orgs FOR UPDATE").await.unwrap();
        holder
    }

    /// Ends the connection that waits for that one, once it does.
    async fn cut_who_waits_for(&self, holder: &mut Conn) {
        const PID: &str = "SELECT CAST(pg_backend_pid() AS BIGINT) AS n";
        const CUT: &str = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
            WHERE CAST($1 AS BIGINT) = ANY (CAST(pg_blocking_pids(pid) AS BIGINT[]))";
        holder.prepare_all(&[PID]).await.unwrap();
        let pid: i64 = holder.rows(PID, &[]).await.unwrap()[0].read("n").unwrap();
        while self.db.query_one(CUT, &[pid.into()]).await.unwrap().unwrap().read::<i64>("n").unwrap() == 0 {
            tokio::task::yield_now().await;
        }
    }
}

fn key(name: &[u8]) -> Idempotency {
    Idempotency { key: Digest::of(name), request: Digest::of(b"request") }
}

async fn ask(metering: &PostgresMetering, entry: Entry) -> Result<u64, u64> {
    match metering.apply(&[entry]).await.unwrap().remove(0) {
        Granted(answer) => Ok(answer.standings[0].used),
        Decision::Denied(refusal) => Err(refusal.standing.used),
        other => panic!("a yes or a no was expected, not {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_with_many_callers_grant_exactly_the_limit() {
    let room = Room::new().await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&room.clock);
        let combiner = Arc::new(Combiner::new(room.node().await, clock, CombinerOptions::default()));
        for _ in 0..32 {
            let (combiner, entry) = (Arc::clone(&combiner), room.charge(1, 700));
            callers.spawn(async move {
                let mut yeses = 0;
                for _ in 0..20 {
                    yeses += u64::from(matches!(combiner.decide(entry.clone()).await.unwrap(), Granted(_)));
                }
                yeses
            });
        }
    }
    assert_eq!(callers.join_all().await.into_iter().sum::<u64>(), 700);
    assert_eq!(room.number("SELECT COUNT(*) AS n FROM ledger").await, 700);
    assert_eq!(room.number("SELECT used AS n FROM counters").await, 700);
    assert_eq!(room.number("SELECT COUNT(*) AS n FROM thresholds").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_used_on_all_nodes_at_once_charges_once() {
    let room = Room::new().await;
    let (entry, mut callers) = (room.charge(1, 100), tokio::task::JoinSet::new());
    for _ in 0..4 {
        let node = room.node().await;
        let batch: Vec<_> =
            (0..10_u8).map(|name| Entry { idempotency: Some(key(&[name])), ..entry.clone() }).collect();
        callers.spawn(async move { node.apply(&batch).await.unwrap() });
    }
    let answers = callers.join_all().await;
    let fresh = |answer: &&Decision| matches!(answer, Granted(Answer { replayed: false, .. }));
    assert_eq!(answers.iter().flatten().filter(fresh).count(), 10);
    assert!(answers.iter().flatten().all(|answer| matches!(answer, Granted(_))));
    assert_eq!(room.number("SELECT used AS n FROM counters").await, 10);
}

#[tokio::test]
async fn a_batch_with_retries_among_new_entries_charges_what_is_new() {
    let room = Room::new().await;
    let node = room.node().await;
    let named = |name: &[u8]| Entry { idempotency: Some(key(name)), ..room.charge(1, 3) };
    let other = Idempotency { key: Digest::of(b"a"), request: Digest::of(b"another") };
    node.apply(&[named(b"a")]).await.unwrap();
    let batch = [
        named(b"b"),
        named(b"a"),
        Entry { idempotency: Some(other), ..room.charge(1, 3) },
        named(b"b"),
        named(b"c"),
        named(b"d"),
    ];
    let node = room.node().await;
    let answers = node.apply(&batch).await.unwrap();
    let replayed = |answer: &Decision| match answer {
        Granted(answer) => Some(answer.replayed),
        _ => None,
    };
    let told: Vec<_> = answers.iter().map(replayed).collect();
    assert_eq!(told, [Some(false), Some(true), None, Some(true), Some(false), None]);
    assert_eq!(answers[2], Conflict);
    assert_eq!(room.number("SELECT used AS n FROM counters").await, 3);
    assert_eq!(room.number("SELECT COUNT(*) AS n FROM ledger").await, 3);
}

#[tokio::test]
async fn organisations_in_any_order_do_not_wait_for_each_other() {
    let room = Room::new().await;
    let orgs: Vec<_> = (0..8).map(|_| OrgId::new(room.clock.now()).unwrap()).collect();
    let mut nodes = tokio::task::JoinSet::new();
    for turn in 0..4 {
        let node = room.node().await;
        let mut batch: Vec<_> = orgs.iter().map(|org| Entry { org: *org, ..room.charge(1, 1000) }).collect();
        batch.rotate_left(turn);
        if turn % 2 == 0 {
            batch.reverse();
        }
        nodes.spawn(async move {
            for _ in 0..20 {
                node.apply(&batch).await.unwrap();
            }
        });
    }
    nodes.join_all().await;
    assert_eq!(room.number("SELECT CAST(SUM(used) AS BIGINT) AS n FROM counters").await, 8 * 4 * 20);
}

#[tokio::test]
async fn a_connection_that_is_cut_in_a_batch_charges_once() {
    let room = Room::new().await;
    let node = room.node().await;
    assert_eq!(ask(&node, room.charge(1, 10)).await, Ok(1));
    let mut holder = room.holder().await;
    let cut = async {
        room.cut_who_waits_for(&mut holder).await;
        holder.batch("ROLLBACK").await.unwrap();
    };
    let (answer, ()) = tokio::join!(ask(&node, room.charge(1, 10)), cut);
    assert_eq!(answer, Ok(2));
    assert_eq!(room.number("SELECT COUNT(*) AS n FROM ledger").await, 2);
}

#[tokio::test]
async fn a_node_that_stands_still_in_a_batch_does_not_hold_the_others() {
    let room = Room::new().await;
    let node = room.node().await;
    assert_eq!(ask(&node, room.charge(1, 10)).await, Ok(1));
    let stopped = room.holder().await;
    assert_eq!(ask(&node, room.charge(1, 10)).await, Ok(2), "the server ended the one that stands still");
    assert!(stopped.batch("COMMIT").await.is_err());
}

/// Why the connection went.
fn cut() -> Error {
    Error::unavailable("it was cut", None)
}

#[tokio::test]
async fn a_lost_commit_is_looked_for_once_its_transaction_has_ended() {
    let room = Room::new().await;
    let node = room.node().await;
    let (entry, id): (_, BatchId) = (room.charge(1, 10), [7; 16]);
    assert_eq!(ask(&node, entry.clone()).await, Ok(1));
    let wanted = Wanted::by(&[entry]);
    for (end, there) in [("ROLLBACK", false), ("COMMIT", true)] {
        let lost = room.holder().await;
        lost.batch("INSERT INTO batches (id, at) VALUES (decode(repeat('07', 16), 'hex'), 0)").await.unwrap();
        let mut hand = Hand::default();
        let end = async { lost.batch(end).await.unwrap() };
        let (found, ()) = tokio::join!(node.find_out(&mut hand, &wanted, (id, cut())), end);
        assert_eq!(found.is_ok(), there);
        assert!(matches!(found, Ok(()) | Err(Failed::Undone(_))));
    }
}

#[tokio::test]
async fn a_lost_commit_whose_id_may_have_been_forgotten_is_not_made_again() {
    let room = Room::new().await;
    let (node, at) = (room.node().await, room.clock.now());
    let undone = || Failed::Undone(Error::unavailable("the connection was lost", None));
    assert!(matches!(node.believed(undone(), at), Failed::Undone(_)));
    room.clock.advance(BATCHES_KEPT);
    assert!(matches!(node.believed(undone(), at), Failed::Final(Error::Unavailable { .. })));
}

#[tokio::test]
async fn where_a_lost_commit_cannot_be_looked_for_nobody_is_told_that_it_is_not_there() {
    let room = Room::new().await;
    let (node, conn) = (room.node().await, room.connect().await);
    conn.batch("ALTER TABLE batches RENAME TO hidden").await.unwrap();
    let wanted = Wanted::by(&[room.charge(1, 10)]);
    let Err(Failed::Final(error)) = node.find_out(&mut Hand::default(), &wanted, ([7; 16], cut())).await
    else {
        panic!("it was found out");
    };
    // Any other code, and the combiner would apply its entries again.
    assert_eq!(error.code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_batch_of_denials_writes_nothing_and_ids_of_batches_are_forgotten() {
    let room = Room::new().await;
    let node = room.node().await;
    assert_eq!(ask(&node, room.charge(10, 10)).await, Ok(10));
    assert_eq!(ask(&node, room.charge(1, 10)).await, Err(10));
    assert_eq!(room.number("SELECT COUNT(*) AS n FROM batches").await, 1);
    room.clock.advance(BATCHES_KEPT);
    assert_eq!(ask(&node, room.charge(1, 11)).await, Ok(11));
    room.clock.advance(SignedDuration::from_secs(1));
    node.sweep(10).await.unwrap();
    assert_eq!(room.number("SELECT COUNT(*) AS n FROM ledger").await, 2);
    assert_eq!(room.number("SELECT COUNT(*) AS n FROM batches").await, 1);
}

#[tokio::test]
async fn a_batch_that_fails_leaves_nothing_and_the_next_one_goes_on() {
    let room = Room::new().await;
    let node = room.node().await;
    assert_eq!(ask(&node, room.charge(1, 10)).await, Ok(1));
    let conn = room.connect().await;
    conn.batch("ALTER TABLE counters RENAME TO hidden").await.unwrap();
    assert_eq!(node.apply(&[room.charge(1, 10)]).await.unwrap_err().code(), ErrorCode::Internal);
    conn.batch("ALTER TABLE hidden RENAME TO counters").await.unwrap();
    assert_eq!(ask(&node, room.charge(1, 10)).await, Ok(2));
    assert_eq!(room.number("SELECT COUNT(*) AS n FROM ledger").await, 2);
}

#[tokio::test]
async fn rows_that_make_no_sense_are_corrupted_and_say_where() {
    let room = Room::new().await;
    let (node, conn) = (room.node().await, room.connect().await);
    assert_eq!(ask(&node, room.charge(1, 10)).await, Ok(1));
    let told = async |sql: &str| -> Error {
        conn.batch(sql).await.unwrap();
        node.apply(&[room.charge(1, 10)]).await.unwrap_err()
    };
    let error = told("UPDATE counters SET fired = 999").await;
    assert_eq!(error.code(), ErrorCode::Corrupted);
    assert_eq!(error.to_string(), format!("counters.fired of row {} makes no sense", room.org));
    let error = told("UPDATE metering_orgs SET clock = 9223372036854775807").await;
    assert!(error.to_string().starts_with("metering_orgs.clock"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_transaction_of_a_batch_crosses_organisations_of_two_lanes() {
    let room = Room::new().await;
    let any = || std::iter::repeat_with(|| OrgId::new(room.clock.now()).unwrap());
    // Four of each lane.
    let orgs: Vec<_> = (0..4).flat_map(|lane| any().filter(move |org| org.lane(4) == lane).take(4)).collect();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let db = room.db.another(&*room.clock).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&room.clock);
        let node = Arc::new(PostgresMetering::new(db, Arc::clone(&clock)).with_lanes(4));
        let options = CombinerOptions { lanes: 4, ..CombinerOptions::default() };
        let combiner = Arc::new(Combiner::new(node, clock, options));
        for caller in 0..128 {
            let combiner = Arc::clone(&combiner);
            let entry = Entry { org: orgs[caller % orgs.len()], ..room.charge(1, 20) };
            callers.spawn(async move {
                let mut yeses = 0;
                for _ in 0..3 {
                    yeses += u32::from(matches!(combiner.decide(entry.clone()).await.unwrap(), Granted(_)));
                }
                yeses
            });
        }
    }
    // 48 were asked for of each.
    assert_eq!(callers.join_all().await.into_iter().sum::<u32>(), 16 * 20);
    let by_transaction = "SELECT CAST(xmin AS TEXT) AS tx, org FROM ledger";
    let mut lanes = std::collections::BTreeMap::<String, usize>::new();
    for row in room.db.query(by_transaction, &[]).await.unwrap() {
        let lane = row.parse::<OrgId>("ledger.org").unwrap().lane(4);
        assert_eq!(*lanes.entry(row.read("ledger.tx").unwrap()).or_insert(lane), lane);
    }
    assert!((0..4).all(|lane| lanes.values().any(|taken| *taken == lane)), "{lanes:?}");
}

#[tokio::test]
async fn a_reservation_that_makes_no_sense_holds_up_the_release_of_no_other() {
    let room = Room::new().await;
    let (node, conn) = (room.node().await, room.connect().await);
    let number = async |sql| room.number(sql).await;
    let reserve = |number: u8| {
        let Op::Charge(charges) = room.charge(1, 10).op else { panic!("it is a charge") };
        let id = ReservationId::derive(&[&[number]]);
        let op = Op::Reserve { id, charges, expires_at: room.clock.now() };
        Entry { op, ..room.charge(1, 10) }
    };
    let made: Vec<_> = (0..9).map(reserve).collect();
    let made = node.apply(&made).await.unwrap();
    assert!(made.iter().all(|made| matches!(made, Granted(_))));
    conn.batch(
        "UPDATE reservations SET holds = 'what' WHERE id = (SELECT MIN(id) FROM reservations);
        UPDATE reservations SET id = 'a ' || id
            WHERE id IN (SELECT id FROM reservations ORDER BY id LIMIT 2 OFFSET 1)",
    )
    .await
    .unwrap();
    room.clock.advance(SignedDuration::from_secs(1));
    for released in [2, 2, 2] {
        assert_eq!(node.sweep(2).await.unwrap(), released);
    }
    let failed = node.sweep(2).await.unwrap_err();
    assert!(failed.to_string().starts_with("reservations."), "{failed}");
    assert_eq!(number("SELECT COUNT(*) AS n FROM reservations WHERE state = 'open'").await, 3);
}
