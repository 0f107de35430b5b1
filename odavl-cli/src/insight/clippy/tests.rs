use serde_json::{Value, json};

use super::*;

const TOP: &str = "/home/me/project";

fn span(file: &str, line: usize) -> Value {
    json!({
        "file_name": file, "byte_start": 0, "byte_end": 1, "line_start": line, "line_end": line,
        "column_start": 5, "column_end": 9, "is_primary": true, "text": [], "label": null,
        "suggested_replacement": null, "suggestion_applicability": null, "expansion": null
    })
}

fn diagnostic(code: Option<&str>, level: &str, text: &str, spans: &[Value]) -> Value {
    let code = code.map(|code| json!({ "code": code, "explanation": null }));
    json!({
        "$message_type": "diagnostic", "message": text, "code": code, "level": level, "spans": spans,
        "children": [], "rendered": null
    })
}

fn message(diagnostic: &Value) -> String {
    let target = json!({
        "kind": ["lib"], "crate_types": ["lib"], "name": "p", "src_path": "/home/me/project/src/lib.rs",
        "edition": "2024", "doc": true, "doctest": true, "test": true
    });
    json!({
        "reason": "compiler-message", "package_id": "path+file:///home/me/project#p@0.1.0",
        "manifest_path": "/home/me/project/Cargo.toml", "target": target, "message": diagnostic
    })
    .to_string()
}

fn converted(diagnostics: &[Value]) -> Value {
    let lines: Vec<_> = diagnostics.iter().map(message).collect();
    let mut findings = Findings::new(TOP.into());
    read_messages(lines.join("\n").as_bytes(), &mut findings).unwrap();
    let (rules, results) = findings.finish();
    json!({ "rules": rules, "results": results })
}

#[test]
fn the_same_finding_of_several_targets_is_one_and_results_stand_in_the_order_of_their_places() {
    let unused =
        diagnostic(Some("unused_variables"), "warning", "unused variable: `x`", &[span("src/lib.rs", 9)]);
    let earlier =
        diagnostic(Some("unused_variables"), "warning", "unused variable: `x`", &[span("src/lib.rs", 2)]);
    let found = converted(&[unused.clone(), unused, earlier]);
    let lines: Vec<_> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [2, 9]);
    assert_eq!(found["rules"].as_array().unwrap().len(), 1);
}

#[test]
fn a_lint_has_its_level_its_rule_its_page_and_a_place_relative_to_the_project() {
    let mut lint = diagnostic(
        Some("clippy::needless_return"),
        "warning",
        "unneeded `return` statement",
        &[span("src/a b.rs", 3)],
    );
    lint["children"] = json!([
        diagnostic(
            None,
            "help",
            "for further information visit https://rust-lang.github.io/rust-clippy/rust-1.95.0/index.html#needless_return",
            &[]
        ),
        diagnostic(None, "note", "`#[warn(clippy::needless_return)]` on by default", &[]),
        diagnostic(None, "help", "remove `return`", &[]),
    ]);
    let found = converted(&[lint]);
    let expected = json!({
        "ruleId": "clippy::needless_return", "ruleIndex": 0, "level": "warning",
        "message": { "text": "unneeded `return` statement\nhelp: remove `return`" },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": "src/a%20b.rs", "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9 }
        } }]
    });
    assert_eq!(found["results"][0], expected);
    let page = "https://rust-lang.github.io/rust-clippy/rust-1.95.0/index.html#needless_return";
    assert_eq!(found["rules"][0], json!({ "id": "clippy::needless_return", "helpUri": page }));
}

