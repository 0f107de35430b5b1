use std::fmt::Write as _;

use super::*;

fn scanned(text: &str) -> Result<Scan> {
    scan(text.as_bytes(), &Caps::default())
}

fn log(run: &str) -> String {
    format!(r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "t"}}}}, {run}}}]}}"#)
}

#[track_caller]
fn assert_refused(text: &str, saying: &str) {
    let error = scanned(text).unwrap_err();
    assert_eq!(error.code(), crate::ErrorCode::InvalidInput, "{error}");
    assert!(error.to_string().contains(saying), "{error}");
    assert!(error.hint().is_some());
}

#[test]
fn a_document_is_summed_up_by_level_rule_tool_commit_and_time() {
    let summary = scanned(include_str!("fixtures/two-runs.sarif")).unwrap().summary;
    assert_eq!(summary.levels, Levels { error: 2, warning: 2, note: 1, none: 2 });
    assert_eq!(summary.results, 7);
    let rules: Vec<_> = summary.rules.iter().map(|rule| (rule.rule.as_deref(), rule.results)).collect();
    let expected = [
        (Some("clippy::panic"), 2),
        (None, 1),
        (Some("B1/sub"), 1),
        (Some("E1"), 1),
        (Some("X0"), 1),
        (Some("clippy::style"), 1),
    ];
    assert_eq!(rules, expected);
    let tools: Vec<_> =
        summary.tools.iter().map(|tool| (tool.name.as_str(), tool.version.as_deref())).collect();
    assert_eq!(tools, [("clippy", Some("0.1.95")), ("scanner", Some("9"))]);
    assert_eq!(summary.commit.as_deref(), Some("3b18e512dba79e4c8300dd08aeb37f8e728b8dad"));
    assert_eq!(summary.duration().unwrap().as_secs(), 95);
    assert_eq!(summary.files, Some(3));
    assert_eq!(summary.other_rules, OtherRules::default());
}

#[test]
fn run_ids_are_listed_once_each() {
    let scan = scanned(include_str!("fixtures/two-runs.sarif")).unwrap();
    let ids: Vec<_> = scan.run_ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11"]);
}

#[test]
fn a_summary_survives_json() {
    let summary = scanned(include_str!("fixtures/two-runs.sarif")).unwrap().summary;
    let text = serde_json::to_string(&summary).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
}

