//! Files: read, and put in place whole.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use odavl_core::{Error, Result};
use rustix::fs::OFlags;
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

/// Opens what somebody else may have put there: a file, and nothing that a link leads to or that gives bytes for ever.
pub fn open_untrusted(path: &Path) -> Result<File> {
    plain(File::options().read(true), path).map_err(|error| failed("read", path, error))
}

/// The text of a file that somebody else may have put there, of at most so many bytes; `None` where there is none.
pub fn read_untrusted(path: &Path, most: u64) -> Result<Option<String>> {
    let mut text = String::new();
    let read = plain(File::options().read(true), path).and_then(|file| {
        match file.take(most.saturating_add(1)).read_to_string(&mut text)? as u64 {
            count if count > most => Err(not_ours("it is larger than it ever is")),
            _ => Ok(()),
        }
    });
    match read {
        Ok(()) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

/// Opens a file that is one: no link is followed, and nothing waits for another program.
fn plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let opened = options.custom_flags(flags.cast_signed()).open(path);
    let found = match &opened {
        Ok(file) => file.metadata(),
        Err(_) => path.symlink_metadata(),
    };
    if found.is_ok_and(|found| !found.is_file()) {
        return Err(not_ours("it is a link or the like, and no file"));
    }
    opened
}

fn not_ours(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
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

/// Waits until no other process holds the lock at `path`, and holds it until the file is dropped. No link is followed:
/// nothing is made elsewhere.
pub fn lock(path: &Path) -> Result<File> {
    let lock = plain(File::options().create(true).append(true), path);
    lock.and_then(|file| file.lock().map(|()| file)).map_err(|error| failed("lock", path, error))
}

/// The error of an operation on a file.
pub fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    let detail = || format!("cannot {verb} {}", path.display());
    match error.kind() {
        io::ErrorKind::NotFound => Error::not_found("file", &path.display()),
        // It never will be.
        io::ErrorKind::InvalidFilename => {
            Error::invalid_with(format!("{}: the name is too long", detail()), "check the path")
        }
        _ => Error::unavailable(detail(), Some(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_a_file_that_is_one_and_no_larger_than_said_is_read() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("file"), "text").unwrap();
        assert_eq!(read_untrusted(&at("file"), 4).unwrap().as_deref(), Some("text"));
        assert_eq!(read_untrusted(&at("none"), 4).unwrap(), None);
        assert!(read_untrusted(&at("file"), 3).is_err());
        for (name, to) in [("zero", "/dev/zero"), ("link", "file"), ("new", "elsewhere")] {
            symlink(to, at(name)).unwrap();
            assert!(read_untrusted(&at(name), 4).is_err() && open_untrusted(&at(name)).is_err(), "{name}");
            assert!(lock(&at(name)).is_err(), "{name}");
        }
        assert!(open_untrusted(root.path()).is_err());
        assert!(!at("elsewhere").exists());
    }

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
