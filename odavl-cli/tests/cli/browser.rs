//! The walk of a new user through the pages, in a real browser against the real command.

use std::{
    fs,
    process::{Child, Stdio},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    support::{EMAIL, Ended, PASSWORD, Person, line_of, piped, skips},
    webdriver::Browser,
};

/// `odavl serve` as a process, on a port that it chose, not set up yet.
struct Served {
    process: Child,
    url: String,
    data: TempDir,
}

impl Served {
    fn start(operator: &Person) -> Self {
        let data = tempfile::tempdir().unwrap();
        let line = format!("serve --listen 127.0.0.1:0 --data {}", data.path().display());
        let mut process = piped(&mut operator.command(&line)).stderr(Stdio::null()).spawn().unwrap();
        let stdout = process.stdout.as_mut().unwrap();
        let url = line_of(stdout).strip_prefix("odavl is at ").unwrap().to_owned();
        assert!(line_of(stdout).starts_with("set it up within 30 minutes with the link in "));
        Self { process, url, data }
    }

    fn set_up_link(&self) -> String {
        fs::read_to_string(self.data.path().join("set-up-link")).unwrap().trim().to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_new_user_sets_up_signs_in_and_approves_a_terminal_in_a_browser() {
    // Where there is no browser, one says so; nothing is skipped by itself.
    if skips("browser") {
        return;
    }
    let ada = Person::new();
    let served = Served::start(&ada);
    let browser = Browser::start();

    browser.go(&served.set_up_link());
    browser.fill("#email", EMAIL);
    browser.fill("#name", "Ada");
    browser.fill("#organization", "acme");
    browser.fill("#password", "password1");
    browser.follow("main button");
    assert!(browser.text().contains("That password is among the first that anyone would try"));
    assert_eq!(browser.value("#email"), EMAIL, "what was typed stays");
    browser.fill("#password", PASSWORD);
    browser.follow("main button");
    assert_eq!(browser.url(), format!("{}/", served.url));
    assert!(browser.text().contains("Hello, Ada") && browser.text().contains("insight_analyses"));

    browser.follow("header button");
    assert_eq!(browser.url(), format!("{}/sign-in", served.url));
    let (terminal, code) = ada.starts_to_sign_in_at(&served.url);
    browser.go(&format!("{}/device?user_code={code}", served.url));
    browser.fill("#email", EMAIL);
    browser.fill("#password", PASSWORD);
    browser.follow("main button");
    assert_eq!(browser.value("#user_code"), code, "back at the device, to compare the code");
    browser.follow("main button");
    let asked = browser.text();
    assert!(asked.contains("odavl-cli") && asked.contains("127.0.0.1") && asked.contains(&code), "{asked}");
    browser.follow("button[value=approve]");
    assert!(browser.text().contains("The device is signed in"));

    Ended::from(terminal.wait_with_output().unwrap()).well();
    let me = ada.odavl("whoami --json").json();
    assert_eq!((&me["email"], &me["organization_slug"]), (&json!(EMAIL), &json!("acme")));

    browser.go(&format!("{}/", served.url));
    browser.follow("main form button");
    assert!(!browser.text().contains("odavl-cli"), "the terminal's sign-in was ended here");
    assert_eq!(ada.odavl("whoami").code, 4);

    let complaints = browser.complaints();
    let policy = complaints.iter().filter(|text| text.contains("Security Policy")).collect::<Vec<_>>();
    assert!(policy.is_empty(), "{policy:?}");
}
