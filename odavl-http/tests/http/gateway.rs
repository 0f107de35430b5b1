//! The gateway as forward-auth: a proxy asks about each request that it gets.

use serde_json::json;

use crate::{
    app::{App, ORG},
    client::{Answer, Call},
};

const PATH: &str = "/api/v1/gateway/authorize";

/// A service, with the proxy's key and a customer's.
async fn started() -> (App, String, String) {
    let app = App::start().await;
    let (_, proxy) = app.key("operator", "gateway:write").await;
    let (_, customer) = app.key(ORG, "insight:write").await;
    (app, proxy, customer)
}

fn ask(app: &App, query: &str, proxy: &str) -> Call {
    app.get(&format!("{PATH}?{query}")).header("Odavl-Gateway-Key", proxy)
}

async fn charged(app: &App) -> u64 {
    let report = app.system(ORG).await.usage().read().await.unwrap();
    report.limits.iter().find(|standing| standing.meter.as_str() == "insight_analyses").unwrap().used
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.header(name).unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test]
async fn a_request_passes_with_whose_it_is_and_what_is_left() {
    let (app, proxy, customer) = started().await;
    let query = "scope=insight:write&charge=insight_analyses:4";
    let passed = ask(&app, query, &proxy).bearer(&customer).send().await.expect(204);
    assert_eq!(header(&passed, "odavl-key-id"), format!("key_{}", customer.split('_').nth(2).unwrap()));
    assert!(header(&passed, "odavl-key-organization").starts_with("org_"));
    assert_eq!(header(&passed, "odavl-key-external-id"), "");
    assert_eq!(header(&passed, "odavl-key-plan"), "FREE");
    assert_eq!(header(&passed, "odavl-key-scopes"), "insight:write");
    assert_eq!(header(&passed, "odavl-key-environment"), "live");
    assert!(header(&passed, "ratelimit").starts_with("\"insight_analyses\";r=6;t="));
    assert_eq!(charged(&app).await, 4);

    ask(&app, "charge=insight_analyses:4", &proxy).bearer(&customer).send().await.expect(204);
    let refused = ask(&app, "charge=insight_analyses:4", &proxy).bearer(&customer).send().await;
    let problem = refused.expect_problem(429, "quota_exceeded");
    assert_eq!((problem["meter"].as_str(), problem["used"].as_u64()), (Some("insight_analyses"), Some(8)));
    assert_eq!(charged(&app).await, 8);
    ask(&app, "", &proxy).bearer(&customer).send().await.expect(204);
}

#[tokio::test]
async fn a_team_s_own_id_arrives_as_text_that_a_header_can_hold() {
    let (app, proxy, _) = started().await;
    let (_, operator) = app.key("operator", "instance:admin").await;
    let body = json!({"slug": "two", "name": "Two", "external_id": "Kunde 7 % ä"});
    app.post("/api/v1/organizations").bearer(&operator).json(&body).send().await.expect(200);
    let (_, customer) = app.key("two", "insight:write").await;
    let passed = ask(&app, "", &proxy).bearer(&customer).send().await.expect(204);
    assert_eq!(header(&passed, "odavl-key-external-id"), "Kunde 7 %25 %C3%A4");
}

#[tokio::test]
async fn whoever_is_refused_hears_why_and_is_charged_nothing() {
    let (app, proxy, customer) = started().await;
    let query = "charge=insight_analyses";
    let none = ask(&app, query, &proxy).send().await;
    assert_eq!(header(&none, "www-authenticate"), "Bearer realm=\"odavl\"");
    none.expect_problem(401, "unauthenticated");
    for wrong in ["Basic YTpi", "Bearer", "Bearer nonsense", &customer] {
        let refused = ask(&app, query, &proxy).header("Authorization", wrong).send().await;
        assert_eq!(refused.expect_problem(401, "unauthenticated")["reason"], "malformed", "{wrong}");
    }
    let scope = ask(&app, "scope=keys:read&charge=insight_analyses", &proxy).bearer(&customer).send().await;
    assert_eq!(scope.expect_problem(403, "forbidden")["reason"], "insufficient_scope");
    let test = ask(&app, "environment=test&charge=insight_analyses", &proxy).bearer(&customer).send().await;
    assert_eq!(test.expect_problem(401, "unauthenticated")["reason"], "wrong_environment");
    assert_eq!(charged(&app).await, 0);
}

#[tokio::test]
async fn a_proxy_shows_a_key_of_its_own() {
    let (app, proxy, customer) = started().await;
    app.get(PATH).bearer(&customer).send().await.expect_problem(401, "unauthenticated");
    app.get(PATH).bearer(&proxy).send().await.expect_problem(401, "unauthenticated");
    ask(&app, "", "nonsense").bearer(&customer).send().await.expect_problem(401, "unauthenticated");
    // A customer's own key decides nothing.
    ask(&app, "", &customer).bearer(&customer).send().await.expect_problem(403, "forbidden");
    let twice = ask(&app, "", &proxy).header("Odavl-Gateway-Key", &customer).bearer(&customer).send().await;
    twice.expect_problem(400, "invalid_input");
}

#[tokio::test]
async fn what_a_request_carries_neither_saves_it_a_charge_nor_chooses_an_organisation() {
    let (app, proxy, customer) = started().await;
    app.other_organization("two").await;
    for _ in 0..3 {
        let call = ask(&app, "charge=insight_analyses", &proxy).bearer(&customer);
        let call = call.header("Idempotency-Key", "always-the-same").header("Content-Encoding", "gzip");
        call.header("Odavl-Organization", "two").send().await.expect(204);
    }
    assert_eq!(charged(&app).await, 3);
    // The proxy's own word for a retry does hold.
    for _ in 0..3 {
        let query = "charge=insight_analyses&idempotency_key=request-7";
        ask(&app, query, &proxy).bearer(&customer).send().await.expect(204);
    }
    assert_eq!(charged(&app).await, 4);
}

#[tokio::test]
async fn a_route_that_is_set_up_wrong_passes_nothing() {
    let (app, proxy, customer) = started().await;
    for query in [
        "charge=nothing",
        "charge=insight_analyses:x",
        "charge=insight_analyses:-1",
        "charge=insight_analyses:9007199254740992",
        "charge=insight_analyses&charge=insight_analyses",
        "charge=a&charge=b&charge=c&charge=d&charge=e",
        "charge=",
        "scope=nonsense",
        "environment=moon",
        "idempotency_key=",
    ] {
        let refused = ask(&app, query, &proxy).bearer(&customer).send().await;
        assert_eq!(refused.expect_problem(400, "invalid_input")["code"], "invalid_input", "{query}");
    }
    assert_eq!(charged(&app).await, 0);
}

#[tokio::test]
async fn customers_that_are_refused_do_not_lock_the_proxy_s_address_out() {
    let app = App::with(|plan| plan.door.anonymous_per_minute = Some(3)).await;
    app.set_up().await;
    let (_, proxy) = app.key("operator", "gateway:write").await;
    let (_, customer) = app.key(ORG, "insight:write").await;
    for _ in 0..9 {
        ask(&app, "", &proxy).bearer("nonsense").send().await.expect_problem(401, "unauthenticated");
    }
    ask(&app, "", &proxy).bearer(&customer).send().await.expect(204);
    // Whoever guesses at the proxy's own key is counted.
    for status in [401, 401, 401, 429] {
        ask(&app, "", "nonsense").bearer(&customer).send().await.expect(status);
    }
}
