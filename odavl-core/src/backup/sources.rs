//! The databases whose backups an installation makes by itself, and the store that they are in.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use super::{
    Backup, Created, Expectation, Place, Progress, Pruning, Schedule, Stage, Vault, Verified, Which, Wish,
    news::Alerting,
    watch::{Health, Remembered},
};
use crate::{
    error::{Error, Result},
    ids::BackupId,
};

/// A source: a database, and how its backups are made, proved and kept.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where its backups lie.
    pub place: Place,
    /// The database; or why it cannot be reached, which is told when it is needed.
    pub database: Result<Arc<dyn Backup>, String>,
    /// By which rules they are kept.
    pub pruning: Pruning,
    /// When they are made; `None` where nobody but people and other programs begins one.
    pub routine: Option<Routine>,
}

/// When backups are made, and what is expected of them.
#[derive(Debug, Clone)]
pub struct Routine {
    /// When they are begun.
    pub schedule: Schedule,
    /// How long after that a complete one should be there.
    pub within: SignedDuration,
    /// How old the newest verified one may become; `None` where none is verified.
    pub verified_within: Option<SignedDuration>,
}

impl Routine {
    pub(super) fn since(&self, since: Timestamp) -> Expectation {
        let Self { schedule, within, verified_within } = self.clone();
        Expectation { schedule, within, verified_within, since }
    }
}

impl Job {
    /// The database.
    ///
    /// # Errors
    /// `invalid_input` with why it cannot be reached.
    pub fn database(&self) -> Result<&dyn Backup> {
        match &self.database {
            Ok(database) => Ok(&**database),
            Err(why) => Err(Error::invalid_with(
                format!("the database of {} cannot be reached: {why}", self.place),
                "say where it is in [backup.sources]",
            )),
        }
    }
}

/// Opens the store: it may be away when the installation is opened, and need not be there before a backup is.
#[async_trait]
pub(super) trait Opening: fmt::Debug + Send + Sync {
    async fn open(&self) -> Result<Vault>;
}

#[derive(Debug)]
struct Opened(Vault);

#[async_trait]
impl Opening for Opened {
    async fn open(&self) -> Result<Vault> {
        Ok(self.0.clone())
    }
}

/// What is being done with a source on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A backup is made, proved, and those are removed that no rule keeps.
    Backup,
    /// A backup is verified.
    Verify(BackupId),
}

/// How far a work is.
#[derive(Debug, Clone)]
pub struct Running {
    /// What is done.
    pub work: Work,
    /// Since when.
    pub since: Timestamp,
    /// Its stage, once one has begun.
    pub stage: Option<Stage>,
    /// How many bytes of that stage are done.
    pub bytes: u64,
    /// Of about how many, where that is known.
    pub of: Option<u64>,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The backup that was made.
    pub created: Created,
    /// What was found out about it.
    pub verified: Verified,
}

/// The sources of an installation.
#[derive(Debug)]
pub struct Sources {
    jobs: BTreeMap<String, Job>,
    opening: Box<dyn Opening>,
    vault: OnceCell<Vault>,
    running: Arc<Mutex<BTreeMap<Place, Running>>>,
    pub(super) memories: Mutex<BTreeMap<Place, Remembered>>,
    seen: Mutex<BTreeMap<Place, Health>>,
    pub(super) alerting: Alerting,
}

impl Sources {
    /// These sources, by their names, with their backups in that vault.
    pub fn new(vault: Vault, jobs: impl IntoIterator<Item = Job>, alerting: Alerting) -> Self {
        Self::opened_by(Box::new(Opened(vault)), jobs, alerting)
    }

    pub(super) fn opened_by(
        opening: Box<dyn Opening>,
        jobs: impl IntoIterator<Item = Job>,
        alerting: Alerting,
    ) -> Self {
        let jobs = jobs.into_iter().map(|job| (job.place.source.to_string(), job)).collect();
        let (vault, running) = (OnceCell::new(), Arc::default());
        let (memories, seen) = (Mutex::default(), Mutex::default());
        Self { jobs, opening, vault, running, memories, seen, alerting }
    }

    /// All of them, by their names.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// The source of that name.
    pub fn job(&self, name: &str) -> Result<&Job> {
        self.jobs.get(name).ok_or_else(|| Error::not_found("source", &name))
    }

    /// The backups in the store.
    pub(super) async fn vault(&self) -> Result<&Vault> {
        self.vault.get_or_try_init(|| self.opening.open()).await
    }

    /// What is being done with a source on this node.
    pub fn running(&self, place: &Place) -> Option<Running> {
        self.works().get(place).cloned()
    }

    /// Keeps what was seen of a source.
    pub(super) fn keep_seen(&self, place: &Place, health: Health) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(place.clone(), health);
    }

    /// Forgets what was seen: another node looks now.
    pub(super) fn forget_seen(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was seen of each source when this node looked last.
    pub(super) fn seen_last(&self) -> BTreeMap<Place, Health> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn works(&self) -> std::sync::MutexGuard<'_, BTreeMap<Place, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a work begins.
    ///
    /// # Errors
    /// `conflict` where one is under way here; where another node has one, the lock in the store tells.
    pub(super) fn begin(
        &self,
        place: &Place,
        work: Work,
        now: Timestamp,
    ) -> Result<(Arc<UnderWay>, Running)> {
        let mut works = self.works();
        if let Some(other) = works.get(place) {
            let what = match other.work {
                Work::Backup => "a backup is being made".to_owned(),
                Work::Verify(id) => format!("{id} is being verified"),
            };
            return Err(Error::Conflict(format!("{what} of {place}, since {}", other.since)));
        }
        let running = Running { work, since: now, stage: None, bytes: 0, of: None };
        works.insert(place.clone(), running.clone());
        let under_way = UnderWay { running: self.running.clone(), place: place.clone() };
        Ok((Arc::new(under_way), running))
    }

    /// Makes a backup of a source, proves it, and removes those that no rule keeps.
    pub(super) async fn run(&self, job: &Job, under_way: Arc<UnderWay>) -> Result<Ran> {
        let vault = self.vault().await?.clone().telling(under_way);
        let created = vault.create(&job.place, job.database()?, Wish::default()).await?;
        let id = Which::Id(created.entry.manifest.id);
        let verified = vault.verify_bytes(&job.place, id).await?;
        vault.prune(&job.place, &job.pruning).await?;
        Ok(Ran { created, verified })
    }

    /// Restores a backup of a source to a scratch database, and compares it.
    pub(super) async fn verify(&self, job: &Job, id: BackupId, under_way: Arc<UnderWay>) -> Result<Verified> {
        let vault = self.vault().await?.clone().telling(under_way);
        vault.verify(&job.place, Which::Id(id), job.database()?).await
    }
}

/// A work that is under way, for as long as it is there.
#[derive(Debug)]
pub(super) struct UnderWay {
    running: Arc<Mutex<BTreeMap<Place, Running>>>,
    place: Place,
}

impl UnderWay {
    fn change(&self, change: impl FnOnce(&mut Running)) {
        let mut works = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        works.get_mut(&self.place).map(change).unwrap_or_default();
    }
}

impl Progress for UnderWay {
    fn stage(&self, stage: Stage, bytes: Option<u64>) {
        self.change(|running| (running.stage, running.bytes, running.of) = (Some(stage), 0, bytes));
    }

    fn advance(&self, bytes: u64) {
        self.change(|running| running.bytes += bytes);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.place);
    }
}
