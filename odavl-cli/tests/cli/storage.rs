//! `odavl storage`: what is put is what is got, in parts and after kills; what is refused stores nothing.

use std::{
    fs::{self, File},
    io::{Read, Write, pipe},
    process::Stdio,
};

use odavl_test_store::{FaultyStore, Said};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::{Ended, Person, Server, Stranger, objects, piped, stored};

/// More than comes in one request: five parts.
const LARGE: usize = 70 << 20;

/// Bytes of which no two pieces are the same.
fn bytes(count: usize) -> Vec<u8> {
    (0_u64..).flat_map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()).take(count).collect()
}

fn store(server: &Server) -> std::path::PathBuf {
    server.data.path().join("objects/objects")
}

/// What was begun and has not ended, in a person's home.
fn begun(person: &Person) -> usize {
    fs::read_dir(person.home.path().join("uploads")).map_or(0, Iterator::count)
}

#[track_caller]
fn is_refused(ended: &Ended, code: i32, word: &str) {
    assert_eq!(ended.code, code, "{ended:?}");
    assert!(ended.stderr.contains(word), "{word}: {ended:?}");
}

#[test]
fn what_was_put_is_listed_counted_and_got_back() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.file("a.txt", b"hello\n");
    assert_eq!(person.odavl("storage put a.txt").well(), "");
    let put = person.odavl("storage put a.txt docs/b.txt --content-type text/plain --json").json();
    assert_eq!(
        (&put["name"], &put["size"], &put["content_type"]),
        (&json!("docs/b.txt"), &json!(6), &json!("text/plain"))
    );
    person.odavl_with("storage put - docs/c", "from a pipe").well();

    let listed = person.odavl("storage list").well();
    let names =
        |text: &str| text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&listed), ["a.txt", "docs/b.txt", "docs/c"]);
    assert!(listed.starts_with("a.txt\t6\tapplication/octet-stream\t"), "{listed}");
    assert_eq!(names(&person.odavl("storage list docs/").well()), ["docs/b.txt", "docs/c"]);
    assert_eq!(person.odavl("storage list --delimiter").well().lines().last(), Some("docs/\t-\t-\t-"));
    assert_eq!(person.odavl("storage stats").well(), "objects\t3\nbytes\t23\ngarbage_bytes\t0\n");
    assert_eq!(person.used("storage_bytes"), stored(&store(&server)));

    assert_eq!(person.odavl("storage get docs/c -").well(), "from a pipe");
    is_refused(&person.odavl("storage get a.txt"), 2, "already");
    person.odavl("storage get docs/b.txt").well();
    fs::create_dir(person.folder.path().join("into")).unwrap();
    person.odavl("storage get docs/c into").well();
    assert_eq!(fs::read(person.folder.path().join("into/c")).unwrap(), b"from a pipe");
    assert_eq!(person.files(), ["a.txt", "b.txt", "into"]);

    let gone = person.odavl("storage delete docs/c --json").json();
    assert_eq!(gone["object"]["name"], "docs/c");
    is_refused(&person.odavl("storage get docs/c"), 3, "docs/c");
    assert_eq!(begun(&person), 0);
}

#[test]
fn a_put_that_was_killed_goes_on_where_it_was() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let content = bytes(LARGE);
    person.file("large", &content);
    server.gate.let_through(Some(2));
    let mut killed = piped(&mut person.command("storage put large")).spawn().unwrap();
    server.gate.wait();
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(begun(&person), 1);
    is_refused(&person.odavl("storage get large -"), 3, "large");

    server.gate.let_through(None);
    let put = person.odavl("storage put large --json").json();
    assert_eq!(server.gate.arrived(), 3);
    assert!(put["checksum"].as_str().unwrap().starts_with("sha256-5:"));
    assert_eq!(begun(&person), 0);
    person.odavl("storage get large copy").well();
    assert!(fs::read(person.folder.path().join("copy")).unwrap() == content);
    assert_eq!(person.used("storage_bytes"), LARGE as u64);
    assert_eq!(stored(&store(&server)), LARGE as u64);
}

