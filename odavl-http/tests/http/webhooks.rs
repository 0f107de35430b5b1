//! Endpoints over HTTP: added, listed, removed; what they were told.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use odavl_core::{
    Result,
    metering::Consume,
    webhooks::{Courier, Letter},
};
use serde_json::{Value, json};

use crate::app::{App, ORG};

const PATH: &str = "/api/v1/webhooks";

/// A receiver that answers that.
#[derive(Debug)]
struct Answering(u16);

#[async_trait]
impl Courier for Answering {
    async fn send(&self, _: &Letter) -> Result<u16> {
        Ok(self.0)
    }
}

async fn add(app: &App, key: &str, body: Value) -> crate::client::Answer {
    app.post(PATH).bearer(key).json(&body).send().await
}

#[tokio::test]
async fn an_endpoint_shows_its_secret_once_and_what_it_was_told() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "org:write").await;
    let url = "https://example.com/hook";
    let body = json!({"url": url, "description": "ours"});
    let again =
        async || app.post(PATH).bearer(&key).header("Idempotency-Key", "ours").json(&body).send().await;
    let made = again().await.expect(200).json();
    assert_eq!(again().await.expect(200).json(), made);
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let listed = app.get(PATH).bearer(&key).send().await.expect(200);
    assert!(!listed.text().contains(secret));
    assert_eq!(listed.json()["items"], json!([made["webhook"]]));

    let meter = "insight_analyses".parse().unwrap();
    let wish = Consume { meter, units: 8, idempotency_key: None, tags: [].into() };
    app.system(ORG).await.usage().consume(wish).await.unwrap();
    let away: Arc<dyn Courier> = Arc::new(Answering(503));
    app.odavl.deliver(&away).await.unwrap();
    let path = format!("{PATH}/{}/deliveries", made["webhook"]["id"].as_str().unwrap());
    let told = app.get(&path).bearer(&key).send().await.expect(200).json();
    let told = &told["items"][0];
    assert_eq!(
        (&told["state"], &told["attempts"], &told["last_status"]),
        (&json!("pending"), &json!(1), &json!(503))
    );
    assert!(told["payload"].as_str().unwrap().contains("usage.threshold_reached"));
    let replay = format!("{path}/{}/replay", told["event_id"].as_str().unwrap());
    app.post(&replay).bearer(&key).send().await.expect_problem(409, "conflict");
    app.clock.advance(SignedDuration::from_secs(10));
    let there: Arc<dyn Courier> = Arc::new(Answering(410));
    app.odavl.deliver(&there).await.unwrap();
    let again = app.post(&replay).bearer(&key).send().await.expect(200).json();
    assert_eq!((&again["attempts"], &again["event_id"]), (&json!(0), &told["event_id"]));

    let one = format!("{PATH}/{}", made["webhook"]["id"].as_str().unwrap());
    app.call("DELETE", &one).bearer(&key).send().await.expect(200);
    app.call("DELETE", &one).bearer(&key).send().await.expect_problem(404, "not_found");
    app.get(&path).bearer(&key).send().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn what_is_no_https_address_is_refused() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "org:write").await;
    for url in ["http://example.com", "https://me:pw@example.com", "https://", "javascript:alert(1)"] {
        add(&app, &key, json!({"url": url})).await.expect_problem(400, "invalid_input");
    }
    let (_, reader) = app.key(ORG, "org:read").await;
    add(&app, &reader, json!({"url": "https://example.com"})).await.expect_problem(403, "forbidden");
}
