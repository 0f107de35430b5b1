//! A connection that reads one snapshot, and writes what it reads the same on every server.

use bytes::Bytes;
use futures_util::{StreamExt, pin_mut};
use tokio_postgres::{Client, CopyOutStream, Row, error::SqlState};

use crate::{
    db::{PostgresSettings, pg_error},
    error::{Error, Result},
};

/// How values are written is the reader's choice: all that a server, a role or a database could have set otherwise. Row
/// security hides nothing: where it would, there is an error.
const SETTINGS: &str = "
    SET lock_timeout = '5min';
    SET idle_in_transaction_session_timeout = 0;
    SET search_path = '';
    SET row_security = off;
    SET DateStyle = 'ISO, YMD';
    SET IntervalStyle = 'postgres';
    SET TimeZone = 'UTC';
    SET bytea_output = 'hex';
    SET extra_float_digits = 3;
    SET lc_monetary = 'C';
    SET xmlbinary = 'base64';
    SET quote_all_identifiers = off;
    SET jit = off;
    SET max_parallel_workers_per_gather = 0;
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
";

/// A connection in a snapshot.
pub(super) struct Session {
    pub(super) client: Client,
    /// The server's version, as 150007.
    pub(super) version: u32,
}

impl Session {
    /// Takes a new snapshot.
    pub(super) async fn begin(settings: &PostgresSettings) -> Result<Self> {
        let (client, version) = settings.client().await?;
        // Older servers know no such bound, and refuse its name.
        let unbounded = if version >= 170_000 { "SET transaction_timeout = 0;" } else { "" };
        client.batch_execute(&format!("{unbounded}{SETTINGS}")).await.map_err(read_error)?;
        Ok(Self { client, version })
    }

    /// Shares the snapshot of another, which holds it until then.
    pub(super) async fn join(settings: &PostgresSettings, snapshot: &str) -> Result<Self> {
        let session = Self::begin(settings).await?;
        let snapshot = snapshot.replace('\'', "''");
        session.tell(&format!("SET TRANSACTION SNAPSHOT '{snapshot}'")).await?;
        Ok(session)
    }

    /// The name by which others share the snapshot for as long as this one is there.
    pub(super) async fn export(&self) -> Result<String> {
        let rows = self.rows("SELECT pg_export_snapshot()").await?;
        let row = rows.first().ok_or_else(|| Error::internal("a snapshot has no name", None))?;
        text(row, 0)
    }

    /// Holds tables as they are for as long as the session is there; waits for its turn, or does not: `NOWAIT`.
    pub(super) async fn hold(&self, tables: impl Iterator<Item = &str>, wait: &str) -> Result<()> {
        let tables: Vec<_> = tables.map(|table| format!("ONLY {table}")).collect();
        for some in tables.chunks(100) {
            self.tell(&format!("LOCK TABLE {} IN ACCESS SHARE MODE {wait}", some.join(", "))).await?;
        }
        Ok(())
    }

    pub(super) async fn tell(&self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(read_error)
    }

    pub(super) async fn rows(&self, sql: &str) -> Result<Vec<Row>> {
        self.client.query(sql, &[]).await.map_err(read_error)
    }

    /// Hands over each row that a COPY puts out: the server sends them one by one.
    pub(super) async fn copy(&self, sql: &str, mut row: impl FnMut(&[u8])) -> Result<()> {
        let pieces: CopyOutStream = self.client.copy_out(sql).await.map_err(read_error)?;
        pin_mut!(pieces);
        while let Some(piece) = pieces.next().await {
            let piece: Bytes = piece.map_err(read_error)?;
            if let Some(bytes) = of_a_row(&piece) {
                row(bytes);
            }
        }
        Ok(())
    }
}

/// What is of a row. In binary, a head comes with the first, and an end after the last, which begins as no row does.
fn of_a_row(piece: &[u8]) -> Option<&[u8]> {
    const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0";
    const END: &[u8] = &[0xff, 0xff];
    let row = match piece.strip_prefix(HEAD) {
        // Flags, and the length of what is to come of a newer version: nothing.
        Some(rest) => rest.get(8..)?,
        None => piece,
    };
    (!row.is_empty() && row != END).then_some(row)
}

/// A column of a row that is there and is of that type.
pub(super) fn text<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(pg_error)
}

/// What an error of a statement that only reads means.
pub(super) fn read_error(error: tokio_postgres::Error) -> Error {
    let told = error.as_db_error().filter(|told| *told.code() == SqlState::INSUFFICIENT_PRIVILEGE);
    match told {
        Some(told) => Error::invalid_with(
            format!("the database does not let its user do that: {}", told.message()),
            "to be dumped, it needs a user who may read all of it: its owner, or a member of pg_read_all_data that \
             bypasses row security",
        ),
        None => pg_error(error),
    }
}

#[cfg(test)]
mod tests {
    use super::of_a_row;

    #[test]
    fn rows_are_told_from_the_head_and_the_end_of_a_copy() {
        let head = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
        assert_eq!(of_a_row(b"1\ttext\n"), Some(&b"1\ttext\n"[..]));
        assert_eq!(of_a_row(&[&head[..], b"\0\x01row"].concat()), Some(&b"\0\x01row"[..]));
        assert_eq!(of_a_row(&[&head[..], b"\xff\xff"].concat()), None);
        assert_eq!(of_a_row(head), None);
        assert_eq!(of_a_row(b"\xff\xff"), None);
    }
}
