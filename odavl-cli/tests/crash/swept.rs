//! What is left of an installation that no process has, once everything that expires has expired and was swept.

use std::{fs, path::Path, sync::Arc};

use jiff::SignedDuration;
use odavl_core::{
    Clock, ManualClock, Odavl, SystemClock,
    auth::SqlAuth,
    config::Config,
    db::Db,
    metering::SqliteMetering,
    seal::MasterKey,
    storage::{DirectUrls, FsStorage, SqlCatalog},
    uploads::SqlUploads,
    webhooks::SqlWebhooks,
};

use crate::service::Installation;

/// Longer than anything lives that nobody goes on with.
const LATER: SignedDuration = SignedDuration::from_hours(3 * 24);

/// Sweeps, days later.
pub(crate) fn sweep_later(installation: &Installation) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(ManualClock::new(SystemClock.now() + LATER));
        let odavl = open(installation, clock.clone()).await;
        // What comes to nothing now is given back once it is gone.
        for _ in 0..2 {
            odavl.sweep().await.unwrap();
            clock.advance(LATER);
        }
    });
}

/// The embedded default, with a clock of the test's own.
async fn open(installation: &Installation, clock: Arc<dyn Clock>) -> Odavl {
    let data = installation.data();
    let settings = Config::read(&installation.config()).unwrap().settings("http://127.0.0.1").unwrap();
    let master = MasterKey::open_or_create(&data.join("master.key")).unwrap();
    let db = Db::open_sqlite(data.join("odavl.db"), &*clock).await.unwrap();
    let urls = DirectUrls::of(&settings, &master).unwrap();
    let storage = FsStorage::open(&data.join("objects"), clock.clone(), urls).await.unwrap();
    Odavl::builder()
        .auth(Arc::new(SqlAuth::new(db.clone())))
        .metering(Arc::new(SqliteMetering::new(db.clone(), clock.clone())))
        .storage(Arc::new(storage))
        .objects(Arc::new(SqlCatalog::new(db.clone())))
        .uploads(Arc::new(SqlUploads::new(db.clone())))
        .webhooks(Arc::new(SqlWebhooks::new(db)))
        .settings(settings)
        .master_key(master)
        .clock(clock)
        .build()
        .unwrap()
}

/// The bytes of everything in the store but its records, the signed heads and the mark, which nobody is charged for: what is
/// staged counts too.
pub(crate) fn in_store(installation: &Installation) -> i64 {
    let store = installation.data().join("objects");
    let own = ["audit", "odavl"].map(|own| store.join("objects").join(own));
    bytes_under(&store) - own.iter().filter(|own| own.exists()).map(|own| bytes_under(own)).sum::<i64>()
}

fn bytes_under(folder: &Path) -> i64 {
    let bytes = |entry: fs::DirEntry| match entry.file_type().unwrap().is_dir() {
        true => bytes_under(&entry.path()),
        false if entry.file_name().to_string_lossy().ends_with("~meta") => 0,
        false => entry.metadata().unwrap().len().try_into().unwrap(),
    };
    fs::read_dir(folder).unwrap().map(|entry| bytes(entry.unwrap())).sum()
}