#[test]
fn rules_beyond_the_top_are_counted_together() {
    let mut results = String::new();
    for rule in 0..TOP_RULES + 7 {
        for _ in 0..=usize::from(rule >= 7) {
            let _ = write!(results, r#"{{"ruleId": "r{rule:03}", "message": {{"text": "m"}}}},"#);
        }
    }
    let summary =
        scanned(&log(&format!(r#""results": [{}]"#, results.trim_end_matches(',')))).unwrap().summary;
    assert_eq!(summary.rules.len(), TOP_RULES);
    assert!(summary.rules.iter().all(|rule| rule.results == 2));
    assert_eq!(summary.other_rules, OtherRules { rules: 7, results: 7 });
    assert_eq!(summary.results, 2 * TOP_RULES as u64 + 7);
}

#[test]
fn the_level_of_a_rule_counts_even_when_the_tool_comes_after_its_results() {
    let text = r#"{"runs": [{"results": [{"ruleId": "R", "message": {"text": "m"}}],
        "tool": {"driver": {"name": "t", "rules": [{"id": "R", "defaultConfiguration": {"level": "error"}}]}}}],
        "version": "2.1.0"}"#;
    assert_eq!(scanned(text).unwrap().summary.levels.error, 1);
}

#[test]
fn a_run_without_results_is_a_run() {
    for run in [r#""results": null"#, r#""results": []"#, r#""columnKind": "utf16CodeUnits""#] {
        assert_eq!(scanned(&log(run)).unwrap().summary.results, 0);
    }
}

#[test]
fn what_is_not_sarif_is_refused() {
    assert_refused("", "ends too early");
    assert_refused("null", "expected an object");
    assert_refused("[]", "expected an object");
    assert_refused(r#"["2.1.0", []]"#, "expected an object");
    assert_refused("{}", "missing field");
    assert_refused("hello", "not JSON");
    assert_refused(r#"{"version": "2.1.0"}"#, "missing field `runs`");
    assert_refused(r#"{"version": "2.1.0", "runs": []}"#, "runs: there is no run");
    assert_refused(r#"{"version": "2.1.0", "runs": {}}"#, "expected an array of runs");
    assert_refused(r#"{"version": "2.1.0", "runs": [[]]}"#, "runs[0]: ");
    assert_refused(r#"{"version": "2.1.0", "runs": [{}]}"#, "runs[0]: missing field `tool`");
    assert_refused(r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": ""}}}]}"#, "driver.name");
    assert_refused(&log(r#""results": {}"#), "runs[0].results");
}

#[test]
fn another_version_is_refused() {
    for version in [r#""2.0.0""#, r#""2.1.0-rtm.5""#, "2.1", "null"] {
        assert_refused(&format!(r#"{{"version": {version}, "runs": []}}"#), "version: ");
    }
}

#[test]
fn a_result_is_refused_with_its_place_when_it_lacks_a_message_or_has_a_wrong_level() {
    let good = r#"{"message": {"text": "m"}}"#;
    for (bad, saying) in [
        ("{}", "missing field `message`"),
        (r#"{"message": "m"}"#, "expected an object"),
        (r#"{"message": {"markdown": "m"}}"#, "neither `text` nor `id`"),
        (r#"{"message": {"text": 1}}"#, "message.text"),
        (r#"{"message": {"text": "m"}, "level": "critical"}"#, "unknown variant `critical`"),
        (r#"{"message": {"text": "m"}, "level": "Error"}"#, "unknown variant `Error`"),
        (r#"{"message": {"text": "m"}, "kind": "pass", "level": "error"}"#, "must have the level `none`"),
        (r#"{"message": {"text": "m"}, "kind": "oops"}"#, "unknown variant `oops`"),
        (r#"{"message": {"text": "m"}, "ruleId": ""}"#, "ruleId"),
        (r#"{"message": {"text": "m"}, "ruleId": "a\u001b[31m"}"#, "ruleId"),
        ("null", "expected an object"),
    ] {
        let text = log(&format!("\"results\": [{good},\n{bad}]"));
        assert_refused(&text, "runs[0].results[1]");
        assert_refused(&text, saying);
        assert_refused(&text, "line 2");
    }
}

#[test]
fn a_kind_other_than_fail_means_the_level_none() {
    for kind in ["pass", "open", "review", "notApplicable", "informational"] {
        for level in ["", r#", "level": "none""#] {
            let run = format!(r#""results": [{{"message": {{"id": "m"}}, "kind": "{kind}"{level}}}]"#);
            assert_eq!(scanned(&log(&run)).unwrap().summary.levels.none, 1);
        }
    }
}

#[test]
fn a_member_that_is_read_may_not_be_there_twice() {
    assert_refused(r#"{"version": "2.1.0", "version": "2.1.0", "runs": []}"#, "duplicate field `version`");
    assert_refused(&log(r#""results": [], "results": []"#), "duplicate field `results`");
    assert_refused(&log(r#""results": [{"message": {"text": "a", "text": "b"}}]"#), "duplicate field `text`");
}

#[test]
fn results_beside_the_document_are_refused_rather_than_not_counted() {
    let run = r#""externalPropertyFileReferences": {"results": [{"guid": "x"}]}"#;
    assert_refused(&log(run), "externalPropertyFileReferences");
    let text = r#"{"version": "2.1.0", "inlineExternalProperties": [{}], "runs": []}"#;
    assert_refused(text, "inlineExternalProperties");
}

#[test]
fn what_is_not_json_is_refused_even_where_it_would_be_passed_over() {
    for bad in
        ["NaN", "Infinity", "-", "01", "'a'", "\"a\nb\"", "\"\\x\"", "{\"a\" 1}", "[1,]", "{1: 2}", "tru"]
    {
        assert_refused(&log(&format!(r#""properties": {{"a": {bad}}}"#)), "not JSON");
    }
    assert_refused(&(log(r#""results": []"#) + "{}"), "not JSON");
    assert_refused(&format!("\u{feff}{}", log(r#""results": []"#)), "byte order mark");
    let cut = log(r#""results": []"#);
    for end in 1..cut.len() {
        assert_refused(&cut[..end], "too early");
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_even_where_they_would_be_passed_over() {
    let mut bytes = log(r#""properties": {"a": "@"}"#).into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'@').unwrap();
    bytes[at] = 0xC3;
    let error = scan(&bytes[..], &Caps::default()).unwrap_err();
    assert!(error.to_string().contains("not UTF-8 on line 1"), "{error}");
}

#[test]
fn nesting_strings_keys_and_numbers_are_capped_wherever_they_are() {
    let caps = Caps { depth: 20, string: 1000, key: 100, ..Caps::default() };
    let said = |value: &str| {
        scan(log(&format!(r#""properties": {{"a": {value}}}"#)).as_bytes(), &caps)
            .map_or_else(|error| error.to_string(), |_| "fine".to_owned())
    };
    assert_eq!(said(&format!("{}{}", "[".repeat(16), "]".repeat(16))), "fine");
    assert_eq!(said(&"[".repeat(17)), "more than 20 arrays and objects inside one another on line 1");
    assert_eq!(said(&"{\"a\":".repeat(17)), "more than 20 arrays and objects inside one another on line 1");
    assert_eq!(said(&format!("\"{}\"", "é".repeat(500))), "fine");
    assert_eq!(said(&format!("\"{}a\"", "é".repeat(500))), "a string of more than 1000 bytes on line 1");
    assert_eq!(said(&format!("{{\"{}\": 1}}", "k".repeat(100))), "fine");
    assert_eq!(said(&format!("{{\"{}\": 1}}", "k".repeat(101))), "a key of more than 100 bytes on line 1");
    assert_eq!(said(&"1".repeat(1024)), "fine");
    assert_eq!(said(&"1".repeat(1025)), "a number or word without an end on line 1");
}

#[test]
fn a_hundred_thousand_open_brackets_are_refused_by_default() {
    assert_refused(&log(&format!(r#""properties": {}"#, "[".repeat(100_000))), "inside one another");
    assert_refused(&log(&format!(r#""properties": {}"#, "{\"a\":[".repeat(50_000))), "inside one another");
}

#[test]
fn rules_and_runs_are_capped() {
    let results: Vec<_> =
        (0..=10_000).map(|n| format!(r#"{{"ruleId": "{n}", "message": {{"id": "m"}}}}"#)).collect();
    assert_refused(&log(&format!(r#""results": [{}]"#, results.join(","))), "more than 10000 rules");
    let run = r#"{"tool": {"driver": {"name": "t"}}}"#;
    let runs = vec![run; 257].join(",");
    assert_refused(&format!(r#"{{"version": "2.1.0", "runs": [{runs}]}}"#), "more than 256 runs");
}

#[test]
fn an_error_is_short_and_shows_no_control_characters() {
    let level = format!("\\u001b]0;{}", "x".repeat(5000));
    let error = scanned(&log(&format!(r#""results": [{{"message": {{"text": ""}}, "level": "{level}"}}]"#)));
    let said = error.unwrap_err().to_string();
    assert!(said.len() < 1000 && !said.contains(char::is_control), "{said}");
}
