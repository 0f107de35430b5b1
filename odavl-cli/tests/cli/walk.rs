//! The walk of a new user on three nodes that share PostgreSQL and S3: all is as on one machine.

use std::fs;

use serde_json::json;

use crate::{
    cluster::Cluster,
    support::{EMAIL, Ended, PASSWORD, Person},
};

const NODES: usize = 3;
const REPORT: &[u8] = br#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "other"}}, "results": [
    {"ruleId": "O1", "level": "error", "message": {"text": "bad"}}]}]}"#;
const UPLOAD: &str = "insight analyze --sarif report.sarif --upload";

/// Sets up by the link of one node, through whichever node answers; leaves Ada signed in there, and her terminal.
fn set_up(cluster: &Cluster) -> Person {
    let link = cluster.set_up_link(NODES - 1);
    let path = link.strip_prefix(&cluster.relay.url).unwrap();
    let mut browser = cluster.browser();
    let page = browser.get(path);
    let secret = link.split('=').nth(1).unwrap();
    let fields = [
        ("link", secret),
        ("email", EMAIL),
        ("name", "Ada"),
        ("password", PASSWORD),
        ("organization", "acme"),
    ];
    let home = browser.submit(&page, "/setup", &fields);
    assert!(home.contains("Hello, Ada") && home.contains("insight_analyses"), "{home}");

    let ada = Person::new();
    let (terminal, code) = ada.starts_to_sign_in_at(&cluster.relay.url);
    let done = browser.approve(&code);
    assert!(done.contains("The device is signed in"), "{done}");
    Ended::from(terminal.wait_with_output().unwrap()).well();
    ada
}

/// What counts is what is in the store, to the byte.
#[track_caller]
fn assert_exact(cluster: &Cluster, ada: &Person) {
    // Each of them is asked by one of the nodes in turn.
    let used: Vec<_> = (0..NODES).map(|_| ada.used("storage_bytes")).collect();
    assert_eq!(used, [cluster.store.bytes("live/org_"); NODES]);
    assert_eq!(cluster.store.unfinished(), 0);
}

#[test]
fn a_new_user_walks_through_three_nodes_as_through_one() {
    let cluster = Cluster::start("walk", NODES, "");
    let ada = set_up(&cluster);
    let me = ada.odavl("whoami --json").json();
    assert_eq!((&me["email"], &me["organization_slug"]), (&json!(EMAIL), &json!("acme")));
    ada.odavl("link --create my-app").well();

    ada.file("report.sarif", REPORT);
    for run in 1..=10 {
        ada.odavl(UPLOAD).well();
        assert_eq!(ada.used("insight_analyses"), run);
    }
    let refused = ada.odavl(UPLOAD);
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.stderr.contains("insight_analyses") && refused.stderr.contains("resets"), "{refused:?}");
    assert_eq!(ada.used("insight_analyses"), 10);
    assert_exact(&cluster, &ada);
    assert_eq!(ada.odavl("uploads list").well().lines().count(), 10);

    let bytes = vec![7; 123_457];
    ada.file("bytes", &bytes);
    ada.odavl("storage put bytes docs/bytes").well();
    ada.odavl("storage get docs/bytes copy").well();
    assert_eq!(fs::read(ada.folder.path().join("copy")).unwrap(), bytes);
    assert_exact(&cluster, &ada);

    let key = revoked_key(&cluster, &ada);
    let before = cluster.relay.turns().len();
    ada.odavl("logout").well();
    assert_eq!(ada.odavl(&format!("whoami --server {}", cluster.relay.url)).code, 4);
    assert!(cluster.relay.turns().len() > before);
    let logs = cluster.logs();
    for secret in [PASSWORD, key.as_str(), odavl_test_store::SECRET_ACCESS_KEY] {
        assert!(!logs.contains(secret), "{logs}");
    }
    assert!(cluster.admin("audit verify", "").well().lines().all(|line| line.ends_with("\tnone")));
}

/// A key that each node knew before it was revoked, by one of them.
fn revoked_key(cluster: &Cluster, ada: &Person) -> String {
    let made = ada.odavl("keys create --name ci --scope usage:write --json").json();
    let (id, key) = (made["key"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap().to_owned());
    let consume = format!("usage consume autopilot_runs --server {}", cluster.relay.url);
    let before = cluster.relay.turns().len();
    for _ in 0..NODES {
        ada.with_key(&key, &consume).well();
    }
    cluster.assert_all_were_asked_since(before);
    assert_eq!(ada.used("autopilot_runs"), NODES as u64);
    ada.odavl(&format!("keys revoke {id}")).well();
    let before = cluster.relay.turns().len();
    for _ in 0..NODES {
        let refused = ada.with_key(&key, &consume);
        assert!(refused.code == 4 && refused.stderr.contains("key"), "{refused:?}");
    }
    cluster.assert_all_were_asked_since(before);
    assert_eq!(ada.used("autopilot_runs"), NODES as u64);
    key
}
