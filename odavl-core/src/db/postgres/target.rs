//! A database that an installation is moved into: one transaction, which nobody else writes beside.

use std::pin::Pin;

use futures_util::{TryStreamExt, pin_mut};
use jiff::Timestamp;
use tokio_postgres::{
    Statement,
    binary_copy::BinaryCopyInWriter,
    types::{ToSql, Type},
};

use super::{Conn, Settings, migrate};
use crate::{
    db::{
        DbError, Value,
        migrate::MIGRATIONS,
        moved::{Table, Tally},
    },
    error::{Error, Result},
};

/// It takes as long as it takes.
const BEGIN: &str =
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// Read back in pieces of that many rows, for whoever watches.
const PIECE: u64 = 10_000;

pub(in crate::db) struct Target {
    conn: Conn,
    place: String,
    /// The tables' names, as a statement lists them.
    names: String,
}

impl Target {
    /// Connects, and brings the tables up to date where none of them has rows.
    pub(in crate::db) async fn connect(settings: Settings, now: Timestamp) -> Result<Self> {
        let mut conn = Conn::connect(&settings).await?;
        let place = settings.place().to_owned();
        // Whatever has people is somebody's, and stays as it is.
        let ours = conn.query("SELECT 1 WHERE to_regclass('users') IS NOT NULL", &[]).await?;
        if !ours.is_empty() && !conn.query("SELECT 1 FROM users LIMIT 1", &[]).await?.is_empty() {
            return Err(filled("users", &place));
        }
        migrate::run(&mut conn, MIGRATIONS, now).await?;
        Ok(Self { conn, place, names: String::new() })
    }

    /// Begins; refuses a database in which one of the tables has rows.
    pub(in crate::db) async fn begin(&mut self, tables: &[Table]) -> Result<()> {
        self.names = tables.iter().map(Table::quoted).collect::<Vec<_>>().join(", ");
        self.tell(BEGIN).await?;
        self.tell(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", self.names)).await?;
        for table in tables {
            let first = format!("SELECT 1 FROM {} LIMIT 1", table.quoted());
            let rows = self.conn.client().query(&first, &[]).await.map_err(DbError::of_postgres)?;
            if !rows.is_empty() {
                return Err(filled(&table.name, &self.place));
            }
        }
        Ok(())
    }

    /// Begins to fill a table.
    pub(in crate::db) async fn copy<'a>(&self, table: &'a Table) -> Result<Copy<'a>> {
        let select = self.select(table).await?;
        let types: Vec<_> = select.columns().iter().map(|column| column.type_().clone()).collect();
        let copy = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.quoted(), table.list());
        let sink = self.conn.client().copy_in(&copy).await.map_err(DbError::of_postgres)?;
        let writer = Box::pin(BinaryCopyInWriter::new(sink, &types));
        Ok(Copy { writer, types, table })
    }

    /// Reads a table to its end.
    pub(in crate::db) async fn tally(&self, table: &Table, more: &mut impl FnMut(u64)) -> Result<Tally> {
        let statement = self.select(table).await?;
        let nothing: [&(dyn ToSql + Sync); 0] = [];
        let rows = self.conn.client().query_raw(&statement, nothing).await.map_err(DbError::of_postgres)?;
        pin_mut!(rows);
        let (mut tally, mut unseen) = (Tally::default(), 0);
        while let Some(row) = rows.try_next().await.map_err(DbError::of_postgres)? {
            let values =
                (0..table.columns.len()).map(|at| row.try_get(at)).collect::<Result<Vec<Value>, _>>();
            tally.add(&values.map_err(DbError::of_postgres)?);
            unseen += 1;
            if unseen == PIECE {
                more(std::mem::take(&mut unseen));
            }
        }
        more(unseen);
        Ok(tally)
    }

    /// Makes all of it durable. The first statements that meet full tables are to know that they are full.
    pub(in crate::db) async fn commit(self) -> Result<()> {
        self.tell(&format!("ANALYZE {}", self.names)).await?;
        self.tell("COMMIT").await
    }

    async fn select(&self, table: &Table) -> Result<Statement> {
        let select = format!("SELECT {} FROM {}", table.list(), table.quoted());
        Ok(self.conn.client().prepare(&select).await.map_err(DbError::of_postgres)?)
    }

    async fn tell(&self, sql: &str) -> Result<()> {
        Ok(self.conn.client().batch_execute(sql).await.map_err(DbError::of_postgres)?)
    }
}

fn filled(table: &str, place: &str) -> Error {
    Error::Conflict(format!(
        "the database {place} is not empty: its table `{table}` has rows; name one of its own, as `createdb` makes it"
    ))
}

/// A table that is being filled.
pub(in crate::db) struct Copy<'a> {
    writer: Pin<Box<BinaryCopyInWriter>>,
    types: Vec<Type>,
    table: &'a Table,
}

impl Copy<'_> {
    pub(in crate::db) async fn row(&mut self, row: &[Value]) -> Result<()> {
        for (at, (value, ty)) in row.iter().zip(&self.types).enumerate() {
            match (value, ty) {
                (Value::Text(text), &Type::TEXT) if text.contains('\0') => {
                    return Err(self
                        .table
                        .nonsense(at, "of a row holds a NUL character, which PostgreSQL cannot"));
                }
                (Value::Null, _)
                | (Value::Int(_), &Type::INT8)
                | (Value::Text(_), &Type::TEXT)
                | (Value::Blob(_), &Type::BYTEA) => {}
                _ => return Err(self.table.nonsense(at, &format!("of a row is no {ty}"))),
            }
        }
        let written = self.writer.as_mut().write_raw(row).await;
        Ok(written.map_err(DbError::of_postgres)?)
    }

    pub(in crate::db) async fn finish(mut self) -> Result<()> {
        Ok(self.writer.as_mut().finish().await.map(drop).map_err(DbError::of_postgres)?)
    }
}
