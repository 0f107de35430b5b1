//! The same command on PostgreSQL: nothing but the configuration differs.

use std::{fs::File, process::Stdio};

use tokio_postgres::NoTls;

use crate::support::{Ended, Person, line_of, piped};

/// A schema that goes when the test ends, and its URL.
pub(crate) struct Schema {
    name: String,
    pub(crate) url: String,
}

fn tell(server: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(server, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
}

fn server() -> String {
    std::env::var("ODAVL_TEST_POSTGRES")
        .map_err(|_| "the tests need PostgreSQL: run them by scripts/test, or first `eval \"$(scripts/services start)\"`")
        .unwrap()
}

impl Schema {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("odavl_cli_{name}_{}", std::process::id());
        tell(&server(), &format!("CREATE SCHEMA {name}"));
        Self { url: format!("{}?options=-c%20search_path%3D{name}", server()), name }
    }

    pub(crate) fn odavl(&self, person: &Person, line: &str) -> Ended {
        person.command(line).env("ODAVL_DATABASE", &self.url).output().unwrap().into()
    }

    /// The first person of the installation.
    pub(crate) fn set_up(&self, person: &Person) {
        let password = File::open(person.file("password", b"correct horse battery\n")).unwrap();
        let mut create =
            person.command("admin user create --email ada@example.com --org acme --password-stdin");
        let created = create.env("ODAVL_DATABASE", &self.url).stdin(password).output().unwrap();
        Ended::from(created).well();
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        tell(&server(), &format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

#[test]
fn an_installation_is_set_up_and_served_on_postgresql() {
    let (schema, admin) = (Schema::new("served"), Person::new());
    schema.set_up(&admin);
    assert!(schema.odavl(&admin, "admin user list").well().contains("ada@example.com"));
    assert!(!admin.folder.path().join("odavl-data").join("odavl.db").exists());
    let doctor = schema.odavl(&admin, "doctor --server http://127.0.0.1:1 --json");
    assert!(doctor.stdout.contains("s from the database's"), "{doctor:?}");
    let key = schema.odavl(&admin, "admin keys create acme --name ci --scope usage:write --quiet").well();
    let mut serve = admin.command("serve --listen 127.0.0.1:0");
    let mut process = piped(serve.env("ODAVL_DATABASE", &schema.url)).stdin(Stdio::null()).spawn().unwrap();
    let url = line_of(process.stdout.as_mut().unwrap()).strip_prefix("odavl is at ").unwrap().to_owned();
    let consume = format!("usage consume insight_analyses 3 --server {url}");
    let used = admin.with_key(key.trim(), &consume);
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(used.well().contains('3'));
}

#[test]
fn a_node_without_the_master_key_makes_none_of_its_own() {
    let (schema, first, second) = (Schema::new("keyless"), Person::new(), Person::new());
    let early = schema.odavl(&second, "admin user list");
    assert_eq!(early.code, 2, "{early:?}");
    assert!(early.stderr.contains("master.key") && early.stderr.contains("--data"), "{early:?}");
    schema.set_up(&first);
    for line in ["admin user create --email bob@example.com", "serve --listen 127.0.0.1:0"] {
        let refused = schema.odavl(&second, line);
        assert_eq!(refused.code, 2, "{line}: {refused:?}");
        assert!(refused.stderr.contains("its master key is not in"), "{line}: {refused:?}");
    }
    let [ours, theirs] = [&first, &second].map(|node| node.folder.path().join("odavl-data/master.key"));
    assert!(!theirs.exists());
    std::fs::copy(ours, theirs).unwrap();
    assert!(!schema.odavl(&second, "admin user list").well().contains("bob@example.com"));
    assert!(schema.odavl(&second, "admin audit verify").well().lines().all(|line| line.ends_with("\tnone")));
}

#[test]
fn a_database_that_refuses_is_told_with_a_hint_and_without_its_password() {
    let (person, url) = (Person::new(), server().replace(":odavl@", ":canary@"));
    let line = "admin user create --email ada@example.com --org acme";
    let refused: Ended = person.command(line).env("ODAVL_DATABASE", url).output().unwrap().into();
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("refuses the user or the password"), "{refused:?}");
    assert!(!refused.stderr.contains("canary"), "{refused:?}");
}

#[test]
fn doctor_says_what_the_database_is_like_and_changes_nothing_in_it() {
    let (schema, person) = (Schema::new("doctor"), Person::new());
    for tables in ["none yet", "up to date"] {
        let found = schema.odavl(&person, "doctor");
        let tables = format!("database tables\t{tables}\tok");
        for line in [
            "database clock\t0 s from the database's\tok",
            "database version\tPostgreSQL ",
            "database encryption\tnone\tok",
            &tables,
            "database announcements\theard",
        ] {
            assert!(found.stdout.contains(line), "{line}: {found:?}");
        }
        // Not before: what is asked makes no tables.
        if !person.folder.path().join("odavl-data").exists() {
            schema.set_up(&person);
        }
    }
}
