//! What `odavl.toml` says of backups.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::{SignedDuration, tz::TimeZone};
use serde::Deserialize;

use super::{Encryption, Keep, Often, Place, Policy, Pruning, PublicKey};
use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// The environment of a source that names none.
const ENVIRONMENT: &str = "production";

/// `[backup]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupConfig {
    /// Where backups are kept: a bucket of their own, `s3://bucket/prefix?region=eu-central-1`, or a folder.
    pub store: Option<String>,
    /// For whom they are encrypted, each as `age1...`.
    pub recipients: Vec<String>,
    /// That they are not encrypted: whoever can read the store reads the databases.
    pub unencrypted: bool,
    /// Whose signatures count besides this installation's, each as `ed25519:...`.
    pub trusted: Vec<PublicKey>,
    /// The file with the identity that they are read with, where this machine verifies and restores them.
    pub identity: Option<PathBuf>,
    /// The folder that dumps are written to while they are restored. The system's temporary one.
    pub temporary: Option<PathBuf>,
    /// Who is told of what is wrong, besides the log.
    pub alerts: AlertsConfig,
    /// The databases, by name.
    pub sources: BTreeMap<String, BackupSource>,
    /// What the variables say that are named here; from the environment, never from the file.
    #[serde(skip)]
    pub variables: BTreeMap<String, Secret<String>>,
}

/// `[backup.alerts]`: who is told when a backup is late, failed, unverified or of an unusual size, and when that is over.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// The variable that the address of an incoming webhook of Slack's is in.
    pub slack_url_env: Option<String>,
    /// The file that it is in.
    pub slack_url_file: Option<PathBuf>,
    /// The address of a service of one's own.
    pub webhook_url: Option<String>,
    /// The variable that the secret is in with which messages to it are signed, as `whsec_...`.
    pub webhook_secret_env: Option<String>,
    /// The file that it is in.
    pub webhook_secret_file: Option<PathBuf>,
    /// Whether each complete backup is told, too.
    pub on_success: bool,
}

/// `[backup.sources.NAME]`: a database, named in one way.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSource {
    /// Its environment. `production`.
    pub environment: Option<String>,
    /// Its URL, as `postgres://user:password@host/database`.
    pub url: Option<Secret<String>>,
    /// The variable that its URL is in.
    pub url_env: Option<String>,
    /// The file that its URL is in.
    pub url_file: Option<PathBuf>,
    /// The file of a SQLite database.
    pub sqlite: Option<PathBuf>,
    /// The variable that the URL of a server is in on which its backups are restored to be looked at, as that of any database there.
    /// Where none is named, that is done beside the database.
    pub scratch_url_env: Option<String>,
    /// The file that it is in.
    pub scratch_url_file: Option<PathBuf>,
    /// By which rules its backups are kept: `production` (30 days, and the last 7), `staging` (7 days, and the last 3), or a
    /// table of them.
    pub keep: Option<Rules>,
    /// How often `backup run` restores one and compares: `each`, `weekly`, `never`, or `{ every = 7 }`. Each one, where its dump
    /// has less than 50 GB, and one a week where it has more.
    pub verify: Option<Often>,
    /// Whose days and weeks the rules mean, as `Europe/Berlin`. UTC.
    pub zone: Option<String>,
    /// When `odavl serve` makes them, as `H 2 * * * Europe/Berlin`. Not by itself.
    pub schedule: Option<String>,
    /// How long after that a complete one should be there, as `6h`. 6 hours.
    pub late_after: Option<SignedDuration>,
    /// How old the newest verified one may become, as `192h`. 8 days, where there is an `identity`.
    pub unverified_after: Option<SignedDuration>,
}

/// Rules, or the name of some.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Rules {
    /// `production` or `staging`.
    Preset(String),
    /// Rules of one's own.
    Own(Keep),
}

impl BackupConfig {
    /// The same, with what the environment says; `variable` looks one up, an empty one as none.
    pub(crate) fn with_variables(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        self.store = variable("ODAVL_BACKUP_STORE").or(self.store);
        self.identity = variable("ODAVL_BACKUP_IDENTITY").map(PathBuf::from).or(self.identity);
        if let Some(recipients) = variable("ODAVL_BACKUP_RECIPIENTS") {
            self.recipients = recipients.split(',').map(|one| one.trim().to_owned()).collect();
        }
        let named = self.sources.values().flat_map(|source| [&source.url_env, &source.scratch_url_env]);
        let named = named.chain([&self.alerts.slack_url_env, &self.alerts.webhook_secret_env]).flatten();
        let found = named.filter_map(|name| Some((name.clone(), Secret::new(variable(name)?))));
        self.variables = found.collect();
        self
    }

