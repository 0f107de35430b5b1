use serde_json::{Value, json};

use crate::support::{Person, Server};

fn listed(person: &Person) -> Vec<Value> {
    person.odavl("keys list --json").well().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_new_key_is_alone_on_standard_output_and_works() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let made = person.odavl("keys create --name ci --scope usage:read --scope insight:write --expires 90d");
    assert!(made.stderr.contains("shown this once"));
    let key = made.well();
    let key = key.strip_suffix('\n').unwrap();
    assert!(key.starts_with("odavl_live_") && !key.contains(char::is_whitespace));
    let me = person.with_key(key, "whoami --json").json();
    assert_eq!(me["scopes"], json!(["insight:write", "usage:read"]));
    let row = listed(&person).into_iter().find(|row| row["name"] == "ci").unwrap();
    assert!(row["expires_at"].is_string());
    assert!(!row.to_string().contains(key));
}

#[test]
fn a_key_takes_its_bounds_along() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let line = "keys create --name bounded --scope usage:read --env test --allow-ip 203.0.113.0/24 \
                --limit api_calls=5/60s --json";
    let made = person.odavl(line).json();
    assert!(made["secret"].as_str().unwrap().starts_with("odavl_test_"));
    assert_eq!(made["key"]["allowed_ips"], json!(["203.0.113.0/24"]));
    assert_eq!(made["key"]["limits"], json!([{ "meter": "api_calls", "max": 5, "per": "60s" }]));
    let refused = person.with_key(made["secret"].as_str().unwrap(), "usage");
    assert_eq!(refused.code, 4, "{refused:?}");
}

#[test]
fn a_rotated_key_works_in_both_forms_and_a_revoked_one_in_none() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let made = person.odavl("keys create --name ci --scope usage:read --json").json();
    let (id, old) = (made["key"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let new = person.odavl(&format!("keys rotate {id} --grace 1h --quiet")).well();
    for key in [old, new.trim()] {
        person.with_key(key, "whoami").well();
    }
    person.odavl(&format!("keys revoke {id}")).well();
    for key in [old, new.trim()] {
        assert_eq!(person.with_key(key, "whoami").code, 4);
    }
    let listed = person.odavl("keys list").well();
    assert!(listed.lines().any(|line| line.starts_with(&format!("{id}\tci\trevoked\tlive\tusage:read\t"))));
}
