//! Whoever else is on the server: roles that mean harm, sessions that stay, two who restore at once.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use odavl_core::{
    ErrorCode, Result,
    backup::{
        Backup, DatabaseName, Format, Mark, PostgresBackup, Purpose, RestoreOptions, Source, State,
        contract::BackupHarness,
    },
    storage::{Body, full},
};
use tokio_postgres::{Client, NoTls};

use super::{Harness, faults::whole, programs, rows, run, script, server, url_of};

fn keep(to: &DatabaseName, source: &Source) -> RestoreOptions {
    let scratch = RestoreOptions::scratch(to.clone(), source.clone(), Format::Archive);
    RestoreOptions { purpose: Purpose::Keep, ..scratch }
}

async fn connected(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn what_a_role_sets_for_itself_is_given_to_the_restored_database_and_is_no_statement() {
    let harness = Harness::new().await;
    let (live, to, weak) = (harness.name("live"), harness.name("copy"), harness.name("weak"));
    let payload = format!("x;alter/**/role/**/{weak}/**/superuser");
    harness
        .run(&format!(
            "CREATE ROLE {weak} LOGIN; SET SESSION AUTHORIZATION {weak};
            SELECT set_config('search_path', '{payload}', false);
            ALTER ROLE {weak} IN DATABASE \"{live}\" SET search_path FROM CURRENT;
            RESET SESSION AUTHORIZATION;
            ALTER ROLE {weak} IN DATABASE \"{live}\" SET my.words = 'it''s \\ \"$database\"';
            ALTER DATABASE \"{live}\" SET search_path = 'A b', \"c\"\"d\", public;
            COMMENT ON DATABASE \"{live}\" IS 'of $database'"
        ))
        .await;
    let (bytes, source, _) = whole(&harness.backup).await;
    harness.backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    harness.backup.replace(&to, &harness.name("aside")).await.unwrap();
    let is = format!("SELECT rolsuper::TEXT FROM pg_roles WHERE rolname = '{weak}'");
    assert_eq!(rows(&server::url(), &is).await, ["false"]);
    let told = connected(&harness.live()).await;
    let one = |row: tokio_postgres::Row| row.get::<_, String>(0);
    assert_eq!(one(told.query_one("SHOW search_path", &[]).await.unwrap()), r#""A b", "c""d", public"#);
    let set = format!(
        "SELECT unnest(setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase
        WHERE datname = '{live}' AND setrole = '{weak}'::regrole ORDER BY 1"
    );
    let expected = ["my.words=it's \\ \"$database\"".to_owned(), format!("search_path=\"{payload}\"")];
    assert_eq!(rows(&server::url(), &set).await, expected);
    let comment =
        format!("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{live}'");
    assert_eq!(rows(&server::url(), &comment).await, ["of $database"]);
    run(&server::url(), &format!("DROP ROLE {weak}")).await;
}

#[tokio::test]
async fn a_session_that_may_not_be_ended_does_not_keep_the_others() {
    let harness = Harness::new().await;
    let (role, to, aside) = (harness.name("live"), harness.name("copy"), harness.name("aside"));
    let owned = format!(
        "CREATE ROLE {role} LOGIN CREATEDB PASSWORD 'owner'; ALTER DATABASE \"{role}\" OWNER TO {role}"
    );
    run(&server::url(), &owned).await;
    let url = url_of(role.as_str()).replace("odavl:odavl@", &format!("{role}:owner@"));
    let backup = PostgresBackup::new(&url).unwrap();
    let (bytes, source, _) = whole(&backup).await;
    backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    // Whichever way the server looks through its sessions, some of them come after the one that may not be ended.
    let mut own = vec![connected(&url).await, connected(&url).await];
    let superuser = connected(&harness.live()).await;
    own.extend([connected(&url).await, connected(&url).await]);
    let replacing = tokio::spawn({
        let (backup, to, aside) = (backup.clone(), to.clone(), aside.clone());
        async move { backup.replace(&to, &aside).await }
    });
    while !own.iter().all(Client::is_closed) {
        assert!(!replacing.is_finished(), "some of them stay");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(superuser.simple_query("SELECT 1").await.is_ok());
    drop(superuser);
    // The server gives it some seconds to go.
    match replacing.await.unwrap() {
        Ok(()) => assert_eq!(backup.state(&aside).await.unwrap(), State::Ours(Mark::Aside)),
        Err(error) => assert_eq!(error.code(), ErrorCode::Conflict, "{error}"),
    }
    for name in [&role, &to, &aside] {
        run(&server::url(), &format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)")).await;
    }
    run(&server::url(), &format!("DROP ROLE {role}")).await;
}

#[tokio::test]
async fn who_restores_to_a_name_waits_for_whoever_restores_to_it_already() {
    let harness = Harness::new().await;
    harness.run("CREATE TABLE t AS SELECT 1 AS a").await;
    let (bytes, source, expected) = whole(&harness.backup).await;
    let (to, real) = (harness.name("copy"), programs());
    let slow = format!("[ \"$1\" = --version ] || sleep 1\nexec {real}/pg_restore \"$@\"");
    script(harness.folder(), "pg_restore", &slow);
    let slow = harness.backup.clone().with_programs(harness.folder());
    let first = slow.restore(full(bytes.clone()), keep(&to, &source));
    let second = async {
        while harness.backup.state(&to).await.unwrap() != State::Ours(Mark::Restoring) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        harness.backup.restore(full(bytes.clone()), keep(&to, &source)).await
    };
    let (first, second) = tokio::join!(first, second);
    first.unwrap();
    assert_eq!(second.unwrap_err().code(), ErrorCode::Conflict);
    assert!(expected.compare(&harness.backup.fingerprint(&to).await.unwrap()).is_same());
}

#[tokio::test]
async fn a_name_that_the_server_would_cut_off_is_refused() {
    let harness = Harness::new().await;
    let (bytes, source, _) = whole(&harness.backup).await;
    let (to, long) = (harness.name("copy"), harness.name(&"x".repeat(60)));
    harness.backup.restore(full(bytes.clone()), keep(&to, &source)).await.unwrap();
    for refused in [
        harness.backup.replace(&to, &long).await,
        harness.backup.restore(full(bytes), keep(&long, &source)).await.map(drop),
        harness.backup.state(&long).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidInput);
    }
}

async fn comment(on: &DatabaseName) -> Vec<String> {
    let comment =
        format!("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '{on}'");
    rows(&server::url(), &comment).await
}

#[tokio::test]
async fn an_empty_database_is_filled_at_once_or_not_at_all_and_stays_as_it_was() {
    let harness = Harness::new().await;
    harness.run("CREATE TABLE first AS SELECT 1 AS a").await;
    let here = format!("ALTER TABLE last ADD CHECK (current_database() = '{}')", harness.name("live"));
    harness.run(&format!("CREATE TABLE last AS SELECT 1 AS a; {here}")).await;
    let (unfit, ..) = whole(&harness.backup).await;
    harness.run("DROP TABLE last").await;
    let (fit, source, expected) = whole(&harness.backup).await;
    let (backup, to) = (&harness.backup, harness.name("there"));
    let make = format!("CREATE DATABASE \"{to}\"; COMMENT ON DATABASE \"{to}\" IS 'mine'");
    for statement in make.split("; ") {
        run(&server::url(), statement).await;
    }
    let empty = backup.fingerprint(&to).await.unwrap();
    let failed = backup.restore(full(unfit), keep(&to, &source)).await.unwrap_err();
    assert!(failed.to_string().contains("violates check constraint"), "{failed}");
    assert_eq!(backup.fingerprint(&to).await.unwrap(), empty);
    assert_eq!(comment(&to).await, ["mine"]);
    backup.restore(full(fit), keep(&to, &source)).await.unwrap();
    let found = expected.compare(&backup.fingerprint(&to).await.unwrap());
    assert!(found.is_same(), "{found:#?}");
    assert_eq!(comment(&to).await, ["mine"]);
    assert_eq!(backup.discard(&to).await.unwrap_err().code(), ErrorCode::Conflict);
}

/// Bytes that take so long that a service has begun to use a database.
struct Late(String, Option<Bytes>);

#[async_trait]
impl Body for Late {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        run(&self.0, "CREATE TABLE IF NOT EXISTS used AS SELECT 1 AS a").await;
        Ok(self.1.take())
    }
}

#[tokio::test]
async fn what_is_put_into_an_empty_database_while_the_bytes_come_stays() {
    let harness = Harness::new().await;
    harness.run("CREATE TABLE t AS SELECT 1 AS a").await;
    let (bytes, source, _) = whole(&harness.backup).await;
    let to = harness.name("there");
    run(&server::url(), &format!("CREATE DATABASE \"{to}\"")).await;
    let url = url_of(to.as_str());
    let late = Box::new(Late(url.clone(), Some(bytes.into())));
    let refused = harness.backup.restore(late, keep(&to, &source)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict, "{refused}");
    assert_eq!(
        rows(&url, "SELECT tablename::TEXT FROM pg_tables WHERE schemaname = 'public'").await,
        ["used"]
    );
}
