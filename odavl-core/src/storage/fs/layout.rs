//! Paths below the root, folders without links, and what a file system's errors mean.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    random,
    secret::hex,
    storage::StoreKey,
};

/// The file that makes an object or a multipart upload.
pub(super) const META: &str = "~meta";

/// The file of a multipart upload that is locked by who ends it.
pub(super) const LOCK: &str = "~lock";

/// Where things lie.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The folder at `root`, made where it is not there.
    pub(super) fn open(root: &Path) -> Result<Self> {
        let fail = |error| io_error(root, error);
        let mut folders = DirBuilder::new();
        private_folder(&mut folders);
        folders.recursive(true).create(root).map_err(fail)?;
        let layout = Self { root: root.canonicalize().map_err(fail)? };
        for path in [layout.objects(), layout.multiparts(), layout.staging("")] {
            ensure_folder(&path)?;
        }
        Ok(layout)
    }

    pub(super) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(super) fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }

    pub(super) fn multiparts(&self) -> PathBuf {
        self.root.join("multiparts")
    }

    pub(super) fn staging(&self, name: &str) -> PathBuf {
        self.root.join("staging").join(name)
    }

    /// The folder of a key, where it is there. Whatever on the way is no folder, such as a link, is not followed.
    pub(super) fn folder(&self, key: &StoreKey) -> Result<Option<PathBuf>> {
        let mut path = self.objects();
        for segment in key.segments() {
            path.push(segment);
            if !is_folder(&path)? {
                return Ok(None);
            }
        }
        Ok(Some(path))
    }

    /// The folder of a key, made where it is not there.
    pub(super) fn ensure_folder(&self, key: &StoreKey) -> Result<PathBuf> {
        let mut path = self.objects();
        for segment in key.segments() {
            path.push(segment);
            ensure_folder(&path)?;
        }
        Ok(path)
    }

    /// Removes a key's folder and those above it, as far as they are empty.
    pub(super) fn prune(&self, key: &StoreKey) {
        let objects = self.objects();
        let folder = key.segments().fold(objects.clone(), |path, segment| path.join(segment));
        for path in folder.ancestors().take_while(|path| *path != objects) {
            if fs::remove_dir(path).is_err() {
                break;
            }
        }
    }
}

/// A name that was never used.
pub(super) fn nonce() -> Result<String> {
    random::bytes::<16>().map(|bytes| hex(&bytes))
}

/// The file of an object's bytes within its key's folder.
pub(super) fn bytes_name(etag: &str) -> String {
    format!("{etag}~bytes")
}

fn is_folder(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(not_ours(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error(path, error)),
    }
}

pub(super) fn ensure_folder(path: &Path) -> Result<()> {
    if is_folder(path)? {
        return Ok(());
    }
    let mut folder = DirBuilder::new();
    private_folder(&mut folder);
    match folder.create(path) {
        Ok(()) => path.parent().map_or(Ok(()), flush_folder),
        // Another writer made it, or one on the way was pruned: the next look or rename tells.
        Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Ok(()),
        Err(error) => Err(io_error(path, error)),
    }
}

/// A regular file, opened for reading, where it is there; a link is not followed.
pub(super) fn open_file(path: &Path) -> Result<Option<File>> {
    let opened = fs::symlink_metadata(path).and_then(|found| Ok((found.is_file(), File::open(path)?)));
    match opened {
        Ok((true, file)) => Ok(Some(file)),
        Ok((false, _)) => Err(not_ours(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path, error)),
    }
}

/// A file that is there to be locked, made where it is not there.
pub(super) fn lock_file(path: &Path) -> Result<File> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).open(path);
    opened.map_err(|error| io_error(path, error))
}

/// Options that make a new file of this user alone; a file or link that is there is an error.
pub(super) fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn private_folder(folder: &mut DirBuilder) {
    std::os::unix::fs::DirBuilderExt::mode(folder, 0o700);
}

#[cfg(not(unix))]
fn private_folder(_: &mut DirBuilder) {}

/// Writes a new file and flushes it.
pub(super) fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    let written = new_file().open(path).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.map_err(|error| io_error(path, error))
}

/// Makes the names in a folder durable.
pub(super) fn flush_folder(path: &Path) -> Result<()> {
    if cfg!(unix) {
        let flushed = File::open(path).and_then(|folder| folder.sync_all());
        return flushed.map_err(|error| io_error(path, error));
    }
    Ok(())
}

/// A file that is removed again unless it is kept.
#[derive(Debug)]
pub(super) struct Temporary(Option<PathBuf>);

impl Temporary {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(Some(path))
    }

    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed now is swept when the folder is opened.
        let _ = self.0.take().map(fs::remove_file);
    }
}

fn not_ours(path: &Path) -> Error {
    Error::corrupted(format!("`{}` in the storage folder was not made by odavl", path.display()), None)
}

/// The one place where a file system's error becomes ours. The path goes to the log alone.
pub(super) fn io_error(path: &Path, error: io::Error) -> Error {
    let what = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "the disk under the storage folder is full"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "the storage folder cannot be written",
        _ => "the storage folder does not answer",
    };
    Error::unavailable(what, Some(At { path: path.display().to_string(), source: error }.into()))
}

/// Where a file system's error happened.
#[derive(Debug, thiserror::Error)]
#[error("at `{path}`")]
struct At {
    path: String,
    source: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_unavailable_and_keeps_its_cause() {
        let error = io_error(Path::new("/x/y"), ErrorKind::StorageFull.into());
        assert_eq!(error.code(), crate::ErrorCode::Unavailable);
        assert_eq!(error.to_string(), "the disk under the storage folder is full");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "at `/x/y`");
    }
}
