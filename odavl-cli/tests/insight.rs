//! Analysis from end to end: a real clippy over a crate made here, reports of other tools, git.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use odavl_cli::insight::{Analysis, Clippy, Request, analyze, clippy::Progress, report};
use odavl_core::{ErrorCode, Result, SystemClock, uploads::sarif::Level};
use serde_json::Value;
use tempfile::TempDir;

const MANIFEST: &str = "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";

/// A report as some tools write it: with a byte order mark, members of its own, and an id of its own.
const REPORT: &str = "\u{feff}{\"version\": \"2.1.0\", \"vendor\": 1, \"runs\": [{
    \"tool\": {\"driver\": {\"name\": \"other\", \"x-vendor\": {\"kept\": 1.10}}},
    \"automationDetails\": {\"id\": \"nightly/\", \"guid\": \"11111111-1111-4111-8111-111111111111\"},
    \"results\": [{\"ruleId\": \"O1\", \"level\": \"error\", \"message\": {\"text\": \"bad\"}}]}]}";

struct Project(TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> std::io::Result<Self> {
        let project = Self(tempfile::tempdir()?);
        for (name, text) in files {
            let path = project.root().join(name);
            fs::create_dir_all(path.parent().unwrap_or(&path))?;
            fs::write(path, text)?;
        }
        Ok(project)
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn analyze(&self, sarif: &[PathBuf]) -> Result<Analysis> {
        let clippy = Clippy::for_project(self.root()).map(|clippy| Clippy {
            target_dir: Some(self.root().join("target")),
            progress: Progress::Hidden,
            ..clippy
        });
        analyze(Request { root: self.root(), clippy, sarif }, &SystemClock)
    }

    fn git(&self, arguments: &[&str]) -> bool {
        let name = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
        let status = Command::new("git").arg("-C").arg(self.root()).args(name).args(arguments).status();
        status.is_ok_and(|status| status.success())
    }
}

fn written(analysis: &Analysis) -> Value {
    serde_json::from_slice(&fs::read(&analysis.file).unwrap_or_default()).unwrap_or_default()
}

fn lines(analysis: &Analysis) -> String {
    let mut out = Vec::new();
    let _ = report::findings(&analysis.document, usize::MAX, report::Look::Lines, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn clippy_over_a_real_crate_becomes_a_document_that_the_service_and_other_readers_take() {
    let source = "pub fn one() -> u8 {\n    return 1;\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {\n        let x = 1;\n    }\n}\n";
    let project = Project::new(&[("Cargo.toml", MANIFEST), ("src/lib.rs", source)]).unwrap();
    let analysis = project.analyze(&[]).unwrap();
    assert_eq!(analysis.incomplete, None);
    let summary = &analysis.inspected.summary;
    assert_eq!((summary.levels.warning, summary.results, summary.files), (2, 2, Some(1)));
    assert!(summary.duration().is_some());
    assert_eq!(summary.tools[0].name, "clippy");

    let shown = lines(&analysis);
    let (first, second) = shown.trim_end().split_once('\n').unwrap();
    assert!(
        first.starts_with("warning\tsrc/lib.rs:2:5\tclippy::needless_return\tunneeded `return`"),
        "{first}"
    );
    assert!(first.ends_with("index.html#needless_return"), "{first}");
    assert!(
        second.starts_with("warning\tsrc/lib.rs:9:13\tunused_variables\tunused variable: `x`"),
        "{second}"
    );

    let text = fs::read_to_string(&analysis.file).unwrap();
    assert!(!text.contains(project.root().to_str().unwrap()), "a path of this machine is in the document");
    let read: serde_sarif::sarif::Sarif = serde_json::from_str(&text).unwrap();
    assert_eq!(read.runs[0].results.as_ref().unwrap().len(), 2);
    assert_eq!(fs::read_to_string(project.root().join(".odavl/.gitignore")).unwrap(), "*\n");
}

#[test]
fn a_crate_that_does_not_compile_yields_its_errors_and_says_so() {
    let source = "pub fn one() -> u8 {\n    \"one\"\n}\n";
    let project = Project::new(&[("Cargo.toml", MANIFEST), ("src/lib.rs", source)]).unwrap();
    let analysis = project.analyze(&[]).unwrap();
    assert!(analysis.incomplete.as_deref().unwrap().contains("does not build (1 error"), "{analysis:?}");
    assert_eq!(analysis.inspected.summary.levels.error, 1);
    let page = "https://doc.rust-lang.org/error_codes/E0308.html";
    assert_eq!(lines(&analysis), format!("error\tsrc/lib.rs:2:5\tE0308\tmismatched types\t{page}\n"));
    assert_eq!(written(&analysis)["runs"][0]["invocations"][0]["executionSuccessful"], false);
}

#[test]
fn every_member_of_a_workspace_is_analysed_from_any_of_its_folders() {
    let member = "[package]\nname = \"NAME\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    let source = "pub fn one() -> u8 {\n    return 1;\n}\n";
    let project = Project::new(&[
        ("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"a\", \"b\"]\n"),
        ("a/Cargo.toml", &member.replace("NAME", "a")),
        ("a/src/lib.rs", source),
        ("b/Cargo.toml", &member.replace("NAME", "b")),
        ("b/src/lib.rs", source),
    ])
    .unwrap();
    let target_dir = Some(project.root().join("target"));
    for root in [project.root().to_owned(), project.root().join("b")] {
        let clippy =
            Clippy { root: root.clone(), target_dir: target_dir.clone(), progress: Progress::Hidden };
        let analysis =
            analyze(Request { root: &root, clippy: Some(clippy), sarif: &[] }, &SystemClock).unwrap();
        let shown = lines(&analysis);
        assert!(shown.contains("\ta/src/lib.rs:2:5\t") && shown.contains("\tb/src/lib.rs:2:5\t"), "{shown}");
    }
}

#[test]
fn a_broken_manifest_is_an_error_with_a_way_out() {
    let project = Project::new(&[("Cargo.toml", "[package")]).unwrap();
    let error = project.analyze(&[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput);
    assert!(
        error.to_string().contains("cargo does not know the project") && error.hint().is_some(),
        "{error}"
    );
}

#[test]
fn reports_of_other_tools_are_merged_under_one_run_and_lose_nothing() {
    let project = Project::new(&[("a.sarif", REPORT), ("b.sarif", REPORT)]).unwrap();
    let analysis = project.analyze(&["a.sarif", "b.sarif"].map(|name| project.root().join(name))).unwrap();
    let document = written(&analysis);
    let run_id = analysis.inspected.run_id.to_string();
    assert_eq!(analysis.file.file_name().unwrap().to_str().unwrap(), format!("{run_id}.sarif"));
    for run in document["runs"].as_array().unwrap() {
        assert_eq!(run["automationDetails"]["guid"], run_id);
        assert_eq!(run["automationDetails"]["id"], "nightly/");
        let tool_guid = &run["automationDetails"]["properties"]["odavl/toolGuid"];
        assert_eq!(tool_guid, "11111111-1111-4111-8111-111111111111");
    }
    assert!(fs::read_to_string(&analysis.file).unwrap().contains(r#""x-vendor": {"kept": 1.10}"#));
    assert_eq!(analysis.inspected.summary.levels.error, 2);
    assert!(
        !analysis.inspected.run_id.to_string().eq(&project
            .analyze(&[project.root().join("a.sarif")])
            .unwrap()
            .inspected
            .run_id
            .to_string())
    );
}

#[test]
fn the_commit_and_the_repository_are_named_without_credentials() {
    let project = Project::new(&[("a.sarif", REPORT)]).unwrap();
    let sarif = [project.root().join("a.sarif")];
    assert!(project.git(&["init", "-q"]));
    assert_eq!(project.analyze(&sarif).unwrap().inspected.summary.commit, None);
    assert!(project.git(&["add", "a.sarif"]) && project.git(&["commit", "-q", "-m", "one"]));
    assert_eq!(project.analyze(&sarif).unwrap().inspected.summary.commit.unwrap().len(), 40);
    assert!(project.git(&["remote", "add", "origin", "https://me:s3cret@git.example/o/r.git"]));
    let analysis = project.analyze(&sarif).unwrap();
    let provenance = &written(&analysis)["runs"][0]["versionControlProvenance"][0];
    assert_eq!(provenance["repositoryUri"], "https://git.example/o/r.git");
    assert!(!fs::read_to_string(&analysis.file).unwrap().contains("s3cret"));
    assert!(
        !project.git(&["check-ignore", "-q", "a.sarif"])
            && project.git(&["check-ignore", "-q", ".odavl/insight"])
    );
}

#[test]
fn a_file_that_is_missing_or_is_not_sarif_is_named_and_nothing_is_written() {
    let project = Project::new(&[("bad.sarif", r#"{"version": "2.1.0", "runs": [{}]}"#)]).unwrap();
    let missing = project.analyze(&[project.root().join("none.sarif")]).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotFound);
    let bad = project.analyze(&[project.root().join("bad.sarif")]).unwrap_err();
    assert!(bad.to_string().contains("bad.sarif: the document is not SARIF 2.1.0: runs[0]"), "{bad}");
    assert!(!project.root().join(".odavl").exists());
}

#[test]
fn nothing_to_analyse_is_said_with_a_way_out() {
    let project = Project::new(&[]).unwrap();
    let error = project.analyze(&[]).unwrap_err();
    assert!(error.to_string().contains("nothing to analyse") && error.hint().unwrap().contains("--sarif"));
}

#[test]
fn results_of_every_level_are_shown_to_those_who_ask() {
    let project = Project::new(&[("a.sarif", REPORT)]).unwrap();
    let analysis = project.analyze(&[project.root().join("a.sarif")]).unwrap();
    let mut seen = Vec::new();
    for level in Level::ALL {
        let visit = &mut |found: &odavl_cli::insight::Finding<'_>| {
            seen.push((found.level, found.message.to_owned()));
            std::ops::ControlFlow::Continue(())
        };
        analysis.document.each(level, visit).unwrap();
    }
    assert_eq!(seen, [(Level::Error, "bad".to_owned())]);
}
