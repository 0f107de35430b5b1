//! `odavl admin migrate`: an installation that was used on SQLite goes on on PostgreSQL.

use std::{
    fs::File,
    process::{Child, Command},
};

use odavl_test_store::{ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY, TestStore};
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    postgres::Schema,
    support::{Ended, Person, Server, Stopped, line_of, piped},
};

const REPORT: &[u8] =
    br#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "other"}}, "results": []}]}"#;

/// The schema's URL without its password.
fn open_url(schema: &Schema) -> String {
    schema.url.replacen(":odavl@", "@", 1)
}

/// The command that moves the data in `stopped` to `to`.
fn migrate(person: &Person, stopped: &Stopped, to: &str) -> Command {
    let line = format!("admin --data {} migrate --json --to {to}", stopped.data.path().display());
    person.command(&line)
}

fn ended(command: &mut Command) -> Ended {
    command.output().unwrap().into()
}

/// Serves the data in `stopped` from the schema, where it was served before.
fn serve(person: &Person, stopped: &Stopped, schema: &Schema) -> Child {
    let (data, listen) = (stopped.data.path().display(), stopped.url.strip_prefix("http://").unwrap());
    let mut serve = person.command(&format!("serve --data {data} --listen {listen}"));
    let mut process =
        piped(serve.env("ODAVL_DATABASE", &schema.url).env("ODAVL_LOG", "off")).spawn().unwrap();
    assert_eq!(line_of(process.stdout.as_mut().unwrap()), format!("odavl is at {}", stopped.url));
    process
}

/// Ada's device, signed in by a browser.
fn device(server: &Server) -> Person {
    let person = Person::new();
    let (mut login, code) = person.starts_to_sign_in(server);
    server.approve(&code);
    assert!(login.wait().unwrap().success());
    person
}

#[test]
fn an_installation_goes_on_on_postgresql_where_it_was_to_the_unit() {
    let (server, schema) = (Server::start(), Schema::new("moved"));
    let (keyed, signed_in) = (Person::signed_in(&server), device(&server));
    keyed.odavl("usage consume insight_analyses 3 --idempotency-key r-17").well();
    server.reserve("autopilot_runs", 2);
    keyed.file("a", b"twelve bytes");
    keyed.odavl("storage put a").well();
    keyed.file("report.sarif", REPORT);
    keyed.odavl("link --create app").well();
    keyed.odavl("insight analyze --sarif report.sarif --upload").well();
    let lines = ["storage list", "storage stats --json", "uploads list", "keys list", "whoami"];
    // When a key was last used is noted some while after: the last column of the keys.
    let known = |line, said: String| {
        if line == "keys list" { said.rsplit_once('\t').unwrap().0.to_owned() } else { said }
    };
    let seen = || lines.map(|line| known(line, keyed.odavl(line).well()));
    let used = || keyed.odavl("usage --json").json();
    // Reading objects counts, so what was used is asked last there and first here.
    let before = (seen(), used());

    let stopped = server.stop();
    let file = stopped.data.path().join("odavl.db");
    let rows = |sql| Connection::open(&file).unwrap().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let report = ended(migrate(&keyed, &stopped, &open_url(&schema)).env("PGPASSWORD", "odavl")).json();
    let moved = |name: &str| {
        let tables = report["tables"].as_array().unwrap();
        tables.iter().find(|table| table["table"] == name).unwrap()["rows"].clone()
    };
    assert_eq!(moved("ledger"), rows("SELECT COUNT(*) FROM ledger"));
    assert_eq!((moved("reservations"), moved("logins")), (json!(3), json!(2)));
    assert_eq!(rows("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'"), 1 + tables(&report));

    let mut process = serve(&keyed, &stopped, &schema);
    let used_after = used();
    let after = (seen(), used_after);
    let again = keyed.odavl("usage consume insight_analyses 3 --idempotency-key r-17 --json").json();
    let refreshed = signed_in.odavl("whoami");
    let got = keyed.odavl("storage get a -").well();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(after, before);
    assert_eq!(again["replayed"], true);
    assert!(refreshed.well().contains("ada@example.com"));
    assert_eq!(got, "twelve bytes");
    let verify = format!("admin --data {} audit verify", stopped.data.path().display());
    let whole = schema.odavl(&keyed, &verify).well();
    assert!(whole.lines().count() == 2 && whole.lines().all(|line| line.ends_with("\tnone")), "{whole}");
}

fn tables(report: &Value) -> i64 {
    i64::try_from(report["tables"].as_array().unwrap().len()).unwrap()
}

