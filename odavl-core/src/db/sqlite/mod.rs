//! SQLite: one writer, a few readers, and how a statement runs.

mod error;
mod migrate;
mod still;
#[cfg(feature = "postgres")]
mod tables;
mod value;

#[cfg(test)]
mod tests;

use std::{
    any::Any,
    fs::OpenOptions,
    io,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{CachedStatement, Connection, OpenFlags};
use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

pub(crate) use self::error::sqlite_error;
pub(super) use self::migrate::run as migrate;
use self::still::Writing;
pub use self::still::{Still, hold_still};
#[cfg(feature = "postgres")]
pub(super) use self::{migrate::is_up_to_date, tables::read_tables};
use super::{DbError, Row, Value};
use crate::{
    causes::Chain,
    error::{Error, Result},
    life::Life,
};

/// How many connections read at the same time.
const READERS: usize = 4;

/// How long another process, such as `odavl admin`, may hold the write lock before we give up.
const BUSY: Duration = Duration::from_secs(5);

/// How many prepared statements each connection keeps.
const STATEMENTS: usize = 128;

/// Set on every connection. The cache is in KiB; readers share the operating system's through the mapping.
const PRAGMAS: &str = "
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON;
    PRAGMA temp_store = MEMORY;
    PRAGMA mmap_size = 268435456;
    PRAGMA cache_size = -8192;
";

/// What an answer promised must survive a power cut: FULL syncs the log at every commit. The log grows to 128
/// MiB before it is copied into the file, so that a page that changes in many batches is copied once: with 1,000
/// organisations that is a tenth to a fifth of the time.
const WRITER_PRAGMAS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 32768;
    PRAGMA journal_size_limit = 134217728;
    PRAGMA cache_size = -65536;
";

/// An open file: its writer and its readers.
pub(crate) struct Sqlite {
    writer: Arc<FairMutex<Conn>>,
    readers: Arc<Readers>,
    path: PathBuf,
    life: Life,
    /// What must outlive the connections, such as a temporary folder; so it is last.
    _keep: Box<dyn Any + Send + Sync>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, keep: impl Send + Sync + 'static) -> Result<Self> {
        create_private(path).map_err(|error| {
            Error::unavailable(
                format!("the database {} cannot be opened", path.display()),
                Some(error.into()),
            )
        })?;
        let life = Life::new();
        let writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, &life)?;
        writer.conn.execute_batch(WRITER_PRAGMAS).map_err(sqlite_error)?;
        let idle = (0..READERS)
            .map(|_| connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, &life))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            writer: Arc::new(FairMutex::new(writer)),
            readers: Arc::new(Readers { idle: Mutex::new(idle), turns: Arc::new(Semaphore::new(READERS)) }),
            path: path.to_owned(),
            life,
            _keep: Box::new(keep),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn life(&self) -> &Life {
        &self.life
    }

    /// The writer's connection while nobody else has it: when opening.
    pub(super) fn writer_mut(&mut self) -> Result<&mut Connection> {
        let shared = || Error::internal("the database's writer is in use before it is open", None);
        Arc::get_mut(&mut self.writer).map(|writer| &mut writer.get_mut().conn).ok_or_else(shared)
    }

    /// The writer, when it is our turn.
    async fn writer(&self) -> Writer {
        Writer(Arc::clone(&self.writer).lock_owned().await, None)
    }

    /// Starts the write transaction: waits its turn, then holds the database's write lock until it ends.
    pub(super) async fn begin(&self) -> Result<Open> {
        let mut writer = self.writer().await;
        let (writer, begun) = hop(move || {
            writer.1 = Some(Writing::begin());
            let begun = still::moving(|| writer.begin());
            (writer, begun)
        })
        .await?;
        begun.map(|()| Open(Some(writer)))
    }

    /// Runs `act` on the writer in one hop to the blocking pool. What it leaves open is rolled back.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let mut writer = self.writer().await;
        blocking(move || {
            writer.settle()?;
            act(&mut writer)
        })
        .await?
    }

    /// Runs `act` on a connection that only reads, in one hop to the blocking pool.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let reader = self.reader().await?;
        blocking(move || reader.run(act)).await?
    }

    /// A reader, when one is free.
    async fn reader(&self) -> Result<Reader> {
        let closed = |_| Error::internal("the database's readers are closed", None);
        let turn = Arc::clone(&self.readers.turns).acquire_owned().await.map_err(closed)?;
        let conn = self.readers.idle().pop();
        let connect = || connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY, &self.life);
        let conn = conn.map_or_else(connect, Ok)?;
        Ok(Reader { conn, home: Arc::clone(&self.readers), _turn: turn })
    }
}

/// Makes the file ours alone to read before SQLite does; its log and its index take over the mode.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// A connection; the database is open for as long as it is.
struct Conn {
    conn: Connection,
    _life: Life,
}

fn connect(path: &Path, mode: OpenFlags, life: &Life) -> Result<Conn> {
    let open = || {
        let conn = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.busy_timeout(BUSY)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        conn.execute_batch(PRAGMAS)?;
        Ok(Conn { conn, _life: life.clone() })
    };
    open().map_err(sqlite_error)
}

