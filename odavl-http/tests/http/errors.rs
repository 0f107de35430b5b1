//! Errors: one form for every operation, and nothing of the inside.

use std::sync::Arc;

use async_trait::async_trait;
use odavl_core::{
    Error, Result,
    ids::OrgId,
    metering::{Bucket, Decision, Entry, HistoryQuery, Metering, Pruning, Record, ThresholdEvent, Untold},
    page::{Page, PageQuery},
};
use serde_json::json;

use crate::app::{App, ORG};

#[tokio::test]
async fn without_a_credential_the_answer_challenges_without_an_error_code() {
    let answer = App::start().await.get("/api/v1/me").send().await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"odavl\""));
    let problem = answer.expect_problem(401, "unauthenticated");
    assert_eq!((problem["reason"].as_str(), problem["hint"].is_string()), (Some("missing"), true));
}

#[tokio::test]
async fn a_refused_credential_says_why_and_is_challenged_with_an_error_code() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:read").await;
    let mut mistyped = key.clone();
    mistyped.replace_range(key.len() - 1.., if key.ends_with('A') { "B" } else { "A" });
    let wrong = [("nonsense", "malformed"), (mistyped.as_str(), "malformed"), ("a.b.c", "malformed")];
    for (credential, reason) in wrong {
        let answer = app.get("/api/v1/me").bearer(credential).send().await;
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"odavl\", error=\"invalid_token\"")
        );
        assert_eq!(answer.expect_problem(401, "unauthenticated")["reason"], reason, "{credential}");
    }
    let stranger = App::start().await.key(ORG, "usage:read").await.1;
    let answer = app.get("/api/v1/me").bearer(&stranger).send().await;
    assert_eq!(answer.expect_problem(401, "unauthenticated")["reason"], "unknown");
}

#[tokio::test]
async fn a_revoked_and_a_disabled_key_say_so() {
    let app = App::start().await;
    let (_, admin) = app.key(ORG, "keys:admin").await;
    let (id, key) = app.key(ORG, "usage:read").await;
    let path = format!("/api/v1/api-keys/{id}");
    app.call("PATCH", &path).bearer(&admin).json(&json!({"disabled": true})).send().await.expect(200);
    let answer = app.get("/api/v1/usage").bearer(&key).send().await;
    assert_eq!(answer.expect_problem(401, "unauthenticated")["reason"], "disabled");
    app.call("DELETE", &path).bearer(&admin).send().await.expect(200);
    let answer = app.get("/api/v1/usage").bearer(&key).send().await;
    assert_eq!(answer.expect_problem(401, "unauthenticated")["reason"], "revoked");
}

#[tokio::test]
async fn a_missing_scope_is_forbidden_and_named() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:read").await;
    let body = json!({"meter": "api_calls"});
    let answer = app.post("/api/v1/usage/consume").bearer(&key).json(&body).send().await;
    let problem = answer.expect_problem(403, "forbidden");
    assert_eq!(problem["reason"], "insufficient_scope");
    assert!(problem["detail"].as_str().unwrap().contains("usage:write"));
}

#[tokio::test]
async fn input_that_makes_no_sense_is_refused_with_a_way_out() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write keys:write").await;
    let bodies = [
        ("/api/v1/usage/consume", json!({"meter": "no such"})),
        ("/api/v1/usage/consume", json!({"meter": "absent"})),
        ("/api/v1/usage/consume", json!({"meter": "api_calls", "units": 9_007_199_254_740_992_u64})),
        ("/api/v1/usage/consume", json!({"meter": "api_calls", "units": -1})),
        ("/api/v1/usage/consume", json!({"units": 1})),
        ("/api/v1/usage/consume", json!([])),
        ("/api/v1/api-keys", json!({"name": "a", "scopes": ["usage"]})),
        ("/api/v1/api-keys", json!({"name": "", "scopes": ["usage:read"]})),
        ("/api/v1/api-keys", json!({"name": "a", "scopes": ["usage:read"], "allowed_ips": ["10.0.0.0/64"]})),
    ];
    for (path, body) in bodies {
        let answer = app.post(path).bearer(&key).json(&body).send().await;
        answer.expect_problem(400, "invalid_input");
    }
    let answer =
        app.post("/api/v1/usage/consume").bearer(&key).body("application/json", "{\"meter\":").send();
    answer.await.expect_problem(400, "invalid_input");
    let answer = app.get("/api/v1/api-keys?limit=0").bearer(&key).send().await;
    answer.expect_problem(400, "invalid_input");
    let answer = app.get("/api/v1/api-keys?cursor=%00").bearer(&key).send().await;
    answer.expect_problem(400, "invalid_input");
}

