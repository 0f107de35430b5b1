//! The pages, as a browser without JavaScript meets them.

use odavl_core::Settings;

use crate::{
    app::{App, EMAIL, ORG, PASSWORD},
    browser::{Browser, form_token, value_of, values_of},
};

async fn set_up_link(app: &App) -> String {
    let link = app.odavl.set_up_link().await.unwrap().unwrap();
    link.reveal().strip_prefix("https://odavl.example").unwrap().to_owned()
}

fn first_person<'a>(link: &'a str, organization: &'a str) -> [(&'a str, &'a str); 5] {
    let link = link.split('=').nth(1).unwrap();
    [
        ("link", link),
        ("email", EMAIL),
        ("name", "Ada"),
        ("password", PASSWORD),
        ("organization", organization),
    ]
}

#[tokio::test]
async fn the_set_up_link_makes_the_first_person_once_and_signs_them_in() {
    let app = App::with(|_| {}).await;
    let link = set_up_link(&app).await;
    let mut browser = Browser::new(&app);
    let page = browser.get(&link).await.expect(200);
    let answer = browser.submit(&page, "/setup", &first_person(&link, ORG)).await.expect(303);
    assert_eq!(answer.header("location"), Some("/"));
    let home = browser.get("/").await.expect(200);
    assert!(home.text().contains("Hello, Ada") && home.text().contains("insight_analyses"));

    let mut second = Browser::new(&app);
    let page = second.get(&link).await;
    let answer = second.submit(&page, "/setup", &first_person(&link, "mine")).await.expect(404);
    assert!(answer.text().contains("was used already") && answer.headers("set-cookie").is_empty());
}

