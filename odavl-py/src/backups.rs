//! Backups of the databases that the configuration names, for operators.

use jiff::Timestamp;
use odavl_core::{
    backup::{self, DatabaseName, Outcome, Pinned, Proof, Tier, Work},
    ids::BackupId,
    page::PageQuery,
};
use pyo3::prelude::*;

use crate::{
    call::Call,
    door::{Door, Session},
    failure::Result,
    input::{Arg, Parsed, Text, Units, page, read},
    values::{Page, Several, values},
};

values! {
    /// A verdict on a backup.
    BackupVerdict {
        tier: String,
        passed: bool,
        at: Timestamp,
        seconds: f64,
        by: String,
    }

    /// A complete backup.
    Backup {
        id: String,
        source: String,
        environment: String,
        started_at: Timestamp,
        finished_at: Timestamp,
        bytes: u64,
        stored_bytes: u64,
        proof: String,
        pinned: bool,
        tool: String,
        recipients: Several<String>,
        verdicts: Several<BackupVerdict>,
    }

    /// What is done with a source.
    BackupWork {
        source: String,
        work: String,
        backup_id: Option<String>,
        since: Timestamp,
        stage: Option<String>,
        bytes: u64,
        total_bytes: Option<u64>,
    }

    /// A work that failed.
    BackupFailure {
        work: String,
        backup_id: Option<String>,
        at: Timestamp,
        detail: String,
    }

    /// Something that somebody should look at.
    BackupTrouble {
        kind: String,
        detail: String,
    }

    /// A database that is backed up, and how its backups stand.
    BackupSource {
        name: String,
        environment: String,
        schedule: Option<String>,
        backups: u64,
        newest: Option<Backup>,
        newest_verified: Option<Backup>,
        failed: Option<BackupFailure>,
        running: Option<BackupWork>,
        troubles: Several<BackupTrouble>,
    }

    /// What restoring a backup would do.
    RestorePlan {
        backup_id: String,
        at: Timestamp,
        bytes: u64,
        stored_bytes: u64,
        proof: String,
        took_seconds: Option<f64>,
        to: String,
    }
}

fn proof(proof: Proof) -> String {
    let name = match proof {
        Proof::Verified => "verified",
        Proof::Unproved => "unproved",
        Proof::Failed => "failed",
    };
    name.to_owned()
}

fn work(work: Work) -> (String, Option<String>) {
    match work {
        Work::Backup => ("backup".to_owned(), None),
        Work::Verify(id) => ("verify".to_owned(), Some(id.to_string())),
    }
}

impl From<&backup::Verdict> for BackupVerdict {
    fn from(verdict: &backup::Verdict) -> Self {
        let tier = if verdict.tier == Tier::Restore { "restore" } else { "bytes" };
        Self {
            tier: tier.to_owned(),
            passed: verdict.outcome == Outcome::Passed,
            at: verdict.at,
            seconds: verdict.seconds,
            by: verdict.by.clone(),
        }
    }
}

impl From<&backup::Entry> for Backup {
    fn from(entry: &backup::Entry) -> Self {
        let manifest = &entry.manifest;
        Self {
            id: manifest.id.to_string(),
            source: manifest.place.source.to_string(),
            environment: manifest.place.environment.to_string(),
            started_at: manifest.timings.started_at,
            finished_at: manifest.timings.finished_at,
            bytes: manifest.size,
            stored_bytes: manifest.stored.digests.size,
            proof: proof(entry.proof()),
            pinned: entry.pinned == Pinned::Yes,
            tool: manifest.tool.clone(),
            recipients: Several(manifest.recipients.clone()),
            verdicts: entry.verdicts.iter().map(BackupVerdict::from).collect(),
        }
    }
}

impl From<backup::Entry> for Backup {
    fn from(entry: backup::Entry) -> Self {
        Self::from(&entry)
    }
}

impl BackupWork {
    fn new(source: String, running: &backup::Running) -> Self {
        let (work, backup_id) = work(running.work);
        Self {
            source,
            work,
            backup_id,
            since: running.since,
            stage: running.stage.map(|stage| stage.to_string()),
            bytes: running.bytes,
            total_bytes: running.of,
        }
    }
}

impl From<&backup::Failed> for BackupFailure {
    fn from(failed: &backup::Failed) -> Self {
        let (work, backup_id) = work(failed.work);
        Self { work, backup_id, at: failed.at, detail: failed.why() }
    }
}

impl From<backup::Trouble> for BackupTrouble {
    fn from(trouble: backup::Trouble) -> Self {
        Self { kind: trouble.kind.as_str().to_owned(), detail: trouble.detail }
    }
}

