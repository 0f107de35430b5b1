//! What is sent and answered.

use odavl_core::{
    backup::{
        Entry, Failed, Outcome, Pinned, Plan, Proof, Running, SourceHealth, Tier, Trouble, Verdict, Work,
    },
    page::Page,
};
use poem_openapi::{Enum, Object};

use crate::{
    schema::Time,
    shape::{self, Text},
};

/// What is known of a backup's worth.
#[derive(Debug, Enum, Clone, Copy, PartialEq, Eq)]
#[oai(rename = "BackupProof", rename_all = "snake_case")]
enum ProofBody {
    /// It was restored, and is what was dumped.
    Verified,
    /// It was not restored yet.
    Unproved,
    /// It was looked at, and is bad.
    Failed,
}

impl From<Proof> for ProofBody {
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Verified => Self::Verified,
            Proof::Unproved => Self::Unproved,
            Proof::Failed => Self::Failed,
        }
    }
}

/// A source to back up.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct BackupRequest {
    /// Its name in the configuration.
    pub(super) source: Text<shape::SourceName>,
}

/// Where a backup would be restored to.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct RestorePlanRequest {
    /// The new database's name.
    pub(super) to: Text<shape::Given>,
}

/// A verdict on a backup.
#[derive(Object)]
#[oai(rename = "BackupVerdict")]
struct VerdictBody {
    /// How thoroughly it was looked at: `bytes`, or `restore`.
    tier: String,
    /// Whether it is good.
    passed: bool,
    /// When.
    at: Time,
    /// How many seconds it took.
    seconds: f64,
    /// What found it out.
    by: String,
}

impl From<&Verdict> for VerdictBody {
    fn from(verdict: &Verdict) -> Self {
        let tier = if verdict.tier == Tier::Restore { "restore" } else { "bytes" };
        Self {
            tier: tier.to_owned(),
            passed: verdict.outcome == Outcome::Passed,
            at: Time(verdict.at),
            seconds: verdict.seconds,
            by: verdict.by.clone(),
        }
    }
}

/// A complete backup.
#[derive(Object)]
#[oai(rename = "Backup")]
pub(super) struct BackupBody {
    /// Its id.
    id: String,
    /// The source that it is of.
    source: String,
    /// The source's environment.
    environment: String,
    /// When it was begun.
    started_at: Time,
    /// When it was complete.
    finished_at: Time,
    /// How many bytes the dump has.
    bytes: u64,
    /// How many bytes are stored.
    stored_bytes: u64,
    /// Whether it can be restored, as far as is known.
    proof: ProofBody,
    /// Whether it stays, whatever the rules say.
    pinned: bool,
    /// What made the dump.
    tool: String,
    /// For whom it is encrypted; nobody, where it is not.
    recipients: Vec<String>,
    /// What was found out about it, the oldest first.
    verdicts: Vec<VerdictBody>,
}

impl From<&Entry> for BackupBody {
    fn from(entry: &Entry) -> Self {
        let manifest = &entry.manifest;
        Self {
            id: manifest.id.to_string(),
            source: manifest.place.source.to_string(),
            environment: manifest.place.environment.to_string(),
            started_at: Time(manifest.timings.started_at),
            finished_at: Time(manifest.timings.finished_at),
            bytes: manifest.size,
            stored_bytes: manifest.stored.digests.size,
            proof: entry.proof().into(),
            pinned: entry.pinned == Pinned::Yes,
            tool: manifest.tool.clone(),
            recipients: manifest.recipients.clone(),
            verdicts: entry.verdicts.iter().map(VerdictBody::from).collect(),
        }
    }
}

/// A page of backups.
#[derive(Object)]
pub(super) struct BackupPage {
    /// The backups, newest first.
    items: Vec<BackupBody>,
    /// What to ask for next; null at the end.
    next_cursor: Option<String>,
}

impl From<Page<Entry>> for BackupPage {
    fn from(page: Page<Entry>) -> Self {
        let page = page.map(|entry| BackupBody::from(&entry));
        Self { items: page.items, next_cursor: page.next_cursor }
    }
}

/// What is done with a source.
#[derive(Object)]
#[oai(rename = "BackupWork")]
pub(super) struct WorkBody {
    /// What: `backup`, or `verify`.
    work: String,
    /// Which backup is verified.
    backup_id: Option<String>,
    /// Since when.
    since: Time,
    /// How far it is: `dump`, `fingerprint`, `download`, `restore`, `compare`; null before the first.
    stage: Option<String>,
    /// How many bytes of the stage are done.
    bytes: u64,
    /// Of about how many, where that is known.
    total_bytes: Option<u64>,
}

