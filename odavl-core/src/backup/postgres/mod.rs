//! Backup of PostgreSQL, by its own programs.

mod archive;
mod belongings;
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
    fmt,
    num::NonZero,
    path::{Path, PathBuf},
};

use async_trait::async_trait;

use self::{
    dump::Dumping, manage::Server, read::Snapshot, restore::Restoring, session::Session, tools::Tools,
};
use super::{
    Backup, Checkup, DatabaseName, Dump, DumpOptions, Fingerprint, Mark, RestoreOptions, Restored, Source,
    State,
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
/// A database that we make bears a mark of ours, its comment; one that was there and is empty is filled in one transaction,
/// and keeps its own. Whoever restores needs `CREATEDB`; whoever dumps needs to read all of it.
#[derive(Clone)]
pub struct PostgresBackup {
    settings: PostgresSettings,
    tools: Tools,
    folder: Option<PathBuf>,
    jobs: usize,
}

impl PostgresBackup {
    /// The database at `url`, as [`Db::open_postgres`](crate::db::Db::open_postgres) takes it. Nothing is connected yet.
    ///
    /// # Errors
    /// `invalid_input` when the URL cannot be read.
    pub fn new(url: &str) -> Result<Self> {
        let jobs = std::thread::available_parallelism().map_or(2, NonZero::get).clamp(2, 4);
        let (settings, tools) = (PostgresSettings::parse(url)?, Tools::default());
        Ok(Self { settings, tools, folder: None, jobs })
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

    fn live(&self) -> Result<DatabaseName> {
        self.settings.database().parse()
    }

    /// The settings of a database that is there.
    async fn there(&self, database: &DatabaseName) -> Result<PostgresSettings> {
        let server = Server::connect(&self.settings, &[]).await?;
        match server.state(database).await? {
            State::Absent => Err(Error::not_found("database", database)),
            _ => Ok(self.settings.in_database(database.as_str())),
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
        Restoring { settings, tools, folder, jobs: self.jobs }.run(dump, options).await
    }

    async fn state(&self, database: &DatabaseName) -> Result<State> {
        Server::connect(&self.settings, &[]).await?.state(database).await
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
        match server.state(database).await? {
            State::Absent => Ok(()),
            State::Ours(_) if *database != self.live()? => server.remove(database).await,
            _ => Err(Error::Conflict(format!("{database} was not restored by odavl: it stays"))),
        }
    }

    async fn replace(&self, restored: &DatabaseName, aside: &DatabaseName) -> Result<()> {
        let live = self.live()?;
        let server = Server::connect(&self.settings, &[&live, restored]).await?;
        if server.state(aside).await? != State::Absent {
            return Err(Error::AlreadyExists { kind: "database", name: aside.to_string() });
        }
        match server.state(restored).await? {
            State::Absent => Err(Error::not_found("database", restored)),
            State::Ours(Mark::Restored | Mark::Aside) if *restored != live => {
                server.swap(&live, restored, aside).await
            }
            _ => Err(Error::Conflict(format!("{restored} was not restored to stay: it replaces nothing"))),
        }
    }
}

impl fmt::Debug for PostgresBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PostgresBackup").field(&self.settings.place()).finish()
    }
}
