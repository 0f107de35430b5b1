//! Where `storage get` and `uploads get` write to: what is there stays what it is, and nothing unfinished stays.

use std::{
    fs::{self, File, Permissions},
    io::{Read, Write, pipe},
    net::TcpListener,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use odavl_core::storage::{Checksum, Sha256};
use rustix::{
    fs::{CWD, FileType, Mode, OFlags, mknodat, openat},
    process::{Pid, Signal, kill_process},
};
use serde_json::json;

use crate::support::{Ended, Person, Server, Stranger, piped};

const REPORT: &[u8] =
    br#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": []}]}"#;

/// A new pipe at that path, and its end to read.
fn pipe_at(path: &Path) -> File {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    openat(CWD, path, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap().into()
}

#[test]
fn a_pipe_stays_a_pipe_and_is_written_to() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.file("report.sarif", REPORT);
    person.odavl("storage put report.sarif").well();
    person.odavl("link --create app").well();
    let uploaded = person.odavl("insight analyze --sarif report.sarif --upload --json").json();
    let id = uploaded["upload"]["id"].as_str().unwrap();
    let document = fs::read(uploaded["file"].as_str().unwrap()).unwrap();
    for (line, expected) in [
        ("storage get report.sarif pipe".to_owned(), REPORT.to_vec()),
        (format!("uploads get {id} pipe"), document),
    ] {
        let path = person.folder.path().join("pipe");
        let mut pipe = pipe_at(&path);
        person.odavl(&line).well();
        assert!(fs::metadata(&path).unwrap().file_type().is_fifo(), "{line}");
        let mut got = Vec::new();
        pipe.read_to_end(&mut got).unwrap();
        assert_eq!(got, expected, "{line}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn a_file_that_is_replaced_keeps_its_mode_and_the_link_to_it() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.file("a", b"new");
    person.odavl("storage put a").well();
    let path = person.file("private", b"old");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    symlink("private", person.folder.path().join("link")).unwrap();
    person.odavl("storage get a link").well();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(person.folder.path().join("link").is_symlink());
}

#[test]
fn what_the_shell_has_opened_is_written_after_what_is_in_it_and_before_what_follows() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let object = "an object, longer than what comes before it\n";
    person.file("a", object.as_bytes());
    person.odavl("storage put a").well();
    let all = format!("head\n{object}tail\n");
    for (file, script, expected) in [
        ("out", "(echo head; $get /dev/stdout; echo tail) > out", all.clone()),
        ("fd", "(echo head; $get /dev/fd/1; echo tail) > fd", all.clone()),
        ("err", "(echo head >&2; $get --quiet /dev/stderr; echo tail >&2) 2> err", all.clone()),
        ("piped", "(echo head; $get /dev/stdout; echo tail) | cat > piped", all.clone()),
        ("app", "echo head > app; $get /dev/stdout >> app; echo tail >> app", all),
        ("other", "echo head > other; $get /dev/fd/7 7>> other", format!("head\n{object}")),
        ("to", "$get /dev/fd/7 7>&1 | cat > to", object.to_owned()),
    ] {
        let get = format!("{} storage get a", env!("CARGO_BIN_EXE_odavl"));
        let mut shell = Command::new("sh");
        shell.env("get", get).env("ODAVL_HOME", person.home.path()).current_dir(person.folder.path());
        let ended: Ended = shell.args(["-c", script]).output().unwrap().into();
        assert_eq!(ended.code, 0, "{script}: {ended:?}");
        let written = fs::read_to_string(person.folder.path().join(file)).unwrap();
        assert_eq!(written, expected, "{script}");
    }
    // By its own name it is a file that is replaced, whoever has it open.
    person.file("o", b"old");
    let named: Ended = {
        let o = File::options().append(true).open(person.folder.path().join("o")).unwrap();
        person.command("storage get a o").stdout(o).output().unwrap().into()
    };
    assert_eq!(named.code, 0, "{named:?}");
    assert_eq!(fs::read_to_string(person.folder.path().join("o")).unwrap(), object);
}

#[test]
fn a_name_that_no_file_can_have_is_a_wrong_path_and_nothing_to_try_again() {
    let person = Person::new();
    let long = "a".repeat(256);
    for line in [
        format!("storage get a {long} --server http://127.0.0.1:9"),
        format!("storage put {long} --server http://127.0.0.1:9"),
    ] {
        let ended = person.with_key("odavl_live_x", &line);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains("hint: check the path"), "{ended:?}");
    }
}

/// A server that takes what it is asked and answers once it is told to.
fn slow() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

fn tell(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn who_is_told_to_stop_leaves_no_unfinished_file() {
    let person = Person::new();
    for line in ["storage get a", "uploads get upl_01jz0000000000000000000000"] {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let (url, listener) = slow();
            let own = person.command(&format!("{line} --server {url}"));
            // Whoever runs the tests may ignore signals, and what they start does so too.
            let mut command = under("env", &["--default-signal"], &own, &person);
            let child = piped(&mut command).spawn().unwrap();
            let _asked = listener.accept().unwrap();
            assert_eq!(person.files().len(), 1, "what is unfinished");
            tell(&child, signal);
            let ended = Ended::from(child.wait_with_output().unwrap());
            assert_eq!(ended.code, 7, "{ended:?}");
            assert!(ended.stderr.contains("nothing was kept"), "{ended:?}");
            assert_eq!(person.files(), [""; 0]);
        }
    }
}

/// The command, started by another program.
fn under(program: &str, args: &[&str], own: &Command, person: &Person) -> Command {
    let mut command = Command::new(program);
    command.args(args).arg(own.get_program()).args(own.get_args()).current_dir(person.folder.path());
    command.env("ODAVL_HOME", person.home.path()).env("ODAVL_API_KEY", "odavl_live_x");
    command
}

#[test]
fn a_signal_that_was_to_be_ignored_stays_ignored() {
    let person = Person::new();
    let (url, listener) = slow();
    let own = person.command(&format!("storage get a --server {url}"));
    let mut command = under("nohup", &[], &own, &person);
    let child = piped(&mut command).stdin(Stdio::null()).spawn().unwrap();
    let (mut asked, _) = listener.accept().unwrap();
    tell(&child, Signal::HUP);
    let answering = thread::spawn(move || {
        assert!(asked.read(&mut [0; 8192]).unwrap() > 0);
        let body = r#"{"items": [], "next_cursor": null}"#;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        asked.write_all((head + body).as_bytes()).unwrap();
    });
    // It was asked, and did not end before: there is no such object.
    let ended = Ended::from(child.wait_with_output().unwrap());
    answering.join().unwrap();
    assert_eq!(ended.code, 3, "{ended:?}");
}

/// How often a store was asked for an object that could not be written where it was to go.
fn fetched(stdout: Stdio) -> (Ended, usize) {
    let bytes = "bytes\n".repeat(100);
    let store = Stranger::answering("200 OK", &bytes);
    let object = json!({"name": "a", "object": {"id": "obj_1", "name": "a", "size": bytes.len(),
        "checksum": Checksum::Whole(Sha256::of(bytes.as_bytes())).to_string(), "generation": 1,
        "content_type": "text/plain", "created_at": "2026-01-01T00:00:00Z", "created_by": "key_1"}});
    let request = json!({"method": "GET", "url": format!("{}/a?sig=1", store.url), "headers": [],
        "expires_at": "2100-01-01T00:00:00Z"});
    let answers = vec![json!({"items": [object], "next_cursor": null}).to_string(), request.to_string()];
    let server = Stranger::answering_in_turn("200 OK", answers);
    let person = Person::new();
    let mut command = person.command(&format!("storage get a - --server {}", server.url));
    let child = command.env("ODAVL_API_KEY", "odavl_live_x").stdout(stdout).stderr(Stdio::piped()).spawn();
    drop(command);
    let ended = child.unwrap().wait_with_output().unwrap().into();
    (ended, store.seen().matches("GET /a").count())
}

#[test]
fn what_cannot_be_written_here_is_not_fetched_again() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let (ended, times) = fetched(writer.into());
    assert_eq!((ended.code, times), (0, 1), "{ended:?}");
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let (ended, times) = fetched(full().into());
    assert_eq!((ended.code, times), (7, 1), "{ended:?}");
    let Ended { stderr, .. } =
        Person::new().command("completions bash").stdout(full()).output().unwrap().into();
    for said in [stderr, ended.stderr] {
        assert!(
            said.starts_with("error: standard output cannot be written\n  because: No space left"),
            "{said}"
        );
        assert!(said.contains("hint: make room") && !said.contains("try again later"), "{said}");
    }
}
