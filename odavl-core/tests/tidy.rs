//! Holds the house to its plan by reading the sources: which room may know which, how large a file may be, and
//! what is never there. ARCHITECTURE.md says why.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const WINGS: [&str; 4] = ["auth", "metering", "storage", "backup"];
const ADAPTERS: [&str; 6] = ["memory", "sql", "fs", "s3", "postgres", "sqlite"];

/// The files where a session with every right is made: the doors' own entrances, each for a stated reason.
const SYSTEM_SESSIONS: [&str; 2] = [
    // The operator's commands on the server itself.
    "odavl-cli/src/commands/admin",
    // A program that embeds the library in Python opens it as one in Rust does.
    "odavl-py/src/installation.rs",
];

struct Source {
    /// From the repository's root.
    path: String,
    text: String,
}

impl Source {
    /// The code before the file's own tests, without comments.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let whole = self.text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines = whole.lines().enumerate().map(|(number, line)| (number + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn is_test(&self) -> bool {
        self.path.contains("/tests") || self.path.ends_with("tests.rs") || self.path.contains("contract")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for package in ["odavl-core", "odavl-http", "odavl-cli", "odavl-py"] {
        collect(&root().join(package), &mut found);
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push(Source { path, text });
        }
    }
}

/// Fails with every line of the sources for which `is_wrong` says why.
fn hold(is_wrong: impl Fn(&Source, &str) -> Option<String>) {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            if let Some(why) = is_wrong(&source, line) {
                wrong.push(format!("{}:{number}: {why}: {}", source.path, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn wing_of(path: &str) -> Option<&'static str> {
    WINGS.into_iter().find(|wing| path.starts_with(&format!("odavl-core/src/{wing}/")))
}

#[test]
fn no_file_is_longer_than_a_person_reads_at_once() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|source| (source.text.lines().count(), source.path))
        .filter(|(lines, _)| *lines > 400)
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn the_library_knows_no_door() {
    hold(|source, line| {
        let outside = ["poem", "clap", "pyo3", "odavl_http", "odavl_cli", "reqwest"];
        let named = outside.into_iter().find(|name| line.contains(&format!("{name}::")))?;
        (source.path.starts_with("odavl-core/src")).then(|| format!("the core knows {named}"))
    });
}

#[test]
fn no_door_knows_another_but_the_command_line_that_serves() {
    hold(|source, line| {
        let outside = if source.path.starts_with("odavl-http/") {
            ["odavl_cli", "pyo3"].as_slice()
        } else if source.path == "odavl-py/src/command.rs" {
            // The package brings the command, whole.
            ["odavl_http"].as_slice()
        } else if source.path == "odavl-py/src/guard.rs" {
            // What stands before somebody's own routes is one, whichever language they are in.
            ["odavl_cli"].as_slice()
        } else if source.path.starts_with("odavl-py/") {
            ["odavl_cli", "odavl_http"].as_slice()
        } else {
            &[]
        };
        let known = outside.iter().find(|name| line.contains(&format!("{name}::")));
        known.map(|name| format!("a door knows {name}"))
    });
}

#[test]
fn no_wing_imports_another_wing_s_adapter() {
    hold(|source, line| {
        let wing = wing_of(&source.path)?;
        let other = WINGS
            .into_iter()
            .filter(|other| *other != wing)
            .find(|other| ADAPTERS.iter().any(|adapter| line.contains(&format!("{other}::{adapter}"))))?;
        Some(format!("{wing} knows an adapter of {other}"))
    });
}

#[test]
fn no_use_case_names_an_engine() {
    hold(|source, line| {
        let service = source.path.contains("/service") || source.path.starts_with("odavl-core/src/gateway");
        let engine =
            ["sqlite", "Sqlite", "postgres", "Postgres", "SqlAuth", "crate::db", "Memory", "FsStorage"]
                .into_iter()
                .find(|engine| line.contains(engine))?;
        (service && !source.is_test()).then(|| format!("a use case knows {engine}"))
    });
}

#[test]
fn statements_name_their_columns_so_that_running_nodes_outlive_a_new_one() {
    const WHY: &str = "a statement that breaks when its table gets a column";
    hold(|source, line| {
        let every = ["SELECT *", "RETURNING *", ".*, ", ".* FROM"].iter().any(|all| line.contains(all));
        (every && !line.contains("FROM unnest(") && !source.is_test()).then(|| WHY.to_owned())
    });
    for source in sources().iter().filter(|source| !source.is_test()) {
        let code = source.code().map(|(_, line)| line).collect::<Vec<_>>().join(" ");
        for insert in code.split("INSERT INTO ").skip(1) {
            // The table, and then its columns.
            let table = insert.split('(').next().unwrap();
            assert_eq!(table.split_whitespace().count(), 1, "{}: {WHY}: INSERT INTO {table}", source.path);
        }
    }
}

#[test]
fn rules_wait_for_nothing_and_read_no_clock() {
    let pure = [
        "auth/audit",
        "auth/device",
        "auth/key",
        "auth/login",
        "auth/org",
        "auth/scope",
        "auth/user",
        "metering/limit",
        "metering/meter",
        "metering/period",
        "metering/plan",
        "storage/object",
        "storage/key",
        "page",
    ];
    hold(|source, line| {
        let rule = pure.iter().any(|file| source.path == format!("odavl-core/src/{file}.rs"));
        let impure = ["async fn", "tokio::", "std::fs", "std::env", "SystemTime", "Instant::now", "Clock"]
            .into_iter()
            .find(|word| line.contains(word))?;
        rule.then(|| format!("a rule that is not pure: {impure}"))
    });
}

#[test]
fn only_the_listed_places_make_a_session_with_every_right() {
    hold(|source, line| {
        let listed = SYSTEM_SESSIONS.iter().any(|place| source.path.starts_with(place));
        let door = !source.path.starts_with("odavl-core/") && !source.is_test();
        (door && !listed && line.contains(".system(")).then(|| "a session with every right".to_owned())
    });
}

#[test]
fn nothing_is_unfinished_or_skipped() {
    // Spelt so that this file does not find itself.
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimple", "mented!(")];
    for source in sources() {
        for word in words {
            assert!(!source.text.contains(word), "{}: {word}", source.path);
        }
        assert!(!source.text.contains(concat!("#[ig", "nore")), "{}: a test is skipped", source.path);
    }
}

/// Where the docs say that the repository's files are.
const REPOSITORY: &str = "https://github.com/odavl/odavl/blob/main/";

#[test]
fn links_in_the_docs_lead_somewhere_and_every_page_is_in_the_summary() {
    let mut pages = Vec::new();
    for folder in ["", "docs", "scenarios"] {
        let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    }
    let summary = root().join("docs/SUMMARY.md");
    let mut listed = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for target in targets.filter(|target| !target.is_empty()) {
            // The site of the docs has what is in their folder, and finds the rest where the repository is.
            let (from, target) = match target.strip_prefix(REPOSITORY) {
                Some(target) => (root(), target),
                None if target.contains("://") => continue,
                None => (page.parent().unwrap().to_owned(), target),
            };
            assert!(
                !target.starts_with("../"),
                "{}: {target} is not on the site: begin it with {REPOSITORY}",
                page.display()
            );
            let path = from.join(target);
            assert!(path.exists(), "{}: {target} is not there", page.display());
            if *page == summary {
                listed.push(path);
            }
        }
    }
    let docs = root().join("docs");
    let left: Vec<_> = pages
        .iter()
        .filter(|page| page.starts_with(&docs) && **page != summary && !listed.contains(page))
        .collect();
    assert!(left.is_empty(), "not in docs/SUMMARY.md: {left:?}");
}
