use std::fs;

use crate::support::{Person, Server};

#[test]
fn a_folder_is_linked_to_a_project_without_a_credential() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    assert_eq!(person.odavl("link my-app").code, 3);
    person.odavl("link --create my-app").well();
    let file = person.folder.path().join(".odavl/project.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(text, format!("server = \"{}\"\norganization = \"acme\"\nproject = \"my-app\"\n", server.url));
    // Again, and from the other side of the loss of the file: the project is there.
    fs::remove_file(file).unwrap();
    person.odavl("link my-app").well();
    person.odavl("link --create my-app").well();
}

#[test]
fn one_acts_on_the_organisation_that_was_named_or_chosen() {
    let server = Server::start();
    let person = Person::new();
    let (child, code) = person.starts_to_sign_in(&server);
    server.approve(&code);
    assert!(child.wait_with_output().unwrap().status.success());
    let listed = person.odavl("org list").well();
    let slugs: Vec<_> = listed.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(slugs, ["acme", "operator"]);
    let acts_on = |line: &str| person.odavl(line).json()["organization_slug"].clone();
    assert_eq!(acts_on("whoami --json"), "acme");
    assert_eq!(acts_on("whoami --json --org operator"), "operator");
    person.odavl("org use operator").well();
    assert_eq!(acts_on("whoami --json"), "operator");
    assert_eq!(person.odavl("org use no-such-org").code, 3);
    assert_eq!(acts_on("whoami --json"), "operator");
}
