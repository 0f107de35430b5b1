use jiff::Timestamp;

use super::{temporary::Schema, *};
use crate::{
    clock::{Clock, ManualClock},
    db::{Db, Lock, Tx, Violation, migrate::Migration},
    error::ErrorCode,
};

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap())
}

fn told(name: &str) -> String {
    std::env::var(name).expect(
        "the tests need PostgreSQL: run them by scripts/test, or first `eval \"$(scripts/services start)\"`",
    )
}

fn url() -> String {
    told("ODAVL_TEST_POSTGRES")
}

async fn db_with_things() -> Db {
    let db = Db::temporary_postgres(&url(), &clock()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let table =
        "CREATE TABLE things (id TEXT PRIMARY KEY, owner TEXT REFERENCES things (id), n BIGINT, b BYTEA)";
    tx.execute(table, &[]).await.unwrap();
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

async fn refused(url: &str) -> Error {
    Db::open_postgres(url, 2, &clock()).await.unwrap_err()
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
    tokio::select! {
        biased;
        _ = tx.execute("INSERT INTO things (id) SELECT 'x' || n FROM generate_series(1, 300000) AS n", &[]) => {
            panic!("the statement was faster than a poll")
        }
        () = std::future::ready(()) => {}
    }
    assert_eq!(Error::from(insert(&mut tx, "b").await.unwrap_err()).code(), ErrorCode::Internal);
    drop(tx);
    let mut next = db.begin().await.unwrap();
    insert(&mut next, "c").await.unwrap();
    next.commit().await.unwrap();
    assert_eq!(ids(&db).await, ["c"]);
}

#[tokio::test]
async fn a_transaction_of_which_a_statement_failed_is_never_committed() {
    let db = db_with_things().await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    insert(&mut tx, "a").await.unwrap_err();
    assert_eq!(tx.commit().await.unwrap_err().code(), ErrorCode::Internal);
    assert_eq!(ids(&db).await, Vec::<String>::new());
}

#[tokio::test]
async fn broken_rules_are_told_apart() {
    let db = db_with_things().await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    let twice = insert(&mut tx, "a").await.unwrap_err();
    assert_eq!(twice.violation(), Some(Violation::Unique));
    assert_eq!(twice.or_exists("thing", "a").code(), ErrorCode::AlreadyExists);
    drop(tx);
    let failed = async |sql: &'static str, params: &[Value]| {
        db.begin().await.unwrap().execute(sql, params).await.unwrap_err()
    };
    let orphan = failed("INSERT INTO things (id, owner) VALUES ('b', 'nobody')", &[]).await;
    assert_eq!(orphan.violation(), Some(Violation::ForeignKey));
    let wrong = failed("INSERT INTO nowhere VALUES (1)", &[]).await;
    assert_eq!((wrong.violation(), Error::from(wrong).code()), (None, ErrorCode::Internal));
    let no_value = failed("DELETE FROM things WHERE id = $1", &[]).await;
    assert_eq!(Error::from(no_value).code(), ErrorCode::Internal);
    let other_type = failed("DELETE FROM things WHERE id = $1", &[Value::Int(1)]).await;
    assert_eq!(Error::from(other_type).code(), ErrorCode::Internal);
    let nul = failed("INSERT INTO things (id) VALUES ($1)", &["a\0b".into()]).await;
    assert_eq!(Error::from(nul).code(), ErrorCode::InvalidInput);
}

#[tokio::test]
async fn what_the_server_cannot_do_now_is_told_from_what_nobody_asked_well() {
    let db = db_with_things().await;
    let codes = [
        ("25006", ErrorCode::Unavailable),
        ("0A000", ErrorCode::Unavailable),
        ("40P01", ErrorCode::Unavailable),
        ("55P03", ErrorCode::Unavailable),
        ("57P03", ErrorCode::Unavailable),
        ("53300", ErrorCode::Unavailable),
        ("XX002", ErrorCode::Corrupted),
        ("42601", ErrorCode::Internal),
    ];
    for (state, code) in codes {
        let mut tx = db.begin().await.unwrap();
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$");
        let error = Error::from(tx.execute(raise.leak(), &[]).await.unwrap_err());
        assert_eq!(error.code(), code, "{state}: {error}");
    }
}

#[tokio::test]
async fn a_pooler_that_mixes_up_prepared_statements_is_called_that() {
    const ASK: &str = "SELECT 1 AS n";
    let mut tx = db_with_things().await.begin().await.unwrap();
    tx.query(ASK, &[]).await.unwrap();
    // As if the next statement went to a server that never heard of it.
    tx.execute("DEALLOCATE ALL", &[]).await.unwrap();
    let error = Error::from(tx.query(ASK, &[]).await.map(drop).unwrap_err());
    assert!(error.to_string().contains("max_prepared_statements"), "{error}");
}

#[tokio::test]
async fn what_a_row_holds_is_in_no_error() {
    let db = db_with_things().await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, "canary").await.unwrap();
    let error = Error::from(insert(&mut tx, "canary").await.unwrap_err());
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn values_are_read_back_as_they_were_written() {
    let db = db_with_things().await;
    let sql =
        "SELECT CAST($2 AS TEXT) AS b, CAST($1 AS BIGINT) AS a, $2 = 'two' AS yes, CAST($3 AS BYTEA) AS c,
        CAST($4 AS TEXT) AS none";
    let values = [Value::Int(-1), "two".into(), Value::Blob(vec![0, 1]), Value::Null];
    let row = db.query_one(sql, &values).await.unwrap().unwrap();
    assert_eq!((row.read::<i64>("a").unwrap(), row.read::<String>("b").unwrap()), (-1, "two".to_owned()));
    assert_eq!((row.read::<Vec<u8>>("c").unwrap(), row.read::<bool>("yes").unwrap()), (vec![0, 1], true));
    assert_eq!(row.read::<Option<String>>("none").unwrap(), None);
}

#[tokio::test]
async fn text_is_ordered_by_its_bytes() {
    let db = db_with_things().await;
    let mut tx = db.begin().await.unwrap();
    for id in ["b", "a_", "aB", "é", "B"] {
        insert(&mut tx, id).await.unwrap();
    }
    tx.commit().await.unwrap();
    let sql = "SELECT slug FROM (SELECT id AS slug FROM things) AS all_of_them ORDER BY slug COLLATE \"C\"";
    let rows = db.query(sql, &[]).await.unwrap();
    let slugs: Vec<String> = rows.iter().map(|row| row.read("slug").unwrap()).collect();
    assert_eq!(slugs, ["B", "aB", "a_", "b", "é"]);
    let columns = "SELECT COUNT(*) AS n FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND attcollation <> 0
        AND attcollation <> 'pg_catalog.\"C\"'::regcollation AND relname <> 'things'";
    assert_eq!(db.query_one(columns, &[]).await.unwrap().unwrap().read::<i64>("n").unwrap(), 0);
}

#[tokio::test]
async fn transactions_about_one_thing_run_one_after_the_other() {
    let db = db_with_things().await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    tx.commit().await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for nth in 0..20 {
        let db = db.clone();
        writers.spawn(async move {
            let mut tx = db.begin().await?;
            let mut locks = vec![Lock::on("thing", "a"), Lock::on("thing", "b")];
            locks.rotate_left(nth % 2);
            tx.lock(locks).await?;
            let row = tx.query_one("SELECT id, n FROM things WHERE id = 'a'", &[]).await?.unwrap();
            let more = Value::Int(row.read::<i64>("things.n")? + 1);
            tx.execute("UPDATE things SET n = $1 WHERE id = 'a'", &[more]).await?;
            tx.commit().await
        });
    }
    for written in writers.join_all().await {
        written.unwrap();
    }
    let row = db.query_one("SELECT id, n FROM things", &[]).await.unwrap().unwrap();
    assert_eq!(row.read::<i64>("things.n").unwrap(), 21);
}

#[tokio::test]
async fn several_statements_read_one_snapshot() {
    let db = db_with_things().await;
    let count: Query<'_> = ("SELECT COUNT(*) AS n FROM things", &[]);
    let wait: Query<'_> = ("SELECT COUNT(pg_sleep(0.2)) AS n", &[]);
    let write = async {
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, "a").await.unwrap();
        tx.commit().await.unwrap();
    };
    let queries = [count, wait, count];
    let (read, ()) = tokio::join!(db.query_all(&queries), write);
    let counts: Vec<i64> = read.unwrap().iter().map(|rows| rows[0].read("n").unwrap()).collect();
    assert_eq!(counts[0], counts[2]);
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let db = db_with_things().await;
    let ours = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND query LIKE '%things%' AND query NOT LIKE '%pg_stat%' AND pid = $1";
    let pid =
        db.query_one("SELECT CAST(pg_backend_pid() AS BIGINT) AS pid, 'things' AS t", &[]).await.unwrap();
    let pid: i64 = pid.unwrap().read("pid").unwrap();
    let other = Db::temporary_postgres(&url(), &clock()).await.unwrap();
    assert_eq!(other.query_one(ours, &[pid.into()]).await.unwrap().unwrap().read::<i64>("n").unwrap(), 1);
    assert_eq!(ids(&db).await, Vec::<String>::new());
    db.begin().await.unwrap();
}

