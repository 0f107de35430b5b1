//! Files for the time being: nobody else can read them, and they go with us.

use std::{
    fs::File,
    io::{ErrorKind, Seek, SeekFrom, Write},
    path::Path,
};

use bytes::{Buf, Bytes};
use tempfile::NamedTempFile;
use tokio::{
    process::Command,
    sync::mpsc::{Receiver, channel},
    task::spawn_blocking,
};

use super::archive::{Passing, places};
use crate::{
    backup::left::sweep,
    error::{Error, Result},
    storage::BoxBody,
};

/// So many of the first and of the last bytes say what they are.
const HEAD: usize = 128;

/// What the name of such a file begins with.
const NAMED: &str = ".odavl-roots-";

/// A file with a name, mode 0600, that goes when dropped.
pub(super) fn named(folder: Option<&Path>) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(NAMED);
    let made = match folder {
        Some(folder) => builder.tempfile_in(folder),
        None => builder.tempfile(),
    };
    let made = made.map_err(io_error)?;
    // What cannot be removed now is found by a later run.
    let _ = sweep(made.path(), NAMED);
    Ok(made)
}

/// Bytes in a file that nobody else can read. Where the system lets it be opened again without a name it has none, so
/// that nothing is left of it whatever becomes of us.
pub(super) struct Spool {
    #[cfg(target_os = "linux")]
    file: File,
    #[cfg(not(target_os = "linux"))]
    file: NamedTempFile,
    /// Its first bytes.
    pub(super) head: Vec<u8>,
    /// Its last bytes.
    pub(super) tail: Vec<u8>,
}

impl Spool {
    /// Writes all bytes to a file; into an archive, where the rows of each table begin.
    pub(super) async fn receive(mut body: BoxBody, folder: Option<&Path>) -> Result<Self> {
        let (spool, file) = Self::make(folder).map_err(io_error)?;
        let (feed, pieces) = channel(4);
        let writing = spawn_blocking(move || Incoming::new(pieces, file).write());
        let came: Result<()> = async move {
            while let Some(piece) = body.next().await? {
                if feed.send(piece).await.is_err() {
                    // Whoever writes has stopped, and says why.
                    break;
                }
            }
            Ok(())
        }
        .await;
        let written =
            writing.await.map_err(|lost| Error::internal("the spool is lost", Some(lost.into())))?;
        came?;
        let (head, tail) = written.map_err(io_error)?;
        Ok(Self { head, tail, ..spool })
    }

    #[cfg(target_os = "linux")]
    fn make(folder: Option<&Path>) -> std::io::Result<(Self, File)> {
        let file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
        let writer = file.try_clone()?;
        Ok((Self { file, head: Vec::new(), tail: Vec::new() }, writer))
    }

    #[cfg(not(target_os = "linux"))]
    fn make(folder: Option<&Path>) -> std::io::Result<(Self, File)> {
        let file = folder.map_or_else(NamedTempFile::new, NamedTempFile::new_in)?;
        let writer = file.reopen()?;
        Ok((Self { file, head: Vec::new(), tail: Vec::new() }, writer))
    }

    /// Gives the file to a program, as the last of its arguments: one that it can open as often as it likes.
    #[cfg(target_os = "linux")]
    pub(super) fn give(&self, command: &mut Command) -> Result<()> {
        let mut file = self.file.try_clone().map_err(io_error)?;
        file.rewind().map_err(io_error)?;
        command.stdin(file).arg("/proc/self/fd/0");
        Ok(())
    }

    /// Gives the file to a program, as the last of its arguments.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn give(&self, command: &mut Command) -> Result<()> {
        command.arg(self.file.path());
        Ok(())
    }
}

/// Bytes that are written as they go by.
struct Incoming {
    pieces: Receiver<Bytes>,
    file: File,
    piece: Bytes,
    /// How many were written.
    written: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    failed: Option<std::io::Error>,
}

impl Incoming {
    fn new(pieces: Receiver<Bytes>, file: File) -> Self {
        let (piece, head, tail) = (Bytes::new(), Vec::new(), Vec::new());
        Self { pieces, file, piece, written: 0, head, tail, failed: None }
    }

    /// Writes all of them, and answers the first and the last.
    fn write(mut self) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
        let places = places(&mut self);
        while self.more() {}
        if let Some(error) = self.failed {
            return Err(error);
        }
        for (at, patch) in places {
            self.file.seek(SeekFrom::Start(at))?;
            self.file.write_all(&patch)?;
        }
        Ok((self.head, self.tail))
    }

    /// Takes the next piece, once what is left of the one before has gone by; answers whether there was one.
    fn more(&mut self) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let Some(piece) = self.pieces.blocking_recv() else { return false };
        let missing = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(piece.get(..piece.len().min(missing)).unwrap_or_default());
        self.tail.extend_from_slice(piece.get(piece.len().saturating_sub(HEAD)..).unwrap_or_default());
        self.tail.drain(..self.tail.len().saturating_sub(HEAD));
        self.failed = self.file.write_all(&piece).err();
        self.written += piece.len() as u64;
        self.piece = piece;
        self.failed.is_none()
    }
}

impl Passing for Incoming {
    fn at(&self) -> u64 {
        self.written - self.piece.len() as u64
    }

    fn next(&mut self) -> std::io::Result<Option<u8>> {
        while self.piece.is_empty() {
            if !self.more() {
                return Ok(None);
            }
        }
        Ok(Some(self.piece.get_u8()))
    }

    fn skip(&mut self, mut bytes: u64) -> std::io::Result<()> {
        loop {
            let here = (self.piece.len() as u64).min(bytes);
            self.piece.advance(usize::try_from(here).unwrap_or(self.piece.len()));
            bytes -= here;
            if bytes == 0 {
                return Ok(());
            }
            if !self.more() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// What an error of such a file means.
pub(super) fn io_error(source: std::io::Error) -> Error {
    let what = match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "the disk of the temporary folder is full"
        }
        _ => "the temporary folder cannot be written",
    };
    Error::unavailable(what, Some(source.into()))
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;

    #[test]
    fn what_a_killed_run_left_goes_with_a_later_one_and_what_is_young_stays() {
        let folder = tempfile::tempdir().unwrap();
        for (name, hours) in [(".odavl-roots-old", 7), (".odavl-roots-young", 1), ("other", 7)] {
            let file = File::create(folder.path().join(name)).unwrap();
            let at = file.metadata().unwrap().modified().unwrap() - Duration::from_hours(hours);
            file.set_modified(at).unwrap();
        }
        drop(named(Some(folder.path())).unwrap());
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".odavl-roots-young", "other"]);
    }
}