#[tokio::test]
async fn a_set_up_link_works_for_half_an_hour() {
    let app = App::with(|_| {}).await;
    let link = set_up_link(&app).await;
    app.pass(30 * 60);
    let mut browser = Browser::new(&app);
    let page = browser.get(&link).await;
    browser.submit(&page, "/setup", &first_person(&link, ORG)).await.expect(404);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_the_rest_stays_typed() {
    let app = App::with(|_| {}).await;
    let link = set_up_link(&app).await;
    let mut browser = Browser::new(&app);
    let page = browser.get(&link).await;
    let wrong =
        [("email", "nobody"), ("password", "short"), ("organization", "Not A Slug"), ("name", "Ada <b>")];
    let answer = browser.submit(&page, "/setup", &wrong).await.expect(400);
    assert_eq!(answer.text().matches("aria-invalid=\"true\"").count(), 3);
    assert!(answer.text().contains("Ada &#60;b&#62;") || answer.text().contains("Ada &lt;b&gt;"));
    assert!(!answer.text().contains("short"), "a password is never shown again");
    for (field, value) in [("name", "\u{7}"), ("organization", "operator")] {
        let mut fields = first_person(&link, ORG);
        fields.iter_mut().find(|(name, _)| *name == field).unwrap().1 = value;
        let answer = browser.submit(&page, "/setup", &fields).await.expect(400);
        assert_eq!(answer.text().matches("aria-invalid=\"true\"").count(), 1, "{field}");
    }
}

#[tokio::test]
async fn a_session_cookie_is_closed_to_everything_but_this_host_over_https() {
    let app = App::start().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/sign-in").await.expect(200);
    let form = page.header("set-cookie").unwrap();
    assert!(form.starts_with("__Host-odavl-form="), "{form}");
    assert!(form.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{form}");
    let answer =
        browser.submit(&page, "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await.expect(303);
    let session = answer.headers("set-cookie")[0];
    assert!(session.starts_with("__Host-odavl=odavl_ck_"), "{session}");
    assert!(session.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200; Secure"), "{session}");
}

#[tokio::test]
async fn over_plain_http_cookies_have_no_prefix_that_browsers_would_refuse() {
    let app = App::with(|plan| plan.settings = Settings::preset("http://127.0.0.1:8787").unwrap()).await;
    let page = app.get("/sign-in").send().await.expect(200);
    let cookie = page.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("odavl-form=") && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
}

#[tokio::test]
async fn signing_in_gives_a_new_session_and_ends_the_one_before() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app).await;
    let before = browser.cookies.clone();
    let page = browser.get("/").await;
    let fields = [("email", EMAIL), ("password", PASSWORD)];
    browser.submit(&page, "/sign-in", &fields).await.expect(303);
    assert_ne!(browser.cookies["__Host-odavl"], before["__Host-odavl"]);
    let mut old = Browser::new(&app);
    old.cookies = before;
    assert_eq!(old.get("/").await.expect(303).header("location"), Some("/sign-in"));
    browser.get("/").await.expect(200);
}

#[tokio::test]
async fn a_wrong_password_an_unknown_person_and_a_wrong_address_are_refused_alike() {
    let app = App::start().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/sign-in").await;
    for email in [EMAIL, "nobody@example.com"] {
        let answer =
            browser.submit(&page, "/sign-in", &[("email", email), ("password", "wrong wrong")]).await;
        let answer = answer.expect(401);
        assert!(answer.text().contains("The e-mail address or the password is wrong."));
        assert!(!answer.text().contains("wrong wrong") && answer.headers("set-cookie").is_empty());
        assert_eq!(answer.header("www-authenticate"), None, "a browser would ask by itself");
    }
}

#[tokio::test]
async fn guessing_passwords_waits_longer_and_longer() {
    let app = App::start().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/sign-in").await;
    let guess = [("email", EMAIL), ("password", "wrong wrong")];
    for _ in 0..6 {
        browser.submit(&page, "/sign-in", &guess).await.expect(401);
    }
    let answer =
        browser.submit(&page, "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await.expect(429);
    assert_eq!(answer.header("retry-after"), Some("1"));
    app.pass(1);
    browser.submit(&page, "/sign-in", &[("email", EMAIL), ("password", PASSWORD)]).await.expect(303);
}

#[tokio::test]
async fn signing_in_goes_on_to_our_own_pages_only() {
    let app = App::start().await;
    let goes_on = async |next: &str| {
        let mut browser = Browser::new(&app);
        let page = browser.get("/sign-in").await;
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
        let answer = browser.submit(&page, "/sign-in", &fields).await.expect(303);
        answer.header("location").unwrap().to_owned()
    };
    assert_eq!(goes_on("/device?user_code=BCDF-GHJK").await, "/device?user_code=BCDF-GHJK");
    for away in ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        assert_eq!(goes_on(away).await, "/", "{away}");
    }
    let page = app.get("/sign-in?next=//evil.example").send().await;
    assert_eq!(value_of(&page, "name=\"next\""), "/");
}

#[tokio::test]
async fn a_form_from_another_site_or_without_its_token_is_refused_and_changes_nothing() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app).await;
    let token = form_token(&browser.get("/").await);
    let ours = "https://odavl.example";
    let attempts: [(&str, &[(&str, &str)]); 5] = [
        (&token, &[("Origin", "https://evil.example")]),
        (&token, &[("Origin", "null")]),
        (&token, &[]),
        (&token, &[("Origin", ours), ("Sec-Fetch-Site", "cross-site")]),
        ("0000", &[("Origin", ours)]),
    ];
    for path in ["/sign-out", "/sign-ins/end", "/device", "/device/answer", "/sign-in", "/setup"] {
        for (token, headers) in attempts {
            let call = browser.with_cookies(app.post(path)).form(&[("form_token", token)]);
            let call = headers.iter().fold(call, |call, (name, value)| call.header(name, value));
            assert_eq!(call.send().await.status, 403, "{path} {headers:?}");
        }
    }
    browser.get("/").await.expect(200);
    let other = form_token(&Browser::signed_in(&app).await.get("/").await);
    let call =
        browser.with_cookies(app.post("/sign-out")).header("Origin", ours).form(&[("form_token", &other)]);
    call.send().await.expect(403);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app).await;
    let kept = browser.cookies.clone();
    let page = browser.get("/").await;
    browser.submit(&page, "/sign-out", &[]).await.expect(303);
    assert!(!browser.cookies.contains_key("__Host-odavl"));
    let mut old = Browser::new(&app);
    old.cookies = kept;
    assert_eq!(old.get("/").await.expect(303).header("location"), Some("/sign-in"));
}