#[test]
fn why_a_connection_went_is_told_where_there_is_no_other() {
    let gone = Error::unavailable("the connection is lost", Some("it was ended".into()));
    let error = not_replaced(Error::unavailable("PostgreSQL does not answer", Some("refused".into())), gone);
    let told = "PostgreSQL does not answer: the one before it is gone (the connection is lost: it was ended): refused";
    assert_eq!((error.code(), Chain(&error).to_string().as_str()), (ErrorCode::Unavailable, told));
}

#[tokio::test]
async fn a_wrong_url_says_what_is_wrong_with_it_and_shows_no_password() {
    let url = url();
    for (wrong, code, says) in [
        (url.replace(":odavl@", ":canary@"), ErrorCode::InvalidInput, "the user or the password"),
        (url.replace("/postgres", "/nowhere"), ErrorCode::InvalidInput, "no such database"),
        ("postgres://odavl:canary@127.0.0.1:1/odavl".to_owned(), ErrorCode::Unavailable, "does not answer"),
        (url.replace("odavl:odavl@", "odavl@"), ErrorCode::InvalidInput, "password"),
    ] {
        let error = refused(&wrong).await;
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.hint().is_some());
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_ends_while_somebody_signs_in_is_away_and_nothing_is_wrong_with_the_url() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://u:p@{}/d", server.local_addr().unwrap());
    let end = async {
        let (mut stream, _) = server.accept().await.unwrap();
        // What is unread when a connection ends resets it, and is told in another way.
        tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await.unwrap();
    };
    let (error, ()) = tokio::join!(refused(&url), end);
    assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
}

