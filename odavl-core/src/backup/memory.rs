//! A database in the memory of the process: what the contract is tried on, and the pipeline, with faults on demand.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    Backup, Checkup, DatabaseName, Dump, DumpOptions, Dumped, Engine, Fingerprint, Format, Mark, Reading,
    RestoreOptions, Restored, Source, State, Tally,
};
use crate::{
    error::{Error, Result},
    storage::{Body, BoxBody, collect},
};

/// A dump begins with it.
const MAGIC: &[u8] = b"odavl memory 1\n";

/// More is not restored.
const MOST: u64 = 1 << 30;

/// So many bytes are handed out at a time.
const PIECE: usize = 64 * 1024;

/// Tables by name, with their rows.
type Tables = BTreeMap<String, Vec<String>>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Content {
    tables: Tables,
    #[serde(skip)]
    mark: Option<Mark>,
}

#[derive(Debug, Default)]
struct Server {
    databases: BTreeMap<DatabaseName, Content>,
    dump_ends_after: Option<usize>,
    fingerprint_fails: bool,
}

/// A database of tables whose rows are text. Clones are the same database.
#[derive(Debug, Clone)]
pub struct MemoryBackup {
    server: Arc<Mutex<Server>>,
    live: DatabaseName,
}

impl MemoryBackup {
    /// An empty database of that name, on a server of its own.
    pub fn new(live: DatabaseName) -> Self {
        let databases = BTreeMap::from([(live.clone(), Content::default())]);
        Self { server: Arc::new(Mutex::new(Server { databases, ..Server::default() })), live }
    }

    /// Adds rows to a table of the live database, made if it is not there.
    pub fn insert(&self, table: &str, rows: impl IntoIterator<Item = impl Into<String>>) {
        let mut server = self.server();
        let content = server.databases.entry(self.live.clone()).or_default();
        content.tables.entry(table.to_owned()).or_default().extend(rows.into_iter().map(Into::into));
    }

    /// Removes all rows of a table of the live database.
    pub fn truncate(&self, table: &str) {
        let mut server = self.server();
        let content = server.databases.entry(self.live.clone()).or_default();
        content.tables.entry(table.to_owned()).or_default().clear();
    }

    /// From now on a dump fails after that many bytes; `None` lets it be whole.
    pub fn fail_dumps_after(&self, bytes: Option<usize>) {
        self.server().dump_ends_after = bytes;
    }

    /// From now on no fingerprint can be read while a dump is made.
    pub fn fail_fingerprints(&self) {
        self.server().fingerprint_fails = true;
    }

    /// Leaves a database as a restore does that was cut off.
    pub fn leave_half_restored(&self, name: DatabaseName) {
        let mark = Some(Mark::Restoring);
        self.server().databases.insert(name, Content { mark, ..Content::default() });
    }

    /// Makes a database with something in it that others use.
    pub fn make_foreign(&self, name: DatabaseName) {
        let tables = BTreeMap::from([("theirs".to_owned(), Vec::new())]);
        self.server().databases.insert(name, Content { tables, mark: None });
    }

    fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn source(&self, server: &Server) -> Result<Source> {
        let size = written(content(server, &self.live)?)?.len() as u64;
        Ok(Source {
            engine: Engine::Memory,
            version: "1".to_owned(),
            server: format!("{:p}", Arc::as_ptr(&self.server)),
            database: self.live.clone(),
            size,
            properties: BTreeMap::new(),
            formats: vec![Format::Archive],
        })
    }

    /// Whether a dump can be restored to that name.
    fn admit(&self, server: &Server, options: &RestoreOptions) -> Result<()> {
        if options.to == self.live {
            return Err(Error::Conflict(format!("{} is the live database", options.to)));
        }
        match server.databases.get(&options.to) {
            None | Some(Content { mark: Some(Mark::Restoring), .. }) => Ok(()),
            Some(found) if found.tables.is_empty() => Ok(()),
            Some(_) => Err(Error::Conflict(format!("the database {} is not empty", options.to))),
        }
    }
}

#[async_trait]
impl Backup for MemoryBackup {
    async fn describe(&self) -> Result<Source> {
        self.source(&self.server())
    }

