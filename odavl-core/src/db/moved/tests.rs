use std::sync::Mutex;

use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::{
    clock::ManualClock,
    db::{Db, postgres::Schema},
    error::ErrorCode,
};

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap())
}

/// An installation's file, and a schema of the test's own as what it moves into.
struct Move {
    folder: TempDir,
    settings: postgres::Settings,
    _schema: Schema,
}

impl Move {
    async fn new() -> Self {
        let url = std::env::var("ODAVL_TEST_POSTGRES").expect(
            "the tests need PostgreSQL: run them by scripts/test, or first `eval \"$(scripts/services start)\"`",
        );
        let (schema, settings) = Schema::make(postgres::Settings::parse(&url).unwrap()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        drop(Db::open_sqlite(folder.path().join("odavl.db"), &clock()).await.unwrap());
        let moved = Self { folder, settings, _schema: schema };
        let person = "INSERT INTO users (id, email, name, disabled, created_at, rev)
            VALUES ('usr_1', 'ada@example.com', 'Ada', 0, 1, 1)";
        moved.source().execute_batch(person).unwrap();
        moved
    }

    fn source(&self) -> Connection {
        Connection::open(self.folder.path().join("odavl.db")).unwrap()
    }

    async fn run(&self, watch: &(dyn Fn(u64, u64) + Sync)) -> Result<Vec<Moved>> {
        let sqlite = open(&self.folder.path().join("odavl.db")).await?;
        run(sqlite, Target::connect(self.settings.clone(), clock().now()).await?, watch).await
    }

    async fn target(&self) -> postgres::Conn {
        postgres::Conn::connect(&self.settings).await.unwrap()
    }

    /// What PostgreSQL has, as a number.
    async fn number(&self, sql: &'static str) -> i64 {
        self.target().await.query(sql, &[]).await.unwrap()[0].read("n").unwrap()
    }
}

const PEOPLE: &str = "SELECT COUNT(*) AS n FROM users";

#[tokio::test]
async fn every_table_is_moved_those_first_that_others_point_to_and_the_source_stays() {
    let moved = Move::new().await;
    let fill = "INSERT INTO batches (id, at) WITH RECURSIVE n (i) AS
        (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000) SELECT randomblob(16), i FROM n";
    moved.source().execute_batch(fill).unwrap();
    let told = Mutex::new(Vec::new());
    let tables = moved.run(&|done, total| told.lock().unwrap().push((done, total))).await.unwrap();
    let place = |name: &str| tables.iter().position(|table| table.table == name).unwrap();
    assert!(place("users") < place("members") && place("organizations") < place("members"));
    assert_eq!(tables.iter().map(|table| table.rows).sum::<u64>(), 25_001);
    assert_eq!(*told.lock().unwrap().last().unwrap(), (50_002, 50_002));
    assert_eq!(moved.number("SELECT COUNT(*) AS n FROM batches").await, 25_000);
    let left = moved.source().query_row("SELECT COUNT(*) FROM batches", [], |row| row.get::<_, i64>(0));
    assert_eq!(left.unwrap(), 25_000);
}

#[tokio::test]
async fn a_move_that_stops_half_way_leaves_nothing_and_can_be_made_again() {
    let moved = Move::new().await;
    let told = tokio::sync::Notify::new();
    let tell = |_, _| told.notify_one();
    tokio::select! {
        biased;
        () = told.notified() => {}
        done = moved.run(&tell) => panic!("it came to its end: {done:?}"),
    }
    assert_eq!(moved.number(PEOPLE).await, 0);
    moved.run(&|_, _| ()).await.unwrap();
    assert_eq!(moved.number(PEOPLE).await, 1);
}

#[tokio::test]
async fn what_does_not_arrive_as_it_was_is_told_and_nothing_of_it_is_there() {
    let moved = Move::new().await;
    drop(Target::connect(moved.settings.clone(), clock().now()).await.unwrap());
    let change = "CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.name = 'Bob'; RETURN NEW; END $$;
        CREATE TRIGGER other BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION other()";
    moved.target().await.batch(change).await.unwrap();
    let error = moved.run(&|_, _| ()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corrupted);
    assert!(error.to_string().starts_with("users: 1 rows were sent, and 1 arrived"), "{error}");
    assert_eq!(moved.number(PEOPLE).await, 0);
    moved.target().await.batch("DROP TRIGGER other ON users").await.unwrap();
    moved.run(&|_, _| ()).await.unwrap();
    assert_eq!(moved.number(PEOPLE).await, 1);
}

#[tokio::test]
async fn a_target_with_rows_in_any_table_is_refused_and_named() {
    let moved = Move::new().await;
    drop(Target::connect(moved.settings.clone(), clock().now()).await.unwrap());
    let link =
        "INSERT INTO setup_links (id, digest, expires_at) VALUES (1, decode(repeat('00', 32), 'hex'), 1)";
    moved.target().await.batch(link).await.unwrap();
    let error = moved.run(&|_, _| ()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(error.to_string().contains("`setup_links`"), "{error}");
    assert_eq!(moved.number(PEOPLE).await, 0);
}

#[tokio::test]
async fn tables_that_are_not_this_odavl_s_are_refused_on_both_sides() {
    let moved = Move::new().await;
    drop(Target::connect(moved.settings.clone(), clock().now()).await.unwrap());
    let newer = "INSERT INTO migrations (version, name, digest, applied_at) VALUES (99, 'later', '', 0)";
    moved.target().await.batch(newer).await.unwrap();
    let error = moved.run(&|_, _| ()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(error.to_string().contains("migration 99 `later`"), "{error}");
    moved.target().await.batch("DELETE FROM migrations WHERE version = 99").await.unwrap();

    let last = MIGRATIONS.len();
    let older = format!("DELETE FROM migrations WHERE version = {last}");
    moved.source().execute_batch(&older).unwrap();
    let error = moved.run(&|_, _| ()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(error.to_string().contains("older than this odavl"), "{error}");
    let applied = moved.source().query_row("SELECT COUNT(*) FROM migrations", [], |row| row.get::<_, i64>(0));
    assert_eq!(usize::try_from(applied.unwrap()).unwrap(), last - 1, "nothing was brought up to date");
}

#[tokio::test]
async fn nobody_writes_to_the_source_meanwhile() {
    let moved = Move::new().await;
    let (source, tried) = (moved.source(), Mutex::new(None));
    source.busy_timeout(std::time::Duration::ZERO).unwrap();
    let source = Mutex::new(source);
    let write = |_, _| {
        let tried_now = source.lock().unwrap().execute("UPDATE users SET name = 'Bob'", []);
        tried.lock().unwrap().get_or_insert(tried_now.map_err(sqlite_error));
    };
    moved.run(&write).await.unwrap();
    let refused = tried.lock().unwrap().take().unwrap().unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unavailable);
}

#[test]
fn the_sum_of_rows_does_not_know_their_order_and_knows_each_value_and_its_place() {
    let tally = |rows: &[[Value; 2]]| {
        let mut tally = Tally::default();
        for row in rows {
            tally.add(row);
        }
        tally
    };
    let (one, two) = ([Value::Int(1), Value::Null], [Value::Text("a".into()), Value::Blob(b"a".to_vec())]);
    assert_eq!(tally(&[one.clone(), two.clone()]), tally(&[two.clone(), one.clone()]));
    for other in [[Value::Null, Value::Int(1)], [Value::Blob(b"a".to_vec()), Value::Text("a".into())]] {
        assert_ne!(tally(&[other.clone(), two.clone()]), tally(&[one.clone(), two.clone()]));
        assert_ne!(tally(&[one.clone(), other]), tally(&[one.clone(), two.clone()]));
    }
    assert_ne!(tally(&[one.clone(), one.clone()]), tally(&[one]));
}