fn work(work: Work) -> (String, Option<String>) {
    match work {
        Work::Backup => ("backup".to_owned(), None),
        Work::Verify(id) => ("verify".to_owned(), Some(id.to_string())),
    }
}

impl From<&Running> for WorkBody {
    fn from(running: &Running) -> Self {
        let (work, backup_id) = work(running.work);
        Self {
            work,
            backup_id,
            since: Time(running.since),
            stage: running.stage.map(|stage| stage.to_string()),
            bytes: running.bytes,
            total_bytes: running.of,
        }
    }
}

/// A work that failed.
#[derive(Object)]
#[oai(rename = "BackupFailure")]
struct FailureBody {
    /// What: `backup`, or `verify`.
    work: String,
    /// Which backup was to be verified.
    backup_id: Option<String>,
    /// When it began.
    at: Time,
    /// How it ended: the log of the node that tried says why.
    detail: String,
}

impl From<&Failed> for FailureBody {
    fn from(failed: &Failed) -> Self {
        let (work, backup_id) = work(failed.work);
        Self { work, backup_id, at: Time(failed.at), detail: failed.why() }
    }
}

/// Something that somebody should look at.
#[derive(Object)]
#[oai(rename = "BackupTrouble")]
struct TroubleBody {
    /// Of what kind: `late`, `failed`, `unverifiable`, `unverified`, `unusual_size`, `future`, `unreachable`.
    kind: String,
    /// What it is, in a sentence.
    detail: String,
}

impl From<&Trouble> for TroubleBody {
    fn from(trouble: &Trouble) -> Self {
        Self { kind: trouble.kind.as_str().to_owned(), detail: trouble.detail.clone() }
    }
}

/// A database that is backed up, and how its backups stand.
#[derive(Object)]
#[oai(rename = "BackupSource")]
pub(super) struct SourceBody {
    /// Its name.
    name: String,
    /// Its environment.
    environment: String,
    /// When its backups are made, where the service makes them.
    schedule: Option<String>,
    /// How many complete backups there are, without those that are dated in the future.
    backups: u64,
    /// The newest complete backup.
    newest: Option<BackupBody>,
    /// The newest one that was restored and found good.
    newest_verified: Option<BackupBody>,
    /// The last work on it that failed, until it was done.
    failed: Option<FailureBody>,
    /// What is done with it now, by the node that answers.
    running: Option<WorkBody>,
    /// What is wrong.
    troubles: Vec<TroubleBody>,
}

impl From<SourceHealth> for SourceBody {
    fn from(source: SourceHealth) -> Self {
        let SourceHealth { job, health, running } = source;
        Self {
            name: job.place.source.to_string(),
            environment: job.place.environment.to_string(),
            schedule: job.routine.as_ref().map(|routine| routine.schedule.to_string()),
            backups: health.backups.len() as u64,
            newest: health.newest().map(BackupBody::from),
            newest_verified: health.verified().map(BackupBody::from),
            failed: health.failed().map(FailureBody::from),
            running: running.as_ref().map(WorkBody::from),
            troubles: health.troubles.iter().map(TroubleBody::from).collect(),
        }
    }
}

/// The sources of the configuration: all of them.
#[derive(Object)]
pub(super) struct BackupSourceList {
    /// The sources, by their names.
    pub(super) items: Vec<SourceBody>,
    /// Always null.
    pub(super) next_cursor: Option<String>,
}

/// What restoring a backup would do.
#[derive(Object)]
#[oai(rename = "RestorePlan")]
pub(super) struct PlanBody {
    /// The backup.
    backup_id: String,
    /// When its snapshot was taken.
    at: Time,
    /// How many bytes its dump has: as many are needed on the disk while it is restored.
    bytes: u64,
    /// How many bytes are fetched.
    stored_bytes: u64,
    /// Whether it was proved.
    proof: ProofBody,
    /// How many seconds restoring and comparing it took last, where that was done.
    took_seconds: Option<f64>,
    /// The new database.
    to: String,
}

impl From<Plan> for PlanBody {
    fn from(plan: Plan) -> Self {
        Self {
            backup_id: plan.backup.to_string(),
            at: Time(plan.at),
            bytes: plan.bytes,
            stored_bytes: plan.stored_bytes,
            proof: plan.proof.into(),
            took_seconds: plan.took,
            to: plan.to,
        }
    }
}
