//! Backup of SQLite: a copy that SQLite itself makes, and files that take each other's place.

mod copy;
mod place;
mod read;

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions},
    io::Read,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use rusqlite::{Connection, InterruptHandle};
use tokio::io::AsyncWriteExt;

use self::{
    copy::{Copied, look_at},
    place::Place,
    read::{faults, fingerprint, is_whole, open, pragma},
};
use super::{
    Backup, Checkup, DatabaseName, Dump, DumpOptions, Dumped, Engine, Fingerprint, Format, Mark,
    RestoreOptions, Restored, Source, State, left::remove,
};
use crate::{
    db::{blocking, sqlite_error},
    error::{Error, Result},
    storage::BoxBody,
};

/// A SQLite database, dumped by `VACUUM INTO`, which others may write beside, and restored to a file in the same folder.
///
/// A file that is restored has one of ours beside it that says so. Before the live one is replaced, whoever uses it has to
/// stop: SQLite sends nobody away.
#[derive(Clone)]
pub struct SqliteBackup {
    path: PathBuf,
    temporary: Option<PathBuf>,
}

impl SqliteBackup {
    /// The database in the file at `path`. Nothing is opened yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), temporary: None }
    }

    /// Makes copies in that folder for the time being, rather than in the system's temporary one.
    #[must_use]
    pub fn with_temporary(self, folder: impl Into<PathBuf>) -> Self {
        Self { temporary: Some(folder.into()), ..self }
    }

    /// Where the live file itself lies, whatever link leads to it.
    fn file(&self) -> PathBuf {
        self.path.canonicalize().unwrap_or_else(|_| self.path.clone())
    }

    fn live(&self) -> Result<DatabaseName> {
        let file = self.file();
        let name = file.file_name().and_then(|name| name.to_str());
        name.ok_or_else(|| Error::invalid("the path of the SQLite database ends in no name"))?.parse()
    }

    /// The place of that name in the live one's folder.
    fn place(&self, name: &DatabaseName) -> Result<Place> {
        let file = self.file();
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        Place::new(folder.unwrap_or(Path::new(".")), name)
    }

    /// Runs `act` on the database of that name, which is there, off the runtime.
    async fn at<T: Send + 'static>(
        &self,
        name: &DatabaseName,
        act: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place(name)?;
        blocking(move || act(&open(&place.there()?)?)).await?
    }

    fn describe_now(&self, connection: &Connection) -> Result<Source> {
        let file = self.file();
        let pages: u64 = pragma::<i64>(connection, "page_count")?.unsigned_abs();
        let page: u64 = pragma::<i64>(connection, "page_size")?.unsigned_abs();
        let journal: String = pragma(connection, "journal_mode")?;
        Ok(Source {
            engine: Engine::Sqlite,
            version: rusqlite::version().to_owned(),
            server: file.parent().unwrap_or(Path::new("")).display().to_string(),
            database: self.live()?,
            size: pages * page,
            properties: BTreeMap::from([("journal_mode".to_owned(), journal)]),
            formats: vec![Format::File],
        })
    }

    /// Whether a dump can be restored to that name.
    fn admit(&self, options: &RestoreOptions) -> Result<Place> {
        if options.source.engine != Engine::Sqlite || options.format != Format::File {
            return Err(Error::Unsupported("SQLite takes no dump of another engine".into()));
        }
        let (place, live) = (self.place(&options.to)?, self.live()?);
        if options.to == live {
            return Err(Error::Conflict(format!(
                "{live} is the live database: restore to another name, and let that take its place"
            )));
        }
        match place.size()? {
            None | Some(0) => Ok(place),
            Some(_) => Err(Error::Conflict(format!("the database {} is not empty", options.to))),
        }
    }
}

#[async_trait]
impl Backup for SqliteBackup {
    async fn describe(&self) -> Result<Source> {
        let this = self.clone();
        self.at(&self.live()?, move |connection| this.describe_now(connection)).await
    }

