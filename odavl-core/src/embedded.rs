//! The embedded default: one folder with the database, the objects and the master key, and no other service. Or, where
//! the settings name a database, any number of nodes on one PostgreSQL; where they name a bucket, the objects are there.

use std::{
    fs::{DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

#[cfg(feature = "backup")]
use crate::backup::Sources;
use crate::{
    auth::{AuditSeal, Auth, Change, SqlAuth, Write},
    clock::{Clock, SystemClock},
    config::Settings,
    db::Db,
    error::{Error, Result},
    life::Life,
    metering::{Metering, SqliteMetering},
    odavl::Odavl,
    seal::MasterKey,
    secret::Secret,
    storage::{Bucket, Copied, DirectUrls, FsStorage, SqlCatalog, Storage, copy_objects},
    uploads::SqlUploads,
    webhooks::SqlWebhooks,
};

impl Odavl {
    /// Opens the installation in the folder `data`, which is made where it is not there.
    ///
    /// The folder is readable by its owner alone; so is the master key in it. Keep a copy of `master.key` apart from
    /// every backup: without it, what is sealed in the database stays sealed. Nodes that share a database have the same
    /// key: one is made with the installation, and never for one that is there.
    pub async fn open(data: &Path, settings: Settings) -> Result<Self> {
        make_private(data).map_err(|error| {
            Error::unavailable(format!("the folder {} cannot be made", data.display()), Some(error.into()))
        })?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (db, metering) = open_database(data, &settings, clock.clone()).await?;
        let life = db.life().clone();
        let auth = SqlAuth::new(db.clone());
        let master = master_key(&data.join("master.key"), &auth).await?;
        let storage = open_storage(data, &settings, &master, clock.clone(), &life).await?;
        let builder = Self::builder();
        #[cfg(feature = "backup")]
        let builder = {
            let (database, clock) = (settings.database.as_ref(), clock.clone());
            let installation = crate::backup::Installation { data, database, master: &master, clock };
            let sources = settings.backup.as_ref().map(|backup| Sources::open(backup, &installation));
            sources.transpose()?.into_iter().fold(builder, crate::odavl::Builder::backups)
        };
        builder
            .auth(Arc::new(auth))
            .metering(metering)
            .storage(storage)
            .objects(Arc::new(SqlCatalog::new(db.clone())))
            .uploads(Arc::new(SqlUploads::new(db.clone())))
            .webhooks(Arc::new(SqlWebhooks::new(db)))
            .settings(settings)
            .master_key(master)
            .clock(clock)
            .ended(life.ended())
            .build()
    }
}

/// Copies the objects in the folder `data` to the bucket that `settings` name, as [`copy_objects`] does.
///
/// # Errors
/// `invalid_input` where they name none; as the bucket.
pub async fn copy_to_bucket(
    data: &Path,
    settings: &Settings,
    watch: &(dyn Fn(u64, u64) + Sync),
) -> Result<Copied> {
    let nowhere = || Error::invalid_with("no bucket is named", "say it as s3://bucket");
    let bucket = settings.bucket.as_ref().ok_or_else(nowhere)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let to = open_bucket(bucket, clock.clone())?;
    to.ready().await?;
    // Nothing is signed here: any key does.
    let urls = DirectUrls::new(&settings.public_url, &Secret::new([0; 32]))?;
    let from: Arc<dyn Storage> = Arc::new(FsStorage::open(&data.join("objects"), clock, urls).await?);
    copy_objects(&from, &to, watch).await
}

/// The key in that file. A new one beside people who are there would seal and sign what no other node can read, and no
/// record from before would hold under it.
async fn master_key(path: &Path, auth: &SqlAuth) -> Result<MasterKey> {
    let is_known = auth.key_check().await?.is_some() || auth.is_set_up().await?;
    if is_known && !path.exists() {
        let what = "there is an installation in the database, and its master key is not in";
        return Err(Error::invalid_with(format!("{what} {}", path.display()), LOST));
    }
    let master = MasterKey::open_or_create(path)?;
    if is_same(&master, auth).await? {
        return Ok(master);
    }
    let what =
        format!("the master key in {} is not that of the installation in the database", path.display());
    Err(Error::invalid_with(what, LOST))
}

const LOST: &str = "copy it there from another node or from where you keep it; if it is lost, write 64 hexadecimal \
    digits of `openssl rand -hex 32` there (mode 0600) and have the database forget the old one (`DELETE FROM \
    master_key_checks`): then records and sign-ins from before do not hold";

/// Whether it is what all nodes have: the first one says what that is, and one that was given a newer version, too.
async fn is_same(master: &MasterKey, auth: &SqlAuth) -> Result<bool> {
    let (newest, older) = master.checks();
    loop {
        let from = auth.key_check().await?;
        match from {
            Some(there) if there == newest => return Ok(true),
            Some(there) if !older.contains(&there) => return Ok(false),
            _ => {}
        }
        let (changes, seal) = (vec![Change::PutKeyCheck { from, to: newest }], AuditSeal::of(master));
        match auth.write(Write { changes, bump: Vec::new(), audit: Vec::new(), seal }).await {
            // Another node was first.
            Err(Error::Conflict(_)) => {}
            written => return written.map(|_| true),
        }
    }
}

/// The database that the settings name, or the folder's own; and the books in it.
async fn open_database(
    data: &Path,
    settings: &Settings,
    clock: Arc<dyn Clock>,
) -> Result<(Db, Arc<dyn Metering>)> {
    if let Some(url) = &settings.database {
        return open_postgres(url, clock).await;
    }
    let db = Db::open_sqlite(data.join("odavl.db"), &*clock).await?;
    Ok((db.clone(), Arc::new(SqliteMetering::new(db, clock))))
}

/// How many connections a node has at most, beside the one that it meters on.
#[cfg(feature = "postgres")]
const POOL: usize = 16;

#[cfg(feature = "postgres")]
async fn open_postgres(url: &Secret<String>, clock: Arc<dyn Clock>) -> Result<(Db, Arc<dyn Metering>)> {
    let db = Db::open_postgres(url.reveal(), POOL, &*clock).await?;
    Ok((db.clone(), Arc::new(crate::metering::PostgresMetering::new(db, clock))))
}

#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "with the feature it waits")]
async fn open_postgres(_: &Secret<String>, _: Arc<dyn Clock>) -> Result<(Db, Arc<dyn Metering>)> {
    let what = "this odavl was built without PostgreSQL: build it with the feature `postgres`";
    Err(Error::Unsupported(what.to_owned()))
}

/// The bucket that the settings name, or the folder's own objects.
async fn open_storage(
    data: &Path,
    settings: &Settings,
    master: &MasterKey,
    clock: Arc<dyn Clock>,
    life: &Life,
) -> Result<Arc<dyn Storage>> {
    if let Some(bucket) = &settings.bucket {
        return open_bucket(bucket, clock);
    }
    let urls = DirectUrls::of(settings, master)?;
    Ok(Arc::new(FsStorage::open_within(life, &data.join("objects"), clock, urls).await?))
}

#[cfg(feature = "s3")]
fn open_bucket(bucket: &Bucket, clock: Arc<dyn Clock>) -> Result<Arc<dyn Storage>> {
    Ok(Arc::new(crate::storage::S3Storage::open(bucket.clone(), clock)?))
}

#[cfg(not(feature = "s3"))]
fn open_bucket(_: &Bucket, _: Arc<dyn Clock>) -> Result<Arc<dyn Storage>> {
    let what = "this odavl was built without S3: build it with the feature `s3`";
    Err(Error::Unsupported(what.to_owned()))
}

fn make_private(data: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    std::fs::set_permissions(data, Permissions::from_mode(0o700))
}
