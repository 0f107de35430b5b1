//! `odavl serve`: what it refuses before it promises anything.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, pipe},
    net::TcpStream,
};

use serde_json::Value;

use crate::support::{Ended, Person, line_of, piped};

/// How `serve` ends, after its first line; one that serves is ended.
fn refused(person: &Person, line: &str) -> Ended {
    let mut process = piped(&mut person.command(line)).spawn().unwrap();
    let said = line_of(process.stdout.as_mut().unwrap());
    if !said.is_empty() {
        process.kill().unwrap();
    }
    assert_eq!(said, "", "{line}");
    process.wait_with_output().unwrap().into()
}

#[test]
fn the_link_goes_when_the_installation_is_set_up_beside_it() {
    let person = Person::new();
    let mut process = piped(&mut person.command("serve --listen 127.0.0.1:0")).spawn().unwrap();
    let stdout = process.stdout.as_mut().unwrap();
    assert!(line_of(stdout).starts_with("odavl is at "));
    assert!(line_of(stdout).ends_with("the link in odavl-data/set-up-link"));
    let kept = person.folder.path().join("odavl-data/set-up-link");
    assert!(kept.exists());
    let line = "admin user create --email ada@example.com --password-stdin";
    let made = person.odavl_with(line, "correct horse battery");
    process.kill().unwrap();
    process.wait().unwrap();
    made.well();
    assert!(!kept.exists());
}

#[test]
fn nobody_who_reads_what_it_says_is_no_reason_to_end() {
    let person = Person::new();
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = person.command("serve --listen 127.0.0.1:0");
    let mut process = piped(&mut command).stdout(writer).spawn().unwrap();
    drop(command);
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
    let warned = log.find(|line| line.contains("standard output cannot be written")).unwrap();
    let warned: Value = serde_json::from_str(&warned).unwrap();
    let address = warned["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    assert!(log.any(|line| line.contains("listening")));
    assert!(TcpStream::connect(address).is_ok());
    assert!(person.folder.path().join("odavl-data/set-up-link").exists());
    assert!(process.try_wait().unwrap().is_none());
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn an_address_that_nobody_can_open_is_no_public_url() {
    let person = Person::new();
    for listen in ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"] {
        let ended = refused(&person, &format!("serve --listen {listen} --allow-http"));
        assert!(ended.stderr.contains("--public-url https://"), "{ended:?}");
        assert_eq!(person.files(), [""; 0], "nothing was made");
    }
    let mut doctor = person.command("doctor");
    let told: Ended = doctor.env("ODAVL_LISTEN", "0.0.0.0:80").output().unwrap().into();
    assert!(told.stdout.contains("public URL\tnone; `serve` needs one\t"), "{told:?}");
}

#[test]
fn a_folder_that_another_service_has_is_not_opened_and_so_not_migrated() {
    let person = Person::new();
    let data = person.folder.path().join("odavl-data");
    fs::create_dir(&data).unwrap();
    let lock = File::create(data.join("serve.lock")).unwrap();
    lock.lock().unwrap();
    let ended = refused(&person, "serve --listen 127.0.0.1:0");
    assert!(ended.stderr.contains("another `odavl serve` has the folder"), "{ended:?}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "something was opened");
}