#[tokio::test]
async fn the_api_ignores_cookies() {
    let app = App::start().await;
    let browser = Browser::signed_in(&app).await;
    browser.with_cookies(app.get("/api/v1/me")).send().await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_device_page_says_what_asks_and_gives_what_was_ticked() {
    let app = App::start().await;
    let codes = app.device_code().await;
    let code = codes["user_code"].as_str().unwrap();
    let mut browser = Browser::new(&app);
    let path = format!("/device?user_code={code}");
    let next = browser.get(&path).await.expect(303).header("location").unwrap().to_owned();
    let page = browser.get(&next).await.expect(200);
    let next = value_of(&page, "name=\"next\"");
    assert_eq!(next, path);
    let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next.as_str())];
    assert_eq!(browser.submit(&page, "/sign-in", &fields).await.header("location"), Some(path.as_str()));

    let page = browser.get(&path).await.expect(200);
    assert_eq!(value_of(&page, "name=\"user_code\""), code, "filled in, for the person to compare");
    let page = browser.submit(&page, "/device", &[("user_code", &code.to_lowercase())]).await.expect(200);
    for fact in ["odavl-cli", "127.0.0.1", "2026-11-22 12:00:00 UTC", code, ORG] {
        assert!(page.text().contains(fact), "{fact}");
    }
    let scopes = values_of(&page, "name=\"scope\"");
    assert!(scopes.iter().all(|scope| !scope.contains("instance")));
    let organization = value_of(&page, "name=\"organization\"");
    let answer = |scope: &str| {
        vec![
            ("user_code".to_owned(), code.to_owned()),
            ("answer".to_owned(), "approve".to_owned()),
            ("organization".to_owned(), organization.clone()),
            ("scope".to_owned(), scope.to_owned()),
        ]
    };
    for wrong in ["", "instance:admin", &format!("{organization} instance:admin"), "org_x usage:read"] {
        let fields = answer(wrong);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.submit(&page, "/device/answer", &fields).await.expect(400);
    }
    let fields = answer(&format!("{organization} usage:read"));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    browser.submit(&page, "/device/answer", &fields).await.expect(200);
    assert_eq!(app.poll(&codes).await.expect(200).json()["scope"], "usage:read");
    assert!(browser.get("/").await.text().contains("odavl-cli"));
}

#[tokio::test]
async fn guessing_codes_waits_longer_and_longer() {
    let app = App::start().await;
    let codes = app.device_code().await;
    let mut browser = Browser::signed_in(&app).await;
    let page = browser.get("/device").await;
    browser.submit(&page, "/device", &[("user_code", "nonsense")]).await.expect(400);
    for _ in 0..6 {
        let answer = browser.submit(&page, "/device", &[("user_code", "BCDF-BCDF")]).await.expect(404);
        assert!(answer.text().contains("That code is wrong, too old, or answered already."));
    }
    let code = codes["user_code"].as_str().unwrap();
    browser.submit(&page, "/device", &[("user_code", code)]).await.expect(429);
    app.pass(1);
    browser.submit(&page, "/device", &[("user_code", code)]).await.expect(200);
}

#[tokio::test]
async fn a_person_ends_their_own_sign_ins_and_nobody_else_s() {
    let app = App::start().await;
    let mut here = Browser::signed_in(&app).await;
    let mut there = Browser::signed_in(&app).await;
    let home = here.get("/").await;
    let id = value_of(&home, "name=\"sign_in\"");
    here.submit(&home, "/sign-ins/end", &[("sign_in", &id)]).await.expect(303);
    there.get("/").await.expect(303);
    here.get("/").await.expect(200);
    let strange = format!("ses_{}", "0".repeat(26));
    here.submit(&home, "/sign-ins/end", &[("sign_in", &strange)]).await.expect(404);
}

#[tokio::test]
async fn another_organization_s_page_is_not_found() {
    let app = App::start().await;
    app.other_organization("other").await;
    // Whoever may administer the installation sees all, for a while after the password was given.
    let mut browser = Browser::signed_in(&app).await;
    browser.get("/?organization=other").await.expect(200);
    app.pass(15 * 60 + 1);
    browser.get("/?organization=other").await.expect(404);
    browser.get("/?organization=absent").await.expect(404);
    browser.get(&format!("/?organization={ORG}")).await.expect(200);
}

#[tokio::test]
async fn the_stylesheet_is_kept_for_ever_under_a_name_of_its_content() {
    let app = App::start().await;
    let page = app.get("/sign-in").send().await;
    let path = page.text().split("href=\"/assets/").nth(1).unwrap().split('"').next().unwrap();
    let style = app.get(&format!("/assets/{path}")).send().await.expect(200);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(style.header("cache-control"), Some("public, max-age=31536000, immutable"));
    app.get("/assets/0000.css").send().await.expect(404);
}

#[tokio::test]
async fn no_page_has_scripts_or_styles_of_its_own() {
    let app = App::start().await;
    let mut browser = Browser::signed_in(&app).await;
    for path in ["/", "/device", "/setup", "/sign-in", "/absent"] {
        let page = browser.get(path).await;
        for word in ["<script", "<style", " style=", " onclick", "javascript:"] {
            assert!(!page.text().contains(word), "{word} in {path}");
        }
    }
}

#[tokio::test]
async fn forms_are_told_their_origin_where_browsers_send_no_other_sign_of_it() {
    let app = App::with(|plan| plan.settings = Settings::preset("http://192.168.1.5:8787").unwrap()).await;
    let page = app.get("/sign-in").send().await.expect(200);
    assert_eq!(page.header("referrer-policy"), Some("strict-origin"));
}
