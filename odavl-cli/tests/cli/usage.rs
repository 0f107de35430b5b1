use serde_json::json;

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
