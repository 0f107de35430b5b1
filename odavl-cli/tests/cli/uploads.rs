//! `odavl uploads`: what was uploaded is what is got back; what is another document is never in a file.

use std::{fmt::Write, fs, path::PathBuf};

use odavl_core::storage::{PIECE, Sha256};
use serde_json::{Value, json};

use crate::support::{Ended, Person, Server, Stranger, objects};

const REPORT: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "other"}}, "results": [
    {"ruleId": "O1", "level": "error", "message": {"text": "bad"}},
    {"ruleId": "O2", "level": "note", "message": {"text": "meh"}}]}]}"#;

#[track_caller]
fn is_refused(ended: &Ended, code: i32, word: &str) {
    assert_eq!(ended.code, code, "{ended:?}");
    assert!(ended.stderr.contains(word), "{word}: {ended:?}");
}

/// Uploads the report to a project; gives what the command says of it.
fn upload(person: &Person, project: &str) -> Value {
    upload_of(person, project, "bad")
}

/// The same, where one of the findings says that.
fn upload_of(person: &Person, project: &str, message: &str) -> Value {
    person.file("report.sarif", REPORT.replace("bad", message).as_bytes());
    person.odavl(&format!("link --create {project}")).well();
    person.odavl("insight analyze --sarif report.sarif --upload --json").json()
}

fn id(upload: &Value) -> &str {
    upload["upload"]["id"].as_str().unwrap()
}

fn ids(list: &str) -> Vec<&str> {
    list.lines().map(|line| line.split('\t').next().unwrap()).collect()
}

#[test]
fn what_was_uploaded_is_listed_and_got_back_unpacked() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let (first, second) = (upload(&person, "app"), upload(&person, "web"));
    let listed = person.odavl("uploads list").well();
    assert_eq!(ids(&listed), [id(&second), id(&first)]);
    let line = format!("{}\tapp\tinsight\t1\t0\t1\t{}\t20", id(&first), first["upload"]["size"]);
    assert!(listed.lines().nth(1).unwrap().starts_with(&line), "{listed}");
    assert_eq!(ids(&person.odavl("uploads list --project app --product insight").well()), [id(&first)]);
    assert_eq!(person.odavl("uploads list --product autopilot").well(), "");
    assert_eq!(person.odavl("uploads list --project web --json").json(), second["upload"]);

    let written = fs::read_to_string(first["file"].as_str().unwrap()).unwrap();
    let get = format!("uploads get {}", id(&first));
    assert_eq!(person.odavl(&format!("{get} -")).well(), written);
    assert_eq!(person.odavl(&get).well(), "");
    let path = person.folder.path().join(format!("{}.sarif", id(&first)));
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
    is_refused(&person.odavl(&get), 2, "already");
    assert_eq!(person.odavl(&format!("{get} copy --json")).json(), first["upload"]);
    assert_eq!(fs::read_to_string(person.folder.path().join("copy")).unwrap(), written);
}

#[test]
fn another_organisation_s_uploads_are_not_there() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.odavl(&format!("admin --data {} org create globex", server.data.path().display())).well();
    let done = upload(&person, "app");
    let key = server.key_of("globex", "uploads:admin insight:admin");
    let stranger = Person::new();
    let other = |line: &str| stranger.with_key(&key, &format!("{line} --server {}", server.url));
    assert_eq!(other("uploads list").well(), "");
    let get = format!("uploads get {}", id(&done));
    for line in [&get, &format!("{get} --org acme"), "uploads list --project app", "uploads list --org acme"]
    {
        assert_eq!(other(line).code, 3, "{line}");
    }
    is_refused(&other(&get), 3, id(&done));
    assert_eq!(stranger.files(), [""; 0]);
}

#[test]
fn who_may_not_read_a_product_s_results_gets_none() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let done = upload(&person, "app");
    let get = format!("uploads get {} -", id(&done));
    person.odavl(&format!("admin --data {} org plan acme PRO", server.data.path().display())).well();
    for (scopes, list, of_insight, got) in [
        ("insight:read", 0, 0, 0),
        ("uploads:read", 0, 0, 0),
        ("autopilot:read", 0, 4, 4),
        ("storage:admin", 4, 4, 4),
    ] {
        let key = server.key(scopes);
        let code = |line: &str| person.with_key(&key, line).code;
        assert_eq!(code("uploads list"), list, "{scopes}");
        assert_eq!(code("uploads list --product insight"), of_insight, "{scopes}");
        assert_eq!(code(&get), got, "{scopes}");
    }
    let none = person.with_key(&server.key("storage:admin"), "uploads list");
    is_refused(&none, 4, "uploads:read");
    let blind = person.with_key(&server.key("autopilot:read"), "uploads list");
    assert_eq!(blind.well(), "");
}

