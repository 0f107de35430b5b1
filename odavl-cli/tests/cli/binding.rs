use crate::support::{Person, Server, Stranger, link};

#[test]
fn a_server_that_only_a_project_names_is_sent_nothing() {
    let home = Server::start();
    let stranger = Stranger::answering("200 OK", "{}");
    let person = Person::signed_in(&home);
    link(person.folder.path(), &stranger.url);
    assert_eq!(person.odavl("whoami").code, 4);
    let refused = person.with_key("odavl_live_canary", "whoami");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("ODAVL_API_KEY") && refused.stderr.contains("--server"));
    let refused = person.odavl_with("login --with-key", "odavl_live_canary");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert_eq!(person.odavl("login").code, 2);
    assert_eq!(stranger.seen(), "");
}

#[test]
fn a_server_that_the_user_names_is_sent_the_variable_and_no_other_server_s_sign_in() {
    let home = Server::start();
    let stranger = Stranger::answering("200 OK", "{}");
    let person = Person::signed_in(&home);
    let line = format!("whoami --server {}", stranger.url);
    assert_eq!(person.odavl(&line).code, 4);
    person.with_key("odavl_live_named", &line);
    let seen = stranger.seen();
    assert!(seen.contains("authorization: Bearer odavl_live_named"), "{seen}");
    assert!(!seen.contains(&home.url));
}

#[test]
fn a_project_may_name_a_server_that_the_user_signed_in_to() {
    let home = Server::start();
    let person = Person::signed_in(&home);
    link(person.folder.path(), &home.url);
    assert!(person.odavl("whoami").well().contains(&format!("server\t{}", home.url)));
}

#[test]
fn no_credential_goes_to_another_machine_over_http() {
    let person = Person::new();
    let refused = person.with_key("odavl_live_canary", "whoami --server http://203.0.113.1");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("--allow-http") && !refused.stderr.contains("canary"));
}

#[test]
fn a_server_that_points_elsewhere_is_not_followed() {
    let elsewhere = Stranger::answering("200 OK", "{}");
    let answer = format!("302 Found\r\nlocation: {}/api/v1/me", elsewhere.url);
    let stranger = Stranger::answering(&answer, "");
    let refused = Person::new().with_key("odavl_live_canary", &format!("whoami --server {}", stranger.url));
    assert_ne!(refused.code, 0);
    assert_eq!(elsewhere.seen(), "");
}
