//! The file with the one-time link that sets an installation up. The link is a secret, and is kept no longer than it
//! is of use.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use odavl_core::secret::Secret;

/// Where it is in a data folder.
pub(crate) fn path(data: &Path) -> PathBuf {
    data.join("set-up-link")
}

/// Keeps the link for its owner's eyes only.
pub(crate) fn keep(data: &Path, link: &Secret<String>) -> io::Result<()> {
    let path = path(data);
    let temporary = path.with_extension("new");
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    writeln!(file, "{}", link.reveal())?;
    fs::rename(temporary, path)
}

/// Forgets the link: the installation is set up, and no link works any more.
pub(crate) fn forget(data: &Path) {
    // What cannot be removed is worth nothing.
    let _ = fs::remove_file(path(data));
}
