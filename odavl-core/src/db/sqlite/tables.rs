//! Whatever tables there are, read to their end in one snapshot.

use rusqlite::{Connection, Statement};

use super::sqlite_error;
use crate::{
    db::{
        Value,
        moved::{Piece, Table},
    },
    error::{Error, Result},
};

/// How much is handed on at once.
const ROWS: usize = 500;
const BYTES: usize = 256 << 10;

/// The tables are ours by their migrations, which are not moved: the other side has its own.
const TABLES: &str = "SELECT name FROM sqlite_schema
    WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'migrations' ORDER BY name";
const COLUMNS: &str = "SELECT name FROM pragma_table_info(?1) ORDER BY cid";
const PARENTS: &str = "SELECT \"table\" FROM pragma_foreign_key_list(?1)";

/// Hands on all tables and all rows; ends early where nobody takes them any more.
pub(in crate::db) fn read_tables(conn: &Connection, mut hand_on: impl FnMut(Piece) -> bool) -> Result<()> {
    let tables = tables(conn)?;
    let mut rows: i64 = 0;
    for table in &tables {
        let count = format!("SELECT COUNT(*) FROM {}", table.quoted());
        rows += conn.query_row(&count, [], |row| row.get::<_, i64>(0)).map_err(sqlite_error)?;
    }
    let mut taken = hand_on(Piece::Tables(tables.clone(), rows.unsigned_abs()));
    for table in &tables {
        let select = format!("SELECT {} FROM {}", table.list(), table.quoted());
        let mut statement = conn.prepare(&select).map_err(sqlite_error)?;
        taken = taken && read_rows(&mut statement, table, &mut hand_on)? && hand_on(Piece::End);
    }
    Ok(())
}

/// In the order in which they can be filled: those first that others point to.
fn tables(conn: &Connection) -> Result<Vec<Table>> {
    let mut left = names(conn, TABLES, None)?;
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let before = left.len();
        for name in std::mem::take(&mut left) {
            let parents = names(conn, PARENTS, Some(&name))?;
            let is_there = |parent: &String| {
                *parent == name || ordered.iter().any(|table| table.name.eq_ignore_ascii_case(parent))
            };
            if parents.iter().all(is_there) {
                let columns = names(conn, COLUMNS, Some(&name))?;
                ordered.push(Table { name, columns });
            } else {
                left.push(name);
            }
        }
        if left.len() == before {
            let what = format!("the tables {} point to each other", left.join(", "));
            return Err(Error::internal(what, None));
        }
    }
    Ok(ordered)
}

fn names(conn: &Connection, sql: &str, of: Option<&str>) -> Result<Vec<String>> {
    let read = || {
        let mut statement = conn.prepare(sql)?;
        let rows = statement.query_map(rusqlite::params_from_iter(of), |row| row.get(0))?;
        rows.collect::<rusqlite::Result<_>>()
    };
    read().map_err(sqlite_error)
}

/// Whether all of them were taken.
fn read_rows(
    statement: &mut Statement<'_>,
    table: &Table,
    hand_on: &mut impl FnMut(Piece) -> bool,
) -> Result<bool> {
    let mut rows = statement.raw_query();
    let (mut piece, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next().map_err(sqlite_error)? {
        let values = (0..table.columns.len()).map(|at| row.get(at)).collect::<rusqlite::Result<Vec<Value>>>();
        let values = values.map_err(sqlite_error)?;
        bytes += values.iter().map(size).sum::<usize>();
        piece.push(values);
        if piece.len() == ROWS || bytes > BYTES {
            bytes = 0;
            if !hand_on(Piece::Rows(std::mem::take(&mut piece))) {
                return Ok(false);
            }
        }
    }
    Ok(hand_on(Piece::Rows(piece)))
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Int(_) => 8,
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
    }
}
