//! A restore: into a new database, which is there as a whole or not at all, or into one that is empty, which stays.

use std::path::Path;

use tempfile::NamedTempFile;
use tokio::process::Command;

use super::{
    child::{Running, command},
    dump::roots,
    manage::Server,
    session::Session,
    spool::Spool,
    tools::{Tool, Tools, connection, reads_archive},
};
use crate::{
    backup::{DatabaseName, Engine, Format, Mark, Ownership, Purpose, RestoreOptions, Restored, State},
    causes::Chain,
    db::PostgresSettings,
    error::{Error, Result},
    storage::BoxBody,
};

/// What a restore is made by.
pub(super) struct Restoring<'a> {
    pub(super) settings: &'a PostgresSettings,
    pub(super) tools: &'a Tools,
    pub(super) folder: Option<&'a Path>,
    pub(super) jobs: usize,
}

impl Restoring<'_> {
    /// Restores it; a scratch database is held by the connection that keeps others from taking it for left.
    pub(super) async fn run(self, dump: BoxBody, options: RestoreOptions) -> Result<Restored> {
        hold(&options)?;
        let server = Server::connect(self.settings, &[&options.to]).await?;
        self.refuse_live(&server, &options).await?;
        if let Err(error) = server.sweep().await {
            tracing::warn!(error = %Chain(&error), "what was left of other restores is not removed");
        }
        server.attend(&options.to).await?;
        server.take_turn(&options.to).await?;
        let known = self.admit(&server, &options.to).await?;
        // Whatever comes, nothing is made before it has come whole.
        let spool = Spool::receive(dump, self.folder).await?;
        let tool = self.tool(&spool, &options, server.version / 10_000).await?;
        // Others did not wait for that.
        if self.admit(&server, &options.to).await? != known {
            return Err(Error::Conflict(format!("{} became another while the dump was fetched", options.to)));
        }
        // What another try left of it is no use.
        if known == State::Ours(Mark::Restoring) {
            server.remove(&options.to).await?;
        }
        if is_made(known) {
            server.create(&options.to, &options.source.properties).await?;
        }
        match self.fill((&tool, &spool), &options, known).await {
            Ok(mut notes) => {
                if server.is_almighty().await? {
                    notes.push(ALMIGHTY.to_owned());
                }
                if known != State::Theirs {
                    server.set_mark(&options.to, options.purpose.into()).await?;
                }
                let tool = tool.told();
                let held = (options.purpose == Purpose::Scratch).then(|| Box::new(server) as _);
                Ok(Restored { tool, notes, held })
            }
            Err(failed) => {
                if is_made(known)
                    && let Err(error) = server.remove(&options.to).await
                {
                    // It bears our mark, and is removed by whoever restores to that name again.
                    tracing::warn!(error = %Chain(&error), "a database that was half restored is left");
                }
                Err(failed)
            }
        }
    }

    /// What is under that name, unless it holds something.
    async fn admit(&self, server: &Server, to: &DatabaseName) -> Result<State> {
        let known = server.state(to).await?;
        if !is_made(known) {
            refuse_full(&self.settings.in_database(to.as_str())).await?;
        }
        Ok(known)
    }

    /// Neither the live database of this adapter nor, where it is on this server, the one that was dumped.
    async fn refuse_live(&self, server: &Server, options: &RestoreOptions) -> Result<()> {
        let (to, source) = (&options.to, &options.source);
        let dumped = to == &source.database && server.identity().await? == source.server;
        if dumped || to.as_str() == self.settings.database() {
            return Err(Error::Conflict(format!(
                "{to} is the live database: restore to another name, and let that take its place"
            )));
        }
        Ok(())
    }

    async fn tool(&self, spool: &Spool, options: &RestoreOptions, server: u32) -> Result<Tool> {
        if options.format == Format::Sql {
            let ends = spool.tail.windows(END.len()).any(|bytes| bytes == END);
            if !ends || !spool.head.starts_with(b"--\n-- PostgreSQL database dump") {
                return Err(Error::corrupted("those are not the statements of a whole dump", None));
            }
            return self.tools.find("psql", server).await;
        }
        let reader = reads_archive(&spool.head);
        let reader = reader.ok_or_else(|| Error::corrupted("that is no archive of pg_dump", None))?;
        self.tools.find("pg_restore", server.max(reader)).await
    }

    async fn fill(
        &self,
        (tool, spool): (&Tool, &Spool),
        options: &RestoreOptions,
        known: State,
    ) -> Result<Vec<String>> {
        let roots = roots(self.settings, self.folder)?;
        let settings = self.settings.in_database(options.to.as_str());
        let mut command = command(tool, &settings, roots.as_ref().map(NamedTempFile::path));
        command.arg("--no-password").arg("-d").arg(connection(options.to.as_str()));
        if options.format == Format::Sql {
            command.args(["-X", "-q", "--set=ON_ERROR_STOP=1", "--single-transaction", "-f"]);
        } else {
            self.archive(&mut command, options, known);
        }
        spool.give(&mut command)?;
        Running::start(tool, command)?.end(failed).await
    }

    fn archive(&self, command: &mut Command, options: &RestoreOptions, known: State) {
        if is_made(known) {
            let jobs = options.jobs.unwrap_or(self.jobs).max(1);
            command.arg("--exit-on-error").arg(format!("--jobs={jobs}"));
        } else {
            // What is not removed when it fails is as it was then.
            command.arg("--single-transaction");
        }
        if options.ownership == Ownership::Mine {
            command.args(["--no-owner", "--no-acl"]);
        }
    }
}