    async fn dump(&self, options: DumpOptions) -> Result<Dump> {
        let format = options.format.unwrap_or(Format::Archive);
        if format != Format::Archive {
            return Err(Error::Unsupported("a database in memory is dumped as an archive".into()));
        }
        let server = self.server();
        let content = content(&server, &self.live)?;
        let fingerprint = match options.fingerprint {
            Reading::With if server.fingerprint_fails => Err(Error::unavailable("the rows are gone", None)),
            Reading::With => Ok(Some(fingerprint(content))),
            Reading::Without => Ok(None),
        };
        let body = Written { rest: written(content)?.into(), left: server.dump_ends_after };
        let source = self.source(&server)?;
        let ending =
            async move { Ok(Dumped { fingerprint: fingerprint?, globals: None, notes: Vec::new() }) };
        Ok(Dump::new(source, (format, "memory 1".to_owned()), Box::new(body), ending))
    }

    async fn restore(&self, dump: BoxBody, options: RestoreOptions) -> Result<Restored> {
        if options.source.engine != Engine::Memory {
            return Err(Error::Unsupported("a database in memory takes no dump of another engine".into()));
        }
        self.admit(&self.server(), &options)?;
        let mut content = read(&collect(dump, MOST).await?)?;
        content.mark = Some(options.purpose.into());
        let mut server = self.server();
        self.admit(&server, &options)?;
        server.databases.insert(options.to, content);
        Ok(Restored { tool: "memory 1".to_owned(), notes: Vec::new(), held: None })
    }

    async fn state(&self, database: &DatabaseName) -> Result<State> {
        let server = self.server();
        Ok(server.databases.get(database).map_or(State::Absent, |found| State::of(found.mark)))
    }

    async fn fingerprint(&self, database: &DatabaseName) -> Result<Fingerprint> {
        content(&self.server(), database).map(fingerprint)
    }

    async fn check(&self, database: &DatabaseName) -> Result<Checkup> {
        content(&self.server(), database)?;
        Ok(Checkup { examined: vec!["that it is there".to_owned()], ..Checkup::default() })
    }

    async fn discard(&self, database: &DatabaseName) -> Result<()> {
        let mut server = self.server();
        let Some(found) = server.databases.get(database) else { return Ok(()) };
        if found.mark.is_none() || *database == self.live {
            return Err(Error::Conflict(format!("{database} was not restored by odavl: it stays")));
        }
        server.databases.remove(database);
        Ok(())
    }

    async fn replace(&self, restored: &DatabaseName, aside: &DatabaseName) -> Result<()> {
        let mut server = self.server();
        if server.databases.contains_key(aside) {
            return Err(Error::AlreadyExists { kind: "database", name: aside.to_string() });
        }
        let found = content(&server, restored)?;
        if !matches!(found.mark, Some(Mark::Restored | Mark::Aside)) {
            return Err(Error::Conflict(format!("{restored} was not restored to stay")));
        }
        let mut old = content(&server, &self.live)?.clone();
        old.mark = Some(Mark::Aside);
        let mut new = found.clone();
        new.mark = None;
        server.databases.remove(restored);
        server.databases.insert(aside.clone(), old);
        server.databases.insert(self.live.clone(), new);
        Ok(())
    }
}

fn content<'a>(server: &'a Server, name: &DatabaseName) -> Result<&'a Content> {
    server.databases.get(name).ok_or_else(|| Error::not_found("database", name))
}

fn fingerprint(content: &Content) -> Fingerprint {
    let mut found = Fingerprint { made_on: "memory 1".to_owned(), ..Fingerprint::default() };
    for (name, rows) in &content.tables {
        let mut tally = Tally::default();
        for row in rows {
            tally.add(row.as_bytes());
        }
        found.tables.insert(name.clone(), tally);
        found.schema.entry("table".to_owned()).or_default().add(name.as_bytes());
    }
    found
}

fn written(content: &Content) -> Result<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    serde_json::to_writer(&mut bytes, content)
        .map_err(|error| Error::internal("a database in memory cannot be written", Some(error.into())))?;
    Ok(bytes)
}

fn read(bytes: &[u8]) -> Result<Content> {
    let nonsense = || Error::corrupted("that is no dump of a database in memory", None);
    serde_json::from_slice(bytes.strip_prefix(MAGIC).ok_or_else(nonsense)?).map_err(|_| nonsense())
}

/// Bytes in pieces, up to where they are to fail.
struct Written {
    rest: Bytes,
    left: Option<usize>,
}

#[async_trait]
impl Body for Written {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        if let Some(left) = &mut self.left {
            if piece.len() > *left || piece.is_empty() {
                return Err(Error::unavailable("what makes the dump was killed", None));
            }
            *left -= piece.len();
        }
        Ok((!piece.is_empty()).then_some(piece))
    }
}
