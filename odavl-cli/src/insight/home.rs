//! `.odavl/`: what odavl keeps in a project, never committed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use odavl_core::{Error, Result};

use crate::files::{failed, write_atomically};

/// The `.odavl` folder of a project.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// Opens `.odavl` under `root`; makes it, with a `.gitignore` of everything in it, where it is missing.
    ///
    /// # Errors
    /// `invalid_input` when it is a link or a file: what is written here must stay here.
    pub fn open(root: &Path) -> Result<Self> {
        let path = root.join(".odavl");
        make_folder(&path)?;
        let ignore = path.join(".gitignore");
        if !ignore.exists() {
            write_atomically(&ignore, |file| io::Write::write_all(file, b"*\n"))?;
        }
        Ok(Self(path))
    }

    /// A folder in it, made where it is missing.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        make_folder(&path)?;
        Ok(path)
    }
}

fn make_folder(path: &Path) -> Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(failed("make", path, error));
        }
        _ => {}
    }
    let kind = fs::symlink_metadata(path).map_err(|error| failed("read", path, error))?.file_type();
    if kind.is_dir() {
        return Ok(());
    }
    Err(Error::invalid_with(
        format!("{} is not a folder", path.display()),
        "move it away; odavl makes the folder itself",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_ignores_itself_and_an_ignore_file_of_one_s_own_stays() {
        let root = tempfile::tempdir().unwrap();
        Home::open(root.path()).unwrap();
        let ignore = root.path().join(".odavl/.gitignore");
        assert_eq!(fs::read_to_string(&ignore).unwrap(), "*\n");
        fs::write(&ignore, "queue\n").unwrap();
        Home::open(root.path()).unwrap();
        assert_eq!(fs::read_to_string(&ignore).unwrap(), "queue\n");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_elsewhere_is_refused() {
        let (root, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join(".odavl")).unwrap();
        assert_eq!(Home::open(root.path()).unwrap_err().code(), odavl_core::ErrorCode::InvalidInput);
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