/// Whether a restore to a name under which that is makes the database itself, anew where one was cut off. One that is there
/// and is empty is filled, and never removed.
const fn is_made(known: State) -> bool {
    matches!(known, State::Absent | State::Ours(Mark::Restoring))
}

/// What was dumped can run as who restores it: what a table computes, and what watches over it.
const ALMIGHTY: &str =
    "it was restored by a superuser: a role with CREATEDB alone is enough, and can do less";

/// Whether it is for this engine.
fn hold(options: &RestoreOptions) -> Result<()> {
    if options.source.engine != Engine::Postgres || options.format == Format::File {
        return Err(Error::Unsupported("PostgreSQL takes no dump of another engine".into()));
    }
    Ok(())
}

/// Statements that were cut off run as well as all of them would, so their last words are looked for.
const END: &[u8] = b"-- PostgreSQL database dump complete";

/// What people made in a database; the system's own have small OIDs, and nothing but an extension is there with template0.
const SOMETHING: &str = "
SELECT 1 FROM pg_catalog.pg_class WHERE oid >= 16384 AND relnamespace::regnamespace::TEXT !~ '^pg_'
UNION ALL SELECT 1 FROM pg_catalog.pg_proc WHERE oid >= 16384
UNION ALL SELECT 1 FROM pg_catalog.pg_type WHERE oid >= 16384
UNION ALL SELECT 1 FROM pg_catalog.pg_namespace WHERE oid >= 16384 AND nspname !~ '^pg_'
UNION ALL SELECT 1 FROM pg_catalog.pg_extension WHERE oid >= 16384
UNION ALL SELECT 1 FROM pg_catalog.pg_largeobject_metadata
LIMIT 1";

async fn refuse_full(settings: &PostgresSettings) -> Result<()> {
    let session = Session::begin(settings).await?;
    if session.rows(SOMETHING).await?.is_empty() {
        return Ok(());
    }
    Err(Error::Conflict(format!(
        "the database {} is not empty: name one that is not there, as a restore makes it itself",
        settings.database()
    )))
}

/// Whether it is the dump that makes no sense, the server that is not there, or what the dump asks of it. What the server says
/// comes after words of the program's, and names what people named; so only what the program begins with is its own.
fn failed(what: String) -> Error {
    const BROKEN: [&str; 8] = [
        "input file",
        "could not read from input file",
        "unexpected end of file",
        "did not find magic string",
        "found unexpected block ID",
        "unrecognized data block type",
        "could not find block ID",
        "entry ID",
    ];
    const LOST: [&str; 2] = ["could not connect", "connection to server"];
    let (program, said) = what.split_once(" failed: ").unwrap_or(("", &what));
    let begins = |words: &&str| said.starts_with(*words);
    // The last word of a server, of a connection, of a disk, and of a program.
    let is_lost = LOST.iter().any(begins)
        || said.contains("FATAL:  ")
        || said.ends_with("server closed the connection unexpectedly")
        || said.ends_with("No space left on device")
        || said
            .rsplit_once("signal: ")
            .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    if program.starts_with("pg_restore") && BROKEN.iter().any(begins) {
        Error::corrupted(what, None)
    } else if is_lost {
        Error::unavailable(what, None)
    } else {
        Error::Conflict(what)
    }
}

#[cfg(test)]
mod tests {
    use super::failed;
    use crate::ErrorCode;

    #[test]
    fn what_the_server_says_of_names_is_neither_damage_nor_a_loss() {
        for (said, code) in [
            ("could not read from input file: end of file", ErrorCode::Corrupted),
            ("found unexpected block ID (0) when reading data -- expected 4012", ErrorCode::Corrupted),
            (
                "could not execute query: ERROR:  permission denied for table corruption_log",
                ErrorCode::Conflict,
            ),
            ("could not execute query: ERROR:  role \"end of file\" does not exist", ErrorCode::Conflict),
            ("COPY failed for table \"signal\": ERROR:  value too long", ErrorCode::Conflict),
            ("could not execute query: server closed the connection unexpectedly", ErrorCode::Unavailable),
            ("could not execute query: FATAL:  terminating connection", ErrorCode::Unavailable),
            ("connection to server at \"::1\" failed: Connection refused", ErrorCode::Unavailable),
            ("signal: 9 (SIGKILL)", ErrorCode::Unavailable),
        ] {
            assert_eq!(failed(format!("pg_restore 15.7 failed: {said}")).code(), code, "{said}");
        }
        // It is not psql that reads the dump, but the server.
        let said = "psql 15.7 failed: unexpected end of file".to_owned();
        assert_eq!(failed(said).code(), ErrorCode::Conflict);
    }
}
