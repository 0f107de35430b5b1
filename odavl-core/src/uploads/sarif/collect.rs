//! Counting results while they pass.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::LazyLock,
};

use super::{
    Level, Levels, Scan, Summary, TOP_RULES,
    model::{Finding, Location, RuleRef, Run, Span},
    parts::{Fold, Object},
    summary::{OtherRules, RuleCount},
    tool::MAX_RULES,
};
use crate::uploads::RunId;

/// The most runs of one document.
const MAX_RUNS: usize = 256;

/// The most files that are told apart.
const MAX_FILES: usize = 100_000;

/// Files are told apart by a keyed hash, so that a sender cannot make them collide.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The results of one run, by rule. Which rules those are is known at the end of the run only, because the tool may
/// be described after its results.
#[derive(Default)]
pub(super) struct Tally {
    rules: HashMap<RuleRef, Counts>,
    /// Files that results name by their URI, hashed.
    uris: HashSet<u64>,
    /// Files that results name by their place among the artifacts of the run alone.
    indices: HashSet<u32>,
}

#[derive(Default)]
struct Counts {
    stated: Levels,
    unstated: u64,
}

impl Fold<Finding> for Tally {
    const WHAT: &'static str = "results";

    fn take(&mut self, finding: Finding) -> Result<(), String> {
        self.note_file(finding.location.as_ref());
        if self.rules.len() >= MAX_RULES && !self.rules.contains_key(&finding.rule) {
            return Err(format!("results of more than {MAX_RULES} rules"));
        }
        let counts = self.rules.entry(finding.rule).or_default();
        match finding.level {
            Some(level) => counts.stated.add(level, 1),
            None => counts.unstated += 1,
        }
        Ok(())
    }
}

impl Tally {
    fn note_file(&mut self, location: Option<&Location>) {
        let few = self.uris.len() + self.indices.len() <= MAX_FILES;
        let Some(location) = location.filter(|_| few) else { return };
        if let Some(uri) = &location.uri {
            self.uris.insert(HASHER.hash_one(uri));
        } else if let Some(index) = location.index {
            self.indices.insert(index);
        }
    }
}

/// The runs of a document, summed up.
#[derive(Default)]
pub(super) struct Runs {
    seen: usize,
    run_ids: Vec<RunId>,
    summary: Summary,
    rules: HashMap<Option<String>, u64>,
    files: HashSet<u64>,
    span: Span,
}

impl Runs {
    pub(super) fn is_empty(&self) -> bool {
        self.seen == 0
    }

    /// The sum of all runs.
    pub(super) fn into_scan(self) -> Scan {
        let mut summary = self.summary;
        summary.results = summary.levels.total();
        summary.files = (self.files.len() <= MAX_FILES).then_some(self.files.len() as u64);
        (summary.started_at, summary.ended_at) = (self.span.started_at, self.span.ended_at);
        let mut rules: Vec<_> =
            self.rules.into_iter().map(|(rule, results)| RuleCount { rule, results }).collect();
        rules.sort_by(|a, b| (Reverse(a.results), &a.rule).cmp(&(Reverse(b.results), &b.rule)));
        let others = rules.split_off(rules.len().min(TOP_RULES));
        summary.other_rules = OtherRules {
            rules: others.len() as u64,
            results: others.iter().map(|other| other.results).sum(),
        };
        summary.rules = rules;
        Scan { run_ids: self.run_ids, summary }
    }

    fn add_results(&mut self, run: &Run) {
        for (rule, counts) in &run.results.rules {
            for level in Level::ALL {
                self.summary.levels.add(level, counts.stated.of(level));
            }
            self.summary.levels.add(run.tool.default_level(rule), counts.unstated);
            let id = run.tool.rule_id(rule).map(str::to_owned);
            *self.rules.entry(id).or_default() += counts.stated.total() + counts.unstated;
        }
        self.files.extend(&run.results.uris);
        let indices = run.results.indices.iter();
        self.files.extend(indices.map(|index| HASHER.hash_one((self.seen, index))));
    }
}

impl Fold<Object<Run>> for Runs {
    const WHAT: &'static str = "runs";

    fn take(&mut self, Object(run): Object<Run>) -> Result<(), String> {
        self.seen += 1;
        if self.seen > MAX_RUNS {
            return Err(format!("more than {MAX_RUNS} runs"));
        }
        self.add_results(&run);
        if self.rules.len() > MAX_RULES {
            return Err(format!("results of more than {MAX_RULES} rules"));
        }
        self.span.widen(run.invocations.started_at, run.invocations.ended_at);
        let name = run.tool.name();
        if !self.summary.tools.contains(&name) {
            self.summary.tools.push(name);
        }
        if let Some(run_id) = run.automation_details.and_then(|details| details.0.guid)
            && !self.run_ids.contains(&run_id)
        {
            self.run_ids.push(run_id);
        }
        let provenance = run.version_control_provenance.and_then(|first| first.0);
        let commit = provenance.and_then(|provenance| provenance.0.revision_id).map(|id| id.0);
        self.summary.commit = self.summary.commit.take().or(commit);
        Ok(())
    }
}
