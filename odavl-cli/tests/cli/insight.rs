use std::fs;

use crate::support::Person;

const REPORT: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "other"}}, "results": [
    {"ruleId": "O1", "level": "error", "message": {"text": "bad"}},
    {"ruleId": "O2", "level": "none", "message": {"text": "fine"}}]}]}"#;

#[test]
fn findings_are_lines_in_a_pipe_and_end_with_10_only_where_asked() {
    let person = Person::new();
    fs::write(person.folder.path().join("report.sarif"), REPORT).unwrap();
    let told = person.odavl("insight analyze --sarif report.sarif");
    assert!(told.stderr.contains("1 error (other)"), "{told:?}");
    assert_eq!(told.well(), "error\t\tO1\tbad\t\n");
    let strict = person.odavl("insight analyze --sarif report.sarif --strict --json");
    assert_eq!(strict.code, 10, "{strict:?}");
    let shown: serde_json::Value = serde_json::from_str(&strict.stdout).unwrap();
    assert_eq!(shown["levels"]["error"], 1);
    let file = fs::read_to_string(shown["file"].as_str().unwrap()).unwrap();
    assert!(file.contains(shown["run_id"].as_str().unwrap()));
}

#[test]
fn nothing_worth_a_finding_is_no_finding() {
    let person = Person::new();
    let fine = REPORT.replace("error", "none");
    fs::write(person.folder.path().join("report.sarif"), fine).unwrap();
    assert_eq!(person.odavl("insight analyze --sarif report.sarif --strict").well(), "");
    let refused = person.odavl("insight analyze");
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--sarif FILE"));
}
