//! Databases that are hard to back up: each comes back as it was, and what is changed in the copy is told.

use odavl_core::{
    ErrorCode,
    backup::{
        Backup, DatabaseName, DumpOptions, Format, Ownership, PostgresBackup, Purpose, RestoreOptions,
        Source, contract::BackupHarness,
    },
    storage::full,
};

use super::{Harness, faults::whole, programs, rows, run, script, url_of};

const AWKWARD: &str = include_str!("awkward.sql");

/// Dumps and restores, and answers what differs.
pub(super) async fn differences(backup: &PostgresBackup, format: Format, to: &DatabaseName) -> Vec<String> {
    let mut dump = backup.dump(DumpOptions { format: Some(format), ..DumpOptions::default() }).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = dump.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    let source = dump.source.clone();
    let expected = dump.finish().await.unwrap().fingerprint.unwrap();
    let options = RestoreOptions::scratch(to.clone(), source, format);
    backup.restore(full(bytes), RestoreOptions { purpose: Purpose::Keep, ..options }).await.unwrap();
    let found = expected.compare(&backup.fingerprint(to).await.unwrap());
    found.differences.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn an_awkward_database_comes_back_as_it_was_and_each_change_in_it_is_told() {
    let harness = Harness::new().await;
    harness.run(AWKWARD).await;
    for format in [Format::Archive, Format::Sql] {
        let to = harness.name(format.extension());
        let found = differences(&harness.backup, format, &to).await;
        assert!(found.is_empty(), "{format:?} {found:#?}");
    }
    let copy = harness.name(Format::Archive.extension());
    let before = harness.backup.fingerprint(&copy).await.unwrap();
    assert_eq!(before.tables["public.no_columns"].count, 2);
    assert!(
        !before.tables.contains_key("public.full_one") && !before.tables.contains_key("public.foreign_one")
    );
    for (change, told) in CHANGES {
        run(&url_of(copy.as_str()), &format!("BEGIN; {change}; COMMIT")).await;
        let found = before.compare(&harness.backup.fingerprint(&copy).await.unwrap());
        let kinds: Vec<_> =
            found.differences.iter().map(|found| format!("{} {}", found.kind, found.name)).collect();
        assert!(kinds.iter().any(|kind| kind == told), "{change}: {kinds:?}");
        let undo = RestoreOptions::scratch(copy.clone(), source(&harness).await, Format::Archive);
        let undo = RestoreOptions { purpose: Purpose::Keep, ..undo };
        harness.backup.discard(&copy).await.unwrap();
        let (bytes, ..) = whole(&harness.backup).await;
        harness.backup.restore(full(bytes), undo).await.unwrap();
    }
}

/// What is done to the copy, and what is told then.
const CHANGES: [(&str, &str); 10] = [
    ("UPDATE typed SET f8 = 0 WHERE id = 1", "table public.typed"),
    ("DELETE FROM ONLY child", "table public.child"),
    ("SELECT nextval('falling')", "sequence public.falling"),
    ("SELECT lo_put(70004, 500000, 'y')", "large objects "),
    ("SELECT lo_unlink(70000)", "large objects "),
    ("DROP INDEX \"an index\"", "schema index"),
    ("ALTER TABLE base ALTER h SET NOT NULL", "schema column"),
    ("ALTER TABLE hollow ALTER b SET DEFAULT 7", "schema column"),
    (
        "CREATE OR REPLACE FUNCTION watch() RETURNS EVENT_TRIGGER LANGUAGE plpgsql AS 'BEGIN NULL; END'",
        "schema function",
    ),
    ("CREATE OR REPLACE VIEW seen AS SELECT b.*, 1::BIGINT AS n FROM base b", "definition relation"),
];

async fn source(harness: &Harness) -> Source {
    harness.backup.describe().await.unwrap()
}

#[tokio::test]
async fn a_table_of_1600_columns_comes_back() {
    let harness = Harness::new().await;
    let columns: Vec<_> = (0..1600).map(|at| format!("c{at} BOOL")).collect();
    let values = "(NULL), ".repeat(2) + "(TRUE)";
    let sql = format!("CREATE TABLE wide ({}); INSERT INTO wide (c7) VALUES {values}", columns.join(", "));
    harness.run(&sql).await;
    assert!(differences(&harness.backup, Format::Archive, &harness.name("copy")).await.is_empty());
}

#[tokio::test]
async fn a_value_of_200_megabytes_comes_back() {
    let harness = Harness::new().await;
    let sql = "CREATE TABLE large (id INT, text TEXT, bytes BYTEA); ALTER TABLE large ALTER text SET STORAGE EXTERNAL;
        INSERT INTO large VALUES (1, repeat('0123456789', 20 * 1024 * 1024), NULL), (2, 'x', '\\x00')";
    harness.run(sql).await;
    assert!(differences(&harness.backup, Format::Archive, &harness.name("copy")).await.is_empty());
}

#[tokio::test]
async fn a_large_table_is_read_in_pieces_and_none_of_its_rows_twice() {
    let harness = Harness::new().await;
    // Pages that hold one row each: 3 pieces.
    let sql = "CREATE TABLE long (i INT, filler TEXT) WITH (fillfactor = 10); ALTER TABLE long ALTER filler SET STORAGE PLAIN;
        INSERT INTO long SELECT i, repeat('x', 900) FROM generate_series(1, 20000) AS i";
    harness.run(sql).await;
    let live = harness.name("live");
    let found = harness.backup.fingerprint(&live).await.unwrap();
    assert_eq!(found.tables["public.long"].count, 20_000);
    harness.run("CREATE TABLE short AS SELECT i, filler FROM long; DROP TABLE long; ALTER TABLE short RENAME TO long").await;
    let again = harness.backup.fingerprint(&live).await.unwrap();
    assert_eq!(found.tables, again.tables);
}

#[tokio::test]
async fn a_fingerprint_does_not_depend_on_what_the_server_or_the_database_was_told() {
    let harness = Harness::new().await;
    harness.run(AWKWARD).await;
    let live = harness.name("live");
    let before = harness.backup.fingerprint(&live).await.unwrap();
    for setting in [
        "DateStyle = 'German'",
        "TimeZone = 'Asia/Tokyo'",
        "IntervalStyle = 'iso_8601'",
        "extra_float_digits = -3",
        "bytea_output = 'escape'",
        "search_path = \"Odd schema; DROP\"",
        "client_encoding = 'LATIN1'",
        "default_transaction_read_only = on",
        "statement_timeout = '1ms'",
        "xmlbinary = 'hex'",
        "quote_all_identifiers = on",
    ] {
        run(&super::server::url(), &format!("ALTER DATABASE \"{live}\" SET {setting}")).await;
    }
    let found = before.compare(&harness.backup.fingerprint(&live).await.unwrap());
    assert!(found.is_same(), "{found:#?}");
    let (bytes, source, _) = whole(&harness.backup).await;
    let to = harness.name("copy");
    let options = RestoreOptions::scratch(to.clone(), source, Format::Archive);
    let _held = harness.backup.restore(full(bytes), options).await.unwrap();
    assert!(before.compare(&harness.backup.fingerprint(&to).await.unwrap()).is_same());
}

#[tokio::test]
async fn encoding_and_locale_are_those_of_the_source_and_bytes_that_make_no_sense_are_kept() {
    for (number, how) in
        ["ENCODING 'LATIN1'", "ENCODING 'SQL_ASCII'", "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de'"]
            .into_iter()
            .enumerate()
    {
        let harness = Harness::new().await;
        let (name, to) = (harness.name(&format!("odd_{number}")), harness.name("copy"));
        let create =
            format!("CREATE DATABASE \"{name}\" TEMPLATE template0 {how} LC_COLLATE 'C' LC_CTYPE 'C'");
        run(&super::server::url(), &create).await;
        run(&url_of(name.as_str()), "CREATE TABLE t (\"größe\" TEXT); INSERT INTO t VALUES ('übel')").await;
        if number == 1 {
            run(&url_of(name.as_str()), "INSERT INTO t VALUES (E'\\xff\\xfe')").await;
        }
        let backup = PostgresBackup::new(&url_of(name.as_str())).unwrap();
        let found = differences(&backup, Format::Archive, &to).await;
        assert!(found.is_empty(), "{how} {found:#?}");
        let made = format!(
            "SELECT concat_ws(' ', encoding, datcollate, datctype, datlocprovider, daticulocale) FROM pg_database WHERE datname IN ('{name}', '{to}')"
        );
        let both = rows(&super::server::url(), &made).await;
        assert_eq!(both[0], both[1]);
    }
}

#[tokio::test]
async fn sequences_that_go_on_while_a_dump_is_made_are_no_difference() {
    let harness = Harness::new().await;
    harness.run("CREATE SEQUENCE busy; CREATE SEQUENCE calm; SELECT nextval('busy'), nextval('calm')").await;
    let mut dump = harness.backup.dump(DumpOptions::default()).await.unwrap();
    harness.run("SELECT nextval('busy') FROM generate_series(1, 50)").await;
    let mut bytes = Vec::new();
    while let Some(piece) = dump.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    harness.run("SELECT nextval('busy')").await;
    let (source, to) = (dump.source.clone(), harness.name("copy"));
    let expected = dump.finish().await.unwrap().fingerprint.unwrap();
    let options = RestoreOptions::scratch(to.clone(), source, Format::Archive);
    let _held = harness.backup.restore(full(bytes), options).await.unwrap();
    let found = expected.compare(&harness.backup.fingerprint(&to).await.unwrap());
    assert!(found.is_same(), "{found:#?}");
    run(&url_of(to.as_str()), "SELECT nextval('calm')").await;
    assert!(!expected.compare(&harness.backup.fingerprint(&to).await.unwrap()).is_same());
}

#[tokio::test]
async fn a_table_that_is_emptied_while_a_dump_is_made_is_in_the_dump_as_it_is_in_the_fingerprint() {
    let harness = Harness::new().await;
    harness.run("CREATE TABLE emptied AS SELECT i FROM generate_series(1, 100) AS i").await;
    let dump = harness.backup.dump(DumpOptions::default()).await.unwrap();
    // It waits until the dump is over.
    let live = harness.live();
    let emptied = tokio::spawn(async move { run(&live, "TRUNCATE emptied").await });
    let mut dump = dump;
    while dump.next().await.unwrap().is_some() {}
    let found = dump.finish().await.unwrap().fingerprint.unwrap();
    assert_eq!(found.tables["public.emptied"].count, 100);
    emptied.await.unwrap();
}

#[tokio::test]
async fn who_begins_to_wait_for_a_table_between_two_that_hold_it_does_not_stop_the_dump() {
    let harness = Harness::new().await;
    harness.run("CREATE TABLE emptied AS SELECT i FROM generate_series(1, 100) AS i").await;
    let (real, folder) = (programs(), harness.folder());
    let wait = format!(
        "[ \"$1\" = --version ] || [ -e {0}/once ] || {{ touch {0}/once; {real}/psql -qc 'TRUNCATE emptied' >/dev/null 2>&1 & sleep 1; }}",
        folder.display()
    );
    script(folder, "pg_dump", &format!("{wait}\nexec {real}/pg_dump \"$@\""));
    script(folder, "pg_restore", &format!("exec {real}/pg_restore \"$@\""));
    let backup = harness.backup.clone().with_programs(folder);
    let to = harness.name("copy");
    let found = differences(&backup, Format::Archive, &to).await;
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(backup.fingerprint(&to).await.unwrap().tables["public.emptied"].count, 0);
}

#[tokio::test]
async fn indexes_that_are_invalid_and_pages_that_make_no_sense_are_told() {
    let harness = Harness::new().await;
    harness
        .run(
            "CREATE EXTENSION amcheck; CREATE TABLE t AS SELECT 1 AS a; CREATE INDEX broken ON t (a);
        UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'broken'::regclass",
        )
        .await;
    let checkup = harness.backup.check(&harness.name("live")).await.unwrap();
    assert!(checkup.faults.iter().any(|fault| fault == "the index public.broken is invalid"), "{checkup:?}");
    assert!(checkup.examined.iter().any(|what| what.starts_with("pg_amcheck ")), "{checkup:?}");
}

#[tokio::test]
async fn who_may_not_read_all_of_it_dumps_nothing() {
    let harness = Harness::new().await;
    let live = harness.name("live");
    harness.run(&format!("CREATE ROLE {live} LOGIN PASSWORD 'reader'; {AWKWARD}")).await;
    let url = url_of(live.as_str()).replace("odavl:odavl@", &format!("{live}:reader@"));
    let backup = PostgresBackup::new(&url).unwrap();
    let refused = backup.dump(DumpOptions::default()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidInput);
    // All but what row security hides.
    run(&super::server::url(), &format!("GRANT pg_read_all_data TO {live}")).await;
    let dump = backup.dump(DumpOptions::default()).await;
    let failed = match dump {
        Ok(mut dump) => loop {
            match dump.next().await {
                Ok(Some(_)) => {}
                Ok(None) => break dump.finish().await.unwrap_err(),
                Err(error) => break error,
            }
        },
        Err(error) => error,
    };
    assert!(matches!(failed.code(), ErrorCode::InvalidInput | ErrorCode::Unavailable), "{failed}");
    run(&super::server::url(), &format!("DROP ROLE {live}")).await;
}

#[tokio::test]
async fn a_role_without_special_rights_restores_and_replaces_its_own() {
    let harness = Harness::new().await;
    let role = harness.name("live");
    run(
        &super::server::url(),
        &format!(
            "CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'owner'; ALTER DATABASE \"{role}\" OWNER TO {role}"
        ),
    )
    .await;
    let url = url_of(role.as_str()).replace("odavl:odavl@", &format!("{role}:owner@"));
    let backup = PostgresBackup::new(&url).unwrap();
    harness.run("CREATE TABLE t AS SELECT 1 AS a; GRANT SELECT ON t TO pg_read_all_data").await;
    harness.run(&format!("ALTER TABLE t OWNER TO {role}; ALTER DATABASE \"{role}\" SET work_mem = '5MB'; \
        GRANT CONNECT ON DATABASE \"{role}\" TO pg_monitor; REVOKE TEMPORARY ON DATABASE \"{role}\" FROM PUBLIC; \
        COMMENT ON DATABASE \"{role}\" IS 'it''s mine'")).await;
    let (bytes, source, _) = whole(&backup).await;
    let (to, aside) = (harness.name("copy"), harness.name("aside"));
    let options = RestoreOptions::scratch(to.clone(), source, Format::Archive);
    let options = RestoreOptions { ownership: Ownership::AsDumped, purpose: Purpose::Keep, ..options };
    let by_superuser = harness.backup.restore(
        full(bytes.clone()),
        RestoreOptions { to: harness.name("other"), ownership: Ownership::Mine, ..options.clone() },
    );
    assert!(by_superuser.await.unwrap().notes.iter().any(|note| note.contains("a superuser")));
    assert!(backup.restore(full(bytes), options).await.unwrap().notes.is_empty());
    let facts = format!(
        "SELECT concat_ws(' ', pg_get_userbyid(datdba), (SELECT array_agg(a ORDER BY a::TEXT) FROM unnest(datacl) AS a), (SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid),
            shobj_description(oid, 'pg_database')) FROM pg_database d WHERE datname = '{role}'"
    );
    let before = rows(&super::server::url(), &facts).await;
    backup.replace(&to, &aside).await.unwrap();
    let after = rows(&super::server::url(), &facts).await;
    assert_eq!(before, after);
    assert!(before[0].contains("work_mem=5MB") && before[0].ends_with("it's mine"), "{before:?}");
    let owner = "SELECT tableowner::TEXT FROM pg_tables WHERE tablename = 't'";
    assert_eq!(rows(&url, owner).await, [role.to_string()]);
    for name in [&role, &aside] {
        run(&super::server::url(), &format!("DROP DATABASE \"{name}\" WITH (FORCE)")).await;
    }
    run(&super::server::url(), &format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn who_is_connected_is_disconnected_when_the_database_is_replaced() {
    let harness = Harness::new().await;
    harness.run("CREATE TABLE t AS SELECT 1 AS a").await;
    let (bytes, source, _) = whole(&harness.backup).await;
    let (to, aside) = (harness.name("copy"), harness.name("aside"));
    let options = RestoreOptions::scratch(to.clone(), source, Format::Archive);
    harness.backup.restore(full(bytes), RestoreOptions { purpose: Purpose::Keep, ..options }).await.unwrap();
    let live = harness.live();
    let busy = tokio::spawn(async move {
        let (client, connection) = tokio_postgres::connect(&live, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("SELECT pg_sleep(60)").await
    });
    tokio::task::yield_now().await;
    harness.backup.replace(&to, &aside).await.unwrap();
    assert!(busy.await.is_err() || !rows(&harness.live(), "SELECT a::TEXT FROM t").await.is_empty());
}
