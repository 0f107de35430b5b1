//! Backup of PostgreSQL, by its own programs.

mod archive;
mod check;
mod child;
mod dump;
mod manage;
mod objects;
mod read;
mod restore;
mod schema;
mod session;
mod spool;
mod tools;

use std::{
    collections::BTreeMap,
    fmt,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use self::{
    dump::Dumping,
    manage::{Mark, Server},
    read::Snapshot,
    restore::Restoring,
    session::Session,
    tools::Tools,
};
use super::{
    Backup, Checkup, DatabaseName, Dump, DumpOptions, Fingerprint, Purpose, RestoreOptions, Restored, Source,
};
use crate::{
    db::PostgresSettings,
    error::{Error, Result},
    storage::BoxBody,
};

/// A PostgreSQL database, dumped by `pg_dump` and restored by `pg_restore` on the same server.
///
/// The programs are given the password in their environment, never as an argument; they have to be at least as new as the
/// server, and are found by the path or where Debian, Red Hat and others have a folder for each version.
///
/// A database that is restored bears a mark of ours, its comment. Whoever restores needs `CREATEDB`; whoever dumps needs
/// to read all of it.
#[derive(Clone)]
pub struct PostgresBackup {
    settings: PostgresSettings,
    tools: Tools,
    folder: Option<PathBuf>,
    jobs: usize,
    /// What was restored to be looked at, and is not discarded yet: with a connection that says so.
    scratch: Arc<Mutex<BTreeMap<DatabaseName, Server>>>,
}

impl PostgresBackup {
    /// The database at `url`, as [`Db::open_postgres`](crate::db::Db::open_postgres) takes it. Nothing is connected yet.
    ///
    /// # Errors
    /// `invalid_input` when the URL cannot be read.
    pub fn new(url: &str) -> Result<Self> {
        let jobs = std::thread::available_parallelism().map_or(2, NonZero::get).clamp(2, 4);
        let (settings, tools) = (PostgresSettings::parse(url)?, Tools::default());
        Ok(Self { settings, tools, folder: None, jobs, scratch: Arc::default() })
    }

    /// Takes PostgreSQL's programs from that folder and no other.
    #[must_use]
    pub fn with_programs(self, folder: impl Into<PathBuf>) -> Self {
        Self { tools: Tools { folder: Some(folder.into()) }, ..self }
    }

    /// Writes what is restored to that folder for the time being, rather than to the system's temporary one.
    #[must_use]
    pub fn with_temporary(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// Reads and restores by so many connections; otherwise by one for each processor, from 2 to 4.
    #[must_use]
    pub fn with_jobs(self, jobs: usize) -> Self {
        Self { jobs: jobs.max(1), ..self }
    }

    fn temporary(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    fn scratch(&self) -> MutexGuard<'_, BTreeMap<DatabaseName, Server>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> Result<DatabaseName> {
        self.settings.database().parse()
    }

    /// The settings of a database that is there.
    async fn there(&self, database: &DatabaseName) -> Result<PostgresSettings> {
        let server = Server::connect(&self.settings, &[]).await?;
        match server.mark(database).await? {
            Some(_) => Ok(self.settings.in_database(database.as_str())),
            None => Err(Error::not_found("database", database)),
        }
    }
}

#[async_trait]
impl Backup for PostgresBackup {
    async fn describe(&self) -> Result<Source> {
        dump::describe(&Session::begin(&self.settings).await?, &self.settings).await
    }

    async fn dump(&self, options: DumpOptions) -> Result<Dump> {
        let (settings, tools, folder) = (&self.settings, &self.tools, self.temporary());
        Dumping { settings, tools, folder, jobs: self.jobs }.begin(options).await
    }

    async fn restore(&self, dump: BoxBody, options: RestoreOptions) -> Result<Restored> {
        let (settings, tools, folder) = (&self.settings, &self.tools, self.temporary());
        let (to, purpose) = (options.to.clone(), options.purpose);
        let restoring = Restoring { settings, tools, folder, jobs: self.jobs };
        let (restored, server) = restoring.run(dump, options).await?;
        if purpose == Purpose::Scratch {
            self.scratch().insert(to, server);
        }
        Ok(restored)
    }

    async fn fingerprint(&self, database: &DatabaseName) -> Result<Fingerprint> {
        let settings = self.there(database).await?;
        Snapshot::take(&settings).await?.with_readers(self.jobs).await?.fingerprint().await
    }

    async fn check(&self, database: &DatabaseName) -> Result<Checkup> {
        check::check(&self.there(database).await?, &self.tools, self.temporary()).await
    }

    async fn discard(&self, database: &DatabaseName) -> Result<()> {
        let server = Server::connect(&self.settings, &[database]).await?;
        match server.mark(database).await? {
            None => Ok(()),
            Some(Some(_)) if *database != self.live()? => {
                server.remove(database).await?;
                self.scratch().remove(database);
                Ok(())
            }
            Some(_) => Err(Error::Conflict(format!("{database} was not restored by odavl: it stays"))),
        }
    }

    async fn replace(&self, restored: &DatabaseName, aside: &DatabaseName) -> Result<()> {
        let live = self.live()?;
        let server = Server::connect(&self.settings, &[&live, restored]).await?;
        if server.mark(aside).await?.is_some() {
            return Err(Error::AlreadyExists { kind: "database", name: aside.to_string() });
        }
        match server.mark(restored).await? {
            None => Err(Error::not_found("database", restored)),
            Some(Some(Mark::Restored | Mark::Aside)) if *restored != live => {
                server.swap(&live, restored, aside).await
            }
            Some(_) => {
                Err(Error::Conflict(format!("{restored} was not restored to stay: it replaces nothing")))
            }
        }
    }
}

impl fmt::Debug for PostgresBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresBackup").field(&self.settings.place()).finish()
    }
}
