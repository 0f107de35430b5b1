//! A store or a database that is not as configured, as whoever runs odavl meets it: what failed, and the way out.

use std::{process::Command, thread};

use odavl_test_store::{ACCESS_KEY_ID, BUCKET, FaultyStore, SECRET_ACCESS_KEY, Said, send};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::{
    postgres::{Schema, server, tell},
    relay::Relay,
    support::{Ended, Person, line_of, nobody, piped},
};

/// What a store says that refuses: nothing but the status, where it is asked by HEAD.
fn refusal(status: u16, code: &str) -> Said {
    Said::new(status, &format!("<Error><Code>{code}</Code><Message>no</Message></Error>"))
}

/// A command of who runs odavl on the store at `url`.
fn on_store(person: &Person, line: &str, url: &str) -> Command {
    let mut command = person.command(line);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    command.env("ODAVL_STORAGE", format!("s3://{BUCKET}?endpoint={url}&profile=minio"));
    command
}

/// How `serve` ends; one that serves all the same is ended.
fn served(command: &mut Command) -> Ended {
    let mut process = piped(command).spawn().unwrap();
    if !line_of(process.stdout.as_mut().unwrap()).is_empty() {
        process.kill().unwrap();
    }
    process.wait_with_output().unwrap().into()
}

/// What `doctor` says of one thing: the value, and where it is from or what to do.
#[track_caller]
fn examined(ended: &Ended, name: &str) -> (String, String) {
    let findings = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = findings.filter(|finding| finding["name"] == name).collect::<Vec<_>>();
    let text = |what: &str| found[0][what].as_str().unwrap().to_owned();
    (text("value"), text("source"))
}

#[test]
fn a_store_that_refuses_is_told_by_serve_and_doctor_with_the_way_out() {
    let runtime = Runtime::new().unwrap();
    for (answer, what, hint) in [
        (refusal(404, "NoSuchBucket"), "no bucket of that name", "make the bucket"),
        (refusal(403, "AccessDenied"), "refuses the access key", "AWS_SECRET_ACCESS_KEY"),
        (refusal(403, "SignatureDoesNotMatch"), "refuses the access key", "AWS_SECRET_ACCESS_KEY"),
        (refusal(403, "RequestTimeTooSkewed"), "clock is too far from the store's", "NTP"),
        (
            refusal(301, "PermanentRedirect").with("x-amz-bucket-region", "eu-9"),
            "in another region",
            "region=eu-9",
        ),
        (
            refusal(400, "AuthorizationHeaderMalformed").with("x-amz-bucket-region", "eu-9"),
            "in another region",
            "region=eu-9",
        ),
        (refusal(400, "AuthorizationHeaderMalformed"), "in another region", "the bucket's region"),
    ] {
        let store = runtime.block_on(FaultyStore::start(move |_| answer.clone()));
        let person = Person::new();
        let refused = served(&mut on_store(&person, "serve --listen 127.0.0.1:0", &store.url));
        assert_eq!(refused.code, 2, "{what}: {refused:?}");
        let (error, way_out) = refused.stderr.rsplit_once("\nhint: ").unwrap();
        assert!(error.contains(what) && way_out.contains(hint), "{what}, {hint}: {refused:?}");

        let doctor: Ended = on_store(&person, "doctor --json", &store.url).output().unwrap().into();
        let (value, source) = examined(&doctor, "store answers");
        assert!(value.contains(what) && source.contains(hint), "{what}, {hint}: {value}: {source}");
        assert!(doctor.code == 2 && !format!("{refused:?}{doctor:?}").contains("canary"), "{doctor:?}");
    }
}

#[test]
fn an_endpoint_that_is_no_store_is_said_to_be_none() {
    let runtime = Runtime::new().unwrap();
    let page = Said::new(200, "<html>canary</html>").with("content-type", "text/html");
    let website = runtime.block_on(FaultyStore::start(move |_| page.clone()));
    let doctor: Ended = on_store(&Person::new(), "doctor --json", &website.url).output().unwrap().into();
    let (value, source) = examined(&doctor, "store keeps bytes");
    assert!(doctor.code != 0 && source != "ok" && !source.is_empty(), "{value}: {source}");
}

