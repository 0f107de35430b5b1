//! `odavl serve` on an S3 store: bytes go between the command and the store, and what counts is what is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::{Child, Command},
};

use odavl_core::{Clock, SystemClock};
use odavl_test_store::{
    ACCESS_KEY_ID, BUCKET, Does, FaultyStore, SECRET_ACCESS_KEY, Said, Seen, TestStore, send,
};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{Ended, Person, fed, line_of, nobody, piped};

/// More than comes in one request: five parts.
const LARGE: usize = 70 << 20;

/// A store, a process that serves on it, and somebody who may do everything with objects.
struct Service {
    store: TestStore,
    serving: Child,
    person: Person,
    _runtime: Runtime,
}

fn store(does: Does) -> (TestStore, Runtime) {
    let runtime = Runtime::new().unwrap();
    (runtime.block_on(TestStore::start_that(does)), runtime)
}

/// A command of who runs the service.
fn operator(person: &Person, line: &str, storage: &str) -> Command {
    let mut command = person.command(line);
    command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
    command.env("ODAVL_STORAGE", storage);
    command
}

fn storage(store: &TestStore, profile: &str) -> String {
    format!("s3://{BUCKET}/live?endpoint={}&profile={profile}", store.url)
}

impl Service {
    fn start(profile: &str, does: Does) -> Self {
        let (store, runtime) = store(does);
        let (person, storage) = (Person::new(), storage(&store, profile));
        let operator = |line: &str| operator(&person, line, &storage);
        let first = "admin user create --email ada@example.com --org acme --password-stdin";
        fed(&mut operator(first), "correct horse battery").well();
        let line = "admin keys create acme --name all --scope storage:admin --scope usage:admin --quiet";
        let key = fed(&mut operator(line), "").well();
        let mut serving = piped(&mut operator("serve --listen 127.0.0.1:0")).spawn().unwrap();
        let line = line_of(serving.stdout.as_mut().unwrap());
        let url = line.strip_prefix("odavl is at ").unwrap().to_owned();
        person.odavl_with(&format!("login --with-key --server {url}"), &key).well();
        Self { store, serving, person, _runtime: runtime }
    }

    /// What counts is what is in the store, beside what odavl keeps there for itself.
    fn assert_exact(&self, bytes: u64) {
        assert_eq!((self.person.used("storage_bytes"), self.store.bytes("live/org_")), (bytes, bytes));
        assert_eq!(self.store.unfinished(), 0);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.serving.kill().and_then(|()| self.serving.wait());
    }
}

#[test]
fn what_was_put_is_in_the_bucket_and_got_back_from_there() {
    let service = Service::start("minio", Does { conditions: true, checksums: true });
    let person = &service.person;
    let large: Vec<u8> =
        (0_u64..).flat_map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()).take(LARGE).collect();
    person.file("large", &large);
    person.odavl_with("storage put - docs/a.txt --content-type text/plain", "hello").well();
    let put: Value = person.odavl("storage put large --json").json();
    assert!(put["checksum"].as_str().unwrap().starts_with("sha256-5:"));
    service.assert_exact(LARGE as u64 + 5);
    assert!(service.store.keys().iter().all(|key| key.starts_with("live/")));

    assert_eq!(person.odavl("storage get docs/a.txt -").well(), "hello");
    person.odavl("storage get large copy").well();
    assert!(fs::read(person.folder.path().join("copy")).unwrap() == large);
    let listed = person.odavl("storage list").well();
    assert!(
        listed.starts_with("docs/a.txt\t5\ttext/plain\t") && listed.contains("\nlarge\t73400320\t"),
        "{listed}"
    );

    // What was replaced or deleted counts, and is there, until no URL for it works any more.
    person.odavl_with("storage put - docs/a.txt", "hello again").well();
    person.odavl("storage delete large").well();
    service.assert_exact(LARGE as u64 + 5 + 11);
    let stats = person.odavl("storage stats").well();
    assert_eq!(stats, format!("objects\t1\nbytes\t11\ngarbage_bytes\t{}\n", LARGE + 5));
    assert_eq!(person.odavl("storage get large -").code, 3);
    service.store.damage();
    assert_eq!(person.odavl("storage get docs/a.txt -").code, 8);
}

#[test]
fn a_store_that_holds_nobody_to_the_bytes_presigns_nothing() {
    let service = Service::start("generic", Does { conditions: false, checksums: false });
    let ended = service.person.odavl_with("storage put - a", "hello");
    assert_eq!(ended.code, 70, "{ended:?}");
    assert!(ended.stderr.contains("`generic`") && ended.stderr.contains("odavl doctor"), "{ended:?}");
    service.assert_exact(0);
}

