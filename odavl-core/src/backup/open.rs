//! From the configuration to sources: which database, which store, which keys.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::SignedDuration;

use super::{
    Alerting, Backup, BackupConfig, BackupSource, Identities, Job, Keys, Often, Routine, Schedule, Scratch,
    SigningKey, Sources, SqliteBackup, Trusted, Vault, sources::Opening,
};
use crate::{
    clock::Clock,
    config::Config,
    error::{Error, Result},
    seal::MasterKey,
    secret::Secret,
    storage::{Bucket, DirectUrls, FsStorage, Storage},
};

/// How long after its time a complete backup should be there, unless it is said.
const LATE_AFTER: SignedDuration = SignedDuration::from_hours(6);
/// How old the newest verified backup may become, unless it is said.
const UNVERIFIED_AFTER: SignedDuration = SignedDuration::from_hours(8 * 24);

/// What `[backup]` says, and what of the rest it needs.
#[derive(Debug, Clone)]
pub struct BackupSettings {
    /// What it says.
    pub config: BackupConfig,
    /// The bucket that it names as its store; `None` where that is a folder.
    pub bucket: Option<Bucket>,
}

/// What the installation is, whose sources they are.
#[derive(Debug)]
pub(crate) struct Installation<'a> {
    /// Its folder.
    pub(crate) data: &'a Path,
    /// Its database; `None` is SQLite in the folder.
    pub(crate) database: Option<&'a Secret<String>>,
    /// What its signing key is made of.
    pub(crate) master: &'a MasterKey,
    pub(crate) clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Closed {
    settings: BackupSettings,
    data: PathBuf,
    keys: Keys,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Opening for Closed {
    async fn open(&self) -> Result<Vault> {
        let keys = Keys { identities: self.settings.config.identities()?, ..self.keys.clone() };
        let store = open_store(&self.settings, &self.data, self.clock.clone()).await?;
        Ok(Vault::new(store, self.clock.clone(), keys))
    }
}

impl Sources {
    /// The sources of a configuration; their store is opened when it is needed first.
    ///
    /// # Errors
    /// `invalid_input` for what cannot be meant.
    pub(crate) fn open(settings: &BackupSettings, installation: &Installation<'_>) -> Result<Self> {
        let config = &settings.config;
        let (signing, trusted) = SigningKey::of_installation(installation.master)?;
        let keys = Keys {
            signing,
            trusted: config.trusted.iter().fold(trusted, |all: Trusted, key| all.and(*key)),
            encryption: config.encryption()?,
            identities: Identities::default(),
        };
        let jobs = config.sources.iter().map(|(name, source)| job(config, (name, source), installation));
        let jobs = jobs.collect::<Result<Vec<_>>>()?;
        let closed = Closed {
            settings: settings.clone(),
            data: installation.data.to_owned(),
            keys,
            clock: installation.clock.clone(),
        };
        Ok(Self::opened_by(Box::new(closed), jobs, config.alerting()?))
    }
}

impl Config {
    /// What `[backup]` says; `None` where it names no store.
    ///
    /// # Errors
    /// `invalid_input` where backups are to be made by a schedule, and nobody says where to.
    pub fn backup_settings(&self) -> Result<Option<BackupSettings>> {
        let config = self.backup.clone();
        let bucket = match config.store.as_deref() {
            Some(url) if url.starts_with("s3://") => {
                Self { storage: Some(url.to_owned()), ..self.clone() }.bucket()?
            }
            Some(_) => None,
            None if config.sources.values().any(|source| source.schedule.is_some()) => {
                return Err(Error::invalid_with(
                    "[backup.sources] has a schedule, and it is not said where backups are kept",
                    "say `store` in [backup]: s3://bucket, or a folder",
                ));
            }
            None => return Ok(None),
        };
        Ok(Some(BackupSettings { config, bucket }))
    }
}

fn job(
    config: &BackupConfig,
    (name, source): (&str, &BackupSource),
    installation: &Installation<'_>,
) -> Result<Job> {
    let place = source.place(name)?;
    let text = source.schedule.as_deref();
    let schedule = text.map(|text| Schedule::new(text, &place.to_string())).transpose()?;
    // Verified here is only what can be read here.
    let verifies = (config.identity.is_some() || config.unencrypted) && source.verify != Some(Often::Never);
    let unverified_after = source.unverified_after.or(verifies.then_some(UNVERIFIED_AFTER));
    let routine = schedule.map(|schedule| Routine {
        schedule,
        late_after: source.late_after.unwrap_or(LATE_AFTER),
        unverified_after,
    });
    let own = (installation.data, installation.database);
    Ok(Job {
        place,
        database: config.database(source, own).map_err(Arc::new),
        scratch: config.scratch(source, own).map_err(Arc::new),
        pruning: source.pruning()?,
        verify: source.verify,
        routine,
    })
}

impl BackupConfig {
    /// The database of a source: named in one way, or that of the installation in the folder `data`, whose URL is `own`.
    ///
    /// # Errors
    /// `invalid_input` where it is not there, or is named in two ways.
    pub fn database(
        &self,
        source: &BackupSource,
        (data, own): (&Path, Option<&Secret<String>>),
    ) -> Result<Arc<dyn Backup>> {
        match (&source.url, &source.url_env, &source.url_file, &source.sqlite) {
            (Some(url), None, None, None) => self.postgres(url.reveal()),
            (None, Some(variable), None, None) => self.postgres_of(variable),
            (None, None, Some(file), None) => self.postgres(read_secret(file)?.reveal().trim()),
            (None, None, None, Some(path)) => Ok(self.sqlite(path.clone())),
            (None, None, None, None) => match own {
                Some(url) => self.postgres(url.reveal()),
                None => Ok(self.sqlite(data.join("odavl.db"))),
            },
            _ => Err(Error::invalid("a source has one of `url`, `url_env`, `url_file` and `sqlite`")),
        }
    }

    /// Where backups of a source are restored to be looked at: on the server that is named for it, or beside the database.
    ///
    /// # Errors
    /// `invalid_input` where a server is named in two ways, or its URL is not there; as [`BackupConfig::database`].
    pub fn scratch(&self, source: &BackupSource, own: (&Path, Option<&Secret<String>>)) -> Result<Scratch> {
        match (&source.scratch_url_env, &source.scratch_url_file) {
            (Some(variable), None) => self.postgres_of(variable).map(Scratch::On),
            (None, Some(file)) => self.postgres(read_secret(file)?.reveal().trim()).map(Scratch::On),
            (None, None) => self.database(source, own).map(Scratch::Beside),
            (Some(_), Some(_)) => {
                Err(Error::invalid("a source has one of `scratch_url_env` and `scratch_url_file`"))
            }
        }
    }

    /// The database whose URL is in that variable.
    fn postgres_of(&self, variable: &str) -> Result<Arc<dyn Backup>> {
        let url = self.variables.get(variable);
        self.postgres(url.ok_or_else(|| unset(variable, ("URL of a database", "postgres://...")))?.reveal())
    }

    /// What they are read with; none, where no file is named.
    pub fn identities(&self) -> Result<Identities> {
        let path = self.identity.as_deref();
        path.map_or_else(|| Ok(Identities::default()), |path| read_secret(path)?.reveal().parse())
    }

    #[cfg(feature = "postgres")]
    fn postgres(&self, url: &str) -> Result<Arc<dyn Backup>> {
        let database = super::PostgresBackup::new(url)?;
        Ok(match &self.temporary {
            Some(folder) => Arc::new(database.with_temporary(folder)),
            None => Arc::new(database),
        })
    }

    #[cfg(not(feature = "postgres"))]
    #[expect(clippy::unused_self, reason = "with the feature it has a temporary folder")]
    fn postgres(&self, _: &str) -> Result<Arc<dyn Backup>> {
        Err(Error::Unsupported("this odavl was built without PostgreSQL".to_owned()))
    }

    fn sqlite(&self, path: PathBuf) -> Arc<dyn Backup> {
        let database = SqliteBackup::new(path);
        match &self.temporary {
            Some(folder) => Arc::new(database.with_temporary(folder)),
            None => Arc::new(database),
        }
    }

    /// Who is told.
    pub(super) fn alerting(&self) -> Result<Alerting> {
        let alerts = &self.alerts;
        let one = |what: &str, variable: &Option<String>, file: &Option<PathBuf>| match (variable, file) {
            (Some(variable), None) => {
                let found = self.variables.get(variable).cloned();
                found.map(Some).ok_or_else(|| unset(variable, (what, "...")))
            }
            (None, Some(file)) => read_secret(file).map(Some),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(Error::invalid(format!("the {what} is in a variable or in a file, not in both")))
            }
        };
        let slack = one("address of Slack's webhook", &alerts.slack_url_env, &alerts.slack_url_file)?;
        let secret = one("secret of the webhook", &alerts.webhook_secret_env, &alerts.webhook_secret_file)?;
        let webhook = match (&alerts.webhook_url, secret) {
            (Some(url), Some(secret)) => Some((url.clone(), secret.reveal().parse()?)),
            (None, None) => None,
            _ => {
                return Err(Error::invalid_with(
                    "[backup.alerts] has a webhook without a secret, or a secret without a webhook",
                    "say `webhook_url`, and `webhook_secret_env` or `webhook_secret_file`",
                ));
            }
        };
        let slack = slack.map(|url| Secret::new(url.reveal().trim().to_owned()));
        Ok(Alerting { slack, webhook, on_success: alerts.on_success })
    }
}