    async fn dump(&self, options: DumpOptions) -> Result<Dump> {
        if options.format.is_some_and(|format| format != Format::File) {
            return Err(Error::Unsupported("a SQLite database is dumped as a file".into()));
        }
        let (this, live) = (self.clone(), self.place(&self.live()?)?);
        let both = move || live.there().and_then(|path| Ok([open(&path)?, open(&path)?]));
        let opened = blocking(both).await??;
        let given_up = opened.each_ref().map(|live| Interrupt(live.get_interrupt_handle()));
        let [live, checked] = opened;
        let (source, file, copied) = blocking(move || this.copy(&live, checked)).await??;
        drop(given_up);
        let body = Copied::new(file)?;
        let given_up = Interrupt(copied.get_interrupt_handle());
        let looking = tokio::spawn(blocking(move || look_at(&copied, options.fingerprint)));
        let ending = async move {
            let looked = looking.await;
            drop(given_up);
            let lost =
                |error: tokio::task::JoinError| Error::internal("a reader is lost", Some(error.into()));
            let fingerprint = looked.map_err(lost)???;
            Ok(Dumped { fingerprint, globals: None, notes: Vec::new() })
        };
        Ok(Dump::new(source, (Format::File, tool()), Box::new(body), ending))
    }

    async fn restore(&self, dump: BoxBody, options: RestoreOptions) -> Result<Restored> {
        let place = self.admit(&options)?;
        let unfinished = receive(dump, &place).await?;
        let wal = options.source.properties.get("journal_mode").is_some_and(|mode| mode == "wal");
        blocking(move || {
            let finished = finish(&place, wal, options.purpose.into());
            if finished.is_err() {
                // What is left of it is taken away by whoever restores to that name again.
                let _ = remove(&place.unfinished());
            }
            drop(unfinished);
            finished
        })
        .await??;
        Ok(Restored { tool: tool(), notes: Vec::new(), held: None })
    }

    async fn state(&self, database: &DatabaseName) -> Result<State> {
        let place = self.place(database)?;
        blocking(move || place.state()).await?
    }

    async fn fingerprint(&self, database: &DatabaseName) -> Result<Fingerprint> {
        self.at(database, fingerprint).await
    }

    async fn check(&self, database: &DatabaseName) -> Result<Checkup> {
        let faults = self.at(database, |connection| faults(connection, "integrity_check")).await?;
        Ok(Checkup { examined: vec!["integrity_check".to_owned()], faults, ..Checkup::default() })
    }

    async fn discard(&self, database: &DatabaseName) -> Result<()> {
        let (place, live) = (self.place(database)?, self.live()?);
        let name = database.clone();
        blocking(move || {
            if name != live && place.state()? != State::Theirs {
                return place.remove();
            }
            Err(Error::Conflict(format!("{name} was not restored by odavl: it stays")))
        })
        .await?
    }

    async fn replace(&self, restored: &DatabaseName, aside: &DatabaseName) -> Result<()> {
        let [live, new, old] = [&self.live()?, restored, aside].map(|name| self.place(name));
        let (live, new, old, name) = (live?, new?, old?, (restored.clone(), aside.clone()));
        blocking(move || {
            let (restored, aside) = name;
            if old.size()?.is_some() {
                return Err(Error::AlreadyExists { kind: "database", name: aside.to_string() });
            }
            match new.state()? {
                State::Absent => Err(Error::not_found("database", &restored)),
                State::Ours(Mark::Restored | Mark::Aside) => swap(&live, &new, &old),
                _ => {
                    Err(Error::Conflict(format!("{restored} was not restored to stay: it replaces nothing")))
                }
            }
        })
        .await?
    }
}

/// Ends what goes on on a connection when it is dropped.
struct Interrupt(InterruptHandle);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