#[test]
fn a_bucket_that_is_of_no_use_is_told_before_anything_is_promised() {
    let (store, _runtime) = store(Does { conditions: true, checksums: true });
    let (good, person) = (storage(&store, "minio"), Person::new());
    let gone = good.replace(BUCKET, "another-bucket");
    let serve = |change: &dyn Fn(&mut Command), storage: &str, said: &str| {
        let mut command = operator(&person, "serve --listen 127.0.0.1:0", storage);
        change(&mut command);
        let ended: Ended = command.output().unwrap().into();
        assert!(ended.code == 2 && ended.stderr.contains(said), "{said}: {ended:?}");
        assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
    };
    serve(&|_| {}, &gone, "no bucket of that name");
    serve(&|_| {}, &good.replace("minio", "nowhere"), "no store profile `nowhere`");
    serve(&|_| {}, "s3://key:canary@bucket", "AWS_SECRET_ACCESS_KEY");
    serve(&|_| {}, &format!("s3://{BUCKET}"), "region");
    serve(&|command| _ = command.env("AWS_SECRET_ACCESS_KEY", "canary"), &good, "refuses the access key");
    serve(&|command| _ = command.env_remove("AWS_ACCESS_KEY_ID"), &good, "set AWS_ACCESS_KEY_ID");
}

#[test]
fn a_store_that_does_not_answer_yet_is_no_reason_not_to_serve() {
    let person = Person::new();
    let nowhere = nobody();
    let toml = format!(
        "storage = \"s3://{BUCKET}?endpoint={nowhere}&profile=mine\"\n[stores.mine]\npath_style = true\n"
    );
    fs::write(person.folder.path().join("odavl.toml"), toml).unwrap();
    let mut serving = piped(&mut operator(&person, "serve --listen 127.0.0.1:0", "")).spawn().unwrap();
    let line = line_of(serving.stdout.as_mut().unwrap());
    let url = line.strip_prefix("odavl is at ").unwrap_or_default().to_owned();
    let ready = Runtime::new()
        .unwrap()
        .block_on(async { send("GET", &format!("{url}/api/health/ready"), &[], Vec::new()).await.unwrap() });
    serving.kill().unwrap();
    let said = String::from_utf8(serving.wait_with_output().unwrap().stderr).unwrap();
    assert_eq!((ready.status, ready.header("retry-after")), (503, Some("1")));
    assert!(said.contains("the store does not answer"), "{said}");
    assert!(!String::from_utf8_lossy(&ready.body).contains(BUCKET) && !said.contains("canary"), "{said}");
}

/// What `doctor` says of each thing that it asks the store, and how it ends.
fn examined(service: &Service, profile: &str) -> (i32, BTreeMap<String, (String, String)>) {
    let storage = storage(&service.store, profile);
    let ended: Ended = operator(&service.person, "doctor --json", &storage).output().unwrap().into();
    assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
    assert!(
        !service.store.keys().iter().any(|key| key.contains("odavl-doctor")),
        "{:?}",
        service.store.keys()
    );
    assert_eq!(service.store.unfinished(), 0);
    (ended.code, findings(&ended))
}

fn findings(doctor: &Ended) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = doctor.stdout.lines().map(|line| {
        let finding: Value = serde_json::from_str(line).unwrap();
        (text(&finding["name"]), (text(&finding["value"]), text(&finding["source"])))
    });
    findings.collect()
}

const ABILITIES: [&str; 3] = ["conditional_put", "checksums", "write_once"];

#[test]
fn doctor_asks_a_store_once_what_it_does() {
    let service = Service::start("minio", Does { conditions: true, checksums: true });
    let (code, found) = examined(&service, "minio");
    assert_eq!(code, 0, "{found:#?}");
    let asked = ["store keeps bytes", "presigned length", "presigned type", "store is private"];
    for name in asked.iter().chain(&ABILITIES) {
        assert_eq!(found[*name], ("yes".to_owned(), "ok".to_owned()), "{name}");
    }
    assert_eq!(found["store drops parts"].0, "yes, and lists them");
    assert!(found["store clock"].0.ends_with(" s from the store's"));
    assert!(found["storage"].0.starts_with("s3://odavl-test/live?") && found["storage"].1 == "ODAVL_STORAGE");

    // A store that is not known is taken to do nothing; what it does can be said in a table.
    let (code, found) = examined(&service, "generic");
    assert_eq!(code, 0, "{found:#?}");
    for name in ABILITIES {
        assert_eq!(found[name].0, "yes, although the profile `generic` has it not in `can`", "{name}");
    }
}

#[test]
fn doctor_says_what_it_means_that_a_bucket_has_versions() {
    let service = Service::start("minio", Does { conditions: true, checksums: true });
    assert_eq!(examined(&service, "minio").1["store deletes"], ("yes".to_owned(), "ok".to_owned()));
    service.store.say_versioned();
    let (code, found) = examined(&service, "minio");
    let (value, advice) = &found["store deletes"];
    assert!(value.contains("stays and costs") && advice.contains("lifecycle rule"), "{found:#?}");
    assert_eq!(code, 0, "{found:#?}");
}

