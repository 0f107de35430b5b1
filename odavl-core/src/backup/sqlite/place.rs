//! Files beside the live one: which are ours, and how one takes the other's place.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::{
    backup::{
        DatabaseName, Mark, State,
        left::{remove, stale},
    },
    error::{Error, Result},
};

/// A name in a folder, and the files that belong to it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: PathBuf,
    name: String,
}

/// What SQLite itself puts beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// What the name of a file ends in that is not whole yet, and of one that says what another is.
const RESTORING: &str = ".odavl-restoring";
const SIDECAR: &str = ".odavl";

impl Place {
    pub(super) fn new(folder: &Path, name: &DatabaseName) -> Result<Self> {
        let name = name.as_str();
        let taken = BESIDE.iter().any(|ending| name.ends_with(ending));
        if taken || matches!(name, "." | "..") || name.contains(['/', '\\']) {
            return Err(Error::invalid_with(
                format!("`{}` is no name for a database's file", name.escape_default()),
                "name a file in the folder of the live one, without slashes",
            ));
        }
        Ok(Self { folder: folder.to_owned(), name: name.to_owned() })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Where a database lies until it is whole.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.folder.join(format!(".{}{RESTORING}", self.name))
    }

    fn sidecar(&self) -> PathBuf {
        self.folder.join(format!(".{}{SIDECAR}", self.name))
    }

    /// How many bytes are there; `None` where there is no file.
    pub(super) fn size(&self) -> Result<Option<u64>> {
        match fs::metadata(self.path()) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    pub(super) fn there(&self) -> Result<PathBuf> {
        match self.size()? {
            Some(_) => Ok(self.path()),
            None => Err(Error::not_found("database", &self.name)),
        }
    }

    /// What is under this name.
    pub(super) fn state(&self) -> Result<State> {
        Ok(match self.size()? {
            Some(_) => State::of(self.mark()?),
            None if self.unfinished().exists() => State::Ours(Mark::Restoring),
            None => State::Absent,
        })
    }

    /// What the file is to us; `None` where it is somebody else's. A mark is in a file of its own beside it, with what makes
    /// the file itself known: another one that comes under the same name is not ours.
    fn mark(&self) -> Result<Option<Mark>> {
        let text = match fs::read_to_string(self.sidecar()) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(error)),
        };
        let identity = identity(&self.path()).map_err(|error| self.failed(error))?;
        Ok(Mark::ALL.into_iter().find(|mark| text == line(*mark, &identity)))
    }

    /// Writes down what `file` will be under this name, before it is there.
    pub(super) fn set_mark(&self, mark: Mark, file: &Path) -> Result<()> {
        let write = || {
            let mut sidecar = File::create(self.sidecar())?;
            sidecar.write_all(line(mark, &identity(file)?).as_bytes())?;
            sidecar.sync_all()
        };
        write().map_err(|error| self.failed(error))
    }

    /// Gives a whole file this name, unless one is there that is not empty.
    pub(super) fn publish(&self, file: &Path) -> Result<()> {
        let published = match self.size()? {
            Some(0) => fs::rename(file, self.path()),
            _ => fs::hard_link(file, self.path()).and_then(|()| fs::remove_file(file)),
        };
        published.and_then(|()| self.sync()).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::Conflict(format!("the database {} is not empty", self.name)),
            _ => self.failed(error),
        })
    }

    /// Gives the name `live` to the file that is here, and the name `aside` to what was there. At each moment there is a
    /// whole database under the live one's name.
    pub(super) fn replace(&self, live: &Self, aside: &Self) -> Result<()> {
        self.become_like(live)?;
        aside.set_mark(Mark::Aside, &live.path())?;
        let swap = || {
            fs::hard_link(live.path(), aside.path())?;
            fs::rename(self.path(), live.path())?;
            fs::remove_file(self.sidecar())?;
            self.sync()
        };
        swap().map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::AlreadyExists { kind: "database", name: aside.name.clone() },
            _ => self.failed(error),
        })
    }

    /// Gives the file here the owner and the mode of the live one: whoever could use that can use this.
    #[cfg(unix)]
    fn become_like(&self, live: &Self) -> Result<()> {
        use std::os::unix::fs::{MetadataExt, chown};
        let change = || {
            let (is, was) = (fs::metadata(self.path())?, fs::metadata(live.path())?);
            if (is.uid(), is.gid()) != (was.uid(), was.gid()) {
                chown(self.path(), Some(was.uid()), Some(was.gid()))?;
            }
            fs::set_permissions(self.path(), was.permissions())
        };
        change().map_err(|error| match error.kind() {
            ErrorKind::PermissionDenied => Error::invalid_with(
                format!(
                    "{} belongs to another user, to whom nothing can be given here",
                    live.path().display()
                ),
                "replace it as the user whose file it is, or as root",
            ),
            _ => self.failed(error),
        })
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "elsewhere there is something to do")]
    fn become_like(&self, _: &Self) -> Result<()> {
        Ok(())
    }

    /// Removes the file, and all that belongs to it.
    pub(super) fn remove(&self) -> Result<()> {
        let path = self.path();
        let beside = BESIDE.iter().map(|ending| self.folder.join(format!("{}{ending}", self.name)));
        for file in beside.chain([path, self.unfinished(), self.sidecar()]) {
            remove(&file).map_err(|error| self.failed(error))?;
        }
        self.sync().map_err(|error| self.failed(error))
    }

    /// Whether something of SQLite's lies beside it: then it is in use, or was left in the middle.
    pub(super) fn has_beside(&self) -> bool {
        BESIDE.iter().any(|ending| self.folder.join(format!("{}{ending}", self.name)).exists())
    }

    /// Makes names durable.
    fn sync(&self) -> std::io::Result<()> {
        if cfg!(unix) { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }

    pub(super) fn failed(&self, source: std::io::Error) -> Error {
        let what = match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "the disk is full",
            _ => "the files of a database cannot be read or written",
        };
        Error::unavailable(format!("{what}: {}", self.folder.display()), Some(source.into()))
    }
}

/// Removes what was half restored, or restored to be looked at, in the folder of `newest`, by runs that were killed.
pub(super) fn sweep_restores(newest: &Path) -> Result<()> {
    let folder = newest.parent().unwrap_or(Path::new("."));
    let failed = |error| Error::unavailable("what is left of restores cannot be removed", Some(error));
    for (path, name) in stale(newest).map_err(|error| failed(error.into()))? {
        let name = name.strip_prefix('.').unwrap_or_default();
        if name.ends_with(RESTORING) && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            remove(&path).map_err(|error| failed(error.into()))?;
        } else if let Some(name) = name.strip_suffix(SIDECAR) {
            let place = Place::new(folder, &name.parse()?)?;
            // One without its database was left while that was removed, or before it came.
            if matches!(place.state()?, State::Absent | State::Ours(Mark::Scratch)) {
                place.remove()?;
            }
        }
    }
    Ok(())
}

fn line(mark: Mark, identity: &str) -> String {
    format!("odavl: {} {identity}\n", mark.word())
}

/// What is the same for a file under another name, and for no other at the same time.
#[cfg(unix)]
fn identity(path: &Path) -> std::io::Result<String> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|found| format!("{}:{}", found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> std::io::Result<String> {
    fs::metadata(path)?.created().map(|at| format!("{at:?}"))
}