/// The writer's connection while it is ours. What is still open when it goes is rolled back, wherever the future
/// that held it was cancelled.
struct Writer(OwnedMutexGuard<Conn>, Option<Writing>);

impl Writer {
    /// Takes the write lock now rather than at the first write, so that it is waited for and never upgraded.
    fn begin(&self) -> Result<()> {
        self.settle()?;
        self.execute_batch("BEGIN IMMEDIATE").map_err(sqlite_error)
    }

    /// Ends what is open, such as what a failed roll-back left behind.
    fn settle(&self) -> Result<()> {
        if self.is_autocommit() {
            return Ok(());
        }
        self.execute_batch("ROLLBACK").map_err(sqlite_error)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Err(error) = self.settle() {
            tracing::warn!(error = %Chain(&error), "a transaction could not be rolled back; the next one will try again");
        }
    }
}

impl Deref for Writer {
    type Target = Connection;
    fn deref(&self) -> &Connection {
        &self.0.conn
    }
}

impl DerefMut for Writer {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0.conn
    }
}

/// The write transaction that is open. Its writer is lent to the blocking pool: whoever holds it last gives it back,
/// rolled back if need be.
pub(super) struct Open(Option<Writer>);

impl Open {
    pub(super) async fn run<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&Connection) -> Result<T, DbError> + Send + 'static,
    ) -> Result<T, DbError> {
        let over = || Error::internal("the transaction is over: one of its statements was cancelled", None);
        let writer = self.0.take().ok_or_else(over)?;
        let (writer, done) = blocking(move || {
            let done = act(&writer);
            (writer, done)
        })
        .await?;
        self.0 = Some(writer);
        done
    }

    pub(super) async fn commit(mut self) -> Result<()> {
        let commit = |conn: &Connection| conn.execute_batch("COMMIT").map_err(DbError::of);
        Ok(self.run(commit).await?)
    }
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("usable", &self.0.is_some()).finish()
    }
}

struct Readers {
    idle: Mutex<Vec<Conn>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Conn>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reading connection while it is ours.
struct Reader {
    conn: Conn,
    home: Arc<Readers>,
    _turn: OwnedSemaphorePermit,
}

impl Reader {
    /// Runs `act` and gives the connection back, unless it panicked or its snapshot cannot be closed.
    fn run<T>(mut self, act: impl FnOnce(&mut Connection) -> T) -> T {
        let conn = &mut self.conn.conn;
        let done = act(conn);
        if conn.is_autocommit() || conn.execute_batch("ROLLBACK").is_ok() {
            self.home.idle().push(self.conn);
        }
        done
    }
}

/// Runs what waits for the disk where waiting is allowed.
pub(crate) async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    hop(|| still::moving(act)).await
}

async fn hop<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(act).await.map_err(|error| {
        if error.is_panic() {
            Error::internal("a statement panicked", Some(error.into()))
        } else {
            Error::unavailable("the process is shutting down", Some(error.into()))
        }
    })
}

/// Runs a statement that answers no rows; answers how many it changed.
pub(super) fn execute(conn: &Connection, sql: &str, params: &[Value]) -> Result<u64, DbError> {
    let changed = prepare(conn, sql, params)?.raw_execute().map_err(DbError::of)?;
    Ok(u64::try_from(changed).unwrap_or(u64::MAX))
}

/// Runs a statement and reads all its rows.
pub(super) fn query(conn: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
    let mut statement = prepare(conn, sql, params)?;
    let names: Arc<[Box<str>]> = statement.column_names().map(Into::into).collect();
    let mut rows = statement.raw_query();
    let mut read = Vec::new();
    while let Some(row) = rows.next().map_err(DbError::of)? {
        let values = (0..names.len()).map(|at| row.get(at)).collect::<rusqlite::Result<_>>();
        read.push(Row::new(Arc::clone(&names), values.map_err(DbError::of)?));
    }
    Ok(read)
}

/// Reads by several statements in one snapshot.
pub(super) fn query_all(conn: &mut Connection, queries: &[(&str, Vec<Value>)]) -> Result<Vec<Vec<Row>>> {
    let snapshot = conn.transaction().map_err(sqlite_error)?;
    let read = |(sql, params): &(&str, Vec<Value>)| Ok(query(&snapshot, sql, params)?);
    queries.iter().map(read).collect()
}

/// Binds `$1`, `$2` by their numbers: SQLite itself takes them for names.
fn prepare<'a>(conn: &'a Connection, sql: &str, params: &[Value]) -> Result<CachedStatement<'a>, DbError> {
    let mut statement = conn.prepare_cached(sql).map_err(DbError::of)?;
    for place in 1..=statement.parameter_count() {
        let number = statement.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse().ok());
        let value = number.and_then(|number: usize| params.get(number.checked_sub(1)?));
        let value =
            value.ok_or_else(|| DbError::misuse("a statement has a parameter without a value", sql))?;
        statement.raw_bind_parameter(place, value).map_err(DbError::of)?;
    }
    Ok(statement)
}