#[test]
fn a_put_that_was_killed_is_not_continued_with_other_bytes() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.file("a", b"first");
    server.gate.let_through(Some(0));
    let mut killed = piped(&mut person.command("storage put a")).spawn().unwrap();
    server.gate.wait();
    killed.kill().unwrap();
    killed.wait().unwrap();
    server.gate.let_through(None);
    person.file("a", b"other");
    person.odavl("storage put a").well();
    assert_eq!(person.odavl("storage get a -").well(), "other");
    // The first one is still open: what it holds is given back when it goes on.
    person.file("a", b"first");
    person.odavl("storage put a").well();
    assert_eq!(person.odavl("storage get a -").well(), "first");
    assert_eq!(begun(&person), 0);
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_sent() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    for (name, size) in [("in one", 60_000_000_u64), ("in parts", 101_000_000)] {
        File::create(person.folder.path().join("file")).unwrap().set_len(size).unwrap();
        let ended: Ended = person.command("storage put file").arg(name).output().unwrap().into();
        match name {
            "in one" => assert_eq!(ended.well(), ""),
            _ => is_refused(&ended, 6, "storage_bytes"),
        }
    }
    assert_eq!(server.gate.arrived(), 1);
    assert_eq!(person.odavl("storage list").well().lines().count(), 1);
    assert_eq!(stored(&store(&server)), 60_000_000);
    assert_eq!(person.used("storage_bytes"), 60_000_000);
    assert_eq!(begun(&person), 0);
}

#[test]
fn an_object_is_not_overwritten_where_that_was_said() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.file("a", b"first");
    person.odavl("storage put a --no-overwrite").well();
    person.file("a", b"second");
    is_refused(&person.odavl("storage put a --no-overwrite"), 5, "`a` already exists");
    assert_eq!(server.gate.arrived(), 1, "nothing is sent for nothing");
    assert_eq!(person.odavl("storage get a -").well(), "first");
    assert_eq!(begun(&person), 0);
    // A beginning of the same name is another's.
    person.odavl("storage put a ab --no-overwrite").well();
}

#[test]
fn another_organisation_s_objects_are_not_there() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let admin = format!("admin --data {}", server.data.path().display());
    person.odavl(&format!("{admin} org create globex")).well();
    person.file("a", b"theirs");
    person.odavl("storage put a").well();
    let key = server.key_of("globex", "storage:admin");
    let other = |line: &str| person.with_key(&key, &format!("{line} --server {}", server.url));
    assert_eq!(other("storage list").well(), "");
    for line in ["storage get a -", "storage delete a", "storage list --org acme", "storage stats --org acme"]
    {
        assert_eq!(other(line).code, 3, "{line}");
    }
    assert_eq!(other("storage stats").well(), "objects\t0\nbytes\t0\ngarbage_bytes\t0\n");
    assert_eq!(person.odavl("storage get a -").well(), "theirs");
}

#[test]
fn names_that_lead_elsewhere_or_hide_something_are_refused_here() {
    let person = Person::new();
    person.file("a", b"");
    let long = "a".repeat(1025);
    for name in ["..", "../a", "a/../b", "/a", "a//b", "a\u{1b}[2Jb", "a\nb", "\u{202e}a", "a\\b", &long] {
        for line in ["storage put a", "storage get", "storage delete"] {
            // Nobody is asked: there is no server.
            let ended: Ended = person.command(line).arg(name).output().unwrap().into();
            assert_eq!(ended.code, 2, "{line} {name:?}: {ended:?}");
            assert!(!ended.stderr.contains('\u{1b}'));
        }
    }
    is_refused(&person.odavl("storage put -"), 2, "NAME");
}

#[test]
fn a_name_is_the_same_however_its_letters_were_typed() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.file("cafe\u{301}", b"apart");
    person.odavl("storage put cafe\u{301}").well();
    assert_eq!(person.odavl("storage get caf\u{e9} -").well(), "apart");
}

