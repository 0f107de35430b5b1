//! Where fetched bytes go: to standard output, into a file that is there whole or not at all, or into what is there and
//! is no file.

use std::{
    fs::{self, File, Permissions},
    io::{self, ErrorKind, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use odavl_cli::files;
use odavl_core::{Error, Result};
use tempfile::{Builder, NamedTempFile};

use crate::{failure, interrupt};

/// A place for bytes.
#[derive(Debug)]
pub(crate) enum Target {
    /// Standard output: what is written is seen at once.
    Output,
    /// A pipe, a device or the like: what is written is seen at once, and it stays what it is.
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
        let place = followed(path.clone()).map_err(failed)?;
        match fs::metadata(&place) {
            Ok(found) if found.is_file() => Self::draft(place, Some(found.permissions().mode() & 0o777)),
            Ok(_) => {
                let file = File::options().write(true).open(&place).map_err(failed)?;
                Ok(Self::Stream { file, path })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Self::draft(place, None),
            Err(error) => Err(failed(error)),
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

/// What the path stands for: where a link leads to, whether or not something is there.
fn followed(path: PathBuf) -> io::Result<PathBuf> {
    match fs::read_link(&path) {
        // What leads in a circle, or too far, is the system's to refuse.
        Ok(to) => match fs::metadata(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => followed(folder(&path).join(to)),
        },
        Err(_) => Ok(path),
    }
}

fn unwritable(error: io::Error) -> Error {
    Error::unavailable("standard output cannot be written", Some(error.into()))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

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
}