#[test]
fn pages_are_known_for_lints_error_codes_and_not_for_what_has_no_code() {
    let kinds = [Some("clippy::panic"), Some("E0308"), Some("dead_code"), None];
    let found = converted(&kinds.map(|code| diagnostic(code, "error", "m", &[span("src/lib.rs", 1)])));
    let pages: Vec<_> = found["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["id"].as_str().unwrap().to_owned(), rule["helpUri"].as_str().map(str::to_owned)))
        .collect();
    let page = |id: &str, uri: &str| (id.to_owned(), Some(uri.to_owned()));
    assert_eq!(
        pages,
        [
            page("E0308", "https://doc.rust-lang.org/error_codes/E0308.html"),
            page("clippy::panic", "https://rust-lang.github.io/rust-clippy/master/index.html#panic"),
            page("dead_code", "https://doc.rust-lang.org/rustc/index.html?search=dead_code"),
            ("rustc".to_owned(), None),
        ]
    );
    let pointed: Vec<_> = found["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            (
                found["rules"][usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()]["id"].clone(),
                result["ruleId"].clone(),
            )
        })
        .collect();
    assert!(pointed.iter().all(|(by_index, by_id)| by_index == by_id), "{pointed:?}");
}

#[test]
fn what_a_foreign_macro_wrote_is_placed_where_the_project_called_it() {
    let mut foreign = span("/home/ada/.cargo/registry/src/m/src/lib.rs", 100);
    foreign["expansion"] =
        json!({ "span": span("src/lib.rs", 7), "macro_decl_name": "m!", "def_site_span": null });
    let found = converted(&[diagnostic(Some("dead_code"), "warning", "m", &[foreign])]);
    let place = &found["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&json!("src/lib.rs"), &json!(7))
    );
}

#[test]
fn paths_outside_the_project_are_never_told() {
    for file in [
        "/home/ada/.cargo/registry/x.rs",
        "../secret/x.rs",
        "src/../../x.rs",
        "<anon>",
        "",
        "/home/me/project",
    ] {
        let found = converted(&[diagnostic(Some("dead_code"), "warning", "m", &[span(file, 1)])]);
        assert_eq!(found["results"][0]["locations"], Value::Null, "{file}");
    }
    let inside = converted(&[diagnostic(None, "error", "m", &[span("/home/me/project/src/x.rs", 1)])]);
    let place = &inside["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/x.rs");
}

#[test]
fn counts_at_the_end_of_a_build_are_no_findings_but_an_error_without_a_place_is() {
    let found = converted(&[
        diagnostic(None, "error", "aborting due to 2 previous errors; 1 warning emitted", &[]),
        diagnostic(None, "warning", "3 warnings emitted", &[]),
        diagnostic(
            None,
            "failure-note",
            "For more information about this error, try `rustc --explain E0308`.",
            &[],
        ),
        diagnostic(None, "error", "linking with `cc` failed: exit status: 1", &[]),
    ]);
    assert_eq!(found["results"].as_array().unwrap().len(), 1);
    assert_eq!(found["results"][0]["level"], "error");
}

#[test]
fn a_change_that_is_safe_to_make_becomes_a_fix_and_a_guess_does_not() {
    let suggestion = |applicability: &str| {
        let mut span = span("src/lib.rs", 3);
        span["suggested_replacement"] = json!("x");
        span["suggestion_applicability"] = json!(applicability);
        diagnostic(None, "help", "write", &[span])
    };
    let mut lint = diagnostic(Some("clippy::a"), "warning", "m", &[span("src/lib.rs", 3)]);
    lint["children"] = json!([suggestion("MaybeIncorrect"), suggestion("MachineApplicable")]);
    let found = converted(&[lint]);
    let fixes = found["results"][0]["fixes"].as_array().unwrap();
    assert_eq!(fixes.len(), 1);
    assert_eq!(fixes[0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "x");
}

#[test]
fn lines_that_are_not_cargo_s_are_passed_over_but_a_finding_that_cannot_be_read_is_not() {
    let mut findings = Findings::new(TOP.into());
    let lines =
        "hello from a macro\n{\"reason\":\"build-finished\",\"success\":true}\n{\"reason\":\"news\"}\n";
    read_messages(lines.as_bytes(), &mut findings).unwrap();
    let unknown = r#"{"reason":"compiler-message","message":{"shape":"new"}}"#;
    let error = read_messages(unknown.as_bytes(), &mut findings).unwrap_err();
    assert_eq!(error.code(), odavl_core::ErrorCode::Unsupported);
}
