//! Secrets are never in the log, whatever was done with them.

use std::{
    io,
    sync::{LazyLock, Mutex, PoisonError},
};

use serde_json::json;

use crate::{
    app::{App, EMAIL, ORG, PASSWORD},
    browser::Browser,
};

/// What all tests logged.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Every service of every test logs here, from its first line on.
static LOGGING: LazyLock<()> = LazyLock::new(|| {
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::TRACE)
        .with_writer(|| Log)
        .init();
});

pub(crate) fn keep_log() {
    LazyLock::force(&LOGGING);
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_of_a_person_a_key_or_a_device_is_ever_logged() {
    let app = App::with(|_| {}).await;
    let link = app.odavl.set_up_link().await.unwrap().unwrap().reveal().clone();
    let link = link.strip_prefix("https://odavl.example").unwrap();
    let secret = link.split('=').nth(1).unwrap();
    let mut browser = Browser::new(&app);
    let page = browser.get(link).await.expect(200);
    let fields =
        [("link", secret), ("email", EMAIL), ("name", "Ada"), ("password", PASSWORD), ("organization", ORG)];
    browser.submit(&page, "/setup", &fields).await.expect(303);

    let codes = app.device_code().await;
    let user_code = codes["user_code"].as_str().unwrap().to_owned();
    browser.get(&format!("/device?user_code={user_code}")).await.expect(200);
    browser.approve(&user_code).await.expect(200);
    let tokens = app.poll(&codes).await.expect(200).json();
    let access = tokens["access_token"].as_str().unwrap().to_owned();
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let body = json!({"name": "canary", "scopes": ["usage:write"]});
    let key = app.post("/api/v1/api-keys").bearer(&access).json(&body).send().await.expect(200).json();
    let key = key["secret"].as_str().unwrap().to_owned();
    app.get("/api/v1/me").bearer(&key).send().await.expect(200);
    app.get(&format!("/api/v1/{key}?token={key}")).send().await.expect(404);
    app.get("/api/v1/me").bearer(&format!("{key}x")).send().await.expect(401);
    app.refresh(&refresh).await.expect(200);
    app.pass(31);
    app.refresh(&refresh).await.expect(400);
    let mut other = Browser::new(&app);
    let page = other.get("/sign-in").await.expect(200);
    other.submit(&page, "/sign-in", &[("email", EMAIL), ("password", "wrong canary")]).await.expect(401);

    let text = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    assert!(text.contains("key_create") && text.contains("operation=\"token\""), "the log is there");
    let device_code = codes["device_code"].as_str().unwrap();
    let cookie = &browser.cookies["__Host-odavl"];
    let secrets =
        [secret, PASSWORD, &user_code, device_code, &access, &refresh, &key, "wrong canary", cookie, EMAIL];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is in the log");
    }
}
