//! The Backup port: a database that can be dumped in one snapshot, restored beside itself, and compared.

use std::{any::Any, collections::BTreeMap, fmt, pin::Pin, str::FromStr};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{fingerprint::Fingerprint, mark::State};
use crate::{
    error::{Error, Result},
    storage::{Body, BoxBody},
};

/// Whose dumps they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
    /// A database in the memory of the process.
    Memory,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
            Self::Memory => "a database in memory",
        })
    }
}

/// What a dump's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// The engine's own archive, not compressed: what `pg_dump -Fc -Z0` writes and `pg_restore` reads. It holds owners
    /// and grants; whether they are restored is asked then.
    Archive,
    /// Statements, for `psql`: without owners and grants, so that anybody can run them.
    Sql,
    /// The database's file itself.
    File,
}

impl Format {
    /// How a file of it is called.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Archive => "dump",
            Self::Sql => "sql",
            Self::File => "db",
        }
    }
}

/// The name of a database beside the live one: on the same server, or of a file in the same folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseName(String);

impl DatabaseName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a database beside it: its own, cut to what PostgreSQL has room for, and what the other one is.
    pub fn beside(&self, what: &str) -> Result<Self> {
        let room = MOST.saturating_sub(what.len() + 1);
        format!("{}_{what}", &self.0[..self.0.floor_char_boundary(room)]).parse()
    }
}

/// How many bytes PostgreSQL has room for.
const MOST: usize = 63;

impl FromStr for DatabaseName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let fits = !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control);
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::invalid_with(
            format!("`{}` names no database", text.escape_default()),
            "use up to 63 bytes without control characters",
        ))
    }
}

impl TryFrom<String> for DatabaseName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<DatabaseName> for String {
    fn from(name: DatabaseName) -> Self {
        name.0
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A database, as its engine tells of it. It holds no credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The engine.
    pub engine: Engine,
    /// The engine's version, as `15.7`.
    pub version: String,
    /// Which server or folder it is on, the same however it is reached.
    pub server: String,
    /// Its name there.
    pub database: DatabaseName,
    /// How many bytes it takes now, about; a dump is smaller as a rule.
    pub size: u64,
    /// What a database must be made with to take its dump: encoding, collation, ...
    pub properties: BTreeMap<String, String>,
    /// In what formats it can be dumped, the usual one first.
    pub formats: Vec<Format>,
}

/// How a database is dumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DumpOptions {
    /// What the bytes are to be; `None` is the usual format.
    pub format: Option<Format>,
    /// Whether a fingerprint is read in the same snapshot.
    pub fingerprint: Reading,
}

impl Default for DumpOptions {
    fn default() -> Self {
        Self { format: None, fingerprint: Reading::With }
    }
}

/// Whether the fingerprint is read, which takes about as long as the dump does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// It is.
    With,
    /// It is not: what was restored can be compared with nothing.
    Without,
}

/// What is known of a dump once it is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumped {
    /// What was in the snapshot; `None` where it was not asked for.
    pub fingerprint: Option<Fingerprint>,
    /// What the database needs of its server and is in no dump of it, as statements: roles, without their passwords.
    /// `None` where there is nothing such, or the user may not read it.
    pub globals: Option<Bytes>,
    /// What the tools said besides, in lines, bounded.
    pub notes: Vec<String>,
}

/// The future of [`Dump::finish`].
type Ending = Pin<Box<dyn Future<Output = Result<Dumped>> + Send>>;

/// A dump on its way: bytes as they come, and what is known of them at their end.
///
/// It ends the tools that make it when it is dropped.
pub struct Dump {
    /// The database, as it was when the dump began.
    pub source: Source,
    /// What the bytes are.
    pub format: Format,
    /// What makes them, as `pg_dump 15.7`.
    pub tool: String,
    body: BoxBody,
    ending: Ending,
    ended: bool,
}

impl Dump {
    /// A dump of these bytes. `body` ends in an error, never in `None`, where what makes it failed; `ending` is awaited
    /// after its end only, and dropped where it is not.
    pub fn new(
        source: Source,
        (format, tool): (Format, String),
        body: BoxBody,
        ending: impl Future<Output = Result<Dumped>> + Send + 'static,
    ) -> Self {
        Self { source, format, tool, body, ending: Box::pin(ending), ended: false }
    }

    /// The next bytes; `None` where the dump has ended, and is whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = self.body.next().await?;
        self.ended = piece.is_none();
        Ok(piece)
    }

    /// What is known of a dump that was read to its end.
    ///
    /// # Errors
    /// `internal` where it was not; whatever the fingerprint or the globals failed with.
    pub async fn finish(self) -> Result<Dumped> {
        if self.ended {
            return self.ending.await;
        }
        Err(Error::internal("a dump was finished before its end", None))
    }
}

#[async_trait]
impl Body for Dump {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        Self::next(self).await
    }
}

impl fmt::Debug for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dump")
            .field("source", &self.source)
            .field("format", &self.format)
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}

