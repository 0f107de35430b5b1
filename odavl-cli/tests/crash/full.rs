//! A full disk: nothing is granted that cannot be kept, and all goes on once there is space.

use odavl_core::{storage::Sha256, uploads::RunId};
use serde_json::{Value, json};

use crate::{
    disk::Disk,
    service::Installation,
    uploads::results,
    wire::{Answer, Call},
};

/// More than is left of the disk.
const LARGE: usize = 2 << 20;
const LEFT: u64 = 1 << 20;

#[test]
fn decisions_fail_closed_while_the_disk_is_full_and_go_on_when_there_is_space() {
    let installation = Installation::new("limits.calls = 1000");
    let disk = Disk::serve(&installation);
    let decide = |name: &str| {
        let ask = json!({"meter": "calls", "units": 1});
        let call = Call::post("/api/v1/usage/consume", &ask).bearer(&installation.key);
        call.header("Idempotency-Key", name).send(disk.service.address).unwrap()
    };
    decide("before").well();
    disk.fill_but(0);
    // What is left of the log's last page may take some more; each yes counts, and then there is none.
    let granted = (0..1000).take_while(|turn| decide(&format!("full-{turn}")).status == 200).count();
    assert!(granted < 1000, "the disk never was full");
    let refused = format!("full-{granted}");
    decide(&refused).expect_problem(503, "unavailable");
    let verify = json!({
        "key": installation.key, "scope": "insight:write", "charges": [{"meter": "calls", "units": 1}]
    });
    let verify = Call::post("/api/v1/gateway/verify", &verify).bearer(&installation.gateway);
    verify.send(disk.service.address).unwrap().expect_problem(503, "unavailable");
    Call::get("/api/health").send(disk.service.address).unwrap().well();

    disk.free();
    assert_eq!(decide(&refused).well()["replayed"], false);
    assert_eq!(decide("before").well()["replayed"], true);
    assert_eq!(verify.send(disk.service.address).unwrap().well()["valid"], true);
    assert_eq!(disk.service.used(&installation, "calls"), granted as u64 + 3);
}

#[test]
fn an_upload_that_fills_the_disk_leaves_nothing_and_can_be_sent_again() {
    let installation = Installation::new("limits.bytes = 100000000");
    let disk = Disk::serve(&installation);
    let bytes = b"odavl".repeat(LARGE / 5);
    let wish = json!({"name": "large", "size": bytes.len(), "sha256": Sha256::of(&bytes).to_string()});
    let ask = |call: Call| call.bearer(&installation.key).send(disk.service.address).unwrap();
    let ticket = ask(Call::post("/api/v1/storage/upload-url", &wish)).well();
    let put = Call::presigned(&ticket["request"], &bytes);
    let stats = || ask(Call::get("/api/v1/storage/stats")).well();

    disk.fill_but(LEFT);
    put.send(disk.service.address).unwrap().expect_problem(503, "unavailable");
    assert_eq!(stats()["objects"], 0);

    disk.free();
    let sent = put.send(disk.service.address).unwrap();
    assert_eq!(sent.status, 200, "{sent}");
    let complete = format!("/api/v1/storage/uploads/{}/complete", ticket["upload"]["id"].as_str().unwrap());
    ask(Call::new("POST", &complete)).well();
    assert_eq!(stats()["bytes"], bytes.len());
    assert_eq!(disk.service.used(&installation, "bytes"), bytes.len() as u64);
}

#[test]
fn results_that_fill_the_disk_are_not_charged_and_the_same_run_is_taken_later() {
    let installation = Installation::new("limits.analyses = 10\nlimits.bytes = 100000000");
    let disk = Disk::serve(&installation);
    disk.service.make_project(&installation);
    let run = RunId::random().unwrap().to_string();
    // Some three megabytes.
    let (bytes, call) = results(&run, 2000);
    assert!(bytes.len() > LARGE, "{}", bytes.len());
    let send = || -> Answer { call.clone().bearer(&installation.key).send(disk.service.address).unwrap() };

    disk.fill_but(LEFT);
    send().expect_problem(503, "unavailable");

    disk.free();
    let taken: Value = send().well();
    assert_eq!(taken["upload"]["run_id"], run);
    assert_eq!(disk.service.used(&installation, "analyses"), 1);
    assert_eq!(disk.service.used(&installation, "bytes"), bytes.len() as u64);
}