#[tokio::test]
async fn what_exists_or_contradicts_is_a_conflict() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write uploads:write").await;
    let project = json!({"slug": "one"});
    app.post("/api/v1/projects").bearer(&key).json(&project).send().await.expect(200);
    let answer = app.post("/api/v1/projects").bearer(&key).json(&project).send().await;
    answer.expect_problem(409, "already_exists");

    let consume = |units: u64| {
        let body = json!({"meter": "api_calls", "units": units});
        app.post("/api/v1/usage/consume").bearer(&key).header("Idempotency-Key", "once").json(&body).send()
    };
    consume(1).await.expect(200);
    assert_eq!(consume(1).await.expect(200).json()["replayed"], true);
    consume(2).await.expect_problem(409, "conflict");
}

#[tokio::test]
async fn a_field_that_is_not_known_is_refused_rather_than_passed_over() {
    let app = App::start().await;
    let (_, gateway) = app.key("operator", "gateway:write").await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let body = json!({"key": key, "scopes": "storage:admin"});
    let answer = app.post("/api/v1/gateway/verify").bearer(&gateway).json(&body).send().await;
    answer.expect_problem(400, "invalid_input");
    let body = json!({"meter": "api_calls", "unit": 5});
    let answer = app.post("/api/v1/usage/consume").bearer(&key).json(&body).send().await;
    answer.expect_problem(400, "invalid_input");
}

#[tokio::test]
async fn a_key_in_the_wrong_place_is_not_repeated() {
    let app = App::start().await;
    let (_, gateway) = app.key("operator", "gateway:write").await;
    let (_, key) = app.key(ORG, "usage:write").await;
    for body in [
        json!({"key": [key]}),
        json!({"key": {"key": key}}),
        json!(key),
        json!([{"key": key}]),
        json!({"key": "k", "charges": {"secret": key}}),
        json!({"key": "k", "charges": [key]}),
        json!({"key": "k", "charges": [{"meter": "api_calls", "units": key}]}),
        json!({"key": "k", "tags": {"a": [key]}}),
        json!({"key": "k", "ip": key}),
    ] {
        let answer = app.post("/api/v1/gateway/verify").bearer(&gateway).json(&body).send().await;
        assert!(!answer.text().contains(&key), "{}", answer.text());
        answer.expect_problem(400, "invalid_input");
    }
}

#[tokio::test]
async fn a_rotation_sent_twice_leaves_the_former_secret_its_grace() {
    let app = App::start().await;
    let (id, secret) = app.key(ORG, "usage:read").await;
    let (_, admin) = app.key(ORG, "keys:admin usage:read").await;
    let rotate = |grace: u64| {
        let path = format!("/api/v1/api-keys/{id}/rotate");
        app.post(&path).bearer(&admin).json(&json!({"grace_seconds": grace})).send()
    };
    rotate(3600).await.expect(200);
    rotate(3600).await.expect_problem(409, "conflict");
    app.get("/api/v1/me").bearer(&secret).send().await.expect(200);
    rotate(0).await.expect(200);
    app.get("/api/v1/me").bearer(&secret).send().await.expect(401);
    app.pass(3600);
    rotate(3600).await.expect(200);
}

