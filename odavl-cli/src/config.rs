//! Where the settings come from: flag, then `ODAVL_*` variable, then `odavl.toml`, then the default.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use clap::Args;
use odavl_core::{Odavl, Result, Settings, config::Config, storage::Bucket};

/// The file that is read where none is named.
const FILE: &str = "odavl.toml";
const DATA: &str = "odavl-data";
const DATABASE: &str = "ODAVL_DATABASE";
const STORAGE: &str = "ODAVL_STORAGE";
/// Where `serve` listens unless it is told otherwise.
pub(crate) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8787);

/// Which installation a command works on: for the commands that run on the server.
#[derive(Debug, Clone, Args)]
pub(crate) struct Location {
    /// The folder with the database, the objects and the master key [default: ./odavl-data]
    #[arg(long, global = true, env = "ODAVL_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration [default: ./odavl.toml, where there is one]
    #[arg(long, global = true, env = "ODAVL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Location {
    /// The configuration file's content; that of no file where none is named and none is there.
    ///
    /// The database has a variable but no flag: arguments are seen by everybody on the machine.
    pub(crate) fn read(&self) -> Result<Config> {
        let config = match &self.config {
            Some(path) => Config::read(path)?,
            None if Path::new(FILE).exists() => Config::read(Path::new(FILE))?,
            None => Config::default(),
        };
        Ok(config.with_variables(variable))
    }

    /// Which kind of database it is, and where that was said; never its URL.
    pub(crate) fn database_and_source(config: &Config) -> (&'static str, &'static str) {
        match (variable(DATABASE), &config.database) {
            (Some(_), _) => ("PostgreSQL", DATABASE),
            (None, Some(_)) => ("PostgreSQL", FILE),
            (None, None) => ("SQLite in the data folder", "default"),
        }
    }

    /// Where objects are kept, and where that was said. What is no bucket's URL may hold a secret: it is not repeated.
    pub(crate) fn storage_and_source(config: &Config) -> (String, &'static str) {
        let source = if variable(STORAGE).is_some() { STORAGE } else { FILE };
        match &config.storage {
            Some(url) if url.parse::<Bucket>().is_ok() => (url.clone(), source),
            Some(_) => ("not the URL of a bucket".to_owned(), source),
            None => ("the data folder".to_owned(), "default"),
        }
    }

    /// The data folder.
    pub(crate) fn data(&self, config: &Config) -> PathBuf {
        self.data.clone().or_else(|| config.data.clone()).unwrap_or_else(|| PathBuf::from(DATA))
    }

    /// The configuration file that is read, and where its name came from.
    pub(crate) fn file(&self) -> (Option<&Path>, &'static str) {
        match &self.config {
            Some(path) => (Some(path), named_by("ODAVL_CONFIG", path)),
            None => (Some(Path::new(FILE)).filter(|path| path.exists()), "default"),
        }
    }

    /// The data folder, and where its name came from.
    pub(crate) fn data_and_source(&self, config: &Config) -> (PathBuf, &'static str) {
        let source = match (&self.data, &config.data) {
            (Some(path), _) => named_by("ODAVL_DATA", path),
            (None, Some(_)) => FILE,
            (None, None) => "default",
        };
        (self.data(config), source)
    }

    /// Where `serve` listens and what it calls itself unless a flag says otherwise, and where that came from.
    pub(crate) fn serving(config: &Config) -> [(&'static str, String, &'static str); 2] {
        let named = |name: &'static str, file: Option<String>, usual: &str| match (variable(name), file) {
            (Some(value), _) => (value, name),
            (None, Some(value)) => (value, FILE),
            (None, None) => (usual.to_owned(), "default"),
        };
        let listen = config.serve.listen.map(|address| address.to_string());
        let (listen, listen_source) = named("ODAVL_LISTEN", listen, &LISTEN.to_string());
        let nowhere = listen.parse().is_ok_and(|address: SocketAddr| is_nowhere(address.ip()));
        let usual = if nowhere { "none; `serve` needs one".to_owned() } else { format!("http://{listen}") };
        let (url, url_source) = named("ODAVL_PUBLIC_URL", config.public_url.clone(), &usual);
        [("listens on", listen, listen_source), ("public URL", url, url_source)]
    }

    /// Opens the installation.
    pub(crate) async fn open(&self, config: &Config, settings: Settings) -> Result<Odavl> {
        Odavl::open(&self.data(config), settings).await
    }
}

/// What a variable says. A URL that is not UTF-8 is refused as one rather than taken for none: that would be another
/// place.
fn variable(name: &str) -> Option<String> {
    let said = std::env::var_os(name).filter(|said| !said.is_empty())?;
    Some(said.to_string_lossy().into_owned())
}

/// Whether it stands for all addresses of a machine: that can be listened on, and not opened.
pub(crate) fn is_nowhere(address: IpAddr) -> bool {
    address.to_canonical().is_unspecified()
}

/// The variable, where it says the same as what was found; else a flag goes before it.
fn named_by(variable: &'static str, path: &Path) -> &'static str {
    if std::env::var_os(variable).is_some_and(|value| value == path) { variable } else { "flag" }
}
