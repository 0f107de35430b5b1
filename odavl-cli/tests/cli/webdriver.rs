//! A browser that a test drives: Debian's chromium by its chromedriver (W3C `WebDriver`), headless, with a profile of
//! its own and without JavaScript, which the pages do not need.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// What a headless chromium needs to run as root, and to talk to nobody but the page.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// How long a page may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running browser.
pub(crate) struct Browser {
    driver: Child,
    session: String,
    client: Client,
    runtime: Runtime,
    profile: TempDir,
}

impl Browser {
    /// Starts a browser; fails by name where one of the two programs is missing.
    pub(crate) fn start() -> Self {
        let (driver, port) = driver();
        let profile = tempfile::tempdir().unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let session = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { driver, session, client, runtime: Runtime::new().unwrap(), profile };
        let mut arguments = ARGUMENTS.map(str::to_owned).to_vec();
        arguments.push(format!("--user-data-dir={}", browser.profile.path().display()));
        let options = json!({
            "args": arguments,
            "prefs": {"profile.managed_default_content_settings.javascript": 2},
        });
        let wanted = json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let capabilities = json!({"capabilities": {"alwaysMatch": wanted}});
        let started = browser.call(Method::POST, "", Some(&capabilities));
        let id =
            started["sessionId"].as_str().unwrap_or_else(|| panic!("chromium does not start: {started}"));
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    pub(crate) fn go(&self, url: &str) {
        self.call(Method::POST, "/url", Some(&json!({"url": url})));
    }

    pub(crate) fn url(&self) -> String {
        text(&self.call(Method::GET, "/url", None))
    }

    /// What a person reads on the page.
    pub(crate) fn text(&self) -> String {
        let body = self.find("body");
        text(&self.call(Method::GET, &format!("/element/{body}/text"), None))
    }

    pub(crate) fn value(&self, selector: &str) -> String {
        let element = self.find(selector);
        text(&self.call(Method::GET, &format!("/element/{element}/property/value"), None))
    }

    /// Types into a field, in place of what is there.
    pub(crate) fn fill(&self, selector: &str, content: &str) {
        let element = self.find(selector);
        self.call(Method::POST, &format!("/element/{element}/clear"), Some(&json!({})));
        self.call(Method::POST, &format!("/element/{element}/value"), Some(&json!({"text": content})));
    }

    /// Clicks on what leads to another page, and waits until the present one is gone: the driver waits for a page that
    /// is on its way, but the answer to a form may only come later.
    pub(crate) fn follow(&self, selector: &str) {
        let present = format!("/element/{}/name", self.find("html"));
        let element = self.find(selector);
        self.call(Method::POST, &format!("/element/{element}/click"), Some(&json!({})));
        let start = Instant::now();
        while self.ask(Method::GET, &present, None)["error"].is_null() {
            assert!(start.elapsed() < PATIENCE, "{selector} leads nowhere");
        }
    }

    /// What the browser complained about since it was asked last.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.call(Method::POST, "/se/log", Some(&json!({"type": "browser"})));
        log.as_array().unwrap().iter().map(|entry| text(&entry["message"])).collect()
    }

    fn find(&self, selector: &str) -> String {
        let by = json!({"using": "css selector", "value": selector});
        let found = self.call(Method::POST, "/element", Some(&by));
        let element = found.as_object().and_then(|reference| reference.values().next());
        text(element.unwrap_or_else(|| panic!("no {selector}: {found}")))
    }

    /// A command of the protocol; panics with what the driver says where it fails.
    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let value = self.ask(method, path, body);
        assert!(value["error"].is_null(), "{path}: {}: {}", value["error"], value["message"]);
        value
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let request = self.client.request(method, format!("{}{path}", self.session));
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let mut answer: Value =
            self.runtime.block_on(async { request.send().await.unwrap().json().await.unwrap() });
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let end = self.client.delete(&self.session);
        let _ = self.runtime.block_on(end.send());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The driver, on a port that it chose.
fn driver() -> (Child, u16) {
    for program in ["chromium", "chromedriver"] {
        let there =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let installed = there.is_ok_and(|status| status.success());
        assert!(
            installed,
            "the walk in a browser needs {program}: install Debian's chromium and chromium-driver"
        );
    }
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said =
        |line: String| line.split("started successfully on port ").nth(1)?.trim_end_matches('.').parse().ok();
    let port = lines.find_map(said);
    (driver, port.expect("chromedriver says its port"))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
