//! The databases whose backups an installation makes by itself, and the store that they are in.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::{sync::OnceCell, time::timeout};

use super::{
    Backup, Expectation, Figures, Health, Often, Place, Progress, Pruning, RunPolicy, Schedule, Scratch,
    Stage, TroubleKind, Vault, Verified, Which, Wish, news::Alerting, remembered::Change,
};
use crate::{
    causes::Chain,
    error::{Error, Result},
    ids::BackupId,
};

/// How long the store may take until it has told how the backups of a source stand.
const ANSWERS: Duration = Duration::from_mins(5);
/// How far two looks at a work are apart. One that is at the second where it was at the first hangs: a table that is read for a
/// fingerprint, or an index that is built, may take hours in which nothing is told.
const MOVES: Duration = Duration::from_hours(6);

/// Waits for an answer of the store, and not for ever.
pub(super) async fn answered<T>(ask: impl Future<Output = Result<T>>) -> Result<T> {
    let late = || Err(Error::unavailable(format!("the store did not answer in {ANSWERS:?}"), None));
    timeout(ANSWERS, ask).await.unwrap_or_else(|_| late())
}

/// A source: a database, and how its backups are made, proved and kept.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where its backups lie.
    pub place: Place,
    /// The database; or why it cannot be reached, which is told when it is needed.
    pub database: Result<Arc<dyn Backup>, Arc<Error>>,
    /// Where they are restored to be looked at; or why that cannot be reached.
    pub scratch: Result<Scratch, Arc<Error>>,
    /// By which rules they are kept.
    pub pruning: Pruning,
    /// How often one is restored; `None` is [`Often::usual`].
    pub verify: Option<Often>,
    /// When they are made; `None` where nobody but people and other programs begins one.
    pub routine: Option<Routine>,
}

/// When backups are made, and what is expected of them.
#[derive(Debug, Clone)]
pub struct Routine {
    /// When they are begun.
    pub schedule: Schedule,
    /// How long after that a complete one should be there.
    pub late_after: SignedDuration,
    /// How old the newest verified one may become; `None` where none is verified.
    pub unverified_after: Option<SignedDuration>,
}

impl Routine {
    pub(super) fn since(&self, since: Timestamp) -> Expectation {
        let Self { schedule, late_after, unverified_after } = self.clone();
        Expectation { schedule, late_after, unverified_after, since }
    }
}

impl Job {
    /// The database.
    ///
    /// # Errors
    /// `invalid_input` with why it cannot be reached, and the way out.
    pub fn database(&self) -> Result<&dyn Backup> {
        self.database.as_deref().map_err(|why| self.unreached("the database", why))
    }

    /// Where backups are restored to be looked at.
    ///
    /// # Errors
    /// As [`Job::database`].
    pub fn scratch(&self) -> Result<&Scratch> {
        self.scratch.as_ref().map_err(|why| self.unreached("the server for scratch databases", why))
    }

    fn unreached(&self, what: &str, why: &Error) -> Error {
        Error::InvalidInput {
            detail: format!("{what} of {} cannot be reached: {}", self.place, Chain(why)),
            hint: why.hint(),
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

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backup => f.write_str("the backup"),
            Self::Verify(id) => write!(f, "the verification of {id}"),
        }
    }
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

/// The sources of an installation.
#[derive(Debug)]
pub struct Sources {
    jobs: BTreeMap<String, Job>,
    opening: Box<dyn Opening>,
    vault: OnceCell<Vault>,
    running: Arc<Mutex<BTreeMap<Place, Running>>>,
    /// What is new of each source, and could not be written beside its backups yet.
    pub(super) unwritten: tokio::sync::Mutex<BTreeMap<Place, Vec<Change>>>,
    seen: Mutex<BTreeMap<Place, Figures>>,
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
        let (unwritten, seen) = (tokio::sync::Mutex::default(), Mutex::default());
        Self { jobs, opening, vault, running, unwritten, seen, alerting }
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

    /// Keeps what was seen of a source. Where nobody could look, it is as it was, as far as is known.
    pub(super) fn keep_seen(&self, place: &Place, health: &Health) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = seen.entry(place.clone()).or_default();
        if health.is_unreachable() {
            figures.troubles.insert(TroubleKind::Unreachable);
        } else {
            *figures = health.figures();
        }
    }

    /// Forgets what was seen: another node looks now.
    pub(super) fn forget_seen(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// What was seen of each source when this node looked last.
    pub(super) fn seen_last(&self) -> BTreeMap<Place, Figures> {
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

    /// Who is at that work by whatever process, in words; it has to wait then.
    pub(super) async fn busy(&self, place: &Place, work: Work) -> Result<Option<String>> {
        answered(async { self.vault().await?.busy(place, work).await }).await
    }

    /// Waits for a work that is under way here, and ends it where it hangs.
    async fn moving<T>(&self, place: &Place, mut work: impl Future<Output = Result<T>> + Unpin) -> Result<T> {
        let mut before = None;
        loop {
            if let Ok(done) = timeout(MOVES, &mut work).await {
                return done;
            }
            let now = self.running(place).map(|running| (running.stage, running.bytes));
            if now == before {
                let what = format!("nothing of it moved in {MOVES:?}, so it was ended");
                return Err(Error::unavailable(what, None));
            }
            before = now;
        }
    }

    /// Makes a backup of a source, proves it, and removes those that no rule keeps; answers which it is.
    ///
    /// # Errors
    /// Whatever kept it from being made. What failed after that is kept, and told.
    pub(super) async fn run(&self, job: &Job, under_way: Arc<UnderWay>, at: Timestamp) -> Result<BackupId> {
        let vault = self.vault().await?.clone().telling(under_way);
        let policy = RunPolicy { wish: Wish::default(), verify: job.verify, pruning: job.pruning.clone() };
        let running = Box::pin(vault.run(&job.place, job.database()?, job.scratch().cloned(), &policy));
        let ran = self.moving(&job.place, running).await?;
        let (source, backup) = (&job.place, ran.created.entry.manifest.id);
        if let Some(why) = ran.spared {
            tracing::warn!(%source, %backup, why, "a backup was due to be restored, and only its bytes were read");
        }
        if let Err(error) = &ran.verified {
            self.note_failed(job, (Work::Verify(backup), at), error).await;
        }
        if let Some(Err(error)) = &ran.pruned {
            tracing::warn!(%source, error = %Chain(error), "old backups could not be removed; the next run tries again");
        }
        Ok(backup)
    }

    /// Restores a backup of a source to a scratch database, and compares it.
    pub(super) async fn verify(&self, job: &Job, id: BackupId, under_way: Arc<UnderWay>) -> Result<Verified> {
        let vault = self.vault().await?.clone().telling(under_way);
        let verifying = Box::pin(vault.verify(&job.place, Which::Id(id), job.scratch()?));
        self.moving(&job.place, verifying).await
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
