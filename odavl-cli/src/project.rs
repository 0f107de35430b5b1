//! `.odavl/project.toml`: what a folder is linked to. It names a server; it never holds a credential.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use crate::{files, insight::Home};
use odavl_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::origin::Origin;

/// More bytes than a link has.
const MOST: u64 = 64 << 10;

/// What a project's folder is linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Project {
    /// The server.
    pub(crate) server: Origin,
    /// The organisation's slug.
    pub(crate) organization: String,
    /// The project's slug.
    #[serde(rename = "project")]
    pub(crate) slug: String,
}

impl Project {
    /// The link that holds in `folder`: its own, or one between it and the root of the repository that it is in.
    pub(crate) fn find(folder: &Path) -> Result<Option<(PathBuf, Self)>> {
        for folder in within_repository(folder) {
            let path = file(folder);
            if let Some(text) = files::read_untrusted(&path, MOST)? {
                let project = toml::from_str(&text).map_err(|error| {
                    let detail = format!("{}: {}", path.display(), error.message());
                    Error::invalid_with(detail, "write it anew with `odavl link`")
                })?;
                return Ok(Some((path, project)));
            }
        }
        Ok(None)
    }

    /// Links `folder`, and says where that is written.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let text = toml::to_string(self)
            .map_err(|error| Error::internal("the link cannot be written as TOML", Some(error.into())))?;
        Home::open(folder)?;
        files::write_atomically(&file(folder), |file| file.write_all(text.as_bytes()))
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join(".odavl").join("project.toml")
}

/// `folder` and those above it, to the root of its repository; `folder` alone where there is none. What lies above
/// belongs to somebody else.
fn within_repository(folder: &Path) -> impl Iterator<Item = &Path> {
    let depth = folder.ancestors().position(|folder| folder.join(".git").exists()).unwrap_or_default();
    folder.ancestors().take(depth + 1)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn project() -> Project {
        Project { server: Origin::local(), organization: "acme".to_owned(), slug: "app".to_owned() }
    }

    #[test]
    fn a_link_holds_in_the_whole_repository_and_not_outside() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("repository/src/deep");
        fs::create_dir_all(&inner).unwrap();
        project().write(&root.path().join("repository")).unwrap();
        assert_eq!(Project::find(&inner).unwrap(), None);
        fs::create_dir(root.path().join("repository/.git")).unwrap();
        assert_eq!(Project::find(&inner).unwrap().unwrap().1, project());
        fs::create_dir(root.path().join("repository/src/.git")).unwrap();
        assert_eq!(Project::find(&inner).unwrap(), None);
    }

    #[test]
    fn a_key_that_is_not_known_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let path = project().write(root.path()).unwrap();
        fs::write(&path, fs::read_to_string(&path).unwrap() + "key = \"canary\"\n").unwrap();
        let refused = Project::find(root.path()).unwrap_err();
        assert!(refused.to_string().contains("key") && !refused.to_string().contains("canary"));
    }
}