fn unset(variable: &str, (what, example): (&str, &str)) -> Error {
    Error::invalid_with(
        format!("the variable {variable} holds no {what}"),
        format!("set it: `export {variable}={example}`"),
    )
}

/// The store that backups are kept in: the bucket, or the folder that is named.
pub async fn open_store(
    BackupSettings { config, bucket }: &BackupSettings,
    data: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Storage>> {
    if let Some(bucket) = bucket {
        return open_bucket(bucket.clone(), clock);
    }
    let folder = PathBuf::from(config.store.as_deref().ok_or_else(no_store)?);
    if real(&folder)?.starts_with(real(data)?) {
        let hint = "name a folder elsewhere, on another disk or machine";
        return Err(Error::invalid_with("backups in the data folder are lost together with it", hint));
    }
    // Nothing is signed here: any key does.
    let urls = DirectUrls::new("http://127.0.0.1", &Secret::new([0; 32]))?;
    Ok(Arc::new(FsStorage::open(&folder, clock, urls).await?))
}

/// Where that really is, whatever links and `..` are in it; it need not be there yet.
fn real(path: &Path) -> Result<PathBuf> {
    let whole = std::path::absolute(path).map_err(|error| {
        Error::invalid_with(format!("`{}` is no folder: {error}", path.display()), "name a folder")
    })?;
    let mut real = PathBuf::new();
    for part in whole.components() {
        match part {
            Component::ParentDir => {
                real.pop();
            }
            part => real.push(part),
        }
        real = real.canonicalize().unwrap_or(real);
    }
    Ok(real)
}

/// Nobody said where backups are kept.
pub fn no_store() -> Error {
    Error::invalid_with(
        "it is not said where backups are kept",
        "say it with --store (s3://bucket, or a folder), ODAVL_BACKUP_STORE, or `store` in [backup]",
    )
}

#[cfg(feature = "s3")]
fn open_bucket(bucket: Bucket, clock: Arc<dyn Clock>) -> Result<Arc<dyn Storage>> {
    Ok(Arc::new(crate::storage::S3Storage::open(bucket, clock)?))
}

#[cfg(not(feature = "s3"))]
fn open_bucket(_: Bucket, _: Arc<dyn Clock>) -> Result<Arc<dyn Storage>> {
    Err(Error::Unsupported("this odavl was built without S3: name a folder".to_owned()))
}

/// What is in a file that holds a secret: nobody else may read it.
///
/// # Errors
/// `invalid_input` where others may, or it cannot be read.
pub fn read_secret(path: &Path) -> Result<Secret<String>> {
    use std::os::unix::fs::PermissionsExt as _;
    let cannot = |error: std::io::Error| {
        Error::invalid_with(
            format!("{} cannot be read: {error}", path.display()),
            "name the file that is meant",
        )
    };
    if fs::metadata(path).map_err(cannot)?.permissions().mode() & 0o077 != 0 {
        let hint = format!("run `chmod 600 {}`", path.display());
        return Err(Error::invalid_with(format!("others may read {}", path.display()), hint));
    }
    fs::read_to_string(path).map(Secret::new).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[tokio::test]
    async fn a_folder_in_that_of_the_installation_is_refused_however_it_is_named() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("data");
        fs::create_dir(&data).unwrap();
        std::os::unix::fs::symlink(&data, root.path().join("link")).unwrap();
        let here = std::env::current_dir().unwrap();
        let up = here.components().skip(1).map(|_| "..").collect::<PathBuf>();
        let relative = up.join(data.strip_prefix("/").unwrap());
        let opened = async |store: PathBuf, data: &Path| {
            let store = Some(store.to_str().unwrap().to_owned());
            let config = BackupConfig { store, ..BackupConfig::default() };
            let settings = BackupSettings { config, bucket: None };
            open_store(&settings, data, Arc::new(SystemClock)).await
        };
        for named in [
            data.join("backups"),
            root.path().join("link/backups"),
            root.path().join("not-there/../data/backups"),
            relative.join("backups"),
        ] {
            let refused = opened(named.clone(), &data).await.unwrap_err();
            assert!(refused.to_string().contains("lost together"), "{}: {refused}", named.display());
        }
        assert!(opened(data.join("backups"), &relative).await.is_err());
        assert!(opened(root.path().join("data-too"), &data).await.is_ok());
    }
}
