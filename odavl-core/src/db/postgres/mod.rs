//! PostgreSQL: a pool of connections, and how statements run on them.

mod conn;
mod ear;
mod error;
mod examine;
mod migrate;
mod open;
#[cfg(feature = "backup")]
mod outside;
mod settings;
#[cfg(feature = "sqlite")]
mod target;
#[cfg(any(test, feature = "contract"))]
mod temporary;
mod tls;
mod value;

#[cfg(test)]
mod tests;

use std::{
    any::Any,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use self::ear::Ear;
#[cfg(feature = "backup")]
pub(crate) use self::outside::pg_error;
#[cfg(feature = "sqlite")]
pub(super) use self::target::Target;
#[cfg(all(test, feature = "sqlite"))]
pub(super) use self::temporary::Schema;
#[cfg(any(test, feature = "contract"))]
pub(super) use self::temporary::{POOL as TEST_POOL, temporary};
pub(crate) use self::{
    conn::{Conn, Param},
    open::Open,
    settings::Settings,
};
pub use self::{
    examine::{Server, examine_postgres},
    settings::holds_password,
};
use super::{DbError, Query, Row, Value, migrate::MIGRATIONS};
use crate::{
    causes::Chain,
    error::{Cause, Error, Result},
};

/// How long somebody waits for a connection before they are sent away.
const TURN: Duration = Duration::from_secs(5);

/// A server, and the connections to it.
pub(crate) struct Postgres {
    settings: Settings,
    idle: Mutex<Vec<Conn>>,
    turns: Arc<Semaphore>,
    /// Our schema's share in the keys of locks, which the server keeps by database.
    salt: i64,
    /// What listens, once somebody waits for it.
    ear: OnceLock<Ear>,
    /// What must outlive the connections; so it is last.
    _keep: Box<dyn Any + Send + Sync>,
}

impl Postgres {
    pub(super) async fn open(settings: Settings, pool: usize, now: Timestamp) -> Result<Arc<Self>> {
        Self::open_with(settings, pool, now, ()).await
    }

    async fn open_with(
        settings: Settings,
        pool: usize,
        now: Timestamp,
        keep: impl Send + Sync + 'static,
    ) -> Result<Arc<Self>> {
        let mut first = Conn::connect(&settings).await?;
        migrate::run(&mut first, MIGRATIONS, now).await?;
        let schema = first.query("SELECT hashtextextended(current_schema(), 0) AS salt", &[]).await?;
        let salt = schema.first().map_or(Ok(0), |row| row.read("salt"))?;
        Ok(Arc::new(Self {
            settings,
            idle: Mutex::new(vec![first]),
            turns: Arc::new(Semaphore::new(pool.max(2))),
            salt,
            ear: OnceLock::new(),
            _keep: Box::new(keep),
        }))
    }

    /// Where it is: host, port and database.
    pub(super) fn place(&self) -> &str {
        self.settings.place()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A connection of the caller's own, beside the pool.
    pub(crate) async fn connect(&self) -> Result<Conn> {
        Conn::connect(&self.settings).await
    }

    pub(super) async fn begin(self: &Arc<Self>) -> Result<Open> {
        self.begin_by("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await.map(Open::new)
    }

    pub(super) async fn query(self: &Arc<Self>, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        let mut lent = self.lend().await?;
        match lent.query(sql, params).await {
            Err(gone) if lent.is_broken() => {
                lent.renew(gone.into()).await?;
                Ok(lent.query(sql, params).await?)
            }
            answered => Ok(answered?),
        }
    }

    pub(super) async fn query_all(self: &Arc<Self>, queries: &[Query<'_>]) -> Result<Vec<Vec<Row>>> {
        let mut open = Open::new(self.begin_by("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?);
        let mut read = Vec::with_capacity(queries.len());
        for (sql, params) in queries {
            read.push(open.query(sql, params).await?);
        }
        open.commit().await.map(|()| read)
    }

    pub(super) async fn time(self: &Arc<Self>) -> Result<Timestamp> {
        told(&self.query(TIME, &[]).await?)
    }

    /// Returns when an epoch may have risen. The first to wait makes a connection of its own listen, for as long as the
    /// pool is there.
    pub(super) async fn announced(&self) {
        let listen = || Ear::listen(self.settings.clone(), format!("odavl_{:x}", self.salt));
        self.ear.get_or_init(listen).heard().await;
    }

    /// Begins on a connection of the pool; where that was broken already, on a new one.
    async fn begin_by(self: &Arc<Self>, begin: &str) -> Result<Lent> {
        let mut lent = self.lend().await?;
        match lent.batch(begin).await {
            Err(gone) if lent.is_broken() => {
                lent.renew(gone.into()).await?;
                lent.batch(begin).await?;
            }
            answered => answered?,
        }
        Ok(lent)
    }

    async fn lend(self: &Arc<Self>) -> Result<Lent> {
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|late| {
            Error::unavailable("too many requests are waiting for the database", Some(late.into()))
        })?;
        let closed =
            |why: AcquireError| Error::internal("the database's connections are closed", Some(why.into()));
        let turn = turn.map_err(closed)?;
        let idle = self.take_idle();
        let conn = match idle {
            Some(conn) => conn,
            None => self.connect().await?,
        };
        Ok(Lent { conn: Some(conn), busy: false, home: Arc::clone(self), _turn: turn })
    }

    fn take_idle(&self) -> Option<Conn> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find(|conn| !conn.is_closed())
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Conn>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const TIME: &str = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) AS now";

/// The server's clock.
async fn time(conn: &mut Conn) -> Result<Timestamp> {
    told(&conn.query(TIME, &[]).await?)
}

fn told(rows: &[Row]) -> Result<Timestamp> {
    let untold = || Error::internal("the database did not tell the time", None);
    rows.first().ok_or_else(untold)?.read("now")
}

/// Why a connection went, where there is no other in its place; what caused that comes after it.
#[derive(Debug, thiserror::Error)]
#[error("the one before it is gone ({})", Chain(.gone))]
struct Gone {
    gone: Error,
    source: Option<Cause>,
}

/// The error of whoever found no other connection, with what became of the one before.
fn not_replaced(error: Error, gone: Error) -> Error {
    match error {
        Error::Unavailable { what, retry_after, source } => {
            Error::Unavailable { what, retry_after, source: Some(Gone { gone, source }.into()) }
        }
        // Somebody has to mend something, and is told what.
        other => other,
    }
}

/// A connection while it is ours; given back when dropped. Where the future of a statement was dropped half-way, the
/// connection is closed instead, and whatever was open on it.
struct Lent {
    conn: Option<Conn>,
    busy: bool,
    home: Arc<Postgres>,
    _turn: OwnedSemaphorePermit,
}

impl Lent {
    async fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        let done = self.start()?.query(sql, params).await;
        self.busy = false;
        done
    }

    async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, DbError> {
        let done = self.start()?.execute(sql, params).await;
        self.busy = false;
        done
    }

    async fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        let done = self.start()?.batch(sql).await;
        self.busy = false;
        done
    }

    /// Takes locks in the order of the keys, in one round trip.
    async fn lock(&mut self, keys: &Vec<i64>) -> Result<(), DbError> {
        const LOCK: &str = "SELECT COUNT(pg_advisory_xact_lock(key)) FROM unnest($1::BIGINT[]) AS keys (key)";
        let conn = self.start()?;
        let done = match conn.prepare_all(&[LOCK]).await {
            Ok(()) => conn.rows(LOCK, &[keys as Param<'_>]).await.map(drop),
            Err(failed) => Err(failed),
        };
        self.busy = false;
        done
    }

    fn start(&mut self) -> Result<&mut Conn> {
        let over = || Error::internal("the transaction is over: one of its statements was cancelled", None);
        let conn = self.conn.as_mut().filter(|_| !self.busy).ok_or_else(over)?;
        self.busy = true;
        Ok(conn)
    }

    /// Takes another connection in the place of the one that is gone.
    async fn renew(&mut self, gone: Error) -> Result<()> {
        tracing::debug!(error = %Chain(&gone), "a connection to the database is replaced");
        self.conn = Some(self.home.connect().await.map_err(|error| not_replaced(error, gone))?);
        Ok(())
    }

    fn is_broken(&self) -> bool {
        self.conn.as_ref().is_none_or(Conn::is_closed)
    }

    fn close(&mut self) {
        self.conn = None;
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let conn = self.conn.take().filter(|conn| !self.busy && !conn.is_closed());
        if let Some(conn) = conn {
            self.home.idle().push(conn);
        }
    }
}
