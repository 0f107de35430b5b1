use std::{os::unix::fs::PermissionsExt, process::Stdio};

use serde_json::json;

use crate::support::{EMAIL, Ended, Person, Server, nobody};

fn signed_in(server: &Server) -> Person {
    let person = Person::new();
    let (child, code) = person.starts_to_sign_in(server);
    server.approve(&code);
    Ended::from(child.wait_with_output().unwrap()).well();
    person
}

#[test]
fn a_person_signs_in_in_the_browser_and_out_again() {
    let server = Server::start();
    let ada = signed_in(&server);
    let mode = std::fs::metadata(ada.credentials_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let me = ada.odavl("whoami --json").json();
    assert_eq!((&me["email"], &me["organization_slug"]), (&json!(EMAIL), &json!("acme")));

    let kept = std::fs::read_to_string(ada.credentials_file()).unwrap();
    ada.odavl("logout").well();
    assert_eq!(ada.credentials()["servers"], json!({}));
    assert_eq!(ada.odavl(&format!("whoami --server {}", server.url)).code, 4);
    // The server has ended it too: what was kept elsewhere is worth nothing.
    std::fs::write(ada.credentials_file(), kept).unwrap();
    let refused = ada.odavl("whoami");
    assert_eq!(refused.code, 4, "{refused:?}");
}

#[test]
fn several_processes_renew_an_expired_token_without_being_taken_for_thieves() {
    let server = Server::start();
    let ada = signed_in(&server);
    for _ in 0..2 {
        let mut credentials = ada.credentials();
        let before = credentials["servers"][&server.url]["access_token"].clone();
        credentials["servers"][&server.url]["expires_at"] = json!("2020-01-01T00:00:00Z");
        std::fs::write(ada.credentials_file(), credentials.to_string()).unwrap();
        let children: Vec<_> =
            (0..4).map(|_| ada.command("whoami").stdout(Stdio::null()).spawn().unwrap()).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        assert_ne!(ada.credentials()["servers"][&server.url]["access_token"], before);
    }
}

#[test]
fn a_sign_in_that_is_refused_in_the_browser_ends_with_4_and_keeps_nothing() {
    let server = Server::start();
    let person = Person::new();
    let (child, code) = person.starts_to_sign_in(&server);
    server.deny(&code);
    let refused = Ended::from(child.wait_with_output().unwrap());
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(refused.stderr.contains("refused in the browser"));
    assert!(!person.credentials_file().exists());
}

#[test]
fn a_key_from_standard_input_is_kept_and_one_that_does_not_hold_is_not() {
    let server = Server::start();
    let person = Person::new();
    let line = format!("login --with-key --server {}", server.url);
    let refused = person.odavl_with(&line, "odavl_live_canary\n");
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(!refused.stderr.contains("canary"));
    assert!(!person.credentials_file().exists());
    person.odavl_with(&line, &(server.key("usage:read") + "\n")).well();
    assert!(person.odavl("whoami").well().contains("account\tthe key test\n"));
    let told = person.odavl("logout");
    assert!(told.stderr.contains("goes on working"), "{told:?}");
}

#[test]
fn signing_out_of_a_server_that_is_gone_keeps_the_sign_in_unless_told() {
    let server = Server::start();
    let ada = signed_in(&server);
    let gone = nobody();
    let text = std::fs::read_to_string(ada.credentials_file()).unwrap().replace(&server.url, &gone);
    std::fs::write(ada.credentials_file(), text).unwrap();
    assert_eq!(ada.odavl("logout").code, 7);
    assert!(ada.credentials()["servers"][&gone].is_object());
    ada.odavl("logout --local").well();
    assert_eq!(ada.credentials()["servers"], json!({}));
}
