//! One connection: its statements are prepared once, and its answers are waited for so long and no longer.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage, Statement, error::Severity, types::ToSql};

use super::{
    error::{connect_error, is_too_old},
    settings::Settings,
};
use crate::{
    db::{DbError, Row, Value},
    error::{Error, Result},
};

/// How long a connection may take to come about.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer is waited for: longer than the server lets a statement run, so that it speaks first.
const ANSWER: Duration = Duration::from_secs(15);

/// Set on every connection. A node that is stopped in the middle of a transaction must not hold the others: the server
/// ends it before they give up. They wait for longer than the server takes to notice that some wait in a circle (1 s
/// unless it was told otherwise), too, for only that is told as such. What was answered must be durable whatever the
/// server's default is.
const SETTINGS: &str = "
    SET statement_timeout = '10s';
    SET lock_timeout = '3s';
    SET idle_in_transaction_session_timeout = '2s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
    SHOW server_version_num;
";

/// A parameter of a statement that is written for PostgreSQL.
pub(crate) type Param<'a> = &'a (dyn ToSql + Sync);

/// A connection. Statements that are started before the answers to others have come go out in that order.
#[derive(Debug)]
pub(crate) struct Conn {
    client: Client,
    statements: HashMap<&'static str, Prepared>,
    broken: AtomicBool,
}

/// A statement that the server knows, and the names of its columns.
#[derive(Debug, Clone)]
struct Prepared {
    statement: Statement,
    names: Arc<[Box<str>]>,
}

impl Conn {
    pub(in crate::db) async fn connect(settings: &Settings) -> Result<Self> {
        let connected = timeout(CONNECT, settings.connect()).await;
        let client = connected.map_err(|late| settings.silent(late))?;
        let client = client.map_err(|error| connect_error(&error, settings))?;
        let conn = Self { client, statements: HashMap::new(), broken: AtomicBool::new(false) };
        let told = timeout(CONNECT, conn.client.simple_query(SETTINGS)).await;
        let told = told.map_err(|late| settings.silent(late))?.map_err(DbError::of_postgres)?;
        let version = told.iter().rev().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get("server_version_num")?.parse().ok(),
            _ => None,
        });
        is_too_old(version.unwrap_or(0)).map_or(Ok(conn), Err)
    }

    /// Whether nothing more can be asked here.
    pub(crate) fn is_closed(&self) -> bool {
        self.broken.load(Ordering::Relaxed) || self.client.is_closed()
    }

    /// What it is made of, for what takes as long as it takes.
    #[cfg(feature = "sqlite")]
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Runs statements without parameters that answer no rows.
    pub(crate) async fn batch(&self, sql: &str) -> Result<(), DbError> {
        self.answer(self.client.batch_execute(sql)).await
    }

    pub(super) async fn execute(&mut self, sql: &'static str, params: &[Value]) -> Result<u64, DbError> {
        let prepared = self.prepare(sql).await?;
        let params = bind(&prepared, sql, params)?;
        self.answer(self.client.execute(&prepared.statement, &params)).await
    }

    pub(in crate::db) async fn query(
        &mut self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<Row>, DbError> {
        let prepared = self.prepare(sql).await?;
        let params = bind(&prepared, sql, params)?;
        self.read(&prepared, &params).await
    }

    /// Makes the statements known to the server, so that [`Conn::rows`] and [`Conn::run`] take one round trip.
    pub(crate) async fn prepare_all(&mut self, statements: &[&'static str]) -> Result<(), DbError> {
        for sql in statements {
            self.prepare(sql).await?;
        }
        Ok(())
    }

    /// Reads the rows of a statement that is prepared.
    pub(crate) async fn rows(&self, sql: &'static str, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        self.read(self.prepared(sql)?, params).await
    }

    /// Runs a statement that is prepared; answers how many rows it changed.
    pub(crate) async fn run(&self, sql: &'static str, params: &[Param<'_>]) -> Result<u64, DbError> {
        self.answer(self.client.execute(&self.prepared(sql)?.statement, params)).await
    }

    fn prepared(&self, sql: &'static str) -> Result<&Prepared, DbError> {
        self.statements.get(sql).ok_or_else(|| DbError::misuse("a statement was not prepared", sql))
    }

    async fn read(&self, prepared: &Prepared, params: &[Param<'_>]) -> Result<Vec<Row>, DbError> {
        let rows = self.answer(self.client.query(&prepared.statement, params)).await?;
        let read = |row: &tokio_postgres::Row| {
            let values = (0..prepared.names.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>();
            Ok(Row::new(Arc::clone(&prepared.names), values.map_err(DbError::of_postgres)?))
        };
        rows.iter().map(read).collect()
    }

    /// Waits for an answer. Where none comes, or the server says that it was its last, the connection is no longer used.
    async fn answer<T>(
        &self,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        match timeout(ANSWER, asked).await {
            Ok(Ok(answered)) => Ok(answered),
            Ok(Err(error)) => {
                let last =
                    |told: &tokio_postgres::error::DbError| told.parsed_severity() != Some(Severity::Error);
                self.broken.fetch_or(error.as_db_error().is_some_and(last), Ordering::Relaxed);
                Err(DbError::of_postgres(error))
            }
            Err(late) => {
                self.broken.store(true, Ordering::Relaxed);
                Err(Error::unavailable("the database does not answer", Some(late.into())).into())
            }
        }
    }

    async fn prepare(&mut self, sql: &'static str) -> Result<Prepared, DbError> {
        if let Some(known) = self.statements.get(sql) {
            return Ok(known.clone());
        }
        let statement = self.answer(self.client.prepare(sql)).await?;
        let names = statement.columns().iter().map(|column| column.name().into()).collect();
        let prepared = Prepared { statement, names };
        self.statements.insert(sql, prepared.clone());
        Ok(prepared)
    }
}

/// The values that the statement has places for.
fn bind<'a>(prepared: &Prepared, sql: &str, params: &'a [Value]) -> Result<Vec<Param<'a>>, DbError> {
    let params = params.get(..prepared.statement.params().len());
    let params = params.ok_or_else(|| DbError::misuse("a statement has a parameter without a value", sql))?;
    Ok(params.iter().map(|value| value as Param<'a>).collect())
}