/// Gives `live`'s name to `new`, and the name `old` to what was live. Each keeps its journal as before, whatever comes of it.
fn swap(live: &Place, new: &Place, old: &Place) -> Result<()> {
    let [was, is] = [live, new].map(|place| pragma::<String>(&open(&place.there()?)?, "journal_mode"));
    let (was, is) = (was?, is?);
    let swapped = hold(live).and_then(|live_held| {
        let new_held = hold(new)?;
        new.replace(live, old)?;
        drop((live_held, new_held));
        Ok(())
    });
    let (first, second) = if swapped.is_ok() { (old, live) } else { (live, new) };
    let set = set_mode(&first.path(), &was).and(set_mode(&second.path(), &is));
    swapped.and(set)
}

/// A database that nobody else uses, without anything beside it.
fn hold(place: &Place) -> Result<Connection> {
    let connection = open(&place.there()?)?;
    let in_use =
        || Error::Conflict(format!("{} is in use: stop what uses it, and try again", place.path().display()));
    // Leaving WAL takes all that is in the log to the file, and is refused while anybody else is connected. Without WAL only
    // those are noticed who read or write at the moment: whoever is connected and does nothing stays at the file put aside.
    if !set_mode_of(&connection, "DELETE").is_ok_and(|mode| mode == "delete") {
        return Err(in_use());
    }
    connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").map_err(|_| in_use())?;
    // Nothing was written: there is no journal.
    if place.has_beside() { Err(in_use()) } else { Ok(connection) }
}

fn set_mode(path: &Path, mode: &str) -> Result<()> {
    set_mode_of(&open(path)?, mode).map(drop)
}

/// Answers the mode that it has then.
fn set_mode_of(connection: &Connection, mode: &str) -> Result<String> {
    let set = connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get(0));
    set.map_err(sqlite_error)
}

/// Writes all bytes beside where they are to be. Two who restore to one name do not mix.
async fn receive(mut dump: BoxBody, place: &Place) -> Result<File> {
    let failed = |error| place.failed(error);
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let held = options.open(place.unfinished()).map_err(failed)?;
    if held.try_lock().is_err() {
        return Err(Error::Conflict(format!("{} is being restored already", place.path().display())));
    }
    held.set_len(0).map_err(failed)?;
    // What cannot be removed now is found by a later run.
    let _ = place::sweep_restores(&place.unfinished());
    let received = async {
        let mut file = tokio::fs::File::from_std(held.try_clone().map_err(failed)?);
        while let Some(piece) = dump.next().await? {
            file.write_all(&piece).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)?;
        file.sync_all().await.map_err(failed)
    };
    match received.await {
        Ok(()) => Ok(held),
        Err(error) => {
            let _ = remove(&place.unfinished());
            Err(error)
        }
    }
}

/// Proves what has come, and gives it its name.
fn finish(place: &Place, wal: bool, mark: Mark) -> Result<()> {
    let path = place.unfinished();
    let head = || {
        let (mut file, mut head) = (File::open(&path)?, Vec::new());
        Read::by_ref(&mut file).take(100).read_to_end(&mut head)?;
        Ok((head, file.metadata()?.len()))
    };
    let (head, length) = head().map_err(|error| place.failed(error))?;
    is_whole(&head, length)?;
    let connection = open(&path)?;
    if let Some(fault) = faults(&connection, "integrity_check")?.first() {
        return Err(Error::corrupted(format!("the SQLite database is damaged: {fault}"), None));
    }
    drop(connection);
    set_mode(&path, if wal { "WAL" } else { "DELETE" })?;
    File::open(&path).and_then(|file| file.sync_all()).map_err(|error| place.failed(error))?;
    place.set_mark(mark, &path)?;
    place.publish(&path)
}

fn tool() -> String {
    format!("sqlite {}", rusqlite::version())
}

impl fmt::Debug for SqliteBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteBackup").field(&self.path).finish()
    }
}
