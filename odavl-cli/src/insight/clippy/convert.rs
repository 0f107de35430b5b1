//! The compiler's diagnostics as SARIF results.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Component, Path, PathBuf},
};

use cargo_metadata::diagnostic::{Applicability, Diagnostic, DiagnosticLevel, DiagnosticSpan};
use odavl_core::uploads::sarif::Level;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::insight::sarif::{
    Artifact, BASE, Change, Finding, Fix, Location, Physical, Region, Replacement, Rule, Text,
};

/// Results while they are collected, and the rules that they point at.
///
/// A library and its tests are compiled apart, and each says the same once more: it is one result.
pub(super) struct Findings {
    top: PathBuf,
    seen: HashSet<(Option<Physical>, String, Level, String)>,
    help_uris: BTreeMap<String, Option<String>>,
    results: Vec<(Option<Physical>, Finding)>,
}

impl Findings {
    /// None yet, of a project whose compiler paths are relative to `top`.
    pub(super) fn new(top: PathBuf) -> Self {
        Self { top, seen: HashSet::new(), help_uris: BTreeMap::new(), results: Vec::new() }
    }

    /// Takes what the compiler said.
    pub(super) fn add(&mut self, diagnostic: &Diagnostic) {
        let Some(finding) = finding(diagnostic, &self.top) else { return };
        let place = finding.locations.first().map(|location| location.physical_location.clone());
        let rule = finding.rule_id.clone();
        if self.seen.insert((place.clone(), rule.clone(), finding.level, finding.message.text.clone())) {
            self.help_uris.entry(rule).or_insert_with(|| help_uri(diagnostic));
            self.results.push((place, finding));
        }
    }

    /// The number of errors so far.
    pub(super) fn errors(&self) -> usize {
        self.results.iter().filter(|(_, finding)| finding.level == Level::Error).count()
    }

    /// The rules in the order of their ids, and the results in the order of their places.
    pub(super) fn finish(self) -> (Vec<Rule>, Vec<Finding>) {
        let mut results = self.results;
        results.sort_by(|(a_place, a), (b_place, b)| (a_place, &a.rule_id).cmp(&(b_place, &b.rule_id)));
        let rules: Vec<_> = self.help_uris.into_iter().map(|(id, help_uri)| Rule { id, help_uri }).collect();
        let indexed = |(_, finding): (_, Finding)| {
            let rule_index = rules.partition_point(|rule| rule.id < finding.rule_id);
            Finding { rule_index, ..finding }
        };
        let results = results.into_iter().map(indexed).collect();
        (rules, results)
    }
}

fn finding(diagnostic: &Diagnostic, top: &Path) -> Option<Finding> {
    let level = level(diagnostic.level)?;
    if is_tally(diagnostic) {
        return None;
    }
    let (primary, others): (Vec<_>, Vec<_>) = diagnostic.spans.iter().partition(|span| span.is_primary);
    let mut places = primary.iter().filter_map(|span| location(span, top));
    let first = places.next();
    let related = places.chain(others.into_iter().filter_map(|span| location(span, top)));
    Some(Finding {
        rule_id: rule_id(diagnostic),
        rule_index: 0,
        level,
        message: Text { text: message(diagnostic) },
        related_locations: related.collect(),
        locations: first.map(|place| Location { message: None, ..place }).into_iter().collect(),
        fixes: diagnostic.children.iter().filter_map(|child| fix(child, top)).collect(),
    })
}

fn level(level: DiagnosticLevel) -> Option<Level> {
    match level {
        DiagnosticLevel::Error | DiagnosticLevel::Ice => Some(Level::Error),
        DiagnosticLevel::Warning => Some(Level::Warning),
        DiagnosticLevel::Note | DiagnosticLevel::Help => Some(Level::Note),
        _ => None,
    }
}

/// "aborting due to 2 previous errors", "3 warnings emitted": what the compiler counts at its end.
fn is_tally(diagnostic: &Diagnostic) -> bool {
    let text = diagnostic.message.as_str();
    let counts = text.starts_with("aborting due to ") || text.ends_with(" emitted");
    counts && diagnostic.code.is_none() && diagnostic.spans.is_empty()
}

/// `clippy::needless_return`, `unused_variables`, `E0308`; `rustc` for what has no code, such as a syntax error.
fn rule_id(diagnostic: &Diagnostic) -> String {
    diagnostic.code.as_ref().map_or_else(|| "rustc".to_owned(), |code| code.code.clone())
}

