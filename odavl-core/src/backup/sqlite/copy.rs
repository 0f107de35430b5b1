//! A copy of the live database, to be sent.

use std::fs::File;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use rusqlite::Connection;
use tempfile::TempPath;
use tokio::io::AsyncReadExt;

use super::{
    SqliteBackup,
    read::{faults, fingerprint, open},
};
use crate::{
    backup::{Fingerprint, Reading, Source, left::sweep},
    db::sqlite_error,
    error::{Error, Result},
    storage::{Body, PIECE},
};

/// What the name of a copy begins with.
const COPY: &str = ".odavl-copy-";

impl SqliteBackup {
    /// A copy of the live database in a file that only we can read, twice: to be sent, and to be looked at.
    pub(super) fn copy(
        &self,
        connection: &Connection,
        checked: Connection,
    ) -> Result<(Source, File, Connection)> {
        let source = self.describe_now(connection)?;
        let copy = self.temporary_file()?;
        let to = copy.to_str().ok_or_else(|| Error::invalid("the temporary folder's path is not UTF-8"))?;
        // A copy is well-formed whatever it was made of.
        let (checked, copied) = std::thread::scope(|scope| {
            let what = format!("database {}", source.database);
            let checking = scope.spawn(move || refuse_damaged(&checked, &what));
            // Without a word about `synchronous`, which is the live one's too: whoever leaves that last takes its log to it.
            let copied = connection.execute("VACUUM INTO ?1", [to]);
            (checking.join(), copied)
        });
        checked.map_err(|_| Error::internal("the check of a database panicked", None))??;
        copied.map_err(sqlite_error)?;
        let (copied, file) = (open(&copy)?, File::open(&copy).map_err(temporary_failed)?);
        // From here on it has no name where the system lets it go without.
        Ok((source, file, copied))
    }

    fn temporary_file(&self) -> Result<TempPath> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(COPY);
        let made = match &self.temporary {
            Some(folder) => builder.tempfile_in(folder),
            None => builder.tempfile(),
        };
        let made = made.map_err(temporary_failed)?.into_temp_path();
        // What cannot be removed now is found by a later run.
        let _ = sweep(&made, COPY);
        Ok(made)
    }
}

/// What a copy holds, once it was found whole.
pub(super) fn look_at(copied: &Connection, reading: Reading) -> Result<Option<Fingerprint>> {
    refuse_damaged(copied, "copy of the database")?;
    match reading {
        Reading::With => fingerprint(copied).map(Some),
        Reading::Without => Ok(None),
    }
}

fn refuse_damaged(connection: &Connection, what: &str) -> Result<()> {
    match faults(connection, "quick_check")?.first() {
        Some(fault) => Err(Error::corrupted(format!("the {what} is damaged: {fault}"), None)),
        None => Ok(()),
    }
}

fn temporary_failed(source: std::io::Error) -> Error {
    Error::unavailable("the temporary folder cannot be written", Some(source.into()))
}

/// A copy on its way.
pub(super) struct Copied {
    file: tokio::fs::File,
    left: u64,
}

impl Copied {
    pub(super) fn new(file: File) -> Result<Self> {
        let left = file.metadata().map_err(temporary_failed)?.len();
        Ok(Self { file: tokio::fs::File::from_std(file), left })
    }
}

#[async_trait]
impl Body for Copied {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let mut piece = BytesMut::with_capacity(PIECE);
        while piece.len() < PIECE && self.file.read_buf(&mut piece).await.map_err(temporary_failed)? > 0 {}
        self.left = self.left.saturating_sub(piece.len() as u64);
        if piece.is_empty() && self.left > 0 {
            return Err(Error::unavailable("a copy of the database ended early", None));
        }
        Ok((!piece.is_empty()).then(|| piece.freeze()))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::read::pragma, *};

    #[test]
    fn a_copy_leaves_the_live_database_as_durable_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.db");
        Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = WAL").unwrap();
        let (live, checked) = (open(&path).unwrap(), open(&path).unwrap());
        let durable = || pragma::<i64>(&live, "synchronous").unwrap();
        let before = durable();
        SqliteBackup::new(&path).copy(&live, checked).unwrap();
        assert_eq!((durable(), before), (2, 2));
    }
}