/// A store that takes what is put, and fails whenever it is asked for it; two objects and two uploads of other runs lie in it,
/// of which one each is old.
fn failing(seen: &Seen) -> Said {
    let line = seen.line.as_str();
    let now = SystemClock.now();
    match line.split(' ').next().unwrap_or_default() {
        "HEAD" if !line.contains("odavl-doctor") => Said::new(200, ""),
        "PUT" => Said::new(200, "").with("etag", "\"1\""),
        "POST" if line.contains("uploads") => Said::new(
            200,
            "<InitiateMultipartUploadResult><UploadId>new</UploadId></InitiateMultipartUploadResult>",
        ),
        "DELETE" => Said::new(204, ""),
        "GET" if line.contains("?versioning") => Said::new(501, ""),
        "GET" if line.contains("list-type=2") => {
            let object = |name: &str, at: &str| {
                let key = format!("<Key>live/odavl-doctor/{name}</Key>");
                format!("<Contents>{key}<LastModified>{at}</LastModified><Size>1</Size></Contents>")
            };
            let listed = object("old", "2026-01-01T00:00:00Z") + &object("young", &now.to_string());
            Said::new(200, &format!("<ListBucketResult>{listed}</ListBucketResult>"))
        }
        "GET" if line.contains("?uploads") => {
            let upload = |id: &str, at: &str| {
                let of = format!("<Key>live/odavl-doctor/{id}</Key><UploadId>{id}</UploadId>");
                format!("<Upload>{of}<Initiated>{at}</Initiated></Upload>")
            };
            let listed = upload("stale", "2026-01-01T00:00:00Z") + &upload("fresh", &now.to_string());
            Said::new(200, &format!("<ListMultipartUploadsResult>{listed}</ListMultipartUploadsResult>"))
        }
        _ => Said::new(505, ""),
    }
}

#[test]
fn doctor_takes_a_failure_for_no_answer_and_leaves_nothing_whatever_fails() {
    let (runtime, person) = (Runtime::new().unwrap(), Person::new());
    let store = runtime.block_on(FaultyStore::start(failing));
    let toml = "[stores.mine]\npath_style = true\n";
    fs::write(person.folder.path().join("odavl.toml"), toml).unwrap();
    let storage = format!("s3://{BUCKET}/live?endpoint={}&profile=mine", store.url);
    let ended: Ended = operator(&person, "doctor --json", &storage).output().unwrap().into();
    let found = findings(&ended);
    assert_eq!(ended.code, 7, "{ended:?}");
    for name in ABILITIES.iter().chain(&["store keeps bytes"]).filter(|name| **name != "write_once") {
        let (value, source) = &found[*name];
        assert!(value.contains("the store fails") && source != "ok", "{name}: {value}: {source}");
    }
    assert_eq!(found["store deletes"].0, "the store does not say whether the bucket has versions");
    assert_eq!(found["store is left clean"].0, "yes, and what an earlier run had left is gone");

    let seen = store.seen();
    let path = |seen: &Seen| {
        let target = seen.line.split(' ').nth(1).unwrap_or_default();
        target.split('?').next().unwrap_or_default().to_owned()
    };
    let gone: Vec<_> = seen.iter().filter(|seen| seen.line.starts_with("DELETE ")).collect();
    let put = seen.iter().filter(|seen| seen.line.starts_with("PUT ")).map(path);
    let put: BTreeSet<_> = put.collect();
    assert!(put.len() > 4, "{put:?}");
    for path_of_put in put {
        assert!(gone.iter().any(|gone| path(gone) == path_of_put && !gone.line.contains("uploadId")));
    }
    let begun = seen.iter().filter(|seen| seen.line.starts_with("POST ") && seen.line.contains("uploads"));
    for begun in begun.map(path) {
        assert!(gone.iter().any(|gone| path(gone) == begun && gone.line.contains("uploadId=new")));
    }
    let is_gone = |what: &str| gone.iter().any(|gone| gone.line.contains(what));
    assert!(is_gone("odavl-doctor/old") && is_gone("uploadId=stale"));
    assert!(!is_gone("odavl-doctor/young") && !is_gone("uploadId=fresh"));
}

#[test]
fn doctor_finds_what_a_store_does_not_do_although_its_profile_says_so() {
    let service = Service::start("generic", Does { conditions: false, checksums: false });
    let (code, found) = examined(&service, "minio");
    assert_eq!(code, 2, "{found:#?}");
    for name in ABILITIES {
        assert_eq!(found[name].0, "no, although the profile `minio` says so", "{name}");
        assert!(found[name].1.contains(&format!("take `{name}` out of `can`")), "{:?}", found[name]);
    }
    let (code, found) = examined(&service, "generic");
    assert_eq!(code, 0, "{found:#?}");
    assert_eq!(found["checksums"].0, "no, as the profile `generic` says");
    fs::write(
        service.person.folder.path().join("odavl.toml"),
        "[stores.mine]\npath_style = true\ncan = [\"checksums\"]",
    )
    .unwrap();
    let (code, found) = examined(&service, "mine");
    assert_eq!((code, found["checksums"].0.as_str()), (2, "no, although the profile `mine` says so"));
    let (code, found) = examined(&service, "mine&region=eu-1&endpoint=http://127.0.0.1:1");
    assert_eq!(code, 7, "{found:#?}");
    assert!(found["store answers"].0.starts_with("the store does not answer"), "{found:?}");
}
