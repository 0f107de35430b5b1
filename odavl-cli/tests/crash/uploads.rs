//! Uploads under fire: what was answered is there once, and what is used is what is in the store, to the byte.

use std::collections::BTreeMap;

use odavl_core::{storage::Sha256, uploads::RunId};
use serde_json::json;

use crate::{
    fire::{Fire, Report, Seed, Target, under_fire},
    service::Installation,
    swept::{in_store, sweep_later},
    wire::Call,
};

const CLIENTS: usize = 8;
const EACH: usize = 12;
/// Fewer runs than are sent.
const RUNS: usize = 40;

/// What clients were told is stored: names of objects and ids of runs, with their bytes.
type Stored = BTreeMap<String, Vec<u8>>;

#[test]
fn uploads_lose_and_double_nothing_whenever_the_service_is_killed() {
    let installation = Installation::new(&format!("limits.analyses = {RUNS}\nlimits.bytes = 100000000"));
    let service = installation.serve();
    service.make_project(&installation);
    service.kill();
    let fire = Fire { kills: 10, answers: 40 };
    let client = |number: usize, target: &Target| {
        let turns = (0..EACH).map(|turn| number * EACH + turn);
        let store = |turn| match number % 2 {
            0 => store_object(&installation, target, turn),
            _ => send_results(&installation, target, turn),
        };
        turns.filter_map(store).collect::<Stored>()
    };
    let Report { clients, service } = under_fire(&installation, &fire, &mut Seed::new(), CLIENTS, client);
    let stored: Stored = clients.into_iter().flatten().collect();
    let runs = stored.keys().filter(|name| name.parse::<RunId>().is_ok()).count();
    // A try that was killed twice may hold two until they expire: never more than the limit, and then one less.
    assert!(runs <= RUNS, "{runs} runs were taken");
    assert_eq!(service.used(&installation, "analyses"), RUNS as u64);
    assert_listed(&installation, service.address, &stored);
    service.kill();
    // What tries left behind that were killed is cleared away once it has expired.
    sweep_later(&installation);
    let sum = |sum: &str| installation.database().query_row(sum, [], |row| row.get::<_, i64>(0)).unwrap();
    let counted = |meter, whose| {
        let of = format!("meter = '{meter}' AND scope {whose} ''");
        sum(&format!("SELECT SUM(used + reserved) FROM counters WHERE {of}"))
    };
    assert_eq!(counted("analyses", "="), i64::try_from(runs).unwrap());
    let bytes: usize = stored.values().map(Vec::len).sum();
    assert_eq!(in_store(&installation), i64::try_from(bytes).unwrap());
    // The organisation has what is there, and so has the one key that stored it.
    assert_eq!(counted("bytes", "="), in_store(&installation));
    assert_eq!(counted("bytes", "<>"), in_store(&installation));
}

/// Bytes that tell one turn from another.
fn content(turn: usize) -> Vec<u8> {
    format!("turn {turn} ").into_bytes().repeat(1 + turn * 150)
}

/// Stores an object, and removes every third again.
fn store_object(installation: &Installation, target: &Target, turn: usize) -> Option<(String, Vec<u8>)> {
    let (name, bytes) = (format!("objects/{turn}"), content(turn));
    let wish = json!({"name": name, "size": bytes.len(), "sha256": Sha256::of(&bytes).to_string()});
    let call = Call::post("/api/v1/storage/upload-url", &wish).bearer(&installation.key);
    let ticket = target.ask(&call.header("Idempotency-Key", &name)).well();
    if !ticket["request"].is_null() {
        // Sent once more after it arrived unanswered, it is there already.
        let sent = target.ask(&Call::presigned(&ticket["request"], &bytes));
        assert!([200, 412].contains(&sent.status), "{sent}");
    }
    let complete = format!("/api/v1/storage/uploads/{}/complete", ticket["upload"]["id"].as_str().unwrap());
    target.ask(&Call::new("POST", &complete).bearer(&installation.key)).well();
    if turn.is_multiple_of(3) {
        let remove = Call::new("DELETE", &format!("/api/v1/storage/files?name={name}"));
        let removed = target.ask(&remove.bearer(&installation.key));
        assert!([200, 404].contains(&removed.status), "{removed}");
        return None;
    }
    Some((name, bytes))
}

/// Sends the results of a run, until they are taken or the limit refuses them; each yes is sent once more.
fn send_results(installation: &Installation, target: &Target, turn: usize) -> Option<(String, Vec<u8>)> {
    let run = RunId::random().unwrap().to_string();
    let call = results(&run, turn).1.bearer(&installation.key);
    let answer = target.ask(&call);
    if answer.status != 200 {
        answer.expect_problem(429, "quota_exceeded");
        return None;
    }
    let (first, again) = (answer.json(), target.ask(&call).well());
    assert_eq!(first["upload"]["id"], again["upload"]["id"], "{first} {again}");
    let bytes = results(&run, turn).0;
    Some((run, bytes))
}

/// A document of that run, and the call that sends it.
pub(crate) fn results(run: &str, turn: usize) -> (Vec<u8>, Call) {
    results_of(run, &[turn])
}

/// The same with several of them.
pub(crate) fn results_of(run: &str, turns: &[usize]) -> (Vec<u8>, Call) {
    let result = |turn: &usize| {
        let text = String::from_utf8(content(*turn)).unwrap();
        json!({"ruleId": "r", "level": "error", "message": {"text": text}})
    };
    let document = json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "clippy"}}, "automationDetails": {"guid": run},
        "results": turns.iter().map(result).collect::<Vec<_>>(),
    }]});
    let bytes = document.to_string().into_bytes();
    let call = Call::new("POST", &format!("/api/v1/uploads?product=insight&project=app&run_id={run}"))
        .header("Content-Type", "application/octet-stream")
        .header("Odavl-Content-Sha256", &Sha256::of(&bytes).to_string())
        .body(bytes.clone());
    (bytes, call)
}

/// Holds what is listed to what was answered, and each object to its bytes.
fn assert_listed(installation: &Installation, service: std::net::SocketAddr, stored: &Stored) {
    let read = |path: &str| Call::get(path).bearer(&installation.key).send(service).unwrap().well();
    let names = |path: &str, name: &str| {
        let page = read(path);
        let items = page["items"].as_array().unwrap().iter();
        let mut names: Vec<_> = items.map(|item| item[name].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let mut listed = names("/api/v1/uploads?limit=100", "run_id");
    listed.extend(names("/api/v1/storage/files?prefix=objects/&limit=100", "name"));
    listed.sort();
    assert_eq!(listed, stored.keys().cloned().collect::<Vec<_>>());
    for (name, bytes) in stored.iter().filter(|(name, _)| name.starts_with("objects/")) {
        let call = Call::post("/api/v1/storage/download-url", &json!({"name": name}));
        let request = call.bearer(&installation.key).send(service).unwrap().well();
        let fetched = Call::presigned(&request, &[]).send(service).unwrap();
        assert!(fetched.status == 200 && fetched.body == *bytes, "{name}: {}", fetched.status);
    }
}
