use std::path::Path;

use jiff::SignedDuration;

use crate::{
    Error, ErrorCode, ManualClock,
    ids::ReservationId,
    metering::{
        Charge, Combiner, CombinerOptions, Decision, Entry, Grouping, HistoryQuery, Idempotency, Limit, Op,
        Period, Resolution, Scope,
    },
    secret::Digest,
};

use super::*;

struct Room {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    org: OrgId,
}

impl Room {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let org = OrgId::new(clock.now()).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), clock, org }
    }

    fn path(&self) -> impl AsRef<Path> {
        self.folder.path().join("odavl.db")
    }

    /// The same file, opened by one more process as it were.
    async fn open(&self) -> (Db, Arc<SqliteMetering>) {
        let db = Db::open_sqlite(self.path(), &*self.clock).await.unwrap();
        (db.clone(), Arc::new(self.on(db)))
    }

    fn on(&self, db: Db) -> SqliteMetering {
        SqliteMetering::new(db, Arc::<ManualClock>::clone(&self.clock))
    }

    fn charge(&self, units: i64, max: u64) -> Entry {
        let limit = Limit::hard(Scope::Organization, Period::CALENDAR_MONTH, Some(max));
        let charges =
            vec![Charge { meter: "api_calls".parse().unwrap(), units, limits: [limit].into(), since: None }];
        let (subject, op) = ("key_1".into(), Op::Charge(charges));
        Entry { org: self.org, epoch: 0, subject, op, idempotency: None, tags: Arc::default() }
    }
}

async fn ask(metering: &SqliteMetering, entry: Entry) -> Result<u64, u64> {
    match metering.apply(&[entry]).await.unwrap().remove(0) {
        Decision::Granted(answer) => Ok(answer.standings[0].used),
        Decision::Denied(refusal) => Err(refusal.standing.used),
        other => panic!("a yes or a no was expected, not {other:?}"),
    }
}

async fn number(db: &Db, sql: &'static str) -> i64 {
    db.query_one(sql, &[]).await.unwrap().unwrap().read("n").unwrap()
}

