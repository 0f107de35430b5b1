//! How uploads of results look in the document.

use odavl_core::uploads::{
    Upload, Uploaded,
    sarif::{Levels, Summary},
};
use poem_openapi::Object;

use crate::schema::Time;

/// An upload of results.
#[derive(Object)]
#[oai(rename = "Results")]
pub(super) struct ResultsBody {
    /// Its id; the same run has the same.
    id: String,
    /// The product, such as `insight`.
    product: String,
    /// The project's slug.
    project: String,
    /// The run, as the client named it.
    run_id: String,
    /// The SHA-256 of the unpacked document.
    sha256: String,
    /// How it is packed: `zstd`, `gzip` or `identity`.
    encoding: String,
    /// How many bytes are stored, which are what counts.
    size: u64,
    /// How many there are unpacked.
    unpacked_size: u64,
    /// When it was stored.
    created_at: Time,
    /// The person or the key that sent it.
    created_by: String,
    /// What it says.
    summary: SummaryBody,
}

/// Results by level.
#[derive(Object)]
#[oai(rename = "LevelCounts")]
struct LevelsBody {
    /// Serious problems.
    error: u64,
    /// Problems.
    warning: u64,
    /// Minor problems.
    note: u64,
    /// Results without a severity.
    none: u64,
}

impl From<Levels> for LevelsBody {
    fn from(levels: Levels) -> Self {
        Self { error: levels.error, warning: levels.warning, note: levels.note, none: levels.none }
    }
}

/// A tool that took part.
#[derive(Object)]
#[oai(rename = "Tool")]
struct ToolBody {
    /// Its name.
    name: String,
    /// Its version.
    version: Option<String>,
}

/// The results of one rule.
#[derive(Object)]
#[oai(rename = "RuleCount")]
struct RuleBody {
    /// The rule; null for results that name none.
    rule: Option<String>,
    /// How many results.
    results: u64,
}

/// Results in figures.
#[derive(Object)]
#[oai(rename = "ResultsSummary")]
struct SummaryBody {
    /// The tools that took part.
    tools: Vec<ToolBody>,
    /// How many results.
    results: u64,
    /// By level.
    levels: LevelsBody,
    /// The rules with the most results, at most 100.
    rules: Vec<RuleBody>,
    /// How many rules there are beyond those.
    other_rules: u64,
    /// How many files have results; null where they are too many to tell apart.
    files: Option<u64>,
    /// The commit that was analysed.
    commit: Option<String>,
    /// When the run began.
    started_at: Option<Time>,
    /// When it ended.
    ended_at: Option<Time>,
}

impl From<Summary> for SummaryBody {
    fn from(summary: Summary) -> Self {
        let tools = summary.tools.into_iter();
        let rules = summary.rules.into_iter();
        Self {
            tools: tools.map(|tool| ToolBody { name: tool.name, version: tool.version }).collect(),
            results: summary.results,
            levels: summary.levels.into(),
            rules: rules.map(|count| RuleBody { rule: count.rule, results: count.results }).collect(),
            other_rules: summary.other_rules.rules,
            files: summary.files,
            commit: summary.commit,
            started_at: summary.started_at.map(Time),
            ended_at: summary.ended_at.map(Time),
        }
    }
}

impl From<Upload> for ResultsBody {
    fn from(upload: Upload) -> Self {
        let stored = upload.stored().cloned();
        Self {
            id: upload.id.to_string(),
            product: upload.product.to_string(),
            project: upload.slug.to_string(),
            run_id: upload.run.to_string(),
            sha256: upload.sha256.to_string(),
            encoding: stored.as_ref().map_or("identity", |stored| stored.encoding.as_str()).to_owned(),
            size: stored.as_ref().map_or(0, |stored| stored.size),
            unpacked_size: stored.as_ref().map_or(0, |stored| stored.unpacked),
            created_at: Time(stored.as_ref().map_or(upload.begun_at, |stored| stored.at)),
            created_by: upload.by.to_string(),
            summary: stored.map(|stored| stored.summary).unwrap_or_default().into(),
        }
    }
}

/// An upload that was taken.
#[derive(Object)]
#[oai(rename = "UploadedResults")]
pub(super) struct UploadedBody {
    /// The upload.
    upload: ResultsBody,
    /// Whether it was there before: this is a retry, and charged nothing.
    replayed: bool,
}

impl From<Uploaded> for UploadedBody {
    fn from(uploaded: Uploaded) -> Self {
        Self { upload: uploaded.upload.into(), replayed: uploaded.replayed }
    }
}
