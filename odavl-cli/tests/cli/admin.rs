use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{EMAIL, Ended, Person, Server, fed};

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
fn variables_that_are_empty_say_nothing() {
    let admin = Person::new();
    let mut command = admin.command("admin user create --email ada@example.com --org acme --password-stdin");
    for name in ["ODAVL_DATA", "ODAVL_CONFIG", "ODAVL_DATABASE", "ODAVL_STORAGE"] {
        command.env(name, "");
    }
    fed(&mut command, "correct horse battery\n").well();
    assert!(admin.folder.path().join("odavl-data").exists());
    for line in ["backup list main --store backups", "backup list main"] {
        let mut command = admin.command(line);
        for name in ["ODAVL_BACKUP_STORE", "ODAVL_BACKUP_RECIPIENTS", "ODAVL_BACKUP_IDENTITY"] {
            command.env(name, "");
        }
        let ended = Ended::from(command.output().unwrap());
        assert!(ended.code != 0 && !ended.stderr.contains("a value is required"), "{ended:?}");
    }
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
fn an_organisation_has_limits_of_its_own_at_once_and_the_plan_s_again() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let data = server.data.path().display();
    let admin = |line: &str| person.odavl(&format!("admin --data {data} {line}"));
    let limits = || {
        // A server may remember limits for a second where nothing is charged; a charge is by what holds.
        person.odavl("usage consume api_calls").well();
        let usage = person.odavl("usage --json").json();
        let of = |limit: &&Value| limit["meter"] == "insight_analyses" || limit["meter"] == "api_calls";
        let shown = |limit: &Value| format!("{} {} {}", limit["meter"], limit["limit"], limit["period"]);
        usage["limits"].as_array().unwrap().iter().filter(of).map(shown).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(limits(), r#""api_calls" 100 "month", "insight_analyses" 10 "month""#);
    person.odavl("usage consume insight_analyses 10").well();
    assert_eq!(person.odavl("usage consume insight_analyses").code, 6);
    let shown = admin("org limit acme insight_analyses 11 --json").json();
    assert_eq!(shown["limits"], json!({ "insight_analyses": [{ "max": 11 }] }));
    person.odavl("usage consume insight_analyses").well();
    assert_eq!(person.odavl("usage consume insight_analyses").code, 6);
    // One meter's limits leave another's as they are.
    let told = admin("org limit acme api_calls unlimited 20/60s");
    assert_eq!(
        told.stderr, "the limits of acme on api_calls: api_calls=unlimited api_calls=20/60s\n",
        "{told:?}"
    );
    assert_eq!(limits(), r#""api_calls" null "month", "api_calls" 20 "60s", "insight_analyses" 11 "month""#);
    assert_eq!(admin("org limit acme insight_analyses default").stdout, "");
    admin("org limit acme api_calls default").well();
    // The operator's own has no limits whatever its plan.
    let told = admin("org limit operator api_calls default");
    assert_eq!(told.stderr, "the limits of operator on api_calls: api_calls=unlimited\n", "{told:?}");
    assert_eq!(limits(), r#""api_calls" 100 "month", "insight_analyses" 10 "month""#);
    for (line, code, said) in [
        ("org limit acme no_such_meter 5", 2, "use one of: api_calls"),
        ("org limit acme no_such_meter default", 2, "use one of: api_calls"),
        ("org limit nobody api_calls 5", 3, "nobody"),
        ("org limit acme api_calls", 2, "UNITS"),
        ("org limit acme api_calls 5 default", 2, "alone"),
        ("org limit acme api_calls five", 2, "unlimited"),
        ("org limit acme api_calls 5/week", 2, "60s"),
        ("org limit acme api_calls 9007199254740992", 2, "2^53"),
        ("org limit acme storage_bytes 5/day", 2, "gauge"),
    ] {
        let refused = admin(line);
        assert_eq!(refused.code, code, "{line}: {refused:?}");
        assert!(refused.stderr.contains(said), "{line}: {refused:?}");
    }
    assert_eq!(limits(), r#""api_calls" 100 "month", "insight_analyses" 10 "month""#);
    assert_eq!(admin("audit verify acme --json").json()["faults"], json!([]));
}

#[test]
fn plans_are_listed_as_limits_are_written() {
    let server = Server::start();
    let person = Person::new();
    let list = format!("admin --data {} plan list", server.data.path().display());
    let shown = person.odavl(&list).well();
    assert!(shown.contains("FREE\tdefault\t3\tapi_calls=100 autopilot_runs=5 guardian_tests=20 "), "{shown}");
    assert!(shown.contains("PRO\t-\tunlimited\tapi_calls=10000 autopilot_runs=unlimited "), "{shown}");
    let first = person.odavl(&format!("{list} --json")).well();
    let names: Vec<_> =
        first.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["name"].clone()).collect();
    assert_eq!(names, ["ENTERPRISE", "FREE", "PRO"]);
}

#[test]
fn instance_rights_are_granted_by_name_and_their_last_holder_stays() {
    let server = Server::start();
    let person = Person::new();
    let admin = |line: &str| person.odavl(&format!("admin --data {} {line}", server.data.path().display()));
    let bob = "bob@example.com";
    admin(&format!("user create --email {bob}")).well();
    assert_eq!(admin(&format!("user grant {bob} write --json")).json()["instance"], "write");
    assert!(admin("user list").well().contains("bob@example.com\tbob\twithout password\twrite\t"));
    let last = admin(&format!("user grant {EMAIL} none"));
    assert_eq!(last.code, 5, "{last:?}");
    assert!(last.stderr.contains("instance:admin"), "{last:?}");
    admin(&format!("user grant {bob} admin")).well();
    let told = admin(&format!("user grant {EMAIL} none"));
    assert_eq!(told.stderr, format!("{EMAIL} holds nothing on the installation\n"), "{told:?}");
    assert_eq!(admin("user grant nobody@example.com read").code, 3);
    assert_eq!(admin(&format!("user grant {bob} everything")).code, 2);
    assert_eq!(admin(&format!("user grant {bob}")).code, 2);
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
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found["faults"], json!([{ "seq": 1, "fault": "it was changed" }]));
    db.execute("DELETE FROM audit_entries WHERE seq = 2", []).unwrap();
    assert_eq!(person.odavl(&line).code, 8);
}