#[test]
fn what_is_no_id_or_name_is_refused_here() {
    let person = Person::new();
    // Nobody is asked: there is no server.
    for (line, code) in [
        ("uploads get", 2),
        ("uploads list --project ../app", 2),
        ("uploads list --product In;sight", 2),
        // What is no id names nothing: the same on every door.
        ("uploads get nonsense", 3),
        ("uploads get key_01jz0000000000000000000000", 3),
        ("uploads get ../upl_01jz0000000000000000000000", 3),
    ] {
        let ended = person.odavl(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{line}: {ended:?}");
    }
    assert_eq!(person.files(), [""; 0]);
}

/// The file that holds the bytes of the only upload.
fn stored(server: &Server) -> PathBuf {
    let [path] = objects(&server.data.path().join("objects/objects")).try_into().unwrap();
    path
}

/// Digits that pack to more than one piece that a store reads.
fn digits() -> String {
    let mut text = String::new();
    for n in 1_u64..50_000 {
        write!(text, "{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).unwrap();
    }
    text
}

#[test]
fn damaged_results_are_never_in_a_file() {
    for (message, targets) in [("bad", ["", "-"].as_slice()), (&digits(), &["copy"])] {
        let server = Server::start();
        let person = Person::signed_in(&server);
        let done = upload_of(&person, "app", message);
        let before = person.files();
        let path = stored(&server);
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len() > PIECE, message.len() > 3);
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        for damaged in [flipped.as_slice(), &bytes[..1]] {
            fs::write(&path, damaged).unwrap();
            for target in targets {
                let ended = person.odavl(&format!("uploads get {} {target}", id(&done)));
                assert_eq!((ended.code, ended.stdout.as_str()), (8, ""), "{ended:?}");
                assert!(ended.stderr.contains("hint: "), "{ended:?}");
            }
        }
        assert_eq!(person.files(), before);
        fs::write(&path, &bytes).unwrap();
        person.odavl(&format!("uploads get {}", id(&done))).well();
    }
}

/// What a server says of an upload.
fn row(document: &str, encoding: &str, size: usize) -> String {
    json!({
        "id": "upl_01jz0000000000000000000000", "product": "insight", "project": "app",
        "run_id": "3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11", "sha256": Sha256::of(document.as_bytes()).to_string(),
        "encoding": encoding, "size": size, "unpacked_size": document.len(), "created_at": "2026-01-01T00:00:00Z",
        "created_by": "key_01jz0000000000000000000000",
        "summary": { "tools": [], "results": 0, "levels": { "error": 0, "warning": 0, "note": 0, "none": 0 },
            "rules": [], "other_rules": 0, "files": 0, "commit": null, "started_at": null, "ended_at": null },
    })
    .to_string()
}

#[test]
fn a_server_that_sends_another_document_is_not_believed() {
    let person = Person::new();
    let get = |answers: Vec<String>| {
        let stranger = Stranger::answering_in_turn("200 OK", answers);
        let line = format!("uploads get upl_01jz0000000000000000000000 --server {}", stranger.url);
        person.with_key("odavl_live_x", &line)
    };
    for (row, body) in [
        (row("true", "identity", 4), "null"),
        (row("true", "identity", 4), "tru"),
        (row("true", "identity", 9), "true, true"),
        (row("true", "identity", 9), "true true"),
        (row("true", "zstd", 4), "true"),
        (row("true", "gzip", 4), "true"),
    ] {
        is_refused(&get(vec![row, body.to_owned()]), 8, "not those that were uploaded");
    }
    is_refused(&get(vec![row("true", "brotli", 4), "true".to_owned()]), 70, "cannot unpack");
    assert_eq!(person.files(), [""; 0]);
    get(vec![row("true", "identity", 4), "true".to_owned()]).well();
    assert_eq!(person.files(), ["upl_01jz0000000000000000000000.sarif"]);
}