    /// For whom backups are encrypted.
    ///
    /// # Errors
    /// `invalid_input` where nobody is named, and it is not said that nobody is meant.
    pub fn encryption(&self) -> Result<Encryption> {
        match (self.recipients.is_empty(), self.unencrypted) {
            (true, true) => Ok(Encryption::Nobody),
            (false, true) => Err(Error::invalid("[backup] names recipients, and says `unencrypted = true`")),
            _ => self.recipients.join("\n").parse().map(Encryption::For),
        }
    }
}

impl BackupSource {
    /// Where the backups of the source of that name lie.
    pub fn place(&self, name: &str) -> Result<Place> {
        let environment = self.environment.as_deref().unwrap_or(ENVIRONMENT);
        Ok(Place { environment: environment.parse()?, source: name.parse()? })
    }

    /// By which rules they are kept: those of its environment, unless it has its own.
    pub fn pruning(&self) -> Result<Pruning> {
        let environment = self.environment.as_deref().unwrap_or(ENVIRONMENT);
        let policy = match &self.keep {
            Some(Rules::Own(keep)) => (*keep).try_into()?,
            Some(Rules::Preset(name)) => preset(name)?,
            None => preset(environment)?,
        };
        let zone = match self.zone.as_deref() {
            Some(zone) => TimeZone::get(zone).map_err(|error| {
                Error::invalid_with(
                    format!("there is no zone `{zone}`: {error}"),
                    "say it as `Europe/Berlin`",
                )
            })?,
            None => TimeZone::UTC,
        };
        Ok(Pruning { policy, zone })
    }
}

fn preset(name: &str) -> Result<Policy> {
    Policy::preset(name).ok_or_else(|| {
        Error::invalid_with(
            format!("there are no rules for `{name}` by which backups are kept"),
            "say `keep = \"production\"` (30 days, and the last 7), `keep = \"staging\"` (7 days, and the last 3), or \
             `keep = { daily = 7, weekly = 4 }`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BackupConfig> {
        toml::from_str(text).map_err(|error| Error::invalid(error.to_string()))
    }

    #[test]
    fn a_source_keeps_by_its_environment_unless_it_has_rules_of_its_own() {
        let config = read(
            "[sources.main]\nurl_env = 'DATABASE_URL'\n[sources.trial]\nenvironment = 'staging'\n\
             [sources.own]\nkeep = { daily = 7, weekly = 4 }\nzone = 'Europe/Berlin'\nverify = { every = 7 }\n[sources.odd]\nenvironment = 'blue'\n",
        );
        let config = config.unwrap();
        let policy = |name: &str| config.sources[name].pruning().map(|pruning| pruning.policy);
        assert_eq!(policy("main").unwrap(), Policy::PRODUCTION);
        assert_eq!(policy("trial").unwrap(), Policy::STAGING);
        assert_eq!(Keep::from(policy("own").unwrap()), Keep { daily: 7, weekly: 4, ..Keep::default() });
        assert_eq!(config.sources["own"].verify, Some(Often::Every(7.try_into().unwrap())));
        assert!(
            read("[sources.a]\nverify = 'weekly'").is_ok()
                && read("[sources.a]\nverify = { every = 0 }").is_err()
        );
        assert!(policy("odd").unwrap_err().hint().unwrap().contains("keep"));
        assert_eq!(config.sources["main"].place("main").unwrap().to_string(), "main of production");
    }

    #[test]
    fn that_nobody_is_meant_is_said_and_not_guessed() {
        assert!(read("").unwrap().encryption().is_err());
        assert!(matches!(read("unencrypted = true").unwrap().encryption(), Ok(Encryption::Nobody)));
        assert!(read("unencrypted = true\nrecipients = ['age1x']").unwrap().encryption().is_err());
        assert!(read("sources.a.urll = 'x'").is_err());
    }
}