/// Whether who owns what, and who was granted what, is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// All of it is the restoring user's: works on any server.
    Mine,
    /// As it was dumped: its roles must be there, and the user must be allowed to give to them.
    AsDumped,
}

/// What a database is restored for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be looked at and discarded.
    Scratch,
    /// To stay.
    Keep,
}

/// How a dump is restored.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// The database that it becomes.
    pub to: DatabaseName,
    /// What was dumped: says how the new database is made.
    pub source: Source,
    /// What the bytes are.
    pub format: Format,
    /// Whose it is.
    pub ownership: Ownership,
    /// What for.
    pub purpose: Purpose,
    /// How many things are restored at a time; `None` leaves it to the adapter.
    pub jobs: Option<usize>,
}

impl RestoreOptions {
    /// Restores to a scratch database: all of it the restoring user's.
    pub fn scratch(to: DatabaseName, source: Source, format: Format) -> Self {
        Self { to, source, format, ownership: Ownership::Mine, purpose: Purpose::Scratch, jobs: None }
    }
}

/// A database that was restored.
#[derive(Debug)]
pub struct Restored {
    /// What restored it, as `pg_restore 15.7`.
    pub tool: String,
    /// What the tools said besides, in lines, bounded.
    pub notes: Vec<String>,
    /// What keeps a scratch database for as long as it is there; whoever restores after that may remove the database.
    pub held: Option<Box<dyn Any + Send + Sync>>,
}

/// What examining a database's own consistency came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkup {
    /// What was examined, as `invalid indexes`, `pg_amcheck 15.7`, `integrity_check`.
    pub examined: Vec<String>,
    /// What could not be, and why.
    pub skipped: Vec<String>,
    /// What is wrong; empty where nothing is. Bounded.
    pub faults: Vec<String>,
}

/// A live database, and those that are restored beside it.
///
/// The live one is only ever read, but by [`Backup::replace`]. To restore on another server or in another folder, make an
/// adapter there.
///
/// # Behavior
/// - What was dumped and restored has the fingerprint that the dump came with, and the live database stays as it was.
/// - The fingerprint is that of the snapshot: what is written during a dump is in both or in neither.
/// - A dump whose maker failed ends in an error, however much came before; it is never finished.
/// - A dump that was not read to its end is not finished.
/// - A dump without a fingerprint has none.
/// - A format that the engine has not is `unsupported`.
/// - A changed, lost or added row, table, or declaration makes another fingerprint; the order of rows does not.
/// - A restore to the live database, or to one that holds something, is `conflict`, and changes nothing.
/// - A restore that fails, or whose bytes end in an error, leaves no database of that name.
/// - A restore that was cut off before it could clean up is begun anew under the same name.
/// - What is no dump is `corrupted`, and leaves nothing.
/// - A database that is not there is `not_found`.
/// - The state of a name is what was done there last: nothing, others' work, or one of ours.
/// - Only what was restored is discarded, or was put aside: the live database and others' are `conflict`; what is not
///   there is no error.
/// - Replacing puts the live database aside under a name that is free, and the restored one in its place, at once: a name
///   that is taken is `already_exists`, and changes nothing.
/// - A database that was replaced can be put back.
/// - A scratch database does not replace the live one.
#[async_trait]
pub trait Backup: fmt::Debug + Send + Sync {
    /// The live database.
    async fn describe(&self) -> Result<Source>;

    /// Begins a dump of the live database.
    async fn dump(&self, options: DumpOptions) -> Result<Dump>;

    /// Makes a database of a dump. Where the engine wants a file, `dump` is written to one first that nobody else can read
    /// and that is gone afterwards; so nothing is made before all bytes have come.
    async fn restore(&self, dump: BoxBody, options: RestoreOptions) -> Result<Restored>;

    /// What is under that name.
    async fn state(&self, database: &DatabaseName) -> Result<State>;

    /// What the database of that name holds, in one snapshot.
    async fn fingerprint(&self, database: &DatabaseName) -> Result<Fingerprint>;

    /// Examines whether the database is consistent in itself.
    async fn check(&self, database: &DatabaseName) -> Result<Checkup>;

    /// Removes a database that was restored or put aside.
    async fn discard(&self, database: &DatabaseName) -> Result<()>;

    /// Gives the live database's name to `restored`, and the name `aside` to what was live. Whoever is connected to either
    /// is disconnected.
    async fn replace(&self, restored: &DatabaseName, aside: &DatabaseName) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_without_control_characters() {
        for name in ["app", "app-2", "Ünïcode \"quoted\"", "$(x)", "app.db", "feature/x"] {
            assert_eq!(name.parse::<DatabaseName>().unwrap().as_str(), name);
        }
        for name in ["", "a\nb", "a\0b", &"x".repeat(256)] {
            assert!(name.parse::<DatabaseName>().is_err(), "{name:?}");
        }
        let long: DatabaseName = "ü".repeat(60).parse().unwrap();
        assert_eq!(long.beside("restored").unwrap().as_str(), format!("{}_restored", "ü".repeat(27)));
        assert_eq!("app".parse::<DatabaseName>().unwrap().beside("old").unwrap().as_str(), "app_old");
    }
}
