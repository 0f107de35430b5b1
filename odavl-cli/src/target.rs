//! Where fetched bytes go: to standard output, into a file that is there whole or not at all, or into what is there and
//! is no file.

use std::{
    fs::{self, File, Metadata, Permissions},
    io::{self, ErrorKind, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use crate::files;
use odavl_core::{Error, Result};
use tempfile::{Builder, NamedTempFile};

use crate::{failure, interrupt};

/// A place for bytes.
#[derive(Debug)]
pub(crate) enum Target {
    /// Standard output: what is written is seen at once.
    Output,
    /// A pipe, a device, an open file or the like: what is written is seen at once, and it stays what it is.
    Stream {
        /// What is written to.
        file: File,
        /// What it was called.
        path: PathBuf,
    },
    /// A file beside the one that it becomes.
    File {
        /// What is written to; gone unless it is kept.
        draft: NamedTempFile,
        /// What it becomes.
        path: PathBuf,
        /// Who may read and write the file that it replaces.
        mode: Option<u32>,
    },
}

impl Target {
    /// The place that was named: `-` for standard output, a folder for a file of the name `usual` in it. Where none
    /// was named it is such a file here, which must be new. A link stands for what it leads to.
    pub(crate) fn open(named: Option<&Path>, usual: &str) -> Result<Self> {
        let path = match named {
            Some(path) if path == Path::new("-") => return Ok(Self::Output),
            Some(path) if path.is_dir() => path.join(usual),
            Some(path) => path.to_owned(),
            None if Path::new(usual).symlink_metadata().is_ok() => {
                let hint = "name a file to write to, or this one to replace it";
                return Err(Error::invalid_with(format!("there is a file `{usual}` here already"), hint));
            }
            None => PathBuf::from(usual),
        };
        let failed = |error| files::failed("write", &path, error);
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let place = followed(path.clone()).ok_or(error).map_err(failed)?;
                return Self::draft(place, None);
            }
            Err(error) => return Err(failed(error)),
        };
        let place = followed(path.clone()).filter(|place| found.is_file() && is_at(&found, place));
        match place {
            Some(place) => Self::draft(place, Some(found.permissions().mode() & 0o777)),
            None => Ok(Self::Stream { file: stream(&path, &found).map_err(failed)?, path }),
        }
    }

    fn draft(path: PathBuf, mode: Option<u32>) -> Result<Self> {
        // As other programs make files: whatever the user's mask leaves. What replaces a file has its mode at the end,
        // and is for nobody else's eyes before.
        let at_first = if mode.is_some() { 0o600 } else { 0o666 };
        let draft = Builder::new().permissions(Permissions::from_mode(at_first)).tempfile_in(folder(&path));
        let draft = draft.map_err(|error| files::failed("write to the folder of", &path, error))?;
        Ok(Self::File { draft, path, mode })
    }

    /// Does the work that fills it. An unfinished file goes also where the work is interrupted.
    pub(crate) async fn filled<T>(
        self,
        work: impl AsyncFnOnce(Self) -> failure::Result<T>,
    ) -> failure::Result<T> {
        if !matches!(self, Self::File { .. }) {
            // There is nothing to take along, and whoever does not read may hold a write up for ever.
            return work(self).await;
        }
        tokio::select! {
            biased;
            () = interrupt::came() => Err(Error::unavailable("interrupted: nothing was kept", None).into()),
            done = work(self) => done,
        }
    }

    /// Writes the bytes that follow.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Output => io::stdout().lock().write_all(bytes).map_err(unwritable),
            Self::Stream { file, path } => {
                file.write_all(bytes).map_err(|error| files::failed("write", path, error))
            }
            Self::File { draft, path, .. } => {
                draft.write_all(bytes).map_err(|error| files::failed("write", path, error))
            }
        }
    }

    /// Puts the file in its place; answers where that is.
    pub(crate) fn keep(self) -> Result<Option<PathBuf>> {
        let (draft, path, mode) = match self {
            Self::Output => return io::stdout().lock().flush().map(|()| None).map_err(unwritable),
            Self::Stream { path, .. } => return Ok(Some(path)),
            Self::File { draft, path, mode } => (draft, path, mode),
        };
        let kept = || {
            if let Some(mode) = mode {
                draft.as_file().set_permissions(Permissions::from_mode(mode))?;
            }
            draft.as_file().sync_all()?;
            draft.persist(&path).map_err(|error| error.error)?;
            File::open(folder(&path))?.sync_all()
        };
        kept().map_err(|error| files::failed("write", &path, error))?;
        Ok(Some(path))
    }
}

