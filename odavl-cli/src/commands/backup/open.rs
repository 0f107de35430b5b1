//! Which database, which store, and which keys: from flags, variables and `odavl.toml`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use odavl_core::{
    Error, SystemClock,
    backup::{
        Backup, BackupConfig, BackupSource, Identities, Keys, Often, Place, PostgresBackup, Pruning,
        SigningKey, SqliteBackup, Trusted, Vault,
    },
    config::Config,
    db::holds_password,
    seal::MasterKey,
    secret::Secret,
    storage::{DirectUrls, FsStorage, Storage},
};

use super::shown::Bars;
use crate::{config::Location, failure::Result, output::Output};

/// The source that is there without being named: odavl's own database.
const OWN: &str = "odavl";

/// A database, and where its backups are.
#[derive(Debug, clap::Args)]
pub(super) struct Named {
    /// The source's name: one of `[backup.sources]`, `odavl` for its own database, or any with --url-env, --url-file or --sqlite
    #[arg(default_value = OWN)]
    source: String,
    /// The variable that the PostgreSQL database's URL is in
    #[arg(long, value_name = "NAME", conflicts_with_all = ["url_file", "sqlite"])]
    url_env: Option<String>,
    /// The file that its URL is in
    #[arg(long, value_name = "FILE", conflicts_with = "sqlite")]
    url_file: Option<PathBuf>,
    /// The file of the SQLite database
    #[arg(long, value_name = "FILE")]
    sqlite: Option<PathBuf>,
    /// The environment, which says by which rules backups are kept [default: production]
    #[arg(long)]
    environment: Option<String>,
    /// Where backups are kept: the URL of a bucket, or a folder [default: that of the configuration]
    #[arg(long, env = "ODAVL_BACKUP_STORE", value_name = "STORE")]
    store: Option<String>,
    /// For whom they are encrypted, as age1...; may be said again [default: those of the configuration]
    #[arg(long, env = "ODAVL_BACKUP_RECIPIENTS", value_name = "AGE", value_delimiter = ',')]
    recipient: Vec<String>,
    /// The file with the identity that they are read with
    #[arg(long, env = "ODAVL_BACKUP_IDENTITY", value_name = "FILE")]
    identity: Option<PathBuf>,
    /// The file with the key that they are signed with [default: made of the installation's master key]
    #[arg(long, env = "ODAVL_BACKUP_SIGNING_KEY", value_name = "FILE")]
    signing_key: Option<PathBuf>,
}

/// All that a command needs.
pub(super) struct Opened {
    pub(super) vault: Vault,
    pub(super) place: Place,
    pub(super) pruning: Pruning,
    pub(super) verify: Option<Often>,
    pub(super) identities: Identities,
    database: Result<Arc<dyn Backup>, Error>,
}

impl Opened {
    /// The database; a source that is only listed needs none.
    pub(super) fn database(self: &Opened) -> Result<Arc<dyn Backup>> {
        match &self.database {
            Ok(database) => Ok(database.clone()),
            Err(error) => {
                Err(Error::invalid_with(error.to_string(), error.hint().unwrap_or_default()).into())
            }
        }
    }
}

pub(super) async fn open(named: &Named, location: &Location, output: Output) -> Result<Opened> {
    let config = location.read()?;
    let data = location.data(&config);
    let mut backup = config.backup.clone();
    if !named.recipient.is_empty() {
        backup.recipients.clone_from(&named.recipient);
    }
    let source = source(named, &backup);
    let place = source.place(&name(named)?)?;
    let identities = match &named.identity {
        Some(path) => secret(path)?.reveal().parse()?,
        None => Identities::default(),
    };
    let (signing, trusted) = signing(named, &data)?;
    let keys = Keys {
        signing,
        trusted: trusted_all(trusted, &backup),
        encryption: backup.encryption()?,
        identities: identities.clone(),
    };
    let store = store(named, (&config, &backup), &data).await?;
    let vault = Vault::new(store, Arc::new(SystemClock), keys).telling(Arc::new(Bars::new(output)));
    let database = database(&source, (&config, &backup), &data);
    Ok(Opened { vault, place, pruning: source.pruning()?, verify: source.verify, identities, database })
}

/// A URL is no name, and one with a password is seen by everybody on the machine.
fn name(named: &Named) -> Result<String> {
    if !named.source.contains("://") {
        return Ok(named.source.clone());
    }
    let secret = holds_password(&named.source).unwrap_or(true);
    let what = if secret { "a URL with a password" } else { "a URL" };
    let detail = format!("{what} stands where the source's name belongs");
    let hint = "give it a name, and say where the URL is: `odavl backup create main --url-env DATABASE_URL`";
    Err(Error::invalid_with(detail, hint).into())
}

