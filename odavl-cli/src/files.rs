//! Files: read, and put in place whole.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use odavl_core::{Error, Result};
use tempfile::NamedTempFile;

/// Opens a file to read it.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| failed("read", path, error))
}

/// The file's text; `None` where there is none.
pub fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

/// Writes a file so that it is there whole or not at all, readable by its owner alone.
pub fn write_atomically(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        // Made with mode 0600.
        let mut temporary = NamedTempFile::new_in(folder)?;
        fill(temporary.as_file_mut())?;
        temporary.as_file().sync_all()?;
        temporary.persist(path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| failed("write", path, error))?;
    Ok(path.to_owned())
}

/// Makes a folder that its owner alone may enter, where it is missing.
pub fn make_private(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| failed("make", folder, error))
}

/// Waits until no other process holds the lock at `path`, and holds it until the file is dropped.
pub fn lock(path: &Path) -> Result<File> {
    let lock = File::options().create(true).append(true).open(path);
    lock.and_then(|file| file.lock().map(|()| file)).map_err(|error| failed("lock", path, error))
}

/// The error of an operation on a file.
pub fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::not_found("file", &path.display());
    }
    Error::unavailable(format!("cannot {verb} {}", path.display()), Some(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_could_not_be_filled_leaves_the_old_one_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        fs::write(&path, "old").unwrap();
        assert!(write_atomically(&path, |_| Err(io::Error::from(io::ErrorKind::StorageFull))).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
