//! Units that are held over HTTP: reserved, settled, released, expired.

use serde_json::{Value, json};

use crate::{
    app::{App, ORG},
    client::{Answer, Call},
};

const PATH: &str = "/api/v1/usage/reservations";

async fn reserve(app: &App, key: &str, body: &Value) -> Answer {
    app.post(PATH).bearer(key).json(body).send().await
}

async fn end(app: &App, key: &str, path: &str, body: Value) -> Answer {
    let call = app.post(&format!("{PATH}/{path}")).bearer(key);
    if body.is_null() { call.send().await } else { call.json(&body).send().await }
}

fn analyses(units: u64) -> Value {
    json!({"charges": [{"meter": "insight_analyses", "units": units}]})
}

async fn used(app: &App) -> u64 {
    let report = app.system(ORG).await.usage().read().await.unwrap();
    report.limits.iter().find(|standing| standing.meter.as_str() == "insight_analyses").unwrap().used
}

#[tokio::test]
async fn what_is_held_counts_and_what_is_settled_stays() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let held = reserve(&app, &key, &analyses(8)).await.expect(200).json();
    let limit = &held["limits"][0];
    assert_eq!((limit["used"].as_u64(), limit["remaining"].as_u64()), (Some(8), Some(2)));
    assert_eq!(held["expires_at"], "2026-11-22T13:00:00.654321Z");
    reserve(&app, &key, &analyses(3)).await.expect_problem(429, "quota_exceeded");

    let path = format!("{}/settle", held["id"].as_str().unwrap());
    let ended = end(&app, &key, &path, analyses(5)).await.expect(200).json();
    assert_eq!((ended["limits"][0]["units"].as_u64(), ended["replayed"].as_bool()), (Some(5), Some(false)));
    let again = end(&app, &key, &path, analyses(5)).await.expect(200).json();
    assert_eq!(again["replayed"], true);
    assert_eq!(used(&app).await, 5);
}

#[tokio::test]
async fn what_is_released_or_expires_is_given_back() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let held = reserve(&app, &key, &analyses(8)).await.expect(200).json();
    let path = format!("{}/release", held["id"].as_str().unwrap());
    end(&app, &key, &path, Value::Null).await.expect(200);
    assert_eq!(used(&app).await, 0);
    let settle = format!("{}/settle", held["id"].as_str().unwrap());
    end(&app, &key, &settle, analyses(1)).await.expect_problem(404, "not_found");

    let mut brief = analyses(9);
    brief["expires_in"] = 60.into();
    reserve(&app, &key, &brief).await.expect(200);
    app.pass(61);
    app.odavl.sweep().await.unwrap();
    assert_eq!(used(&app).await, 0);
}

#[tokio::test]
async fn a_retry_finds_the_reservation_that_it_made() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let once =
        |body: Value| app.post(PATH).bearer(&key).header("Idempotency-Key", "job-1").json(&body).send();
    let first = once(analyses(9)).await.expect(200).json();
    app.pass(30);
    let again = once(analyses(9)).await.expect(200).json();
    assert_eq!((&again["id"], &again["expires_at"]), (&first["id"], &first["expires_at"]));
    assert_eq!((again["replayed"].as_bool(), used(&app).await), (Some(true), 9));
    once(analyses(1)).await.expect_problem(409, "conflict");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_holds_nothing() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let one = |meter: &str, units: u64| json!({"meter": meter, "units": units});
    let wrong = [
        json!({"charges": []}),
        json!({"charges": [one("absent", 1)]}),
        json!({"charges": [one("storage_bytes", 1)]}),
        json!({"charges": [one("api_calls", 1), one("api_calls", 1)]}),
        json!({"charges": [one("api_calls", 9_007_199_254_740_992)]}),
        json!({"charges": [one("api_calls", 1)], "expires_in": 0}),
        json!({"charges": [one("api_calls", 1)], "expires_in": 86_401}),
    ];
    for body in wrong {
        reserve(&app, &key, &body).await.expect_problem(400, "invalid_input");
    }
    let (_, reader) = app.key(ORG, "usage:read").await;
    reserve(&app, &reader, &analyses(1)).await.expect_problem(403, "forbidden");
    assert_eq!(used(&app).await, 0);
}

#[tokio::test]
async fn what_is_stored_cannot_be_charged_by_hand() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write insight:read").await;
    let (_, gateway) = app.key("operator", "gateway:write").await;
    let consume = json!({"meter": "storage_bytes", "units": 1});
    let answer = app.post("/api/v1/usage/consume").bearer(&key).json(&consume).send().await;
    answer.expect_problem(400, "invalid_input");
    let verify = |units: u64| json!({"key": key, "charges": [{"meter": "storage_bytes", "units": units}]});
    let ask = |units| app.post("/api/v1/gateway/verify").bearer(&gateway).json(&verify(units)).send();
    ask(1).await.expect_problem(400, "invalid_input");
    assert_eq!(ask(0).await.expect(200).json()["valid"], true);
}

#[tokio::test]
async fn whoever_decides_for_others_charges_any_organization_and_does_nothing_else_there() {
    let app = App::start().await;
    let (_, gateway) = app.key("operator", "gateway:write org:read usage:read keys:read").await;
    let on = |call: Call| call.bearer(&gateway).header("Odavl-Organization", ORG);
    let body = json!({"meter": "insight_analyses"});
    on(app.post("/api/v1/usage/consume")).json(&body).send().await.expect(200);
    let held = on(app.post(PATH)).json(&analyses(2)).send().await.expect(200).json();
    let settle = format!("{PATH}/{}/settle", held["id"].as_str().unwrap());
    on(app.post(&settle)).json(&analyses(2)).send().await.expect(200);
    assert_eq!(used(&app).await, 3);
    for path in ["/api/v1/usage", "/api/v1/api-keys", "/api/v1/members"] {
        on(app.get(path)).send().await.expect_problem(403, "forbidden");
    }
}
