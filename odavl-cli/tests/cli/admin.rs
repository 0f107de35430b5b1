use rusqlite::Connection;
use serde_json::json;

use crate::support::{Person, Server};

#[test]
fn a_server_without_a_browser_is_set_up_from_its_own_command_line() {
    let admin = Person::new();
    let refused = admin.odavl("admin user list");
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("odavl admin user create"));
    assert!(!admin.folder.path().join("odavl-data").exists());
    let line = "admin user create --email ada@example.com --org acme --password-stdin";
    assert!(admin.odavl_with(line, "correct horse battery\n").well().starts_with("usr_"));
    let line = "admin user create --email bob@example.com --org acme --role viewer";
    admin.odavl(line).well();
    let listed = admin.odavl("admin user list").well();
    assert!(listed.contains("ada@example.com\tada\tactive\tadmin\t"), "{listed}");
    assert!(listed.contains("bob@example.com\tbob\twithout password\t-\t"), "{listed}");
    assert_eq!(admin.odavl("admin user create --email bob@example.com").code, 5);
    let key = admin.odavl("admin keys create acme --name ci --scope insight:write --quiet").well();
    assert!(key.starts_with("odavl_live_"));
    let whole = admin.odavl("admin audit verify").well();
    assert!(whole.lines().all(|line| line.ends_with("\tnone")), "{whole}");
}

#[test]
fn organisations_are_made_given_plans_and_suspended_beside_a_running_server() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let data = server.data.path().display();
    let admin = |line: &str| person.odavl(&format!("admin --data {data} {line}"));
    admin("org plan acme PRO").well();
    assert_eq!(admin("org plan acme NO_SUCH").code, 2);
    admin("org create globex --plan PRO").well();
    assert!(admin("org list").well().contains("globex\tglobex\tPRO\tactive\t"));
    admin("org suspend acme").well();
    assert!(admin("org list").well().contains("acme\tacme\tPRO\tsuspended\t"));
}

#[test]
fn a_record_that_was_changed_is_found() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let line = format!("admin --data {} audit verify acme --json", server.data.path().display());
    assert_eq!(person.odavl(&line).json()["faults"], json!([]));
    let db = Connection::open(server.data.path().join("odavl.db")).unwrap();
    assert_eq!(db.execute("UPDATE audit_entries SET actor = 'nobody' WHERE seq = 1", []).unwrap(), 2);
    let found = person.odavl(&line);
    assert_eq!(found.code, 8, "{found:?}");
    let found: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found["faults"], json!([{ "seq": 1, "fault": "it was changed" }]));
    db.execute("DELETE FROM audit_entries WHERE seq = 2", []).unwrap();
    assert_eq!(person.odavl(&line).code, 8);
}
