//! Which database, which store, and which keys: from flags, variables and `odavl.toml`.

use std::{
    env,
    path::{Path, PathBuf},
    sync::Arc,
};

use odavl_core::{
    Error, SystemClock,
    backup::{
        Backup, BackupConfig, BackupSource, Identities, Keys, Often, Place, Pruning, Scratch, SigningKey,
        Trusted, Vault, no_store, open_store, read_secret,
    },
    db::holds_password,
    seal::MasterKey,
    secret::Secret,
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
    /// The variable that the URL of another server is in, on which backups are restored to be looked at [default: beside the database]
    #[arg(long, value_name = "NAME", conflicts_with = "scratch_url_file")]
    scratch_url_env: Option<String>,
    /// The file that its URL is in
    #[arg(long, value_name = "FILE")]
    scratch_url_file: Option<PathBuf>,
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
    /// The database; a source that is only listed needs none.
    pub(super) database: Result<Arc<dyn Backup>, Error>,
    /// Where they are restored to be looked at.
    pub(super) scratch: Result<Scratch, Error>,
}

pub(super) async fn open(named: &Named, location: &Location, output: Output) -> Result<Opened> {
    let name = name(named)?;
    let mut config = location.read()?;
    let data = location.data(&config);
    say(named, &mut config.backup);
    let settings = config.backup_settings()?.ok_or_else(no_store)?;
    let backup = &settings.config;
    let source = source(named, backup);
    let place = source.place(&name)?;
    let identities = backup.identities()?;
    let (signing, trusted) = signing(named, &data)?;
    let keys = Keys {
        signing,
        trusted: backup.trusted.iter().fold(trusted, |all, key| all.and(*key)),
        encryption: backup.encryption()?,
        identities: identities.clone(),
    };
    let clock = Arc::new(SystemClock);
    let store = open_store(&settings, &data, clock.clone()).await?;
    let vault = Vault::new(store, clock, keys).telling(Arc::new(Bars::new(output)));
    let own = (data.as_path(), config.database.as_ref());
    Ok(Opened {
        vault,
        place,
        pruning: source.pruning()?,
        verify: source.verify,
        identities,
        database: backup.database(&source, own),
        scratch: backup.scratch(&source, own),
    })
}

/// What flags say goes before what the configuration says.
fn say(named: &Named, backup: &mut BackupConfig) {
    backup.store = named.store.clone().or(backup.store.take());
    backup.identity = named.identity.clone().or(backup.identity.take());
    if !named.recipient.is_empty() {
        backup.recipients.clone_from(&named.recipient);
    }
    for variable in [&named.url_env, &named.scratch_url_env].into_iter().flatten() {
        if let Some(url) = env::var(variable).ok().filter(|url| !url.is_empty()) {
            backup.variables.insert(variable.clone(), Secret::new(url));
        }
    }
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
    if named.scratch_url_env.is_some() || named.scratch_url_file.is_some() {
        source.scratch_url_env.clone_from(&named.scratch_url_env);
        source.scratch_url_file.clone_from(&named.scratch_url_file);
    }
    source.environment = named.environment.clone().or(source.environment);
    source
}

/// What signs: the key in the file that is named, or that of the installation.
fn signing(named: &Named, data: &Path) -> Result<(SigningKey, Trusted)> {
    if let Some(path) = &named.signing_key {
        let text = read_secret(path)?;
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