#[test]
fn what_cannot_be_moved_is_refused_and_stays_as_it_was() {
    let (server, schema) = (Server::start(), Schema::new("refused"));
    let person = Person::signed_in(&server);
    let stopped = server.stop();
    let file = stopped.data.path().join("odavl.db");
    let url = person.file("url", format!("{}\n", schema.url).as_bytes());

    let shown = ended(&mut migrate(&person, &stopped, &schema.url));
    assert_eq!(shown.code, 2, "{shown:?}");
    assert!(shown.stderr.contains("PGPASSWORD") && !shown.stderr.contains(":odavl@"), "{shown:?}");
    let mut moved = migrate(&person, &stopped, &url.display().to_string());
    let moved = ended(moved.env("ODAVL_DATABASE", "postgres://elsewhere.example/odavl"));
    assert!(moved.code == 2 && moved.stderr.contains("on another PostgreSQL already"), "{moved:?}");
    let nowhere = ended(&mut migrate(&person, &stopped, "NO_SUCH_VARIABLE"));
    assert!(nowhere.code == 2 && nowhere.stderr.contains("no variable that is set"), "{nowhere:?}");
    let elsewhere = person.odavl(&format!("admin migrate --to {}", url.display()));
    assert!(elsewhere.code == 2 && elsewhere.stderr.contains("--data"), "{elsewhere:?}");

    let lock = File::create(stopped.data.path().join("serve.lock")).unwrap();
    lock.lock().unwrap();
    let beside = ended(&mut migrate(&person, &stopped, &url.display().to_string()));
    assert!(beside.code == 5 && beside.stderr.contains("stop it"), "{beside:?}");
    drop(lock);

    // A row that PostgreSQL cannot hold: what went before it is not there either, and the next try is the first.
    let change = |sql: &str| Connection::open(&file).unwrap().execute(sql, []).unwrap();
    change("UPDATE users SET name = 'A' || char(0) || 'da'");
    let broken = ended(&mut migrate(&person, &stopped, &url.display().to_string()));
    assert!(broken.code == 8 && broken.stderr.contains("users.name"), "{broken:?}");
    change("UPDATE users SET name = 'Ada'");
    let mut by_variable = migrate(&person, &stopped, "ODAVL_DATABASE");
    ended(by_variable.env("ODAVL_DATABASE", &schema.url)).well();

    let full = ended(&mut migrate(&person, &stopped, &url.display().to_string()));
    assert!(full.code == 5 && full.stderr.contains("is not empty"), "{full:?}");
    assert_eq!(
        schema.odavl(&person, &format!("admin --data {} user list", stopped.data.path().display())).code,
        0
    );
}

#[test]
fn objects_go_on_in_a_bucket_and_a_copy_that_was_stopped_goes_on() {
    let (server, runtime) = (Server::start(), Runtime::new().unwrap());
    let store = runtime.block_on(TestStore::start());
    let keyed = Person::signed_in(&server);
    let large = vec![7; 65 << 20];
    keyed.file("a", b"twelve bytes");
    keyed.file("large", &large);
    keyed.odavl("storage put a").well();
    keyed.odavl("storage put large").well();
    let stopped = server.stop();
    let storage = format!("s3://{BUCKET}/live?endpoint={}", store.url);
    let on_store = |line: &str| {
        let mut command = keyed.command(line);
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        command
    };
    let data = stopped.data.path().display();
    let copy = format!("admin --data {data} migrate --json --storage {storage}");

    let absent = ended(&mut on_store(&copy.replace(BUCKET, "absent")));
    assert!(absent.code == 2 && absent.stderr.contains("hint: make the bucket"), "{absent:?}");
    let first = ended(&mut on_store(&copy)).json();
    assert_eq!(first["rows"], Value::Null);
    let (objects, bytes) = (first["objects"]["objects"].clone(), first["objects"]["bytes"].clone());
    assert_eq!((&objects, &first["objects"]["before"]), (&json!(2), &json!(0)));
    assert_eq!(bytes, json!(store.bytes("live/")));
    let again = ended(&mut on_store(&copy)).json();
    assert_eq!(again["objects"], json!({"objects": objects, "bytes": bytes, "before": 2}));

    let listen = stopped.url.strip_prefix("http://").unwrap();
    let mut serve = on_store(&format!("serve --data {data} --listen {listen}"));
    let mut process = piped(serve.env("ODAVL_STORAGE", &storage).env("ODAVL_LOG", "off")).spawn().unwrap();
    line_of(process.stdout.as_mut().unwrap());
    assert_eq!(keyed.odavl("storage get a -").well(), "twelve bytes");
    keyed.odavl("storage get large got").well();
    let used = keyed.odavl("usage --json").json();
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(std::fs::read(keyed.folder.path().join("got")).unwrap() == large);
    assert!(used.to_string().contains(&(large.len() + 12).to_string()), "{used}");
}
