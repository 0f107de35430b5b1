use jiff::Timestamp;

use super::sqlite_error;
use crate::{
    clock::{Clock, ManualClock},
    db::{Db, DbError, Tx, Value, Violation},
    error::{Error, ErrorCode, Result},
};

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap())
}

async fn db_with_things() -> Db {
    let db = Db::temporary(&clock()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    tx.execute("CREATE TABLE things (id TEXT PRIMARY KEY, owner TEXT REFERENCES things (id), n BIGINT)", &[])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    db
}

async fn insert(tx: &mut Tx, id: &str) -> Result<u64, DbError> {
    tx.execute("INSERT INTO things (id, n) VALUES ($1, $2)", &[id.into(), Value::Int(1)]).await
}

async fn ids(db: &Db) -> Vec<String> {
    let rows = db.query("SELECT id FROM things ORDER BY id", &[]).await.unwrap();
    rows.iter().map(|row| row.read("things.id").unwrap()).collect()
}

#[tokio::test]
async fn what_is_committed_is_read_and_what_is_dropped_is_not_there() {
    let db = db_with_things().await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(insert(&mut tx, "a").await.unwrap(), 1);
    assert_eq!(ids(&db).await, Vec::<String>::new(), "readers do not see what is not committed");
    tx.commit().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, "b").await.unwrap();
    drop(tx);
    assert_eq!(ids(&db).await, ["a"]);
}