#[tokio::test]
async fn a_used_up_quota_says_what_when_and_by_which_policy() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let consume = |units: u64| {
        let body = json!({"meter": "insight_analyses", "units": units});
        app.post("/api/v1/usage/consume").bearer(&key).json(&body).send()
    };
    let granted = consume(9).await.expect(200);
    assert_eq!(granted.header("ratelimit-policy"), Some("\"insight_analyses\";q=10;w=2592000"));
    assert_eq!(granted.header("ratelimit"), Some("\"insight_analyses\";r=1;t=734400"));

    let refused = consume(2).await;
    assert_eq!(refused.header("ratelimit"), Some("\"insight_analyses\";r=1;t=734400"));
    assert_eq!(refused.header("retry-after"), None, "eight days are too long to wait");
    let problem = refused.expect_problem(429, "quota_exceeded");
    assert_eq!(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
    assert_eq!((problem["meter"].as_str(), problem["limit"].as_u64()), (Some("insight_analyses"), Some(10)));
    assert_eq!(
        (problem["used"].as_u64(), problem["resets_at"].as_str()),
        (Some(9), Some("2026-12-01T00:00:00Z"))
    );
    assert_eq!(problem["violated-policies"], json!(["insight_analyses"]));
}

#[tokio::test]
async fn a_used_up_rate_says_how_long_to_wait() {
    let app = App::start().await;
    let (id, key) = app.key(ORG, "usage:write keys:admin").await;
    let limits = json!({"limits": [{"meter": "api_calls", "max": 1, "per": "60s"}]});
    app.call("PATCH", &format!("/api/v1/api-keys/{id}")).bearer(&key).json(&limits).send().await.expect(200);
    let consume = || {
        let body = json!({"meter": "api_calls"});
        app.post("/api/v1/usage/consume").bearer(&key).json(&body).send()
    };
    consume().await.expect(200);
    let refused = consume().await;
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(
        refused.expect_problem(429, "rate_limited")["violated-policies"],
        json!(["key:api_calls/60s"])
    );
    app.pass(60);
    consume().await.expect(200);
}

/// A Metering whose database is gone, or broken.
#[derive(Debug)]
struct Broken(fn() -> Error);

#[async_trait]
impl Metering for Broken {
    async fn apply(&self, _: &[Entry]) -> Result<Vec<Decision>> {
        Err((self.0)())
    }
    async fn fence(&self, _: OrgId, _: u64) -> Result<()> {
        Ok(())
    }
    async fn sweep(&self, _: u32) -> Result<u32> {
        Ok(0)
    }
    async fn prune(&self, _: Pruning) -> Result<Option<Pruning>> {
        Ok(None)
    }
    async fn history(&self, _: OrgId, _: &HistoryQuery) -> Result<Vec<Bucket>> {
        Err((self.0)())
    }
    async fn ledger(&self, _: OrgId, _: &PageQuery) -> Result<Page<Record>> {
        Err((self.0)())
    }
    async fn thresholds(&self, _: OrgId, _: &PageQuery) -> Result<Page<ThresholdEvent>> {
        Err((self.0)())
    }
    async fn untold(&self, _: u32) -> Result<Vec<Untold>> {
        Err((self.0)())
    }
    async fn told(&self, _: OrgId, _: u64) -> Result<()> {
        Err((self.0)())
    }
}

async fn broken(error: fn() -> Error) -> crate::client::Answer {
    let app = App::with(|plan| plan.metering = Some(Arc::new(Broken(error)))).await;
    app.get("/api/health/ready").send().await
}

#[tokio::test]
async fn what_fails_inside_stays_inside() {
    let inside = [
        (|| Error::internal("canary", None), "internal"),
        (|| Error::corrupted("table `canary`", None), "corrupted"),
    ] as [(fn() -> Error, &str); 2];
    for (error, code) in inside {
        let answer = broken(error).await;
        assert!(!answer.text().contains("canary"));
        answer.expect_problem(500, code);
    }
}

#[tokio::test]
async fn what_is_not_there_now_says_when_to_try_again() {
    let answer = broken(|| Error::unavailable("the database does not answer", None)).await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.expect_problem(503, "unavailable");
    broken(|| Error::Unsupported("not in this build".to_owned())).await.expect_problem(501, "unsupported");
    broken(|| Error::PreconditionFailed("changed".to_owned()))
        .await
        .expect_problem(412, "precondition_failed");
    let large = broken(|| Error::TooLarge { what: "it".to_owned(), limit: 1 }).await;
    large.expect_problem(413, "too_large");
}
