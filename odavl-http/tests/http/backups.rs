//! Backups over HTTP: begun, seen, verified by operators; closed to everybody else.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use odavl_core::{
    Result,
    webhooks::{Courier, Letter},
};
use poem::{Endpoint, Request};
use serde_json::{Value, json};

use crate::app::{App, ORG};

const PATH: &str = "/api/v1/backups";

/// Asks until something is there.
async fn until(app: &App, key: &str, path: &str, is_there: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1000 {
        let answer = app.get(path).bearer(key).send().await.expect(200).json();
        if is_there(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{path} never had it");
}

#[tokio::test]
async fn a_backup_is_begun_seen_and_verified() {
    let app = App::start().await;
    let key = app.key("operator", "instance:write").await.1;
    let sources = format!("{PATH}/sources");
    let before = app.get(&sources).bearer(&key).send().await.expect(200).json();
    let source = &before["items"][0];
    assert_eq!(
        (&source["name"], &source["backups"], &source["newest"]),
        (&json!("main"), &json!(0), &Value::Null)
    );

    let begun = app.post(PATH).bearer(&key).json(&json!({"source": "main"})).send().await.expect(202).json();
    assert_eq!(begun["work"], "backup");
    let idle = |answer: &Value| answer["items"][0]["running"].is_null();
    let made = until(&app, &key, &sources, idle).await;
    let newest = &made["items"][0]["newest"];
    assert_eq!((&newest["proof"], &made["items"][0]["failed"]), (&json!("unproved"), &Value::Null), "{made}");
    let one = format!("{sources}/main/{}", newest["id"].as_str().unwrap());

    app.pass(1);
    let verify = app.post(&format!("{one}/verify")).bearer(&key).send().await.expect(202).json();
    assert_eq!((&verify["work"], &verify["backup_id"]), (&json!("verify"), &newest["id"]));
    let verified = until(&app, &key, &one, |answer| answer["proof"] == "verified").await;
    let tiers: Vec<_> =
        verified["verdicts"].as_array().unwrap().iter().map(|verdict| &verdict["tier"]).collect();
    assert_eq!(tiers, ["bytes", "restore"]);

    let plan = app.post(&format!("{one}/restore-plan")).bearer(&key).json(&json!({"to": "copy"}));
    let plan = plan.send().await.expect(200).json();
    assert_eq!(
        (&plan["to"], &plan["proof"], &plan["bytes"]),
        (&json!("copy"), &json!("verified"), &newest["bytes"])
    );
    let page = app.get(&format!("{sources}/main?limit=1")).bearer(&key).send().await.expect(200).json();
    assert_eq!((page["items"][0].clone(), page["next_cursor"].clone()), (verified, Value::Null));
}

#[tokio::test]
async fn what_is_not_named_in_the_configuration_is_not_there() {
    let app = App::start().await;
    let key = app.key("operator", "instance:admin").await.1;
    for source in ["other", "postgres://u:p@h/d", ""] {
        let answer = app.post(PATH).bearer(&key).json(&json!({ "source": source })).send().await;
        answer.expect_problem(404, "not_found");
    }
    let absent = format!("{PATH}/sources/main/bkp_01kawmzc40f7ab3h9q2v6x8d1n");
    app.get(&absent).bearer(&key).send().await.expect_problem(404, "not_found");
    app.get(&format!("{PATH}/sources/main/key_1")).bearer(&key).send().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn nobody_but_operators_sees_or_begins_one() {
    let app = App::start().await;
    let own = app.key(ORG, "org:admin storage:admin uploads:admin").await.1;
    let read = app.key("operator", "instance:read").await.1;
    let list = format!("{PATH}/sources");
    app.get(&list).bearer(&own).send().await.expect_problem(403, "forbidden");
    app.get(&list).bearer(&read).send().await.expect(200);
    for key in [&own, &read] {
        let answer = app.post(PATH).bearer(key).json(&json!({"source": "main"})).send().await;
        answer.expect_problem(403, "forbidden");
    }
    let seen = app.get(&list).bearer(&read).send().await.expect(200).json();
    assert_eq!(seen["items"][0]["backups"], 0);
}

/// Nobody is told anything.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Courier for Nobody {
    async fn send(&self, letter: &Letter) -> Result<u16> {
        panic!("{letter:?}")
    }
}

#[tokio::test]
async fn prometheus_reads_how_backups_stand_on_the_node_that_leads() {
    let app = App::start().await;
    let metrics = odavl_http::metrics(app.odavl.clone());
    let read = async || {
        let answer = metrics.get_response(Request::builder().uri_str("/metrics").finish()).await;
        assert_eq!(answer.content_type(), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
        answer.into_body().into_string().await.unwrap()
    };
    assert!(!read().await.contains("main"));
    let mut keeper = app.odavl.keeper(Arc::new(Nobody)).unwrap();
    for _ in 0..2 {
        keeper.turn().await.unwrap();
        keeper.finish().await;
    }
    let text = read().await;
    let begun = format!("{:.6}", app.now().as_duration().as_secs_f64());
    let labels = "{environment=\"production\",source=\"main\"}";
    assert!(text.contains(&format!("odavl_backup_last_success_timestamp_seconds{labels} {begun}")), "{text}");
    assert!(text.contains(&format!("odavl_backup_dump_bytes{labels} ")), "{text}");
    assert!(!text.contains(&format!("odavl_backup_last_verified_timestamp_seconds{labels}")), "{text}");
    assert!(!text.contains("odavl_backup_trouble{"), "{text}");

    app.pass(60 * 60 * 60);
    keeper.turn().await.unwrap();
    let text = read().await;
    for kind in ["late", "unverified"] {
        let trouble =
            format!("odavl_backup_trouble{{environment=\"production\",source=\"main\",kind=\"{kind}\"}} 1");
        assert!(text.contains(&trouble), "{text}");
    }
}
