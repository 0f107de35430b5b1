//! What holds for every request, whatever it asks for.

use odavl_core::Settings;
use serde_json::json;

use crate::app::{App, ORG, Plan};

fn http(plan: &mut Plan) {
    plan.settings = Settings::preset("http://127.0.0.1:8787").unwrap();
}

#[tokio::test]
async fn a_foreign_host_is_misdirected_but_for_health_and_well_known() {
    let app = App::start().await;
    for path in ["/api/v1/me", "/sign-in", "/api/docs", "/api/auth/token"] {
        let answer = app.get(path).host("evil.example").send().await;
        assert_eq!(answer.status, 421, "{path}");
    }
    app.get("/api/v1/me").host("evil.example").send().await.expect_problem(421, "misdirected");
    for path in ["/api/health", "/.well-known/jwks.json"] {
        app.get(path).host("10.0.0.7:8787").send().await.expect(200);
    }
    app.get("/sign-in").host("ODAVL.example").send().await.expect(200);
}

#[tokio::test]
async fn every_answer_has_the_security_headers_of_its_kind() {
    let app = App::start().await;
    let data = "default-src 'none'; frame-ancestors 'none'";
    let page =
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
    let policies =
        [("/api/health", data), ("/api/auth/token", data), ("/sign-in", page), ("/no-such-page", page)];
    for (path, policy) in policies {
        let answer = app.get(path).send().await;
        assert_eq!(answer.header("content-security-policy"), Some(policy), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    }
    let plain = App::with(http).await.get("/api/health").send().await;
    assert_eq!(plain.header("strict-transport-security"), None);
}

#[tokio::test]
async fn the_documentation_runs_its_own_scripts_and_no_other_and_is_checked_before_it_is_used_again() {
    let app = App::start().await;
    let page = app.get("/api/docs").send().await.expect(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'sha256-") && !policy.contains("script-src 'unsafe"), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), page.text().matches("</script>").count());
    assert!(page.text().contains(&odavl_http::document()), "it shows the document that is served");
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let tag = page.header("etag").unwrap();
    app.get("/api/docs").header("If-None-Match", tag).send().await.expect(304);
    app.get("/api/docs").header("If-None-Match", "\"old\"").send().await.expect(200);
}

#[tokio::test]
async fn a_request_keeps_its_id_where_it_is_harmless() {
    let app = App::start().await;
    let id = |given: &'static str| {
        let call = app.get("/api/health").header("X-Request-Id", given);
        async move { call.send().await.header("x-request-id").unwrap().to_owned() }
    };
    assert_eq!(id("0af7651916cd43dd").await, "0af7651916cd43dd");
    for odd in ["short", "with space in it", "<script>alert(1)"] {
        assert_eq!(id(odd).await.len(), 32, "{odd}");
    }
}

#[tokio::test]
async fn a_wrong_method_says_which_ones_there_are() {
    let app = App::start().await;
    let answer = app.call("PUT", "/api/v1/usage/consume").send().await;
    assert_eq!(answer.header("allow"), Some("POST"));
    answer.expect_problem(405, "method_not_allowed");
    let answer = app.call("PUT", "/sign-in").send().await.expect(405);
    assert_eq!(answer.header("allow"), Some("GET, POST"));
}

#[tokio::test]
async fn a_wrong_path_is_not_found() {
    let app = App::start().await;
    for path in ["/api/v1/absent", "/api", "/api/v1/me/more", "/.well-known/absent"] {
        app.get(path).send().await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn another_media_type_is_refused() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let consume = || app.post("/api/v1/usage/consume").bearer(&key);
    consume().body("text/plain", "{}").send().await.expect_problem(415, "unsupported_media_type");
    consume().send().await.expect_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn what_says_who_asks_for_what_is_said_once_and_in_ascii() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let consume = || app.post("/api/v1/usage/consume").bearer(&key).json(&json!({"meter": "api_calls"}));
    consume().bearer(&key).send().await.expect_problem(400, "invalid_input");
    consume().header("Idempotency-Key", "café").send().await.expect_problem(400, "invalid_input");
    let twice = consume().header("Idempotency-Key", "run-1").header("Idempotency-Key", "run-2");
    twice.send().await.expect_problem(400, "invalid_input");
    for name in ["If-Match", "If-None-Match", "If-Range", "Range"] {
        let twice = app.get("/api/v1/usage").bearer(&key).header(name, "\"a\"").header(name, "\"b\"");
        twice.send().await.expect_problem(400, "invalid_input");
    }
}

#[tokio::test]
async fn an_organisation_is_found_by_an_id_of_the_team_s_own_in_any_script() {
    let app = App::start().await;
    let (_, operator) = app.key("operator", "instance:admin usage:admin").await;
    let body = json!({"slug": "kunde", "name": "Kunde", "external_id": "kundé"});
    app.post("/api/v1/organizations").bearer(&operator).json(&body).send().await.expect(200);
    let me = |org: &str| app.get("/api/v1/me").bearer(&operator).header("Odavl-Organization", org).send();
    assert_eq!(me("external:kundé").await.expect(200).json()["organization_slug"], "kunde");
    me("external:kunde").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_its_length_is_said_or_not() {
    let app = App::start().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let large = format!("{{\"meter\": \"{}\"}}", "a".repeat(1 << 20));
    let consume = || app.post("/api/v1/usage/consume").bearer(&key);
    consume().header("Content-Length", "1048577").send().await.expect_problem(413, "too_large");
    consume().chunked("application/json", &large).send().await.expect_problem(413, "too_large");
    let small = json!({"meter": "api_calls"}).to_string();
    consume().chunked("application/json", &small).send().await.expect(200);
}

#[tokio::test]
async fn an_address_that_calls_too_often_without_a_valid_credential_waits_a_minute() {
    let app = App::with(|plan| plan.door.anonymous_per_minute = Some(3)).await;
    for _ in 0..3 {
        app.get("/api/v1/me").send().await.expect(401);
    }
    let refused = app.get("/sign-in").send().await.expect(429);
    assert_eq!(refused.header("retry-after"), Some("60"));
    let refused = app.get("/api/v1/me").send().await;
    assert_eq!(refused.header("ratelimit"), Some("\"anonymous_requests/60s\";r=0;t=60"));
    refused.expect_problem(429, "rate_limited");
    for path in ["/api/health", "/.well-known/jwks.json"] {
        app.get(path).send().await.expect(200);
    }
    app.pass(60);
    app.get("/sign-in").send().await.expect(200);
}

#[tokio::test]
async fn a_credential_that_does_not_hold_counts_as_none_and_one_that_holds_is_not_counted() {
    let app = App::with(|plan| plan.door.anonymous_per_minute = Some(2)).await;
    for _ in 0..2 {
        app.get("/api/v1/me").bearer("nonsense").send().await.expect(401);
    }
    app.get("/api/v1/me").bearer("nonsense").send().await.expect_problem(429, "rate_limited");
    app.set_up().await;
    let (_, key) = app.key(ORG, "usage:read").await;
    for _ in 0..5 {
        app.get("/api/v1/me").bearer(&key).send().await.expect(200);
    }
}

#[tokio::test]
async fn a_credential_where_nobody_looks_at_it_counts_as_none() {
    let app = App::with(|plan| plan.door.anonymous_per_minute = Some(2)).await;
    let ask = || app.post("/api/auth/device/code").form(&[("client_id", "odavl-cli")]).bearer("x").send();
    for _ in 0..2 {
        ask().await.expect(200);
    }
    ask().await.expect(429);
    app.get("/sign-in").bearer("x").send().await.expect(429);
}

#[tokio::test]
async fn a_credential_that_nobody_came_to_look_at_counts_as_none() {
    let app = App::with(|plan| plan.door.anonymous_per_minute = Some(2)).await;
    app.set_up().await;
    let (_, key) = app.key(ORG, "usage:write").await;
    let (_, proxy) = app.key("operator", "gateway:write").await;
    let calls = [
        (404, app.get("/api/v1/absent")),
        (405, app.call("PUT", "/api/v1/usage/consume")),
        (413, app.post("/api/v1/usage/consume").header("Content-Length", "1048577")),
        (400, app.get("/api/v1/usage").header("Content-Type", "a").header("Content-Type", "b")),
        (415, app.post("/api/v1/usage/consume").header("Content-Encoding", "gzip")),
        (400, app.get("/api/v1/storage/direct/x").header("Range", "a").header("Range", "b")),
    ];
    for (status, call) in calls {
        for expected in [status, status, 429] {
            call.clone().bearer("nonsense").send().await.expect(expected);
        }
        app.pass(60);
    }
    // Whoever is somebody is not counted, whatever is wrong with what they ask; nor is who asks about somebody else.
    for _ in 0..5 {
        let consume = app.post("/api/v1/usage/consume").bearer(&key);
        consume.body("application/json", "{").send().await.expect(400);
        let elsewhere = app.get("/api/v1/me").bearer(&key).header("Odavl-Organization", "absent");
        elsewhere.send().await.expect(404);
        let ask = app.get("/api/v1/gateway/authorize").header("Odavl-Gateway-Key", &proxy);
        ask.bearer("nonsense").send().await.expect(401);
    }
    app.get("/sign-in").send().await.expect(200);
}

#[tokio::test]
async fn there_is_one_host_and_the_target_names_no_other() {
    let app = App::start().await;
    let twice = app.get("/sign-in").header("Host", "evil.example").send().await;
    assert_eq!(twice.status, 400);
    app.get("http://evil.example/sign-in").send().await.expect(421);
    app.get("http://odavl.example/sign-in").send().await.expect(200);
}

#[tokio::test]
async fn forwarded_addresses_count_from_trusted_peers_only() {
    let proxied = App::with(|plan| {
        plan.door.anonymous_per_minute = Some(1);
        plan.door.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    });
    let direct = App::with(|plan| plan.door.anonymous_per_minute = Some(1));
    let statuses = async |app: App| {
        let mut statuses = Vec::new();
        for client in ["198.51.100.1", "198.51.100.2", "198.51.100.2"] {
            statuses.push(app.get("/sign-in").header("X-Forwarded-For", client).send().await.status);
        }
        statuses
    };
    assert_eq!(statuses(proxied.await).await, [200, 200, 429]);
    assert_eq!(statuses(direct.await).await, [200, 429, 429]);
}

#[tokio::test]
async fn listed_origins_may_call_the_api_without_credentials_of_the_browser() {
    let app = App::with(|plan| {
        plan.door.cors_origins = vec!["https://app.example".to_owned()];
        plan.door.anonymous_per_minute = Some(4);
    })
    .await;
    let ask = |origin: &str| {
        let call = app.call("OPTIONS", "/api/v1/usage").header("Origin", origin);
        call.header("Access-Control-Request-Method", "GET").send()
    };
    let allowed = ask("https://app.example").await.expect(204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    assert!(allowed.header("access-control-allow-headers").unwrap().contains("Authorization"));
    assert_eq!(allowed.header("vary"), Some("Origin"));
    let refused = ask("https://evil.example").await.expect(405);
    assert_eq!(refused.header("access-control-allow-origin"), None);

    let call = app.get("/api/v1/usage").header("Origin", "https://app.example").send().await.expect(401);
    assert_eq!(call.header("access-control-allow-origin"), Some("https://app.example"));
    let page = app.get("/sign-in").header("Origin", "https://app.example").send().await.expect(200);
    assert_eq!(page.header("access-control-allow-origin"), None, "pages are for nobody else");

    for _ in 0..5 {
        ask("https://app.example").await.expect(204);
    }
    let mine = app.get("/api/health").send().await.expect(200);
    assert_eq!(mine.header("vary"), Some("Origin"), "a cache must not give it to another origin");
}

#[tokio::test]
async fn any_origin_may_be_listed_and_gets_no_credentials_either() {
    let app = App::with(|plan| plan.door.cors_origins = vec!["*".to_owned()]).await;
    let answer = app.get("/api/health").header("Origin", "https://any.example").send().await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://any.example"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}