#[tokio::test]
async fn opening_the_file_again_shows_what_was_answered() {
    let room = Room::new();
    let key = Idempotency { key: Digest::of(b"key"), request: Digest::of(b"request") };
    let entry = Entry { idempotency: Some(key), ..room.charge(9, 10) };
    let (_, metering) = room.open().await;
    let first = metering.apply(std::slice::from_ref(&entry)).await.unwrap().remove(0);
    let Decision::Granted(first) = first else { panic!("{first:?}") };
    drop(metering);
    let (_, metering) = room.open().await;
    assert_eq!(ask(&metering, room.charge(2, 10)).await, Err(9));
    let again = metering.apply(&[entry]).await.unwrap().remove(0);
    assert_eq!(again, Decision::Granted(crate::metering::Answer { replayed: true, ..first }));
    let query = HistoryQuery {
        meter: "api_calls".parse().unwrap(),
        from: room.clock.now(),
        to: room.clock.now() + SignedDuration::from_secs(1),
        resolution: Resolution::Month,
        grouping: Grouping::Total,
    };
    let history = metering.history(room.org, &query).await.unwrap();
    assert_eq!((history.len(), history[0].units, history[0].count), (1, 9, 1));
    assert_eq!(metering.thresholds(room.org, &PageQuery::default()).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn what_another_writes_is_seen_at_once() {
    let room = Room::new();
    let (db, ours) = room.open().await;
    let (_, of_another_process) = room.open().await;
    let beside = room.on(db.clone());
    for round in 0..3 {
        assert_eq!(ask(&ours, room.charge(1, 9)).await, Ok(3 * round + 1));
        assert_eq!(ask(&of_another_process, room.charge(1, 9)).await, Ok(3 * round + 2));
        assert_eq!(ask(&beside, room.charge(1, 9)).await, Ok(3 * round + 3));
    }
    assert_eq!(ask(&ours, room.charge(1, 9)).await, Err(9));
    let mut tx = db.begin().await.unwrap();
    tx.execute("UPDATE counters SET used = 5", &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask(&ours, room.charge(1, 9)).await, Ok(6), "an operator's correction counts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_with_many_callers_grant_exactly_the_limit() {
    let room = Room::new();
    let nodes = [room.open().await.1, room.open().await.1];
    let mut callers = tokio::task::JoinSet::new();
    for metering in nodes {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&room.clock);
        let combiner = Arc::new(Combiner::new(metering, clock, CombinerOptions::default()));
        for _ in 0..16 {
            let (combiner, entry) = (Arc::clone(&combiner), room.charge(1, 700));
            callers.spawn(async move {
                let mut yeses = 0;
                for _ in 0..40 {
                    let decision = combiner.decide(entry.clone()).await.unwrap();
                    yeses += u64::from(matches!(decision, Decision::Granted(_)));
                }
                yeses
            });
        }
    }
    assert_eq!(callers.join_all().await.into_iter().sum::<u64>(), 700);
}

#[tokio::test]
async fn a_batch_of_denials_writes_nothing_and_ids_of_batches_are_forgotten() {
    let room = Room::new();
    let (db, metering) = room.open().await;
    let batches = "SELECT COUNT(*) AS n FROM batches";
    assert_eq!(ask(&metering, room.charge(10, 10)).await, Ok(10));
    assert_eq!(ask(&metering, room.charge(1, 10)).await, Err(10));
    assert_eq!(number(&db, batches).await, 1);
    room.clock.advance(BATCHES_KEPT);
    assert_eq!(ask(&metering, room.charge(1, 11)).await, Ok(11));
    room.clock.advance(SignedDuration::from_secs(1));
    metering.sweep(10).await.unwrap();
    assert_eq!(number(&db, "SELECT COUNT(*) AS n FROM ledger").await, 2);
    assert_eq!(number(&db, batches).await, 2, "the one of an hour ago went, the sweep's own came");
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_charges_nothing() {
    let room = Room::new();
    let (db, metering) = room.open().await;
    assert_eq!(ask(&metering, room.charge(1, 1000)).await, Ok(1));
    let pages = async |most: u32| {
        let set = move |conn: &mut Connection| {
            conn.pragma_update(None, "max_page_count", most).map_err(sqlite_error)
        };
        db.sqlite().unwrap().write(set).await.unwrap();
    };
    pages(1).await;
    let much =
        Entry { tags: Arc::new([("note".to_owned(), "x".repeat(50_000))].into()), ..room.charge(1, 1000) };
    let batch = vec![room.charge(1, 1000), much];
    assert_eq!(metering.apply(&batch).await.unwrap_err().code(), ErrorCode::Unavailable);
    pages(1_000_000).await;
    assert_eq!(metering.apply(&batch).await.unwrap().len(), 2);
    assert_eq!(ask(&metering, room.charge(1, 1000)).await, Ok(4));
    assert_eq!(number(&db, "SELECT SUM(units) AS n FROM rollups WHERE resolution = 'day'").await, 4);
}

#[tokio::test]
async fn rows_that_make_no_sense_are_corrupted_and_say_where() {
    let room = Room::new();
    let (db, metering) = room.open().await;
    assert_eq!(ask(&metering, room.charge(1, 10)).await, Ok(1));
    let told = async |sql: &'static str, entry: Entry| -> Error {
        let mut tx = db.begin().await.unwrap();
        tx.execute(sql, &[]).await.unwrap();
        tx.commit().await.unwrap();
        metering.apply(&[entry]).await.unwrap_err()
    };
    let error = told("UPDATE counters SET fired = 999", room.charge(1, 10)).await;
    assert_eq!(error.code(), ErrorCode::Corrupted);
    assert_eq!(error.to_string(), format!("counters.fired of row {} makes no sense", room.org));
    let error = told("UPDATE metering_orgs SET clock = 9223372036854775807", room.charge(1, 10)).await;
    assert!(error.to_string().starts_with("metering_orgs.clock"), "{error}");
}

#[tokio::test]
async fn a_reservation_that_makes_no_sense_holds_up_the_release_of_no_other() {
    let room = Room::new();
    let (db, metering) = room.open().await;
    let number = async |sql| number(&db, sql).await;
    let reserve = |number: u8| {
        let Op::Charge(charges) = room.charge(1, 10).op else { panic!("it is a charge") };
        let id = ReservationId::derive(&[&[number]]);
        let op = Op::Reserve { id, charges, expires_at: room.clock.now() };
        Entry { op, ..room.charge(1, 10) }
    };
    let made: Vec<_> = (0..9).map(reserve).collect();
    let made = metering.apply(&made).await.unwrap();
    assert!(made.iter().all(|made| matches!(made, Decision::Granted(_))));
    let mut tx = db.begin().await.unwrap();
    let spoil = "UPDATE reservations SET holds = 'what' WHERE id = (SELECT MIN(id) FROM reservations)";
    assert_eq!(tx.execute(spoil, &[]).await.unwrap(), 1);
    let spoil = "UPDATE reservations SET id = 'a ' || id WHERE id IN (SELECT id FROM reservations ORDER BY id LIMIT 2 OFFSET 1)";
    assert_eq!(tx.execute(spoil, &[]).await.unwrap(), 2);
    tx.commit().await.unwrap();
    room.clock.advance(SignedDuration::from_secs(1));
    for released in [2, 2, 2] {
        assert_eq!(room.on(db.clone()).sweep(2).await.unwrap(), released);
    }
    let failed = room.on(db.clone()).sweep(2).await.unwrap_err();
    assert!(failed.to_string().starts_with("reservations."), "{failed}");
    assert_eq!(number("SELECT COUNT(*) AS n FROM reservations WHERE state = 'open'").await, 3);
}