/// What the path stands for, by the texts of its links, whether or not something is there. `None` where one of them is
/// among a process's open files: such a link's text is only a name that the file once had.
fn followed(path: PathBuf) -> Option<PathBuf> {
    match fs::read_link(&path) {
        Ok(_) if folder(&path).canonicalize().is_ok_and(|folder| folder.starts_with("/proc")) => None,
        Ok(to) => followed(folder(&path).join(to)),
        Err(_) => Some(path),
    }
}

fn is_at(found: &Metadata, place: &Path) -> bool {
    fs::metadata(place).is_ok_and(|there| is_same(found, &there))
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// What is there, to be written to after what is in it. What this process was given is shared with whoever started it:
/// written to through the same opening, it comes after what they wrote, and before what they will.
fn stream(path: &Path, found: &Metadata) -> io::Result<File> {
    for open in [io::stdout().as_fd(), io::stderr().as_fd()] {
        let open = File::from(open.try_clone_to_owned()?);
        if is_same(&open.metadata()?, found) {
            return Ok(open);
        }
    }
    File::options().write(true).append(found.is_file()).open(path)
}

fn unwritable(error: io::Error) -> Error {
    Error::unavailable("standard output cannot be written", Some(error.into()))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::{fd::AsRawFd, unix::fs::symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_file_that_is_not_kept_leaves_the_old_one_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        fs::write(&path, "old").unwrap();
        let mut target = Target::open(Some(&path), "a").unwrap();
        target.write(b"new").unwrap();
        drop(target);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_takes_the_file_under_its_usual_name() {
        let root = tempfile::tempdir().unwrap();
        let mut target = Target::open(Some(root.path()), "a").unwrap();
        target.write(b"new").unwrap();
        assert_eq!(target.keep().unwrap(), Some(root.path().join("a")));
        assert_eq!(fs::read_to_string(root.path().join("a")).unwrap(), "new");
    }

    #[test]
    fn who_might_read_a_file_might_read_what_replaces_it_and_nobody_else() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        for bits in [0o600, 0o640, 0o755] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
            let target = Target::open(Some(&path), "a").unwrap();
            if let Target::File { draft, .. } = &target {
                assert_eq!(mode(draft.path()), 0o600);
            }
            target.keep().unwrap();
            assert_eq!(mode(&path), bits);
        }
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        symlink("sub/b", at("a")).unwrap();
        symlink("../c", at("sub/b")).unwrap();
        for text in ["new", "newer"] {
            let mut target = Target::open(Some(&at("a")), "a").unwrap();
            target.write(text.as_bytes()).unwrap();
            target.keep().unwrap();
            assert_eq!(fs::read_to_string(at("c")).unwrap(), text);
        }
        assert!(at("a").is_symlink() && at("sub/b").is_symlink());
        symlink("circle", at("circle")).unwrap();
        assert!(Target::open(Some(&at("circle")), "a").is_err());
    }

    #[test]
    fn an_open_file_is_written_to_and_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("a"), "old").unwrap();
        let open = File::open(at("a")).unwrap();
        // What its link says is no longer where it is.
        fs::rename(at("a"), at("b")).unwrap();
        fs::write(at("a"), "another").unwrap();
        let fd = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
        symlink(&fd, at("link")).unwrap();
        for path in [&fd, &at("link")] {
            let mut target = Target::open(Some(path), "a").unwrap();
            target.write(b" new").unwrap();
            assert_eq!(target.keep().unwrap().as_ref(), Some(path));
        }
        assert_eq!(fs::read_to_string(at("b")).unwrap(), "old new new");
        assert_eq!(fs::read_to_string(at("a")).unwrap(), "another");
    }
}
