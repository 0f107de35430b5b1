//! Events over HTTP: what was used elsewhere, told in batches, once.

use serde_json::{Value, json};

use crate::app::{App, ORG};

const PATH: &str = "/api/v1/usage/events";

fn event(id: &str, units: u64) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/workers/7", "type": "insight_analyses",
        "time": "2026-11-22T11:00:00Z", "data": {"units": units}, "traceparent": "of an extension",
    })
}

fn with(mut event: Value, name: &str, value: impl Into<Value>) -> Value {
    event[name] = value.into();
    event
}

/// Tells of them; answers what became of each, and why.
async fn tell(app: &App, key: &str, events: &[Value]) -> Vec<String> {
    let answer = app.post(PATH).bearer(key).json(&json!(events)).send().await.expect(200).json();
    let said = |result: &Value| {
        let code = result["code"].as_str().map(|code| format!(" {code}")).unwrap_or_default();
        format!("{}{code}", result["outcome"].as_str().unwrap())
    };
    answer["items"].as_array().unwrap().iter().map(said).collect()
}

async fn used(app: &App, org: &str) -> u64 {
    let report = app.system(org).await.usage().read().await.unwrap();
    report.limits.iter().find(|standing| standing.meter.as_str() == "insight_analyses").unwrap().used
}

#[tokio::test]
async fn each_event_is_charged_once_and_answered_by_itself() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let batch = [event("1", 4), event("2", 4), event("3", 4), with(event("4", 1), "type", "no_such_meter")];
    let first = tell(&app, &key, &batch).await;
    assert_eq!(first, ["accepted", "accepted", "rejected quota_exceeded", "rejected invalid_input"]);
    assert_eq!(used(&app, ORG).await, 8);
    // Another worker with a key of its own sends some of it again, and something else under a known id.
    let (_, other) = app.key(ORG, "usage:write").await;
    let again = [event("1", 4), event("2", 3), event("5", 1), with(event("1", 1), "source", "/workers/8")];
    let again = tell(&app, &other, &again).await;
    assert_eq!(again, ["duplicate", "conflict conflict", "accepted", "accepted"]);
    assert_eq!(used(&app, ORG).await, 10);
}

#[tokio::test]
async fn one_batch_may_hold_the_same_event_twice() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let told = tell(&app, &key, &[event("1", 2), event("1", 2), event("1", 2)]).await;
    assert_eq!(told, ["accepted", "duplicate", "duplicate"]);
    assert_eq!(used(&app, ORG).await, 2);
}

#[tokio::test]
async fn an_event_without_data_is_one_unit_and_an_old_one_is_none() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let bare = json!({"specversion": "1.0", "id": "a", "source": "s", "type": "insight_analyses"});
    let old = with(event("b", 1), "time", "2026-11-20T11:00:00Z");
    let ahead = with(event("c", 1), "time", "2026-11-22T12:06:00Z");
    let other = with(event("d", 1), "specversion", "0.3");
    let told = tell(&app, &key, &[bare, old, ahead, other]).await;
    assert_eq!(
        told,
        ["accepted", "rejected invalid_input", "rejected invalid_input", "rejected invalid_input"]
    );
    assert_eq!(used(&app, ORG).await, 1);
}

#[tokio::test]
async fn a_service_tells_for_its_customers_and_a_customer_for_nobody_else() {
    let app = App::start().await;
    app.other_organization("two").await;
    let (_, service) = app.key("operator", "gateway:write").await;
    let batch = ["acme", "two", "three"].map(|org| with(event("1", 1), "subject", org));
    assert_eq!(tell(&app, &service, &batch).await, ["accepted", "accepted", "rejected not_found"]);
    assert_eq!((used(&app, ORG).await, used(&app, "two").await), (1, 1));
    let (_, customer) = app.key(ORG, "usage:write").await;
    let batch = ["two", "acme"].map(|org| with(event("2", 1), "subject", org));
    assert_eq!(tell(&app, &customer, &batch).await, ["rejected not_found", "accepted"]);
    assert_eq!((used(&app, ORG).await, used(&app, "two").await), (2, 1));
}

#[tokio::test]
async fn what_is_no_batch_of_events_is_refused_whole() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let many: Vec<_> = (0..1001).map(|id| event(&id.to_string(), 0)).collect();
    let nameless = with(event("1", 1), "id", Value::Null);
    let negative = with(event("1", 1), "data", json!({"units": -1}));
    let unknown = with(event("1", 1), "data", json!({"unit": 1}));
    for events in [json!(many), json!([nameless]), json!([negative]), json!([unknown]), event("1", 1)] {
        let refused = app.post(PATH).bearer(&key).json(&events).send().await;
        refused.expect_problem(400, "invalid_input");
    }
    let (_, reader) = app.key(ORG, "usage:read").await;
    let refused = app.post(PATH).bearer(&reader).json(&json!([event("1", 1), event("2", 1)])).send().await;
    refused.expect_problem(403, "forbidden");
    let batch = serde_json::to_string(&[event("1", 1)]).unwrap();
    let taken = app.post(PATH).bearer(&key).body("application/cloudevents-batch+json", batch).send().await;
    assert_eq!(taken.expect(200).json()["items"][0]["outcome"], "accepted");
    assert_eq!(used(&app, ORG).await, 1);
}
