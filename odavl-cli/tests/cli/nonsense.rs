//! A server that says what odavl never does cannot hold a command up, or fill its memory.

use serde_json::json;

use crate::support::{Person, Stranger};

#[test]
fn a_list_that_never_ends_ends() {
    for (line, item) in [
        ("storage list", json!({"name": "a/", "object": null})),
        ("uploads list", json!([])),
        ("keys list", json!([])),
        ("link app", json!({"id": "prj_1", "slug": "web", "created_at": "2026-01-01T00:00:00Z"})),
    ] {
        let items = if item.is_array() { item } else { json!([item]) };
        let me = json!({"organization": "org_1", "organization_slug": "acme", "plan": "FREE", "scopes": [],
            "user_id": null, "email": null, "key_id": "key_1", "key_name": "ci"});
        let page = json!({"items": items, "next_cursor": "again"}).to_string();
        let answers = if line == "link app" { vec![me.to_string(), page] } else { vec![page] };
        let stranger = Stranger::answering_in_turn("200 OK", answers);
        let ended = Person::new().with_key("odavl_live_x", &format!("{line} --server {}", stranger.url));
        assert_eq!(ended.code, 70, "{line}: {ended:?}");
        assert!(ended.stderr.contains("follows itself"), "{line}: {ended:?}");
        assert_eq!(stranger.seen().matches("cursor=again").count(), 1, "{line}");
    }
}

#[test]
fn parts_that_no_object_has_are_not_cut() {
    for part_size in [json!(0), json!(1), json!(null)] {
        let ticket = json!({"upload": {"id": "upl_1", "name": "a", "state": "open", "part_size": part_size,
            "parts": 1, "missing": [1], "object": null, "expires_at": "2100-01-01T00:00:00Z"}, "request": null});
        let stranger = Stranger::answering("200 OK", &ticket.to_string());
        let person = Person::new();
        person.file("a", &[0; 10_001]);
        let ended = person.with_key("odavl_live_x", &format!("storage put a --server {}", stranger.url));
        assert_eq!(ended.code, 70, "{part_size}: {ended:?}");
        assert!(ended.stderr.contains("parts") && ended.stderr.contains("odavl doctor"), "{ended:?}");
    }
}