#[test]
fn damaged_bytes_are_never_in_a_file() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    for size in [3, 300_000, LARGE] {
        person.file("a", &bytes(size));
        person.odavl("storage put a").well();
        let [path] = objects(&store(&server))
            .into_iter()
            .filter(|path| fs::metadata(path).unwrap().len() == size as u64)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        let mut damaged = fs::read(&path).unwrap();
        damaged[size / 2] ^= 1;
        fs::write(&path, damaged).unwrap();
        fs::remove_file(person.folder.path().join("a")).unwrap();
        is_refused(&person.odavl("storage get a"), 8, "not those that were stored");
        assert_eq!(person.files(), [""; 0]);
        assert_eq!(person.odavl_bytes("storage get a -").0, 8);

        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1).unwrap();
        assert_eq!(person.odavl("storage get a").code, 8);
        assert_eq!(person.files(), [""; 0]);
        person.odavl("storage delete a").well();
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn who_stops_reading_an_object_is_content() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.file("a", &bytes(1 << 20));
    person.odavl("storage put a").well();
    let (mut reader, writer) = pipe().unwrap();
    let mut command = person.command("storage get a -");
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    reader.read_exact(&mut [0; 10]).unwrap();
    drop(reader);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_list_of_several_pages_is_one_list() {
    let page = |name: &str, next: Value| {
        json!({"items": [{"name": name, "object": null}], "next_cursor": next}).to_string()
    };
    let stranger =
        Stranger::answering_in_turn("200 OK", vec![page("a/", json!("more")), page("b/", Value::Null)]);
    let listed = Person::new().with_key("odavl_live_x", &format!("storage list --server {}", stranger.url));
    assert_eq!(listed.well(), "a/\t-\t-\t-\nb/\t-\t-\t-\n");
    let seen = stranger.seen();
    assert!(seen.contains("limit=1000") && seen.contains("cursor=more"), "{seen}");
}

#[test]
fn no_credential_goes_to_a_store() {
    let store = Stranger::answering("200 OK", "");
    let ticket = json!({
        "upload": {"id": "upl_1", "name": "a", "state": "open", "expires_at": "2100-01-01T00:00:00Z",
            "part_size": null, "parts": null, "missing": null, "object": null},
        "request": {"method": "PUT", "url": format!("{}/bucket/a?sig=1", store.url), "expires_at": "2100-01-01T00:00:00Z",
            "headers": [{"name": "content-length", "value": "5"}, {"name": "x-amz-checksum-sha256", "value": "abc"}]},
    });
    let server = Stranger::answering("200 OK", &ticket.to_string());
    let person = Person::new();
    person.file("a", b"bytes");
    // What completes it is no answer of odavl's.
    assert_eq!(
        person.with_key("odavl_live_canary", &format!("storage put a --server {}", server.url)).code,
        7
    );
    let seen = store.seen();
    assert!(seen.starts_with("PUT /bucket/a?sig=1 ") && seen.contains("content-length: 5"), "{seen}");
    assert!(
        seen.contains("x-amz-checksum-sha256: abc")
            && !seen.contains("canary")
            && !seen.contains("authorization"),
        "{seen}"
    );
    assert!(server.seen().contains("Bearer odavl_live_canary"));
}

#[test]
fn what_a_store_refuses_is_said_to_be_the_store_s_and_what_it_cannot_do_now_is_tried_again() {
    let runtime = Runtime::new().unwrap();
    for (status, tries, code) in [(403, 1, 4), (503, 4, 7), (500, 4, 7)] {
        let answer = Said::new(status, "<Error><Code>Canary</Code></Error>");
        let store = runtime.block_on(FaultyStore::start(move |_| answer.clone()));
        let ticket = json!({
            "upload": {"id": "upl_1", "name": "a", "state": "open", "expires_at": "2100-01-01T00:00:00Z",
            "part_size": null, "parts": null, "missing": null, "object": null},
            "request": {
                "method": "PUT", "url": format!("{}/a", store.url), "expires_at": "2100-01-01T00:00:00Z", "headers": [],
            },
        });
        let server = Stranger::answering("200 OK", &ticket.to_string());
        let person = Person::new();
        person.file("a", b"bytes");
        let ended = person.with_key("odavl_live_x", &format!("storage put a --server {}", server.url));
        is_refused(&ended, code, &format!("the store {} answered {status}", store.url));
        assert!(ended.stderr.contains("odavl doctor"), "{ended:?}");
        assert_eq!(store.seen().len(), tries, "{status}");
    }
}

#[test]
fn standard_input_is_copied_where_nobody_else_can_read_it() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let mut child = piped(&mut person.command("storage put - piped")).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let content = bytes(LARGE);
    stdin.write_all(&content).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    let (code, got) = person.odavl_bytes("storage get piped -");
    assert!(code == 0 && got == content);
    assert_eq!(person.files(), [""; 0]);
}
