//! The file that a master key is read from.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::Path,
};

use super::MasterKey;
use crate::{
    error::{Error, Result},
    random,
    secret::hex,
};

/// A key file is a few lines; what is longer is something else.
const MOST: u64 = 64 * 1024;

impl MasterKey {
    /// The master key in the file at `path`; where there is none, a new one, readable by its owner alone.
    ///
    /// Of two processes that start at once, both end up with the same key: the file appears whole or not at all,
    /// and is never replaced. A file that others may read is refused.
    pub fn open_or_create(path: &Path) -> Result<Self> {
        match File::open(path) {
            Ok(file) => read(path, file),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create(path).map_err(|error| failed(path, "written", error))?;
                File::open(path)
                    .map_err(|error| failed(path, "read", error))
                    .and_then(|file| read(path, file))
            }
            Err(error) => Err(failed(path, "read", error)),
        }
    }
}

fn read(path: &Path, file: File) -> Result<MasterKey> {
    if may_others_read(&file).map_err(|error| failed(path, "read", error))? {
        return Err(Error::invalid_with(
            format!("others may read the master key in {}", path.display()),
            format!(
                "run `chmod 600 {}`; if it may have been read, add a new key as its last line",
                path.display()
            ),
        ));
    }
    let mut text = String::new();
    file.take(MOST).read_to_string(&mut text).map_err(|error| failed(path, "read", error))?;
    text.parse().map_err(|_| {
        Error::invalid_with(
            format!("{} holds no master key", path.display()),
            "each line is 32 bytes in hexadecimal or base64; restore it from where you keep a copy",
        )
    })
}

/// A hard link rather than a rename puts the file in place: a rename would replace the key of a process that was
/// faster, which may already have sealed with it.
fn create(path: &Path) -> io::Result<()> {
    let (_, text) = MasterKey::generate().map_err(io::Error::other)?;
    let noise = random::bytes::<8>().map_err(io::Error::other)?;
    let draft = path.with_extension(format!("{}.new", hex(&noise)));
    let placed = write(&draft, text.reveal()).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match placed {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => removed,
        Err(error) => Err(error),
        Ok(()) => removed.and_then(|()| sync_folder(path)),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn may_others_read(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

/// Elsewhere a file in a person's own folder is theirs by default, and no mode says so.
#[cfg(not(unix))]
fn may_others_read(_: &File) -> io::Result<bool> {
    Ok(false)
}

fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    Error::internal(format!("the master key in {} could not be {what}", path.display()), Some(error.into()))
}

#[cfg(all(test, unix, feature = "fs"))]
mod tests {
    use std::{os::unix::fs::PermissionsExt, thread};

    use super::*;

    #[test]
    fn the_first_start_makes_a_key_that_only_its_owner_reads_and_later_ones_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::open_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(MasterKey::open_or_create(&path).unwrap().derive("a"), made.derive("a"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the draft is gone");
    }

    #[test]
    fn processes_that_start_at_once_end_up_with_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let keys = thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| MasterKey::open_or_create(&path).unwrap().derive("a")))
                .collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[test]
    fn a_file_that_others_may_read_or_that_holds_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        MasterKey::open_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = MasterKey::open_or_create(&path).unwrap_err();
        assert!(refused.to_string().starts_with("others may read"), "{refused}");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "not a key").unwrap();
        let refused = MasterKey::open_or_create(&path).unwrap_err();
        assert!(!refused.to_string().contains("not a key"), "{refused}");
    }
}
