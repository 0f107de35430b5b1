//! What clients of the last release rely on still holds, unless the version says otherwise: `openapi/released.json` is
//! the document of that release.

mod breaks;

use breaks::breaks;
use serde_json::{Value, json};

const RELEASED: &str = include_str!("../../released.json");

fn released() -> Value {
    serde_json::from_str(RELEASED).unwrap()
}

/// Whether clients of `old` are told to expect breaks (semver: before 1.0, by the minor version).
fn says_so(old: &Value, new: &Value) -> bool {
    let part = |document: &Value, place| {
        let version = document["info"]["version"].as_str().unwrap();
        version.split('.').nth(place).unwrap().parse::<u64>().unwrap()
    };
    let major = part(new, 0).cmp(&part(old, 0));
    major.is_gt() || (major.is_eq() && part(new, 0) == 0 && part(new, 1) > part(old, 1))
}

#[test]
fn clients_of_the_last_release_go_on_working_unless_the_version_says_otherwise() {
    let (old, new) = (released(), serde_json::from_str(&odavl_http::document()).unwrap());
    let broken = breaks(&old, &new);
    assert!(
        broken.is_empty() || says_so(&old, &new),
        "these break clients of {}: keep what they rely on, or raise the version:\n{}",
        old["info"]["version"],
        broken.join("\n")
    );
}

/// The document after a change at that place.
fn changed(place: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut document = released();
    change(document.pointer_mut(place).unwrap());
    document
}

/// What is changed, where, and how.
type Case = (&'static str, &'static str, fn(&mut Value));

const PATHS: &str = "/paths";
const KEY: &str = "/components/schemas/ApiKey";
const WISH: &str = "/components/schemas/ApiKeyRequest";
const LIST: &str = "/paths/~1api~1v1~1api-keys/get";

#[test]
fn what_breaks_a_client_is_found() {
    let cases: [Case; 14] = [
        ("a path is gone", PATHS, |paths| drop(paths.as_object_mut().unwrap().remove("/api/v1/me"))),
        ("an operation is gone", "/paths/~1api~1v1~1api-keys", |path| {
            path.as_object_mut().unwrap().remove("post");
        }),
        ("an operation is called otherwise", LIST, |list| list["operationId"] = "keys".into()),
        ("an answer is gone", LIST, |list| drop(list["responses"].as_object_mut().unwrap().remove("200"))),
        ("a field is gone from an answer", KEY, |key| {
            key["properties"].as_object_mut().unwrap().remove("name");
            key["required"].as_array_mut().unwrap().retain(|name| name != "name");
        }),
        ("a field of an answer may be missing", KEY, |key| {
            key["required"].as_array_mut().unwrap().retain(|name| name != "name");
        }),
        ("a field of an answer is of another type", KEY, |key| {
            key["properties"]["disabled"]["type"] = "string".into();
        }),
        ("a request needs a new field", WISH, |wish| {
            wish["properties"]["team"] = json!({ "type": "string" });
            wish["required"].as_array_mut().unwrap().push("team".into());
        }),
        ("a field is gone from a request", WISH, |wish| {
            wish["properties"].as_object_mut().unwrap().remove("metadata");
        }),
        ("a field of an answer may be null", KEY, |key| key["properties"]["name"]["nullable"] = true.into()),
        ("a field within an answer's field is gone", "/components/schemas/UploadTicket", |ticket| {
            ticket["properties"]["request"]["allOf"][0]["$ref"] = "#/components/schemas/Health".into();
        }),
        ("a request must be shorter", WISH, |wish| wish["properties"]["name"]["maxLength"] = 10.into()),
        ("a request may say less", WISH, |wish| {
            let place = "/properties/environment";
            *wish.pointer_mut(place).unwrap() =
                json!({ "type": "string", "enum": ["live"], "nullable": true });
        }),
        ("a request needs a new parameter", LIST, |list| {
            let parameter =
                json!({ "name": "team", "in": "query", "required": true, "schema": { "type": "string" } });
            list["parameters"].as_array_mut().unwrap().push(parameter);
        }),
    ];
    for (what, place, change) in cases {
        assert_ne!(breaks(&released(), &changed(place, change)), [""; 0], "{what}");
    }
}

#[test]
fn what_breaks_no_client_passes() {
    let cases: [Case; 6] = [
        ("nothing", PATHS, |_| {}),
        ("a new path", PATHS, |paths| paths["/api/v1/you"] = paths["/api/v1/me"].clone()),
        ("a new field in an answer", KEY, |key| {
            key["properties"]["team"] = json!({ "type": "string" });
            key["required"].as_array_mut().unwrap().push("team".into());
        }),
        ("a new field that a request may have", WISH, |wish| {
            wish["properties"]["team"] = json!({ "type": "string", "nullable": true });
        }),
        ("a new parameter that a request may have", LIST, |list| {
            let parameter = json!({ "name": "team", "in": "query", "schema": { "type": "string" } });
            list["parameters"].as_array_mut().unwrap().push(parameter);
        }),
        ("other words", KEY, |key| key["description"] = "A key.".into()),
    ];
    for (what, place, change) in cases {
        assert_eq!(breaks(&released(), &changed(place, change)), [""; 0], "{what}");
    }
}

#[test]
fn a_version_says_that_clients_break_where_semver_lets_it() {
    let of = |version: &str| json!({ "info": { "version": version } });
    for (old, new, says) in [
        ("0.1.0", "0.1.0", false),
        ("0.1.0", "0.1.1", false),
        ("0.1.0", "0.2.0", true),
        ("0.9.0", "1.0.0", true),
        ("1.2.0", "1.3.0", false),
        ("1.2.0", "2.0.0", true),
    ] {
        assert_eq!(says_so(&of(old), &of(new)), says, "{old} to {new}");
    }
}
