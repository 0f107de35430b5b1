//! What is kept of a document beside its bytes.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The number of rules that a summary names one by one.
pub const TOP_RULES: usize = 100;

/// How bad a result is, worst first (SARIF 2.1.0, 3.27.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A serious problem.
    Error,
    /// A problem.
    Warning,
    /// A minor problem, or an opportunity.
    Note,
    /// Severity does not apply.
    None,
}

impl Level {
    /// Every level, worst first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Note, Self::None];

    /// The level as SARIF writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::None => "none",
        }
    }
}

/// Results by level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels {
    /// Results of level `error`.
    pub error: u64,
    /// Results of level `warning`, which is also what no level means.
    pub warning: u64,
    /// Results of level `note`.
    pub note: u64,
    /// Results of level `none`: those whose kind is not `fail`, and those that say so.
    pub none: u64,
}

impl Levels {
    /// The number of results of `level`.
    pub const fn of(&self, level: Level) -> u64 {
        match level {
            Level::Error => self.error,
            Level::Warning => self.warning,
            Level::Note => self.note,
            Level::None => self.none,
        }
    }

    /// The number of results of every level.
    pub const fn total(&self) -> u64 {
        self.error + self.warning + self.note + self.none
    }

    pub(super) fn add(&mut self, level: Level, results: u64) {
        let count = match level {
            Level::Error => &mut self.error,
            Level::Warning => &mut self.warning,
            Level::Note => &mut self.note,
            Level::None => &mut self.none,
        };
        *count += results;
    }
}

/// A tool that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolName {
    /// Its name, such as `clippy`.
    pub name: String,
    /// Its version: `semanticVersion`, or else `version`.
    pub version: Option<String>,
}

/// The results of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The rule's id; `None` for results that name no rule.
    pub rule: Option<String>,
    /// Its results.
    pub results: u64,
}

/// The rules that a summary does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherRules {
    /// How many there are.
    pub rules: u64,
    /// Their results.
    pub results: u64,
}

/// A document in figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The tools, one for each run, without repetition.
    pub tools: Vec<ToolName>,
    /// Results in all.
    pub results: u64,
    /// Results by level.
    pub levels: Levels,
    /// The [`TOP_RULES`] rules with the most results, most first.
    pub rules: Vec<RuleCount>,
    /// The rules beyond those.
    pub other_rules: OtherRules,
    /// The number of files that results point at first; `None` when they are too many to tell apart.
    pub files: Option<u64>,
    /// The commit (`versionControlProvenance[0].revisionId` of the first run that has one).
    pub commit: Option<String>,
    /// The earliest start of an invocation.
    pub started_at: Option<Timestamp>,
    /// The latest end of an invocation.
    pub ended_at: Option<Timestamp>,
}

impl Summary {
    /// The time from start to end, where both are known and in that order.
    pub fn duration(&self) -> Option<SignedDuration> {
        let duration = self.ended_at?.duration_since(self.started_at?);
        (!duration.is_negative()).then_some(duration)
    }
}
