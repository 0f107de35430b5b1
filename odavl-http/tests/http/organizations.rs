//! Another organisation's things: never there, on any path.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use odavl_core::{
    auth::Role,
    ids::{EventId, UserId},
    metering::Reserve,
    page::PageQuery,
    storage::Sha256,
    uploads::RunId,
    webhooks::NewWebhook,
};
use serde_json::{Value, json};

use crate::app::{App, ORG};

/// Every path that names a thing, with what a stranger would send there.
fn attempts(things: &Things) -> Vec<(&'static str, &'static str, String, Value)> {
    let key = |rest: &str| format!("/api/v1/api-keys/{}{rest}", things.key);
    let member = || format!("/api/v1/members/{}", things.user);
    let upload = |rest: &str| format!("/api/v1/storage/uploads/{}{rest}", things.upload);
    let results = |rest: &str| format!("/api/v1/uploads/{}{rest}", things.results);
    let held = |rest: &str| format!("/api/v1/usage/reservations/{}{rest}", things.reservation);
    let hook = |rest: &str| format!("/api/v1/webhooks/{}{rest}", things.webhook);
    let replay = format!("/deliveries/{}/replay", EventId::derive(&[b"any"]));
    let parts = json!({"parts": [{"number": 1, "sha256": "00".repeat(32)}]});
    vec![
        ("GET", "/api/v1/api-keys/{id}", key(""), Value::Null),
        ("PATCH", "/api/v1/api-keys/{id}", key(""), json!({"name": "mine"})),
        ("DELETE", "/api/v1/api-keys/{id}", key(""), Value::Null),
        ("POST", "/api/v1/api-keys/{id}/rotate", key("/rotate"), json!({})),
        ("DELETE", "/api/v1/members/{user}", member(), Value::Null),
        ("GET", "/api/v1/storage/uploads/{id}", upload(""), Value::Null),
        ("DELETE", "/api/v1/storage/uploads/{id}", upload(""), Value::Null),
        ("POST", "/api/v1/storage/uploads/{id}/parts", upload("/parts"), parts),
        ("POST", "/api/v1/storage/uploads/{id}/complete", upload("/complete"), Value::Null),
        ("POST", "/api/v1/usage/reservations/{id}/settle", held("/settle"), json!({"charges": []})),
        ("POST", "/api/v1/usage/reservations/{id}/release", held("/release"), Value::Null),
        ("DELETE", "/api/v1/webhooks/{id}", hook(""), Value::Null),
        ("GET", "/api/v1/webhooks/{id}/deliveries", hook("/deliveries"), Value::Null),
        ("POST", "/api/v1/webhooks/{id}/deliveries/{event}/replay", hook(&replay), Value::Null),
        ("GET", "/api/v1/uploads/{id}", results(""), Value::Null),
        ("GET", "/api/v1/uploads/{id}/content", results("/content"), Value::Null),
        ("DELETE", "/api/v1/uploads/{id}", results(""), Value::Null),
    ]
}

/// The ids of an organisation's things.
#[derive(Default)]
struct Things {
    key: String,
    user: String,
    upload: String,
    results: String,
    reservation: String,
    webhook: String,
}

impl Things {
    async fn of(app: &App) -> Self {
        let everyone = PageQuery::new(None, None).unwrap();
        let user = app.system(ORG).await.members().list(&everyone).await.unwrap().items[0].1.id.to_string();
        let (key, secret) = app.key(ORG, "storage:write").await;
        let body = json!({"name": "report", "size": 3, "sha256": "00".repeat(32)});
        let upload =
            app.post("/api/v1/storage/upload-url").bearer(&secret).json(&body).send().await.expect(200);
        let upload = upload.json()["upload"]["id"].as_str().unwrap().to_owned();
        let wish = NewWebhook::new("https://example.com");
        let webhook = app.system(ORG).await.webhooks().create(wish).await.unwrap().endpoint.id.to_string();
        let (results, reservation) = (results(app).await, reservation(app).await);
        Self { key, user, upload, results, reservation, webhook }
    }
}

/// Holds units, and gives the reservation's id.
async fn reservation(app: &App) -> String {
    let wish = Reserve {
        units: vec![("insight_analyses".parse().unwrap(), 1)],
        lifetime: SignedDuration::from_hours(1),
        idempotency_key: None,
        tags: BTreeMap::new(),
    };
    app.system(ORG).await.usage().reserve(wish).await.unwrap().id.to_string()
}

