//! Where the settings come from: flag, then `ODAVL_*` variable, then `odavl.toml`, then the default.

use std::path::{Path, PathBuf};

use clap::Args;
use odavl_core::{Odavl, Result, Settings, config::Config};

/// The file that is read where none is named.
const FILE: &str = "odavl.toml";
const DATA: &str = "odavl-data";

/// Which installation a command works on: for the commands that run on the server.
#[derive(Debug, Clone, Args)]
pub(crate) struct Location {
    /// The folder with the database, the objects and the master key [default: ./odavl-data]
    #[arg(long, env = "ODAVL_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The configuration [default: ./odavl.toml, where there is one]
    #[arg(long, env = "ODAVL_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

impl Location {
    /// The configuration file's content; that of no file where none is named and none is there.
    pub(crate) fn read(&self) -> Result<Config> {
        match &self.config {
            Some(path) => Config::read(path),
            None if Path::new(FILE).exists() => Config::read(Path::new(FILE)),
            None => Ok(Config::default()),
        }
    }

    /// The data folder.
    pub(crate) fn data(&self, config: &Config) -> PathBuf {
        self.data.clone().or_else(|| config.data.clone()).unwrap_or_else(|| PathBuf::from(DATA))
    }

    /// Opens the installation.
    pub(crate) async fn open(&self, config: &Config, settings: Settings) -> Result<Odavl> {
        Odavl::open(&self.data(config), settings).await
    }
}
