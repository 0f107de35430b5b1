//! Where fetched bytes go: to standard output, or into a file that is there whole or not at all.

use std::{
    fs::{File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use odavl_cli::files;
use odavl_core::{Error, Result};
use tempfile::{Builder, NamedTempFile};

/// A place for bytes.
#[derive(Debug)]
pub(crate) enum Target {
    /// Standard output: what is written is seen at once.
    Output,
    /// A file beside the one that it becomes.
    File {
        /// What is written to; gone unless it is kept.
        draft: NamedTempFile,
        /// What it becomes.
        path: PathBuf,
    },
}

impl Target {
    /// The place that was named: `-` for standard output, a folder for a file of the name `usual` in it. Where none
    /// was named it is such a file here, which must be new.
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
        // As other programs make files: whatever the user's mask leaves.
        let made = Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder(&path));
        let draft = made.map_err(|error| files::failed("write to the folder of", &path, error))?;
        Ok(Self::File { draft, path })
    }

    /// Writes the bytes that follow.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Output => io::stdout()
                .lock()
                .write_all(bytes)
                .map_err(|error| Error::unavailable("standard output cannot be written", Some(error.into()))),
            Self::File { draft, path } => {
                draft.write_all(bytes).map_err(|error| files::failed("write", path, error))
            }
        }
    }

    /// Puts the file in its place; answers where that is.
    pub(crate) fn keep(self) -> Result<Option<PathBuf>> {
        let Self::File { draft, path } = self else {
            return io::stdout().lock().flush().map(|()| None).map_err(|error| {
                Error::unavailable("standard output cannot be written", Some(error.into()))
            });
        };
        let kept = draft.as_file().sync_all().and_then(|()| {
            draft.persist(&path).map_err(|error| error.error)?;
            File::open(folder(&path))?.sync_all()
        });
        kept.map_err(|error| files::failed("write", &path, error))?;
        Ok(Some(path))
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

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
}
