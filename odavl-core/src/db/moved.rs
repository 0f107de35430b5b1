//! Moving an installation from SQLite to PostgreSQL: whatever tables there are, row by row, in one transaction of each
//! side. Rows are counted and their digests added up on the way, and again as PostgreSQL has them, before it commits.

use std::path::Path;

use futures_util::future::join;
use ring::digest::{SHA256, digest};
use rusqlite::TransactionBehavior;
use serde::Serialize;
use tokio::sync::mpsc::{Receiver, channel};

use super::{
    Value,
    migrate::MIGRATIONS,
    postgres::{self, Target},
    sqlite::{self, Sqlite, sqlite_error},
};
use crate::{
    clock::Clock,
    error::{Error, Result},
    secret::hex,
};

/// How many pieces are read ahead of what PostgreSQL takes.
const AHEAD: usize = 2;

/// A table that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Its name.
    pub table: String,
    /// How many rows it has, there as here.
    pub rows: u64,
    /// The sum of the digests of all its rows, whatever their order: the same there as here.
    pub digest: String,
}

/// A table as both sides have it.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

impl Table {
    /// The name, as it is written in a statement.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// The columns, as they are written in a statement.
    pub(super) fn list(&self) -> String {
        self.columns.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    }

    /// The error for a value that the other side cannot have.
    pub(super) fn nonsense(&self, column: usize, why: &str) -> Error {
        let column = self.columns.get(column).map_or("?", String::as_str);
        Error::corrupted(format!("{}.{column} {why}", self.name), None)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What the reader of SQLite hands on.
pub(super) enum Piece {
    /// All tables, those that others point to first, and how many rows they have together.
    Tables(Vec<Table>, u64),
    /// Some rows of the table at hand.
    Rows(Vec<Vec<Value>>),
    /// That table is at its end.
    End,
}

/// Moves all that is in the SQLite file at `source` into the empty PostgreSQL database at `url`, and answers what that
/// is; nothing of it is there unless all of it is. `watch` is told how many rows were read or compared, and of how many.
///
/// Nobody may serve from the file meanwhile; it is locked against writing, and not changed.
///
/// # Errors
/// `invalid_input` where there is no such file, `conflict` where the target has rows, `unsupported` where the tables of
/// one of them are not this odavl's, `corrupted` where a row makes no sense or does not arrive as it was; and as
/// [`Db::open_postgres`](super::Db::open_postgres).
pub async fn move_to_postgres(
    source: &Path,
    url: &str,
    clock: &dyn Clock,
    watch: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<Moved>> {
    let sqlite = open(source).await?;
    let target = Target::connect(postgres::Settings::parse(url)?, clock.now()).await?;
    run(sqlite, target, watch).await
}

async fn run(sqlite: Sqlite, target: Target, watch: &(dyn Fn(u64, u64) + Sync)) -> Result<Vec<Moved>> {
    let (send, pieces) = channel(AHEAD);
    let read = sqlite.write(move |conn| {
        let snapshot =
            conn.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite_error)?;
        sqlite::read_tables(&snapshot, |piece| send.blocking_send(piece).is_ok())
    });
    let (read, filled) = join(read, fill(target, pieces, watch)).await;
    // What kept the reader from its end is why the writer did not come to its own.
    read.and(filled)
}

/// The file as it is: one whose tables are not ours is not brought up to date, for then it would be changed.
async fn open(source: &Path) -> Result<Sqlite> {
    if !source.exists() {
        return Err(Error::invalid_with(
            format!("there is no SQLite database at {}", source.display()),
            "name its folder with --data",
        ));
    }
    let path = source.to_owned();
    sqlite::blocking(move || {
        let mut sqlite = Sqlite::open(&path, ())?;
        if sqlite::is_up_to_date(sqlite.writer_mut()?, MIGRATIONS)? {
            return Ok(sqlite);
        }
        Err(Error::Unsupported(format!(
            "the tables in {} are older than this odavl: start and stop this `odavl serve` on them once",
            path.display()
        )))
    })
    .await?
}

async fn fill(
    mut target: Target,
    mut pieces: Receiver<Piece>,
    watch: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<Moved>> {
    let Some(Piece::Tables(tables, total)) = pieces.recv().await else { return Err(cut_off()) };
    target.begin(&tables).await?;
    let mut done = 0;
    let mut more = |rows: u64| {
        done += rows;
        watch(done, total * 2);
    };
    let mut sent = Vec::with_capacity(tables.len());
    for table in &tables {
        sent.push(copy(&target, table, &mut pieces, &mut more).await?);
    }
    let mut moved = Vec::with_capacity(tables.len());
    for (table, sent) in tables.into_iter().zip(sent) {
        let arrived = target.tally(&table, &mut more).await?;
        if arrived != sent {
            let (name, sent, arrived) = (&table.name, sent.rows, arrived.rows);
            let what = format!("{name}: {sent} rows were sent, and {arrived} arrived, or not as they were");
            return Err(Error::corrupted(what, None));
        }
        moved.push(Moved { table: table.name, rows: sent.rows, digest: sent.digest() });
    }
    target.commit().await?;
    Ok(moved)
}

async fn copy(
    target: &Target,
    table: &Table,
    pieces: &mut Receiver<Piece>,
    more: &mut impl FnMut(u64),
) -> Result<Tally> {
    let (mut tally, mut copy) = (Tally::default(), target.copy(table).await?);
    loop {
        match pieces.recv().await {
            Some(Piece::Rows(rows)) => {
                for row in &rows {
                    tally.add(row);
                    copy.row(row).await?;
                }
                more(rows.len() as u64);
            }
            Some(Piece::End) => break,
            Some(Piece::Tables(..)) | None => return Err(cut_off()),
        }
    }
    copy.finish().await.map(|()| tally)
}

/// Told only where the reader itself has nothing to tell.
fn cut_off() -> Error {
    Error::internal("the tables were not read to their end", None)
}

/// How many rows there were, and the sum of their digests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    rows: u64,
    sum: [u8; 32],
}

impl Tally {
    pub(super) fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        let mut carry = 0;
        for (sum, byte) in self.sum.iter_mut().zip(digest(&SHA256, &written(row)).as_ref()) {
            let added = u16::from(*sum) + u16::from(*byte) + carry;
            *sum = added.to_le_bytes()[0];
            carry = added >> 8;
        }
    }

    fn digest(&self) -> String {
        hex(&self.sum)
    }
}

/// A row so that no other is written the same.
fn written(row: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(row.len() * 16);
    for value in row {
        let (kind, content): (u8, &[u8]) = match value {
            Value::Null => (0, &[]),
            Value::Int(number) => (1, &number.to_be_bytes()),
            Value::Text(text) => (2, text.as_bytes()),
            Value::Blob(content) => (3, content),
        };
        bytes.push(kind);
        bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
        bytes.extend_from_slice(content);
    }
    bytes
}

#[cfg(test)]
#[path = "moved/tests.rs"]
mod tests;
