//! `credentials.json`: what the user signed in with, bound to the origin that issued it.

use std::{
    collections::BTreeMap,
    env, fs,
    fs::File,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::files;
use jiff::Timestamp;
use odavl_core::{Error, Result, secret::Secret};
use serde::{Deserialize, Serialize};

use crate::origin::Origin;

/// Every server that the user signed in to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Credentials {
    /// The server that was signed in to last: the one that is meant where none is named.
    pub(crate) last: Option<Origin>,
    #[serde(default)]
    pub(crate) servers: BTreeMap<Origin, Login>,
}

/// A sign-in at one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Who signed in, as the server said.
    pub(crate) account: String,
    /// The organisation that was chosen with `odavl org use`; the sign-in's own where there is none.
    #[serde(default)]
    pub(crate) organization: Option<String>,
    #[serde(flatten)]
    pub(crate) holding: Holding,
}

/// What is held for a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Holding {
    /// An API key that was read with `--with-key`.
    ApiKey { key: Secret<String> },
    /// Tokens of the device flow.
    Session(Tokens),
}

/// The tokens of a person's sign-in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: Secret<String>,
    pub(crate) refresh_token: Secret<String>,
    /// When the access token ends, by this machine's clock.
    pub(crate) expires_at: Timestamp,
}

/// Where credentials are kept.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    home: PathBuf,
}

/// The right to change the store, until it is dropped: one process at a time.
#[derive(Debug)]
pub(crate) struct Locked<'a> {
    store: &'a Store,
    _lock: File,
}

impl Store {
    /// The store in `$ODAVL_HOME`, or in `~/.odavl`.
    pub(crate) fn open() -> Result<Self> {
        let named = env::var_os("ODAVL_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        let home = named.or_else(|| env::home_dir().map(|home| home.join(".odavl")));
        let home = home.ok_or_else(|| {
            Error::invalid_with("there is no home folder to keep credentials in", "set ODAVL_HOME")
        })?;
        Ok(Self { home })
    }

    #[cfg(test)]
    pub(crate) fn at(home: &Path) -> Self {
        Self { home: home.to_owned() }
    }

    /// The file itself.
    pub(crate) fn path(&self) -> PathBuf {
        self.home.join("credentials.json")
    }

    /// A folder beside it, for what is not secret.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// What is in the file; nothing where there is none. A file that others could read is closed to them.
    pub(crate) fn read(&self) -> Result<Credentials> {
        let path = self.path();
        let Some(text) = files::read(&path)? else { return Ok(Credentials::default()) };
        close_to_others(&path)?;
        serde_json::from_str(&text).map_err(|error| {
            // The cause says a line and a column, never what stands there.
            let detail = format!("{} cannot be read at line {}", path.display(), error.line());
            Error::invalid_with(detail, "move it away and sign in again")
        })
    }

    /// Waits until no other process changes the store.
    pub(crate) fn lock(&self) -> Result<Locked<'_>> {
        files::make_private(&self.home)?;
        Ok(Locked { store: self, _lock: files::lock(&self.home.join("credentials.lock"))? })
    }
}

impl Locked<'_> {
    /// What is in the file now.
    pub(crate) fn read(&self) -> Result<Credentials> {
        self.store.read()
    }

    /// Puts `credentials` in the place of what is there.
    pub(crate) fn write(&self, credentials: &Credentials) -> Result<()> {
        let text = serde_json::to_string_pretty(credentials)
            .map_err(|error| Error::internal("credentials cannot be written as JSON", Some(error.into())))?;
        files::write_atomically(&self.store.path(), |file| writeln!(file, "{text}")).map(drop)
    }
}

fn close_to_others(path: &Path) -> Result<()> {
    let mode = |path: &Path| fs::metadata(path).map(|found| found.permissions().mode());
    let closed = mode(path).and_then(|mode| match mode & 0o077 {
        0 => Ok(()),
        _ => fs::set_permissions(path, fs::Permissions::from_mode(0o600)),
    });
    closed.map_err(|error| files::failed("close", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(key: &str) -> Login {
        Login {
            account: "ada".to_owned(),
            organization: None,
            holding: Holding::ApiKey { key: Secret::new(key.to_owned()) },
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_read_back_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(&folder.path().join("home"));
        let mut credentials = store.read().unwrap();
        assert!(credentials.servers.is_empty());
        credentials.servers.insert(Origin::local(), login("canary"));
        store.lock().unwrap().write(&credentials).unwrap();
        assert_eq!(mode(&store.path()), 0o600);
        assert_eq!(mode(&store.home), 0o700);
        let Holding::ApiKey { key } = &store.read().unwrap().servers[&Origin::local()].holding else {
            panic!()
        };
        assert_eq!(key.reveal(), "canary");
    }

    #[test]
    fn a_file_that_others_can_read_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        fs::write(store.path(), "{\"last\": null}").unwrap();
        fs::set_permissions(store.path(), fs::Permissions::from_mode(0o644)).unwrap();
        store.read().unwrap();
        assert_eq!(mode(&store.path()), 0o600);
    }

    #[test]
    fn a_broken_file_is_named_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        fs::write(store.path(), "{\"canary\": canary").unwrap();
        let refused = store.read().unwrap_err();
        assert!(refused.to_string().contains("credentials.json"));
        assert!(!format!("{refused} {refused:?}").contains("canary"));
    }

    #[test]
    fn nothing_held_is_shown_by_debug() {
        assert!(!format!("{:?}", login("canary")).contains("canary"));
    }
}
