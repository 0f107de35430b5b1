//! Runs the examples as a reader would.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use odavl_core::{Odavl, Settings, auth::NewKeyRequest, session::Context};

/// Sets a folder up by the quickstart; answers what it printed.
fn quickstart(data: &Path) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_quickstart")).arg(data).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

/// An example that serves until it is dropped.
struct Serving {
    process: Child,
    url: String,
}

impl Serving {
    fn start(example: &str, data: &Path) -> Self {
        let mut process =
            Command::new(example).arg(data).arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap();
        let address = address.trim_start_matches("socket://");
        Self { url: format!("http://{address}/report"), process }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn the_quickstart_does_all_it_says_and_can_be_run_again() {
    let folder = tempfile::tempdir().unwrap();
    for used in 1..=2 {
        let said = quickstart(folder.path());
        assert!(said.contains(" may pass"), "{said}");
        assert!(said.contains(&format!("guardian_tests: {used} used")), "{said}");
        assert!(said.contains("notes/hello.txt: hello"), "{said}");
    }
}

/// As many get through as the plan has, whichever framework the routes are in, and beside one another.
#[tokio::test]
async fn an_api_of_one_s_own_is_behind_the_limit_of_its_caller() {
    let folder = tempfile::tempdir().unwrap();
    quickstart(folder.path());
    let odavl = Odavl::open(folder.path(), Settings::preset("http://127.0.0.1:8787").unwrap()).await.unwrap();
    let acme = odavl.system(&"acme".parse().unwrap(), Context::default()).await.unwrap();
    let wish = NewKeyRequest::new("reports", "insight:read".parse().unwrap());
    let key = acme.keys().create(wish).await.unwrap().token.unwrap().secret().reveal().clone();

    let examples = [env!("CARGO_BIN_EXE_protect_poem"), env!("CARGO_BIN_EXE_protect_axum")];
    let serving = examples.map(|example| Serving::start(example, folder.path()));
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let client = reqwest::Client::new();
    let mut passed = 1; // The quickstart's own.
    for turn in 0..12 {
        let url = &serving[turn % 2].url;
        assert_eq!(client.get(url).send().await.unwrap().status(), 401);
        let answer = client.get(url).bearer_auth(&key).send().await.unwrap();
        assert!(answer.headers().contains_key("ratelimit"), "{answer:?}");
        if answer.status() == 200 {
            passed += 1;
            assert!(answer.text().await.unwrap().starts_with("a report for org_"));
        } else {
            assert_eq!(answer.status(), 429);
            let problem: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "quota_exceeded");
        }
    }
    assert_eq!(passed, 10);
}
