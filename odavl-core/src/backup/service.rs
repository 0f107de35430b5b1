//! The use cases of backups that an installation offers to its operators: sources by name, and what there is of each.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{sync::watch, task::JoinSet};

use super::{
    DatabaseName, Entry, Health, Ownership, Plan, RestoreWish, Running, Sources, Which, Work,
    sources::{Job, UnderWay},
};
use crate::{
    action::Action,
    error::{Error, Result},
    ids::BackupId,
    page::{Page, PageQuery},
    session::{Ask, Permit, Session, Usage},
};

/// The use cases of backups.
#[derive(Debug)]
pub struct Backups<'a>(&'a Session);

/// The works that were begun and go on by themselves: they end with the installation.
#[derive(Debug, Default)]
pub(crate) struct Begun(Mutex<JoinSet<()>>);

impl Begun {
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut works = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while works.try_join_next().is_some() {}
        works.spawn(work);
    }
}

/// A source, and how its backups stand.
#[derive(Debug, Clone)]
pub struct SourceHealth {
    /// The source.
    pub job: Job,
    /// How its backups stand; where the store does not answer, that is its trouble.
    pub health: Health,
    /// What is being done with it on this node.
    pub running: Option<Running>,
}

impl Session {
    /// Backups, for whoever operates the installation.
    pub fn backups(&self) -> Backups<'_> {
        Backups(self)
    }
}

impl Backups<'_> {
    /// The sources of the configuration, by name, and how the backups of each stand.
    pub async fn sources(&self) -> Result<Vec<SourceHealth>> {
        self.0
            .metered(Ask::new(Action::BackupList), async |permit| {
                let mut found = Vec::new();
                let Some(sources) = &self.0.core.backups else { return Ok((found, Usage::Settled)) };
                for job in sources.jobs() {
                    // Asked first: what came of a work can be seen before the work has ended.
                    let running = sources.running(&job.place);
                    let health = sources.seen(job, permit.at).await;
                    found.push(SourceHealth { job: job.clone(), health, running });
                }
                Ok((found, Usage::Settled))
            })
            .await
    }

    /// The backups of a source, the newest first.
    pub async fn list(&self, source: &str, page: &PageQuery) -> Result<Page<Entry>> {
        let after = page.after::<BackupId>()?;
        self.0
            .metered(Ask::new(Action::BackupList), async |_| {
                let (sources, job) = self.source(source)?;
                let listed = sources.vault().await?.list(&job.place).await?.backups;
                let older = listed
                    .into_iter()
                    .rev()
                    .filter(|entry| after.is_none_or(|after| entry.manifest.id < after));
                let entries = older.take(page.limit as usize + 1).collect();
                let page = Page::cut(entries, page.limit, |entry: &Entry| entry.manifest.id.to_string());
                Ok((page, Usage::Settled))
            })
            .await
    }

    /// A backup of a source.
    pub async fn get(&self, source: &str, id: BackupId) -> Result<Entry> {
        self.0
            .metered(Ask::new(Action::BackupList), async |_| {
                let (sources, job) = self.source(source)?;
                Ok((sources.vault().await?.find(&job.place, Which::Id(id)).await?, Usage::Settled))
            })
            .await
    }

    /// What restoring a backup to a new database of that name would do. It changes nothing.
    pub async fn restore_plan(&self, source: &str, id: BackupId, to: DatabaseName) -> Result<Plan> {
        self.0
            .metered(Ask::new(Action::BackupList), async |_| {
                let (sources, job) = self.source(source)?;
                let wish = RestoreWish { to, aside: None, ownership: Ownership::Mine, jobs: None };
                let vault = sources.vault().await?;
                let plan = vault.plan(&job.place, Which::Id(id), (job.database()?, &wish)).await?;
                Ok((plan, Usage::Settled))
            })
            .await
    }

    /// Begins a backup of a source, as its schedule would: it is made, proved, and those that no rule keeps are removed. It
    /// goes on when the call has ended, until the installation is closed, which cuts it off; [`Backups::sources`] tells how
    /// far it is, and what came of it.
    ///
    /// # Errors
    /// `conflict` where one is under way, here or elsewhere.
    pub async fn create(&self, source: &str) -> Result<Running> {
        self.0
            .metered(Ask::new(Action::BackupCreate), async |permit| {
                let (sources, job) = self.source(source)?;
                job.database()?;
                let (begun, running) = self.begin((sources, job), permit, Work::Backup).await?;
                let (sources, job, at) = (sources.clone(), job.clone(), permit.at);
                self.go_on(async move {
                    // Nobody sees that it has ended before it can be seen what came of it.
                    let _ended = begun.clone();
                    if let Err(error) = sources.run(&job, begun, at).await {
                        sources.note_failed(&job, (Work::Backup, at), &error).await;
                    }
                });
                Ok((running, Usage::Settled))
            })
            .await
    }

    /// Begins to verify a backup: it is restored to a scratch database and compared. The verdict is part of the backup once
    /// it is there.
    ///
    /// # Errors
    /// `conflict` where something is under way with the source on this node, or with the backup elsewhere.
    pub async fn verify(&self, source: &str, id: BackupId) -> Result<Running> {
        self.0
            .metered(Ask::new(Action::BackupVerify), async |permit| {
                let (sources, job) = self.source(source)?;
                job.database()?;
                sources.vault().await?.find(&job.place, Which::Id(id)).await?;
                let (begun, running) = self.begin((sources, job), permit, Work::Verify(id)).await?;
                let (sources, job, at) = (sources.clone(), job.clone(), permit.at);
                self.go_on(async move {
                    let _ended = begun.clone();
                    if let Err(error) = sources.verify(&job, id, begun).await {
                        sources.note_failed(&job, (Work::Verify(id), at), &error).await;
                    }
                });
                Ok((running, Usage::Settled))
            })
            .await
    }

    /// Lets a work go on; whoever closes the installation waits until it has let go of everything.
    fn go_on(&self, work: impl Future<Output = ()> + Send + 'static) {
        let held = self.0.core.ended.as_ref().map(watch::Sender::subscribe);
        self.0.core.begun.spawn(async move {
            work.await;
            drop(held);
        });
    }

    /// Notes what begins, on record before it does.
    async fn begin(
        &self,
        (sources, job): (&Arc<Sources>, &Job),
        permit: &Permit,
        work: Work,
    ) -> Result<(Arc<UnderWay>, Running)> {
        let begun = sources.begin(&job.place, work, permit.at)?;
        if let Some(other) = sources.busy(&job.place, work).await? {
            return Err(Error::Conflict(format!("{other}, by another process")));
        }
        let target = match work {
            Work::Backup => job.place.source.to_string(),
            Work::Verify(id) => id.to_string(),
        };
        let record = self.0.record(permit, &target)?;
        self.0.core.write(Vec::new(), Vec::new(), vec![record]).await?;
        Ok(begun)
    }

    fn source(&self, name: &str) -> Result<(&Arc<Sources>, &Job)> {
        let none = || Error::not_found("source", &name);
        let sources = self.0.core.backups.as_ref().ok_or_else(none)?;
        Ok((sources, sources.job(name)?))
    }
}