#[test]
fn a_database_that_is_not_as_configured_is_told_by_serve_and_doctor_with_the_way_out() {
    let (good, ca) = (server(), std::env::var("ODAVL_TEST_POSTGRES_CA").unwrap());
    let nowhere = nobody().replace("http://", "postgres://odavl:canary@") + "/odavl";
    for (url, code, what, hint) in [
        (good.replace(":odavl@", ":canary@"), 2, "refuses the user or the password", "percent-encoded"),
        (good.replace("/postgres", "/nowhere"), 2, "no such database", "createdb"),
        (format!("{good}?sslmode=verify-full&sslrootcert={ca}"), 2, "certificate", "sslrootcert"),
        ("postgres:/odavl:canary@localhost/odavl".to_owned(), 2, "database", "postgres://"),
        (nowhere, 7, "does not answer", ""),
    ] {
        let person = Person::new();
        let mut serve = person.command("serve --listen 127.0.0.1:0");
        let refused = served(serve.env("ODAVL_DATABASE", &url));
        assert_eq!(refused.code, code, "{what}: {refused:?}");
        let (error, way_out) = refused.stderr.rsplit_once("\nhint: ").unwrap();
        assert!(error.contains(what) && way_out.contains(hint), "{what}, {hint}: {refused:?}");

        let mut doctor = person.command("doctor --json");
        let doctor: Ended = doctor.env("ODAVL_DATABASE", &url).output().unwrap().into();
        let (value, source) = examined(&doctor, "database answers");
        assert!(value.contains(what) && source.contains(hint), "{what}, {hint}: {value}: {source}");
        assert!(!format!("{refused:?}{doctor:?}").contains("canary"), "{refused:?} {doctor:?}");
    }
}

#[test]
fn a_database_that_a_newer_version_has_used_is_refused_by_name_and_stays_as_it_is() {
    let (schema, person) = (Schema::new("newer"), Person::new());
    schema.set_up(&person);
    let newer = "INSERT INTO migrations (version, name, digest, applied_at) VALUES (999, 'of later', 'x', 0)";
    tell(&schema.url, newer);
    let refused = served(person.command("serve --listen 127.0.0.1:0").env("ODAVL_DATABASE", &schema.url));
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.stderr.contains("migration 999 `of later`"), "{refused:?}");
    assert!(refused.stderr.contains("hint: "), "{refused:?}");
    tell(&schema.url, "DELETE FROM migrations WHERE version = 999");
    assert!(schema.odavl(&person, "admin user list").well().contains("ada@example.com"));
}

#[test]
fn a_database_that_goes_in_the_middle_of_a_request_is_a_503_that_counts_nothing() {
    let (schema, person) = (Schema::new("gone"), Person::new());
    schema.set_up(&person);
    let key = schema.odavl(&person, "admin keys create acme --name ci --scope usage:admin --quiet").well();
    let at = server().split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let relay = Relay::to(&format!("http://{at}"));
    let url = schema.url.replace(&at, relay.url.strip_prefix("http://").unwrap());
    let mut process =
        piped(person.command("serve --listen 127.0.0.1:0").env("ODAVL_DATABASE", url)).spawn().unwrap();
    let url = line_of(process.stdout.as_mut().unwrap()).strip_prefix("odavl is at ").unwrap().to_owned();
    let used = || {
        let usage: Value = person.with_key(key.trim(), &format!("usage --json --server {url}")).json();
        let limits = usage["limits"].as_array().unwrap().clone();
        limits.iter().find(|limit| limit["meter"] == "insight_analyses").unwrap()["used"].clone()
    };
    assert_eq!(used(), 0);

    relay.let_through(0);
    let consume = || {
        let bearer = ("authorization".to_owned(), format!("Bearer {}", key.trim()));
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        let once = ("idempotency-key".to_owned(), "r-1".to_owned());
        let body = r#"{"meter": "insight_analyses", "units": 1}"#;
        let (url, headers) = (format!("{url}/api/v1/usage/consume"), [bearer, kind, once]);
        Runtime::new().unwrap().block_on(send("POST", &url, &headers, body)).unwrap()
    };
    let refused = thread::scope(|scope| {
        let asking = scope.spawn(consume);
        relay.wait();
        relay.leave();
        asking.join().unwrap()
    });
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()), "{refused:?}");
    let problem: Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(problem["code"], "unavailable");
    assert!(!String::from_utf8_lossy(&refused.body).contains(&at), "{refused:?}");

    relay.add(&format!("http://{at}"));
    assert_eq!(used(), 0);
    assert_eq!((consume().status, consume().status), (200, 200));
    assert_eq!(used(), 1);
    process.kill().unwrap();
    process.wait().unwrap();
}
