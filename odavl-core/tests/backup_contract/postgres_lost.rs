//! What is in no dump of `pg_dump`'s, and what is gone before there is one.

use std::time::Duration;

use odavl_core::backup::{Backup, DumpOptions, Format, contract::BackupHarness};

use super::{Harness, rows, run, schemas::differences, server, url_of};

#[tokio::test]
async fn what_every_new_database_has_and_the_source_has_not_is_no_difference() {
    for (number, change) in [
        "DROP SCHEMA public",
        "DROP EXTENSION plpgsql",
        "DROP SCHEMA public; DROP EXTENSION plpgsql; CREATE SCHEMA app; CREATE TABLE app.t AS SELECT 1 AS a",
        "DROP SCHEMA public; CREATE SCHEMA public; COMMENT ON SCHEMA public IS 'ours'",
    ]
    .into_iter()
    .enumerate()
    {
        let harness = Harness::new().await;
        harness.run(change).await;
        let to = harness.name(&number.to_string());
        let found = differences(&harness.backup, Format::Archive, &to).await;
        assert!(found.is_empty(), "{change}: {found:#?}");
        let before = harness.backup.fingerprint(&harness.name("live")).await.unwrap();
        run(&url_of(to.as_str()), "CREATE SCHEMA more; CREATE EXTENSION hstore SCHEMA more").await;
        let found = before.compare(&harness.backup.fingerprint(&to).await.unwrap());
        assert_eq!(found.differences.len(), 2, "{found:#?}");
    }
}

#[tokio::test]
async fn what_was_said_of_what_is_made_with_something_else_is_no_difference() {
    let harness = Harness::new().await;
    harness
        .run(
            "CREATE TABLE whole (a INT CONSTRAINT above CHECK (a > 0)) PARTITION BY LIST (a);
            CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
            COMMENT ON CONSTRAINT above ON part IS 'lost';
            CREATE FUNCTION nothing() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER watched AFTER INSERT ON whole FOR EACH ROW EXECUTE FUNCTION nothing();
            COMMENT ON TRIGGER watched ON part IS 'lost';
            CREATE VIEW seen AS SELECT a FROM whole;
            COMMENT ON RULE \"_RETURN\" ON seen IS 'lost';
            CREATE TYPE mood AS ENUM ('well');
            COMMENT ON TYPE _mood IS 'lost';
            CREATE TYPE span AS RANGE (SUBTYPE = INT);
            COMMENT ON TYPE span_multirange IS 'lost';
            CREATE TABLE seats (a INT PRIMARY KEY); ALTER TABLE whole ADD CONSTRAINT sits FOREIGN KEY (a) REFERENCES seats;
            COMMENT ON CONSTRAINT sits ON part IS 'lost';
            COMMENT ON TYPE seats IS 'lost';
            COMMENT ON CONSTRAINT above ON whole IS 'kept';
            COMMENT ON TRIGGER watched ON whole IS 'kept';
            COMMENT ON TYPE mood IS 'kept';
            CREATE TYPE pair AS (a INT, b INT); COMMENT ON TYPE pair IS 'kept';
            COMMENT ON CONSTRAINT sits ON whole IS 'kept'",
        )
        .await;
    let to = harness.name("copy");
    let found = differences(&harness.backup, Format::Archive, &to).await;
    assert!(found.is_empty(), "{found:#?}");
    let before = harness.backup.fingerprint(&to).await.unwrap();
    for change in [
        "CONSTRAINT above ON whole",
        "TRIGGER watched ON whole",
        "CONSTRAINT sits ON whole",
        "TYPE mood",
        "TYPE pair",
    ] {
        run(&url_of(to.as_str()), &format!("COMMENT ON {change} IS 'changed'")).await;
        let found = before.compare(&harness.backup.fingerprint(&to).await.unwrap());
        assert!(!found.is_same(), "{change}");
        run(&url_of(to.as_str()), &format!("COMMENT ON {change} IS 'kept'")).await;
    }
    assert!(before.compare(&harness.backup.fingerprint(&to).await.unwrap()).is_same());
}

#[tokio::test]
async fn a_table_that_is_dropped_while_the_tables_are_looked_at_does_not_stop_the_dump() {
    let harness = Harness::new().await;
    harness.run("CREATE SCHEMA soon; CREATE TABLE stays (a INT)").await;
    let (client, connection) = tokio_postgres::connect(&harness.live(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for drop in ["DROP TABLE soon.gone", "DROP SCHEMA soon CASCADE"] {
        harness.run("CREATE TABLE soon.gone (a INT)").await;
        client.batch_execute(&format!("BEGIN; {drop}")).await.unwrap();
        let dumping = tokio::spawn({
            let backup = harness.backup.clone();
            async move { backup.dump(DumpOptions::default()).await }
        });
        let waits = format!(
            "SELECT pid::TEXT FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'",
            harness.name("live")
        );
        while rows(&server::url(), &waits).await.is_empty() {
            assert!(!dumping.is_finished(), "it did not wait for what is dropped");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.batch_execute("COMMIT").await.unwrap();
        let mut dump = dumping.await.unwrap().unwrap();
        while dump.next().await.unwrap().is_some() {}
        let found = dump.finish().await.unwrap().fingerprint.unwrap();
        assert_eq!(found.tables.keys().collect::<Vec<_>>(), ["public.stays"]);
    }
}
