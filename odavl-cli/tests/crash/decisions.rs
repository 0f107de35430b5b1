//! Decisions under fire: the limit is reached exactly, and what was answered is in the ledger once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    fire::{Fire, Report, Seed, Target, under_fire},
    service::Installation,
    wire::Call,
};

const CLIENTS: usize = 12;
const LIMIT: usize = 200;
/// Each client asks for its share of three times the limit.
const ASKED: usize = 3 * LIMIT / CLIENTS;

#[test]
fn decisions_reach_the_limit_exactly_and_lose_and_double_nothing_whenever_the_service_is_killed() {
    let installation = Installation::new(&format!("limits.calls = {LIMIT}"));
    let mut seed = Seed::new();
    let fire = Fire { kills: 12, answers: 60 };
    let client = |number: usize, target: &Target| {
        let asked = (0..ASKED).map(|turn| format!("{number}-{turn}"));
        let decide = |name: &String| match number % 2 {
            0 => verify(&installation, target, name),
            _ => consume(&installation, target, name),
        };
        asked.filter(decide).collect::<Vec<_>>()
    };
    let Report { clients, service } = under_fire(&installation, &fire, &mut seed, CLIENTS, client);
    let granted: BTreeSet<String> = clients.into_iter().flatten().collect();
    assert_eq!(granted.len(), LIMIT, "granted");
    assert_eq!(service.used(&installation, "calls"), LIMIT as u64);
    service.kill();
    assert_ledger(&installation, &granted);
}

/// One decision of another service's; each yes is asked once more, as a client does that is not sure.
fn verify(installation: &Installation, target: &Target, name: &str) -> bool {
    let ask = json!({
        "key": installation.key, "scope": "insight:write", "idempotency_key": name,
        "charges": [{"meter": "calls", "units": 1}], "tags": {"name": name}
    });
    let call = Call::post("/api/v1/gateway/verify", &ask).bearer(&installation.gateway);
    let answer = target.ask(&call).well();
    let granted = answer["valid"] == true;
    assert!(granted || answer["code"] == "quota_exceeded", "{answer}");
    if granted {
        let again = target.ask(&call).well();
        assert_eq!((&again["valid"], &again["replayed"]), (&true.into(), &true.into()), "{again}");
    }
    granted
}

/// One decision of the organisation's own.
fn consume(installation: &Installation, target: &Target, name: &str) -> bool {
    let ask = json!({"meter": "calls", "tags": {"name": name}});
    let call = Call::post("/api/v1/usage/consume", &ask).bearer(&installation.key);
    let answer = target.ask(&call.header("Idempotency-Key", name));
    if answer.status != 200 {
        answer.expect_problem(429, "quota_exceeded");
    }
    answer.status == 200
}

/// Every yes is there once, and nothing else; and the counters and the history say the same.
fn assert_ledger(installation: &Installation, granted: &BTreeSet<String>) {
    let database = installation.database();
    let mut rows = database.prepare("SELECT tags, charges FROM ledger").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let mut names = BTreeMap::<String, usize>::new();
    for (tags, charges) in rows.map(Result::unwrap) {
        let tags: Value = serde_json::from_str(&tags).unwrap();
        let name = tags["name"].as_str().unwrap_or_else(|| panic!("nobody asked for {tags} {charges}"));
        *names.entry(name.to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = names.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "charged more than once: {twice:?}");
    assert_eq!(names.into_keys().collect::<BTreeSet<_>>(), *granted, "the ledger and what was answered");
    for (table, sum) in [
        ("counters", "SELECT SUM(used + reserved) FROM counters WHERE meter = 'calls'"),
        ("hours", "SELECT SUM(units) FROM rollups WHERE meter = 'calls' AND resolution = 'hour'"),
        ("days", "SELECT SUM(units) FROM rollups WHERE meter = 'calls' AND resolution = 'day'"),
    ] {
        let sum: i64 = database.query_row(sum, [], |row| row.get(0)).unwrap();
        assert_eq!(sum, i64::try_from(LIMIT).unwrap(), "{table}");
    }
    let whole: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
}
