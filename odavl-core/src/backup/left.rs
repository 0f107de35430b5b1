//! Files that runs left that were killed.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::Duration,
};

/// So long a file is left alone that nobody writes to: whoever made it may still read it.
const LONG: Duration = Duration::from_hours(6);

/// Removes the files in the folder of `newest`, whose names begin with `prefix`, that were left by runs that were killed.
pub(super) fn sweep(newest: &Path, prefix: &str) -> io::Result<()> {
    stale(newest)?.iter().filter(|(_, name)| name.starts_with(prefix)).try_for_each(|(path, _)| remove(path))
}

/// The files in the folder of `newest` that were written long before it, with their names.
pub(super) fn stale(newest: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let before = fs::metadata(newest)?.modified()?.checked_sub(LONG);
    let mut found = Vec::new();
    for entry in fs::read_dir(newest.parent().unwrap_or(Path::new(".")))?.flatten() {
        let known = entry.metadata().ok().filter(fs::Metadata::is_file);
        let written = known.and_then(|known| known.modified().ok());
        if let (Some(before), Some(written), Ok(name)) = (before, written, entry.file_name().into_string())
            && written < before
        {
            found.push((entry.path(), name));
        }
    }
    Ok(found)
}

/// Removes a file; one that is not there is no error.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