#[tokio::test]
async fn a_certificate_holds_for_the_host_s_name_by_an_authority_that_is_known() {
    let (at_localhost, ca) = (url().replace("127.0.0.1", "localhost"), told("ODAVL_TEST_POSTGRES_CA"));
    let encrypted = async |url: String| {
        let settings = Settings::parse(&url).unwrap();
        let mut conn = Conn::connect(&settings).await?;
        let sql = "SELECT ssl AS yes FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        conn.query(sql, &[]).await.map_err(Error::from)?[0].read::<bool>("yes")
    };
    assert!(!encrypted(at_localhost.clone()).await.unwrap());
    assert!(encrypted(format!("{}?sslmode=require", url())).await.unwrap());
    assert!(encrypted(format!("{at_localhost}?sslmode=verify-full&sslrootcert={ca}")).await.unwrap());
    for wrong in [
        format!("{}?sslmode=verify-full&sslrootcert={ca}", url()),
        format!("{at_localhost}?sslmode=verify-full"),
    ] {
        let error = encrypted(wrong).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}

#[test]
fn a_server_that_is_too_old_is_refused_by_its_version() {
    assert!(error::is_too_old(140_000).is_none());
    let error = error::is_too_old(130_014).unwrap();
    assert_eq!(error.code(), ErrorCode::Unsupported);
    assert!(error.to_string().contains("PostgreSQL 13 is too old"), "{error}");
}

mod migrations {
    use super::*;

    const FIRST: Migration = Migration::new(1, "one", "CREATE TABLE one (id TEXT)");
    const SECOND: Migration = Migration::new(2, "two", "CREATE TABLE two (id BLOB)");

    /// A schema where nothing is yet.
    async fn empty() -> (Schema, Settings) {
        Schema::make(Settings::parse(&url()).unwrap()).await.unwrap()
    }

    async fn run(settings: &Settings, known: &[Migration]) -> Result<()> {
        migrate::run(&mut Conn::connect(settings).await?, known, clock().now()).await
    }

    async fn numbers(settings: &Settings, sql: &'static str) -> Vec<i64> {
        let rows = Conn::connect(settings).await.unwrap().query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.read("n").unwrap()).collect()
    }

    const VERSIONS: &str = "SELECT version AS n FROM migrations ORDER BY version";

    #[tokio::test]
    async fn each_is_applied_once_and_in_order() {
        let (_schema, settings) = empty().await;
        for known in [&[FIRST][..], &[FIRST, SECOND], &[FIRST, SECOND]] {
            run(&settings, known).await.unwrap();
        }
        assert_eq!(numbers(&settings, VERSIONS).await, [1, 2]);
    }

    #[tokio::test]
    async fn of_nodes_that_start_together_one_applies_them() {
        let (_schema, settings) = empty().await;
        let mut nodes = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let settings = settings.clone();
            nodes.spawn(async move { run(&settings, &[FIRST, SECOND]).await });
        }
        for started in nodes.join_all().await {
            started.unwrap();
        }
        assert_eq!(numbers(&settings, VERSIONS).await, [1, 2]);
    }

    #[tokio::test]
    async fn a_database_newer_than_the_binary_is_refused_by_name_and_one_that_changed_too() {
        let (_schema, settings) = empty().await;
        run(&settings, &[FIRST, SECOND]).await.unwrap();
        let error = run(&settings, &[FIRST]).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unsupported);
        assert!(error.to_string().contains("migration 2 `two`"), "{error}");
        let changed = Migration { postgres: "SELECT 1", ..FIRST };
        assert_eq!(run(&settings, &[changed, SECOND]).await.unwrap_err().code(), ErrorCode::Corrupted);
    }

    #[tokio::test]
    async fn a_table_that_somebody_has_is_not_waited_for_with_the_nodes_behind() {
        const ALTER: Migration = Migration::new(2, "two", "ALTER TABLE one ADD COLUMN n BIGINT");
        let (_schema, settings) = empty().await;
        run(&settings, &[FIRST]).await.unwrap();
        // As a dump has it.
        let dump = Conn::connect(&settings).await.unwrap();
        dump.batch(
            "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0;
            LOCK TABLE one IN ACCESS SHARE MODE",
        )
        .await
        .unwrap();
        let error = run(&settings, &[FIRST, ALTER]).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
        assert_eq!(numbers(&settings, VERSIONS).await, [1]);
        dump.batch("COMMIT").await.unwrap();
        run(&settings, &[FIRST, ALTER]).await.unwrap();
    }

    #[tokio::test]
    async fn one_that_fails_leaves_nothing_and_those_before_it_hold() {
        let (_schema, settings) = empty().await;
        let broken = Migration { sql: "CREATE TABLE two (id TEXT); SELECT nonsense", ..SECOND };
        assert_eq!(run(&settings, &[FIRST, broken]).await.unwrap_err().code(), ErrorCode::Internal);
        assert_eq!(numbers(&settings, VERSIONS).await, [1]);
        let left = "SELECT COUNT(to_regclass('two')) AS n";
        assert_eq!(numbers(&settings, left).await, [0]);
        run(&settings, &[FIRST, SECOND]).await.unwrap();
    }
}
