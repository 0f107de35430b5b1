use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::{Value, json};

use crate::support::{Person, Server};

#[test]
fn what_was_charged_is_what_is_shown() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let charged = person.odavl("usage consume insight_analyses 3 --json").json();
    assert_eq!((&charged["used"], &charged["remaining"]), (&json!(3), &json!(7)));
    let shown = person.odavl("usage --meter insight_analyses").well();
    assert!(shown.starts_with("insight_analyses\t3\t10\t7\tmonth\t20"), "{shown}");
    assert_eq!(person.odavl("usage --meter no_such_meter").code, 3);
    let whole = person.odavl("usage --json").json();
    assert_eq!((&whole["plan"], &whole["api_keys"]), (&json!("FREE"), &json!(1)));
    let one = person.odavl("usage --json --meter insight_analyses").json();
    assert_eq!(one["limits"].as_array().unwrap().len(), 1);
    let history = person.odavl("usage --history --meter insight_analyses --from 2d --json").json();
    assert_eq!((&history["units"], &history["count"]), (&json!(3), &json!(1)));
}

#[test]
fn the_same_idempotency_key_charges_once() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    for replayed in [false, true] {
        let charged = person.odavl("usage consume insight_analyses --idempotency-key r-17 --json").json();
        assert_eq!((&charged["used"], &charged["replayed"]), (&json!(1), &json!(replayed)));
    }
    // Without one, each run is a run of its own.
    assert_eq!(person.odavl("usage consume insight_analyses --json").json()["used"], 2);
}

#[test]
fn a_warning_is_told_from_80_percent_on() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let charged = person.odavl("usage consume insight_analyses 8");
    assert!(charged.stderr.contains("80 % of insight_analyses are used"), "{charged:?}");
}

#[test]
fn json_says_none_and_unlimited_as_the_api_does() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let admin = format!("admin --data {}", server.data.path().display());
    person.odavl(&format!("{admin} org limit acme api_calls unlimited")).well();
    let me = person.odavl("whoami --json").json();
    for field in ["user_id", "email"] {
        assert_eq!(me.as_object().unwrap().get(field), Some(&Value::Null), "{me}");
    }
    let charged = person.odavl("usage consume api_calls --json").json();
    let usage = person.odavl("usage --json --meter api_calls").json();
    for standing in [&charged, &usage["limits"][0]] {
        for field in ["limit", "remaining", "warning"] {
            assert_eq!(standing.as_object().unwrap().get(field), Some(&Value::Null), "{standing}");
        }
    }
    let listed = person.odavl("keys list --json").json();
    assert_eq!(listed.as_object().unwrap().get("revoked_at"), Some(&Value::Null), "{listed}");
    // What the service itself answers has the same fields.
    let key = person.credentials()["servers"][&server.url]["key"].as_str().unwrap().to_owned();
    let answer: Value = serde_json::from_str(&asked(&server.url, "/api/v1/usage", &key)).unwrap();
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&usage), fields(&answer));
    assert_eq!(fields(&usage["limits"][0]), fields(&answer["limits"][0]));
}

/// What a server answers, as it is.
fn asked(url: &str, path: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let host = url.strip_prefix("http://").unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}
