//! The embedded default: one folder with the database, the objects and the master key, and no other service.

use std::{
    fs::{DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use crate::{
    auth::SqlAuth,
    clock::{Clock, SystemClock},
    config::Settings,
    db::Db,
    error::{Error, Result},
    metering::SqliteMetering,
    odavl::Odavl,
    seal::MasterKey,
    storage::{DirectUrls, FsStorage, SqlCatalog},
    uploads::SqlUploads,
};

impl Odavl {
    /// Opens the installation in the folder `data`, which is made where it is not there.
    ///
    /// The folder is readable by its owner alone; so is the master key in it. Keep a copy of `master.key` apart from
    /// every backup: without it, what is sealed in the database stays sealed.
    pub async fn open(data: &Path, settings: Settings) -> Result<Self> {
        make_private(data).map_err(|error| {
            Error::unavailable(format!("the folder {} cannot be made", data.display()), Some(error.into()))
        })?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let master = MasterKey::open_or_create(&data.join("master.key"))?;
        let db = Db::open_sqlite(data.join("odavl.db"), &*clock).await?;
        let urls = DirectUrls::of(&settings, &master)?;
        let storage = FsStorage::open(&data.join("objects"), clock.clone(), urls).await?;
        Self::builder()
            .auth(Arc::new(SqlAuth::new(db.clone())))
            .metering(Arc::new(SqliteMetering::new(db.clone(), clock.clone())))
            .storage(Arc::new(storage))
            .objects(Arc::new(SqlCatalog::new(db.clone())))
            .uploads(Arc::new(SqlUploads::new(db)))
            .settings(settings)
            .master_key(master)
            .clock(clock)
            .build()
    }
}

fn make_private(data: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(data)?;
    std::fs::set_permissions(data, Permissions::from_mode(0o700))
}
