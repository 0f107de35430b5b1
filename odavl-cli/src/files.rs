//! Files that belong to one person.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::Path,
};

use odavl_core::{Error, Result};
use tempfile::NamedTempFile;

/// The file's text; `None` where there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

/// Puts a file in place whole, readable by its owner alone.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || {
        // Made with mode 0600.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| failed("written", path, error))
}

/// Makes a folder that its owner alone may enter, where it is missing.
pub(crate) fn make_private(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| failed("made", folder, error))
}

/// The error of an operation on a file.
pub(crate) fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    Error::unavailable(format!("{} cannot be {verb}", path.display()), Some(error.into()))
}
