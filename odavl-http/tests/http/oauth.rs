//! Tokens, as any OAuth client meets them.

use odavl_core::auth::RefreshToken;
use serde_json::{Value, json};

use crate::{
    app::{App, ORG},
    browser::Browser,
    client::Answer,
};

type Form<'a> = &'a [(&'a str, &'a str)];

/// Fails unless this is an error of RFC 6749, 5.2.
#[track_caller]
fn refused(answer: Answer, status: u16, error: &str) {
    let answer = answer.expect(status);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let body = answer.json();
    assert_eq!(body["error"], error, "{body}");
    let text = body["error_description"].as_str().unwrap();
    assert!(text.chars().all(|c| matches!(c, ' '..='~') && c != '"' && c != '\\'), "{text}");
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_else(|| panic!("{member} in {value}"))
}

/// Signs a device in.
async fn tokens(app: &App) -> Value {
    let codes = app.device_code().await;
    Browser::signed_in(app).await.approve(text(&codes, "user_code")).await.expect(200);
    app.poll(&codes).await.expect(200).json()
}

#[tokio::test]
async fn a_device_is_signed_in_once_it_was_approved() {
    let app = App::start().await;
    let codes = app.device_code().await;
    assert_eq!(text(&codes, "verification_uri"), "https://odavl.example/device");
    let complete = format!("https://odavl.example/device?user_code={}", text(&codes, "user_code"));
    assert_eq!(text(&codes, "verification_uri_complete"), complete);
    assert_eq!((codes["expires_in"].as_i64(), codes["interval"].as_i64()), (Some(600), Some(5)));
    refused(app.poll(&codes).await, 400, "authorization_pending");

    Browser::signed_in(&app).await.approve(text(&codes, "user_code")).await.expect(200);
    let answer = app.poll(&codes).await.expect(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.json();
    assert_eq!((text(&tokens, "token_type"), tokens["expires_in"].as_i64()), ("Bearer", Some(900)));
    assert!(!text(&tokens, "scope").contains("instance"));
    let me = app.get("/api/v1/me").bearer(text(&tokens, "access_token")).send().await.expect(200).json();
    assert_eq!((text(&me, "email"), text(&me, "organization_slug")), ("ada@example.com", ORG));
    refused(app.poll(&codes).await, 400, "invalid_grant");
}

#[tokio::test]
async fn a_device_that_polls_too_often_is_told_to_slow_down() {
    let app = App::start().await;
    let codes = app.device_code().await;
    refused(app.poll(&codes).await, 400, "authorization_pending");
    app.pass(4);
    refused(app.poll(&codes).await, 400, "slow_down");
    app.pass(9);
    refused(app.poll(&codes).await, 400, "slow_down");
    app.pass(15);
    refused(app.poll(&codes).await, 400, "authorization_pending");
}

#[tokio::test]
async fn codes_end_after_ten_minutes() {
    let app = App::start().await;
    let codes = app.device_code().await;
    app.pass(600);
    refused(app.poll(&codes).await, 400, "expired_token");
}

#[tokio::test]
async fn a_denied_device_is_told_so() {
    let app = App::start().await;
    let codes = app.device_code().await;
    let mut browser = Browser::signed_in(&app).await;
    let page = browser.get("/device").await;
    let fields = [("user_code", text(&codes, "user_code")), ("answer", "deny")];
    browser.submit(&page, "/device/answer", &fields).await.expect(200);
    refused(app.poll(&codes).await, 400, "access_denied");
}

#[tokio::test]
async fn a_refresh_token_is_replaced_and_its_reuse_ends_the_sign_in() {
    let app = App::start().await;
    let first = tokens(&app).await;
    let second = app.refresh(text(&first, "refresh_token")).await.expect(200).json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    app.get("/api/v1/me").bearer(text(&second, "access_token")).send().await.expect(200);

    app.pass(31);
    refused(app.refresh(text(&first, "refresh_token")).await, 400, "invalid_grant");
    refused(app.refresh(text(&second, "refresh_token")).await, 400, "invalid_grant");
    let answer = app.get("/api/v1/me").bearer(text(&second, "access_token")).send().await;
    assert_eq!(answer.expect_problem(401, "unauthenticated")["reason"], "revoked");
}

#[tokio::test]
async fn a_lost_answer_is_given_again_within_thirty_seconds() {
    let app = App::start().await;
    let first = tokens(&app).await;
    let lost = app.refresh(text(&first, "refresh_token")).await.expect(200).json();
    app.pass(29);
    let again = app.refresh(text(&first, "refresh_token")).await.expect(200).json();
    assert_eq!(lost["refresh_token"], again["refresh_token"]);
    app.refresh(text(&again, "refresh_token")).await.expect(200);
}

#[tokio::test]
async fn an_access_token_ends_after_fifteen_minutes_and_a_minute_of_leeway() {
    let app = App::start().await;
    let tokens = tokens(&app).await;
    let me = || app.get("/api/v1/me").bearer(text(&tokens, "access_token")).send();
    app.pass(15 * 60 + 58);
    me().await.expect(200);
    app.pass(2);
    assert_eq!(me().await.expect_problem(401, "unauthenticated")["reason"], "expired");
}

#[tokio::test]
async fn a_revoked_sign_in_ends_at_once_and_revoking_says_nothing_of_other_tokens() {
    let app = App::start().await;
    let tokens = tokens(&app).await;
    let revoke = |token: &str| app.post("/api/auth/revoke").form(&[("token", token)]).send();
    revoke("nonsense").await.expect(200);
    app.get("/api/v1/me").bearer(text(&tokens, "access_token")).send().await.expect(200);
    revoke(text(&tokens, "refresh_token")).await.expect(200);
    app.get("/api/v1/me").bearer(text(&tokens, "access_token")).send().await.expect(401);
    refused(app.refresh(text(&tokens, "refresh_token")).await, 400, "invalid_grant");
    revoke(text(&tokens, "access_token")).await.expect(200);
}

#[tokio::test]
async fn introspection_answers_for_the_caller_s_own_organization_only() {
    let app = App::start().await;
    let tokens = tokens(&app).await;
    let (_, own) = app.key(ORG, "usage:read").await;
    let stranger = app.other_organization("other").await;
    let look = async |credential: &str, token: &str| {
        let call = app.post("/api/auth/introspect").bearer(credential).form(&[("token", token)]);
        call.send().await.expect(200).json()
    };
    for token in [text(&tokens, "access_token"), own.as_str()] {
        assert_eq!(look(&own, token).await["active"], true);
        assert_eq!(look(&stranger, token).await, json!({"active": false}));
    }
    let found = look(&own, text(&tokens, "access_token")).await;
    assert_eq!(found["exp"].as_i64(), Some(app.now().as_second() + 900));
    assert!(text(&found, "sub").starts_with("usr_"));
    assert_eq!(look(&own, "nonsense").await, json!({"active": false}));
    app.pass(17 * 60);
    assert_eq!(look(&own, text(&tokens, "access_token")).await, json!({"active": false}));
}

#[tokio::test]
async fn introspection_needs_a_credential() {
    let app = App::start().await;
    let call = || app.post("/api/auth/introspect").form(&[("token", "a")]);
    let answer = call().send().await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"odavl\""));
    refused(answer, 401, "invalid_client");
    refused(call().bearer("nonsense").send().await, 401, "invalid_token");
}