/// The page of the rule: the one that clippy names, which is of its own version, or else the one that must be.
fn help_uri(diagnostic: &Diagnostic) -> Option<String> {
    const VISIT: &str = "for further information visit ";
    let named = diagnostic.children.iter().find_map(|child| child.message.strip_prefix(VISIT));
    if let Some(uri) = named.filter(|uri| uri.starts_with("https://")) {
        return Some(uri.trim().to_owned());
    }
    let code = &diagnostic.code.as_ref()?.code;
    let is_error_code = code.len() == 5 && code.starts_with('E');
    Some(match code.strip_prefix("clippy::") {
        Some(lint) => format!("https://rust-lang.github.io/rust-clippy/master/index.html#{lint}"),
        None if is_error_code => format!("https://doc.rust-lang.org/error_codes/{code}.html"),
        None => format!("https://doc.rust-lang.org/rustc/index.html?search={code}"),
    })
}

/// The message, and the notes below it that say more than which lint it is.
fn message(diagnostic: &Diagnostic) -> String {
    let says_more = |child: &&Diagnostic| {
        let text = child.message.as_str();
        let of_the_lint = text.starts_with("for further information visit ")
            || text.starts_with("`#[")
            || text.starts_with("to override `")
            || text.starts_with("requested on the command line ")
            || text.starts_with("the lint level is defined here");
        !of_the_lint && !text.is_empty()
    };
    let label = |child: &Diagnostic| match child.level {
        DiagnosticLevel::Help => "help",
        _ => "note",
    };
    let notes = diagnostic.children.iter().filter(says_more);
    notes.fold(diagnostic.message.clone(), |text, child| {
        format!("{text}\n{}: {}", label(child), child.message)
    })
}

fn location(span: &DiagnosticSpan, top: &Path) -> Option<Location> {
    let message = span.label.clone().filter(|label| !label.is_empty()).map(|text| Text { text });
    physical(span, top).map(|physical_location| Location { physical_location, message })
}

/// The place of a span in the project; for what a foreign macro wrote, the place where the project called it.
fn physical(span: &DiagnosticSpan, top: &Path) -> Option<Physical> {
    let Some(uri) = relative_uri(&span.file_name, top) else {
        return physical(&span.expansion.as_ref()?.span, top);
    };
    let region = Region {
        start_line: span.line_start,
        start_column: span.column_start,
        end_line: span.line_end,
        end_column: span.column_end,
    };
    Some(Physical { artifact_location: Artifact { uri, uri_base_id: BASE }, region })
}

/// What a path segment of a URI may not hold as it is (RFC 3986, `pchar`; the colon would look like a scheme).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// A file of the project as a URI reference; `None` for any other: its path would tell of the user's machine.
fn relative_uri(file_name: &str, top: &Path) -> Option<String> {
    let path = Path::new(file_name);
    let path = if path.is_absolute() { path.strip_prefix(top).ok()? } else { path };
    let segments: Option<Vec<_>> = path
        .components()
        .filter(|component| *component != Component::CurDir)
        .map(|component| match component {
            Component::Normal(name) => Some(utf8_percent_encode(name.to_str()?, SEGMENT).to_string()),
            _ => None,
        })
        .collect();
    // The compiler writes `<anon>` and the like for what is in no file.
    segments.filter(|segments| !segments.is_empty() && !file_name.starts_with('<')).map(|all| all.join("/"))
}

/// A change that the compiler says is safe to make.
fn fix(child: &Diagnostic, top: &Path) -> Option<Fix> {
    let safe = |span: &DiagnosticSpan| {
        matches!(span.suggestion_applicability, Some(Applicability::MachineApplicable))
    };
    if child.spans.is_empty() || !child.spans.iter().all(safe) {
        return None;
    }
    let mut changes: BTreeMap<Artifact, Vec<Replacement>> = BTreeMap::new();
    for span in &child.spans {
        let place = physical(span, top)?;
        let inserted_content = Text { text: span.suggested_replacement.clone()? };
        let replacement = Replacement { deleted_region: place.region, inserted_content };
        changes.entry(place.artifact_location).or_default().push(replacement);
    }
    let change = |(artifact_location, replacements)| Change { artifact_location, replacements };
    Some(Fix {
        description: Text { text: child.message.clone() },
        artifact_changes: changes.into_iter().map(change).collect(),
    })
}