/// Uploads results, and gives their id.
async fn results(app: &App) -> String {
    let run = RunId::random().unwrap();
    let runs = json!([{
        "tool": {"driver": {"name": "clippy"}},
        "automationDetails": {"guid": run.to_string()},
        "results": [],
    }]);
    let document = json!({"version": "2.1.0", "runs": runs}).to_string();
    let (_, key) = app.key(ORG, "uploads:write").await;
    let project = app.post("/api/v1/projects").bearer(&key).json(&json!({"slug": "app"}));
    project.send().await.expect(200);
    let path = format!("/api/v1/uploads?product=insight&project=app&run_id={run}");
    let digest = Sha256::of(document.as_bytes()).to_string();
    let call = app.post(&path).bearer(&key).header("Odavl-Content-Sha256", &digest);
    let uploaded = call.body("application/sarif+json", document).send().await.expect(200).json();
    uploaded["upload"]["id"].as_str().unwrap_or_else(|| panic!("{uploaded}")).to_owned()
}

/// Paths that name a thing, and why they are not tried: what they name is nobody's, or they are the operator's.
const NOT_TRIED: [(&str, &str); 6] = [
    // A person is nobody's: adding them takes their id, and changes the caller's own organisation alone.
    ("PUT", "/api/v1/members/{user}"),
    // They need `instance`, which the operator's keys alone have.
    ("GET", "/api/v1/backups/sources/{source}"),
    ("GET", "/api/v1/backups/sources/{source}/{id}"),
    ("POST", "/api/v1/backups/sources/{source}/{id}/verify"),
    ("POST", "/api/v1/backups/sources/{source}/{id}/restore-plan"),
    ("PATCH", "/api/v1/organizations/{organization}"),
];

#[tokio::test]
async fn a_stranger_s_id_is_not_found_on_every_path() {
    let app = App::start().await;
    let things = Things::of(&app).await;
    let stranger = app.other_organization("other").await;
    for (method, _, path, body) in attempts(&things) {
        let call = app.call(method, &path).bearer(&stranger);
        let call = if body.is_null() { call } else { call.json(&body) };
        call.send().await.expect_problem(404, "not_found");
    }
    let own = app.key(ORG, "keys:read storage:write uploads:read").await.1;
    let path = format!("/api/v1/api-keys/{}", things.key);
    let key = app.get(&path).bearer(&own).send().await.expect(200).json();
    assert_eq!((key["name"].as_str(), key["revoked_at"].is_null()), (Some("test"), true), "nothing changed");
    let path = format!("/api/v1/storage/uploads/{}", things.upload);
    app.get(&path).bearer(&own).send().await.expect(200);
    app.get(&format!("/api/v1/uploads/{}", things.results)).bearer(&own).send().await.expect(200);
}

#[test]
fn every_path_that_names_a_thing_is_tried() {
    let document: Value = serde_json::from_str(&odavl_http::document()).unwrap();
    let tried = attempts(&Things::default());
    for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.contains('{')) {
        for method in item.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            let known = tried.iter().any(|(m, template, ..)| *m == method && template == path)
                || NOT_TRIED.iter().any(|(m, template)| *m == method && template == path);
            assert!(known, "{method} {path}: add what a stranger would send");
        }
    }
}

#[tokio::test]
async fn naming_another_organization_by_the_header_is_not_found() {
    let app = App::start().await;
    let stranger = app.other_organization("other").await;
    let answer = app.get("/api/v1/usage").bearer(&stranger).header("Odavl-Organization", ORG).send().await;
    answer.expect_problem(404, "not_found");
    let absent =
        app.get("/api/v1/usage").bearer(&stranger).header("Odavl-Organization", "absent").send().await;
    absent.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_operator_s_key_acts_on_the_organization_that_it_names() {
    let app = App::start().await;
    let operator = app.key("operator", "instance:write usage:read").await.1;
    let answer = app.get("/api/v1/me").bearer(&operator).header("Odavl-Organization", ORG).send().await;
    assert_eq!(answer.expect(200).json()["organization_slug"], ORG);
}

#[tokio::test]
async fn a_member_is_added_changed_and_removed_once() {
    let app = App::start().await;
    let owner = app.system("operator").await;
    let bob = odavl_core::auth::NewUser {
        email: "bob@example.com".parse().unwrap(),
        name: "Bob".to_owned(),
        password: None,
    };
    let bob: UserId = owner.users().create(bob).await.unwrap().id;
    app.system(ORG).await.members().put(bob, Role::Admin).await.unwrap();
    let path = format!("/api/v1/members/{bob}");
    let admin = app.key(ORG, "org:admin").await.1;
    let answer = app.call("PUT", &path).bearer(&admin).json(&json!({"role": "viewer"})).send().await;
    assert_eq!(answer.expect(200).json()["role"], "viewer");
    app.call("DELETE", &path).bearer(&admin).send().await.expect(200);
    app.call("DELETE", &path).bearer(&admin).send().await.expect_problem(404, "not_found");
}