#[tokio::test]
async fn what_a_client_says_wrong_is_said_in_the_words_of_oauth() {
    let app = App::start().await;
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let wrong: [(&str, Form, u16, &str); 11] = [
        ("/api/auth/device/code", &[], 400, "invalid_request"),
        ("/api/auth/device/code", &[("client_id", "")], 400, "invalid_request"),
        ("/api/auth/device/code", &[("client_id", "unknown")], 401, "invalid_client"),
        (
            "/api/auth/device/code",
            &[("client_id", "odavl-cli"), ("scope", "moon:read")],
            400,
            "invalid_scope",
        ),
        (
            "/api/auth/device/code",
            &[("client_id", "odavl-cli"), ("scope", "nonsense\"\\")],
            400,
            "invalid_scope",
        ),
        ("/api/auth/device/code", &[("client_id", "a"), ("client_id", "b")], 400, "invalid_request"),
        (
            "/api/auth/token",
            &[("grant_type", "password"), ("client_id", "odavl-cli")],
            400,
            "unsupported_grant_type",
        ),
        ("/api/auth/token", &[("grant_type", device), ("client_id", "odavl-cli")], 400, "invalid_request"),
        (
            "/api/auth/token",
            &[("grant_type", device), ("client_id", "x"), ("device_code", "y")],
            401,
            "invalid_client",
        ),
        ("/api/auth/token", &[("client_id", "odavl-cli")], 400, "invalid_request"),
        ("/api/auth/revoke", &[], 400, "invalid_request"),
    ];
    for (path, form, status, error) in wrong {
        refused(app.post(path).form(form).send().await, status, error);
    }
    refused(app.post("/api/auth/token").json(&json!({})).send().await, 415, "invalid_request");
    refused(app.get("/api/auth/token").send().await, 405, "invalid_request");
}

#[tokio::test]
async fn another_client_s_code_and_token_are_refused() {
    let app = App::with(|plan| plan.settings.clients.push("other".to_owned())).await;
    let codes = app.device_code().await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "other"),
        ("device_code", text(&codes, "device_code")),
    ];
    refused(app.post("/api/auth/token").form(&form).send().await, 400, "invalid_grant");
}

#[tokio::test]
async fn the_metadata_names_paths_that_are_there_and_keys_that_sign_the_tokens() {
    let app = App::start().await;
    let metadata = app.get("/.well-known/oauth-authorization-server").send().await.expect(200);
    assert_eq!(metadata.header("cache-control"), Some("public, max-age=300"));
    let metadata = metadata.json();
    assert_eq!(text(&metadata, "issuer"), "https://odavl.example");
    for (name, url) in metadata.as_object().unwrap().iter().filter(|(name, _)| name.ends_with("_endpoint")) {
        let path = url.as_str().unwrap().strip_prefix("https://odavl.example").unwrap();
        assert_eq!(app.get(path).send().await.status, 405, "{name}: a form is posted there");
    }
    let keys = app.get("/.well-known/jwks.json").send().await.expect(200).json();
    let key = &keys["keys"][0];
    assert_eq!((text(key, "kty"), text(key, "crv"), text(key, "use")), ("OKP", "Ed25519", "sig"));
    assert!(!keys.to_string().contains("\"d\""), "no private half");
}

#[tokio::test]
async fn a_credential_that_is_no_access_token_does_not_pass_for_one() {
    let app = App::start().await;
    let tokens = tokens(&app).await;
    let refresh = text(&tokens, "refresh_token");
    assert!(RefreshToken::parse(&app.odavl.settings().key_prefix, refresh).is_ok());
    app.get("/api/v1/me").bearer(refresh).send().await.expect_problem(401, "unauthenticated");
    let unsigned = format!(
        "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{}.",
        text(&tokens, "access_token").split('.').nth(1).unwrap()
    );
    app.get("/api/v1/me").bearer(&unsigned).send().await.expect_problem(401, "unauthenticated");
}