impl From<backup::SourceHealth> for BackupSource {
    fn from(source: backup::SourceHealth) -> Self {
        let backup::SourceHealth { job, health, running } = source;
        let name = job.place.source.to_string();
        Self {
            environment: job.place.environment.to_string(),
            schedule: job.routine.map(|routine| routine.schedule.to_string()),
            backups: health.backups.len() as u64,
            newest: health.newest().map(Backup::from),
            newest_verified: health.verified().map(Backup::from),
            failed: health.failed().map(Into::into),
            running: running.map(|running| BackupWork::new(name.clone(), &running)),
            troubles: health.troubles.into_iter().map(BackupTrouble::from).collect(),
            name,
        }
    }
}

impl From<backup::Plan> for RestorePlan {
    fn from(plan: backup::Plan) -> Self {
        Self {
            backup_id: plan.backup.to_string(),
            at: plan.at,
            bytes: plan.bytes,
            stored_bytes: plan.stored_bytes,
            proof: proof(plan.proof),
            took_seconds: plan.took,
            to: plan.to,
        }
    }
}

impl Door {
    async fn backup_sources(&self) -> Result<Several<BackupSource>> {
        match self {
            Self::Embedded(session) => {
                Ok(session.backups().sources().await?.into_iter().map(BackupSource::from).collect())
            }
            Self::Remote(remote) => remote.backup_sources().await,
        }
    }

    async fn backup_list(&self, source: &str, page: PageQuery) -> Result<Page<Backup>> {
        match self {
            Self::Embedded(session) => Ok(Page::of(session.backups().list(source, &page).await?)),
            Self::Remote(remote) => remote.backup_list(source, page).await,
        }
    }

    async fn backup_get(&self, source: &str, id: BackupId) -> Result<Backup> {
        match self {
            Self::Embedded(session) => Ok(session.backups().get(source, id).await?.into()),
            Self::Remote(remote) => remote.backup_get(source, id).await,
        }
    }

    async fn backup_create(&self, source: String) -> Result<BackupWork> {
        match self {
            Self::Embedded(session) => {
                let running = session.backups().create(&source).await?;
                Ok(BackupWork::new(source, &running))
            }
            Self::Remote(remote) => remote.backup_create(source).await,
        }
    }

    async fn backup_verify(&self, source: String, id: BackupId) -> Result<BackupWork> {
        match self {
            Self::Embedded(session) => {
                let running = session.backups().verify(&source, id).await?;
                Ok(BackupWork::new(source, &running))
            }
            Self::Remote(remote) => remote.backup_verify(source, id).await,
        }
    }

    async fn restore_plan(&self, source: &str, id: BackupId, to: DatabaseName) -> Result<RestorePlan> {
        match self {
            Self::Embedded(session) => Ok(session.backups().restore_plan(source, id, to).await?.into()),
            Self::Remote(remote) => remote.restore_plan(source, id, to).await,
        }
    }
}

/// `session.backups`.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Backups(pub(crate) Session);

#[pymethods]
impl Backups {
    fn sources(&self) -> PyResult<Call> {
        self.0.call(|door| async move { door.backup_sources().await })
    }

    fn list(&self, source: Arg<'_, '_>, limit: Arg<'_, '_>, cursor: Arg<'_, '_>) -> PyResult<Call> {
        read!(source: Text, limit: Option<Units>, cursor: Option<Text>);
        let page = page(limit, cursor)?;
        self.0.call(|door| async move { door.backup_list(&source.0, page).await })
    }

    fn get(&self, source: Arg<'_, '_>, id: Arg<'_, '_>) -> PyResult<Call> {
        read!(source: Text, id: Parsed<BackupId>);
        self.0.call(|door| async move { door.backup_get(&source.0, id.0).await })
    }

    fn create(&self, source: Arg<'_, '_>) -> PyResult<Call> {
        read!(source: Text);
        self.0.call(|door| async move { door.backup_create(source.0).await })
    }

    fn verify(&self, source: Arg<'_, '_>, id: Arg<'_, '_>) -> PyResult<Call> {
        read!(source: Text, id: Parsed<BackupId>);
        self.0.call(|door| async move { door.backup_verify(source.0, id.0).await })
    }

    fn restore_plan(&self, source: Arg<'_, '_>, id: Arg<'_, '_>, to: Arg<'_, '_>) -> PyResult<Call> {
        read!(source: Text, id: Parsed<BackupId>, to: Parsed<DatabaseName>);
        self.0.call(|door| async move { door.restore_plan(&source.0, id.0, to.0).await })
    }
}
