//! Files for the time being: nobody else can read them, and they go with us.

#[cfg(target_os = "linux")]
use std::io::Seek;
use std::{fs::File, io::ErrorKind, path::Path};

use tempfile::NamedTempFile;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    error::{Error, Result},
    storage::BoxBody,
};

/// So many of the first and of the last bytes say what they are.
const HEAD: usize = 128;

/// A file with a name, mode 0600, that goes when dropped.
pub(super) fn named(folder: Option<&Path>) -> Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".odavl-");
    match folder {
        Some(folder) => builder.tempfile_in(folder),
        None => builder.tempfile(),
    }
    .map_err(io_error)
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
    /// Writes all bytes to a file.
    pub(super) async fn receive(mut body: BoxBody, folder: Option<&Path>) -> Result<Self> {
        let (spool, file) = Self::make(folder).map_err(io_error)?;
        let (mut file, mut head) = (tokio::fs::File::from_std(file), Vec::new());
        let mut tail = Vec::new();
        while let Some(piece) = body.next().await? {
            if head.len() < HEAD {
                head.extend_from_slice(piece.get(..piece.len().min(HEAD)).unwrap_or_default());
            }
            tail.extend_from_slice(piece.get(piece.len().saturating_sub(HEAD)..).unwrap_or_default());
            tail.drain(..tail.len().saturating_sub(HEAD));
            file.write_all(&piece).await.map_err(io_error)?;
        }
        file.flush().await.map_err(io_error)?;
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
