//! What a SQLite file holds.

use std::{collections::BTreeMap, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, types::ValueRef};

use crate::{
    backup::{Fingerprint, Standing, Tally},
    db::sqlite_error,
    error::{Error, Result},
};

/// How long another process may hold a lock before we give up.
const BUSY: Duration = Duration::from_secs(10);

/// So many faults are told.
const FAULTS: usize = 20;

/// Opens a file that is there. Nothing in its schema is run that would not be run without it.
pub(super) fn open(path: &Path) -> Result<Connection> {
    // A file in WAL mode can be read by those alone who may write beside it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(sqlite_error)?;
    connection.busy_timeout(BUSY).map_err(sqlite_error)?;
    connection
        .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
        .map_err(sqlite_error)?;
    Ok(connection)
}

/// What `PRAGMA name` says.
pub(super) fn pragma<T: rusqlite::types::FromSql>(connection: &Connection, name: &str) -> Result<T> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(sqlite_error)
}

/// What is wrong with the file by `quick_check` or `integrity_check`.
pub(super) fn faults(connection: &Connection, check: &str) -> Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA {check}({FAULTS})")).map_err(sqlite_error)?;
    let told = statement.query_map([], |row| row.get::<_, String>(0)).map_err(sqlite_error)?;
    let mut told = told.collect::<rusqlite::Result<Vec<_>>>().map_err(sqlite_error)?;
    told.retain(|line| line != "ok");
    Ok(told)
}

/// Reads all of it in one snapshot.
pub(super) fn fingerprint(connection: &Connection) -> Result<Fingerprint> {
    let snapshot = connection.unchecked_transaction().map_err(sqlite_error)?;
    let mut found = Fingerprint { made_on: "sqlite 3".to_owned(), ..Fingerprint::default() };
    found.schema = schema(&snapshot)?;
    for (name, columns) in tables(&snapshot)? {
        let tally = rows(&snapshot, &name, &columns)?;
        found.tables.insert(name, tally);
    }
    if let Some(mut names) = sequences(&snapshot)? {
        found.sequences.append(&mut names);
    }
    Ok(found)
}

fn schema(connection: &Connection) -> Result<BTreeMap<String, Tally>> {
    let mut found: BTreeMap<String, Tally> = BTreeMap::new();
    let sql = "SELECT type, name, tbl_name, COALESCE(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'";
    let mut statement = connection.prepare(sql).map_err(sqlite_error)?;
    let mut all = statement.query([]).map_err(sqlite_error)?;
    while let Some(row) = all.next().map_err(sqlite_error)? {
        let words: [String; 4] = [0, 1, 2, 3].map(|at| row.get(at).unwrap_or_default());
        found.entry(words[0].clone()).or_default().add(words.join("\0").as_bytes());
    }
    let header = found.entry("header".to_owned()).or_default();
    for name in ["user_version", "application_id"] {
        header.add(format!("{name} {}", pragma::<i64>(connection, name)?).as_bytes());
    }
    header.add(pragma::<String>(connection, "encoding")?.as_bytes());
    Ok(found)
}

/// Tables with rows of their own, and their columns without those that are generated. What a virtual table shows lies in
/// others.
fn tables(connection: &Connection) -> Result<Vec<(String, Vec<String>)>> {
    let list = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')
        AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let columns = "SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid";
    let texts = |sql: &str, of: &[&str]| -> Result<Vec<String>> {
        let mut statement = connection.prepare(sql).map_err(sqlite_error)?;
        let rows =
            statement.query_map(rusqlite::params_from_iter(of), |row| row.get(0)).map_err(sqlite_error)?;
        rows.collect::<rusqlite::Result<_>>().map_err(sqlite_error)
    };
    let names = texts(list, &[])?;
    names.into_iter().map(|name| Ok((name.clone(), texts(columns, &[&name])?))).collect()
}

fn rows(connection: &Connection, table: &str, columns: &[String]) -> Result<Tally> {
    let list: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
    let sql = format!("SELECT {} FROM {}", list.join(", "), quoted(table));
    let mut statement = connection.prepare(&sql).map_err(sqlite_error)?;
    let mut all = statement.query([]).map_err(sqlite_error)?;
    let (mut tally, mut bytes) = (Tally::default(), Vec::new());
    while let Some(row) = all.next().map_err(sqlite_error)? {
        bytes.clear();
        for at in 0..columns.len() {
            write(&mut bytes, row.get_ref(at).map_err(sqlite_error)?);
        }
        tally.add(&bytes);
    }
    Ok(tally)
}

/// Writes a value so that no other is written the same.
fn write(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    let number;
    let (kind, content): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(value) => {
            number = value.to_be_bytes();
            (1, &number)
        }
        ValueRef::Real(value) => {
            number = value.to_be_bytes();
            (2, &number)
        }
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(content) => (4, content),
    };
    bytes.push(kind);
    bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
    bytes.extend_from_slice(content);
}

/// Where AUTOINCREMENT stands, where there is such a table.
fn sequences(connection: &Connection) -> Result<Option<BTreeMap<String, Standing>>> {
    if !connection.table_exists(None, "sqlite_sequence").map_err(sqlite_error)? {
        return Ok(None);
    }
    let sql = "SELECT name, CAST(seq AS INTEGER) FROM sqlite_sequence";
    let mut statement = connection.prepare(sql).map_err(sqlite_error)?;
    let rows = statement
        .query_map([], |row| {
            Ok((row.get(0)?, Standing::still(row.get::<_, Option<i64>>(1)?.unwrap_or(0), true)))
        })
        .map_err(sqlite_error)?;
    rows.collect::<rusqlite::Result<_>>().map(Some).map_err(sqlite_error)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether a file is a whole database, by its header: one that was cut off is as good as any to who looks no further.
///
/// # Errors
/// `corrupted` where it is not.
pub(super) fn is_whole(head: &[u8], length: u64) -> Result<()> {
    let number = |at: usize, bytes: usize| {
        head.get(at..at + bytes)
            .unwrap_or_default()
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    if !head.starts_with(b"SQLite format 3\0") || head.len() < 100 {
        return Err(Error::corrupted("that is no SQLite database", None));
    }
    let page = if number(16, 2) == 1 { 65536 } else { number(16, 2) };
    if page * number(28, 4) == length {
        return Ok(());
    }
    Err(Error::corrupted("the SQLite database is not whole", None))
}