fn source(named: &Named, backup: &BackupConfig) -> BackupSource {
    let mut source = backup.sources.get(&named.source).cloned().unwrap_or_default();
    if named.url_env.is_some() || named.url_file.is_some() || named.sqlite.is_some() {
        source.url = None;
        source.url_env.clone_from(&named.url_env);
        source.url_file.clone_from(&named.url_file);
        source.sqlite.clone_from(&named.sqlite);
    }
    source.environment = named.environment.clone().or(source.environment);
    source
}

fn database(
    source: &BackupSource,
    (config, backup): (&Config, &BackupConfig),
    data: &Path,
) -> Result<Arc<dyn Backup>, Error> {
    let postgres = |url: &str| -> Result<Arc<dyn Backup>, Error> {
        let database = PostgresBackup::new(url)?;
        Ok(match &backup.temporary {
            Some(folder) => Arc::new(database.with_temporary(folder)),
            None => Arc::new(database),
        })
    };
    let sqlite = |path: PathBuf| -> Result<Arc<dyn Backup>, Error> {
        let database = SqliteBackup::new(path);
        Ok(match &backup.temporary {
            Some(folder) => Arc::new(database.with_temporary(folder)),
            None => Arc::new(database),
        })
    };
    match (&source.url, &source.url_env, &source.url_file, &source.sqlite) {
        (Some(url), None, None, None) => postgres(url.reveal()),
        (None, Some(variable), None, None) => {
            let url = env::var(variable).ok().filter(|url| !url.is_empty()).ok_or_else(|| {
                Error::invalid_with(
                    format!("the variable {variable} holds no URL of a database"),
                    format!("set it: `export {variable}=postgres://...`"),
                )
            })?;
            postgres(&url)
        }
        (None, None, Some(file), None) => postgres(secret(file)?.reveal().trim()),
        (None, None, None, Some(path)) => sqlite(path.clone()),
        (None, None, None, None) => match &config.database {
            Some(url) => postgres(url.reveal()),
            None => sqlite(data.join("odavl.db")),
        },
        _ => Err(Error::invalid("a source has one of `url`, `url_env`, `url_file` and `sqlite`")),
    }
}

/// What signs: the key in the file that is named, or that of the installation.
fn signing(named: &Named, data: &Path) -> Result<(SigningKey, Trusted)> {
    if let Some(path) = &named.signing_key {
        let text = secret(path)?;
        let line = text.reveal().lines().find(|line| !line.starts_with('#')).unwrap_or_default();
        return Ok((line.parse()?, Trusted::default()));
    }
    let master = data.join("master.key");
    if !master.exists() {
        let detail = "there is nothing to sign backups with";
        let hint = "name a key with --signing-key (`odavl backup key --signing FILE` makes one), or the installation's \
                    folder with --data";
        return Err(Error::invalid_with(detail, hint).into());
    }
    Ok(SigningKey::of_installation(&MasterKey::open_or_create(&master)?)?)
}

fn trusted_all(trusted: Trusted, backup: &BackupConfig) -> Trusted {
    backup.trusted.iter().fold(trusted, |all, key| all.and(*key))
}

async fn store(
    named: &Named,
    (config, backup): (&Config, &BackupConfig),
    data: &Path,
) -> Result<Arc<dyn Storage>> {
    let Some(url) = named.store.clone().or_else(|| backup.store.clone()) else {
        let hint =
            "say it with --store (s3://bucket, or a folder), ODAVL_BACKUP_STORE, or `store` in [backup]";
        return Err(Error::invalid_with("it is not said where backups are kept", hint).into());
    };
    if url.starts_with("s3://") {
        let bucket = Config { storage: Some(url), ..config.clone() }.bucket()?;
        let none = || Err(Error::internal("a bucket is none", None).into());
        return bucket.map_or_else(none, bucket_store);
    }
    let folder = PathBuf::from(&url);
    if folder.starts_with(data) {
        let hint = "name a folder elsewhere, on another disk or machine";
        return Err(Error::invalid_with("backups in the data folder are lost together with it", hint).into());
    }
    // Nothing is signed here: any key does.
    let urls = DirectUrls::new("http://127.0.0.1", &Secret::new([0; 32]))?;
    Ok(Arc::new(FsStorage::open(&folder, Arc::new(SystemClock), urls).await?))
}

#[cfg(feature = "s3")]
fn bucket_store(bucket: odavl_core::storage::Bucket) -> Result<Arc<dyn Storage>> {
    Ok(Arc::new(odavl_core::storage::S3Storage::open(bucket, Arc::new(SystemClock))?))
}

#[cfg(not(feature = "s3"))]
fn bucket_store(_: odavl_core::storage::Bucket) -> Result<Arc<dyn Storage>> {
    Err(Error::Unsupported("this odavl was built without S3: name a folder".to_owned()).into())
}

/// A file that holds a secret: nobody else may read it.
fn secret(path: &Path) -> Result<Secret<String>, Error> {
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