#[tokio::test]
async fn a_transaction_whose_statement_was_cancelled_in_flight_is_rolled_back() {
    let db = db_with_things().await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    let slow = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
        INSERT INTO things (id, n) SELECT 'slow' || i, i FROM n";
    tokio::select! {
        biased;
        _ = tx.execute(slow, &[]) => panic!("the statement was faster than a poll"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(Error::from(insert(&mut tx, "b").await.unwrap_err()).code(), ErrorCode::Internal);
    let mut next = db.begin().await.unwrap();
    insert(&mut next, "c").await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(ids(&db).await, ["c"]);
}

#[tokio::test]
async fn what_a_write_leaves_open_or_panics_in_is_rolled_back() {
    let db = db_with_things().await;
    let leave = |conn: &mut rusqlite::Connection| {
        conn.execute_batch("BEGIN IMMEDIATE; INSERT INTO things (id) VALUES ('a')").map_err(sqlite_error)
    };
    db.sqlite().unwrap().write(leave).await.unwrap();
    let panics = move |conn: &mut rusqlite::Connection| -> Result<()> {
        leave(conn)?;
        panic!("on purpose")
    };
    assert_eq!(db.sqlite().unwrap().write(panics).await.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(ids(&db).await, Vec::<String>::new());
    db.begin().await.unwrap();
}

#[tokio::test]
async fn parameters_are_bound_by_their_number() {
    let db = db_with_things().await;
    let row = db.query_one("SELECT $2 AS b, $1 AS a, $2 AS c", &["one".into(), "two".into()]).await;
    let row = row.unwrap().unwrap();
    let read = ["a", "b", "c"].map(|name| row.read::<String>(name).unwrap());
    assert_eq!(read, ["one", "two", "two"]);
    let missing = db.query("SELECT $2 AS b", &["one".into()]).await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::Internal);
}

#[tokio::test]
async fn broken_rules_are_told_apart() {
    let db = db_with_things().await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    let twice = insert(&mut tx, "a").await.unwrap_err();
    assert_eq!(twice.violation(), Some(Violation::Unique));
    assert_eq!(twice.or_exists("thing", "a").code(), ErrorCode::AlreadyExists);
    let orphan = "INSERT INTO things (id, owner) VALUES ('b', 'nobody')";
    let orphan = tx.execute(orphan, &[]).await.unwrap_err();
    assert_eq!(orphan.violation(), Some(Violation::ForeignKey));
    let wrong = tx.execute("INSERT INTO nowhere VALUES (1)", &[]).await.unwrap_err();
    assert_eq!(wrong.violation(), None);
    assert_eq!(Error::from(wrong).code(), ErrorCode::Internal);
}

#[tokio::test]
async fn nonsense_in_a_column_is_corrupted_and_says_where() {
    let db = db_with_things().await;
    let row = db.query_one("SELECT 'x' AS id, -1 AS n, NULL AS owner", &[]).await.unwrap().unwrap();
    let error = row.read::<u64>("things.n").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corrupted);
    assert_eq!(error.to_string(), "things.n of row x makes no sense");
    assert_eq!(row.parse::<crate::ids::OrgId>("things.id").unwrap_err().code(), ErrorCode::Corrupted);
    assert_eq!(row.read::<String>("things.owner").unwrap_err().code(), ErrorCode::Corrupted);
    assert_eq!(row.read::<Option<String>>("things.owner").unwrap(), None);
    assert_eq!(row.read::<i64>("things.other").unwrap_err().code(), ErrorCode::Internal);
}

#[tokio::test]
async fn a_full_disk_and_a_locked_file_are_unavailable_and_leave_nothing() {
    let db = db_with_things().await;
    let fill = |conn: &mut rusqlite::Connection| {
        conn.pragma_update(None, "max_page_count", 1).map_err(sqlite_error)?;
        let fill = "INSERT INTO things (id) VALUES (hex(randomblob(100000)))";
        conn.execute(fill, []).map(drop).map_err(sqlite_error)
    };
    assert_eq!(db.sqlite().unwrap().write(fill).await.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(ids(&db).await, Vec::<String>::new());

    let other = rusqlite::Connection::open(db.sqlite().unwrap().path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let impatient =
        |conn: &mut rusqlite::Connection| conn.busy_timeout(std::time::Duration::ZERO).map_err(sqlite_error);
    db.sqlite().unwrap().write(impatient).await.unwrap();
    assert_eq!(db.begin().await.unwrap_err().code(), ErrorCode::Unavailable);
    other.execute_batch("ROLLBACK").unwrap();
    db.begin().await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database, but long enough to have a header of a hundred bytes".repeat(9))
        .unwrap();
    assert_eq!(Db::open_sqlite(&path, &clock()).await.unwrap_err().code(), ErrorCode::Corrupted);
    let nowhere = folder.path().join("missing").join("odavl.db");
    assert_eq!(Db::open_sqlite(nowhere, &clock()).await.unwrap_err().code(), ErrorCode::Unavailable);
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_and_its_log_are_ours_alone_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let _db = Db::open_sqlite(folder.path().join("odavl.db"), &clock()).await.unwrap();
    for name in ["odavl.db", "odavl.db-wal", "odavl.db-shm"] {
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn readers_cannot_write_and_see_one_snapshot() {
    let db = db_with_things().await;
    let write =
        |conn: &mut rusqlite::Connection| conn.execute_batch("DELETE FROM things").map_err(sqlite_error);
    assert!(db.sqlite().unwrap().read(write).await.is_err());
    let counts: Vec<_> = futures_of(16, &db).await;
    assert_eq!(counts, vec![0; 16], "more readers than connections take turns");
}

async fn futures_of(number: usize, db: &Db) -> Vec<i64> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..number {
        let db = db.clone();
        tasks.spawn(async move { db.query_one("SELECT COUNT(*) AS n FROM things", &[]).await });
    }
    let rows = tasks.join_all().await;
    rows.into_iter().map(|row| row.unwrap().unwrap().read("n").unwrap()).collect()
}

mod migrations {
    use rusqlite::Connection;

    use super::{super::migrate, *};
    use crate::db::migrate::Migration;

    const FIRST: Migration = Migration::new(1, "one", "CREATE TABLE one (id TEXT)");
    const SECOND: Migration = Migration::new(2, "two", "CREATE TABLE two (id TEXT)");

    fn versions(conn: &Connection) -> Vec<u32> {
        let mut statement = conn.prepare("SELECT version FROM migrations ORDER BY version").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn each_is_applied_once_and_in_order() {
        let mut conn = Connection::open_in_memory().unwrap();
        for known in [&[FIRST][..], &[FIRST, SECOND], &[FIRST, SECOND]] {
            migrate::run(&mut conn, known, clock().now()).unwrap();
        }
        assert_eq!(versions(&conn), [1, 2]);
    }

    #[test]
    fn a_database_newer_than_the_binary_is_refused_by_name() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate::run(&mut conn, &[FIRST, SECOND], clock().now()).unwrap();
        let error = migrate::run(&mut conn, &[FIRST], clock().now()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unsupported);
        assert!(error.to_string().contains("migration 2 `two`"), "{error}");
    }

    #[test]
    fn a_migration_that_changed_after_it_was_applied_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate::run(&mut conn, &[FIRST], clock().now()).unwrap();
        let changed = Migration { sql: "CREATE TABLE uno (id TEXT)", ..FIRST };
        assert_eq!(
            migrate::run(&mut conn, &[changed], clock().now()).unwrap_err().code(),
            ErrorCode::Corrupted
        );
    }

    #[test]
    fn one_that_fails_leaves_nothing_of_any() {
        let mut conn = Connection::open_in_memory().unwrap();
        let broken = Migration { sql: "CREATE TABLE two (id TEXT); SELECT nonsense", ..SECOND };
        assert_eq!(
            migrate::run(&mut conn, &[FIRST, broken], clock().now()).unwrap_err().code(),
            ErrorCode::Internal
        );
        assert!(!conn.table_exists(None, "one").unwrap() && !conn.table_exists(None, "migrations").unwrap());
    }

    #[tokio::test]
    async fn a_file_is_opened_again_with_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let db = Db::open_sqlite(folder.path().join("odavl.db"), &clock()).await.unwrap();
            let row = db.query_one("SELECT MIN(applied_at) AS at FROM migrations", &[]).await.unwrap();
            assert_eq!(row.unwrap().read::<Timestamp>("migrations.at").unwrap(), clock().now());
        }
    }
}
