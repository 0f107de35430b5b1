//! An installation that no node has, days later: what expired is swept, and what was on its way has arrived.

use std::sync::Arc;

use jiff::SignedDuration;
use odavl_core::{
    Clock, ManualClock, Odavl, SystemClock,
    auth::SqlAuth,
    config::Config,
    db::Db,
    metering::PostgresMetering,
    seal::MasterKey,
    secret::Secret,
    storage::{AccessKey, Bucket, S3Storage, SqlCatalog},
    uploads::SqlUploads,
    webhooks::SqlWebhooks,
};
use odavl_test_store::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};

use super::{database::Database, hooks::Receiver, store::Store};
use crate::service::Installation;

/// Longer than anything lives that nobody goes on with, in four of them.
const LATER: SignedDuration = SignedDuration::from_hours(3 * 24);
const TURNS: u32 = 4;
/// In so many sweeps all of the store's keys are looked at, a page in each.
const PAGES: u32 = 10;

/// Sweeps and delivers, days later.
pub(crate) fn end_what_expires(
    installation: &Installation,
    (database, store): (&Database, &Store),
    receiver: &Receiver,
) {
    let work = async {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let odavl = open(installation, (database, store), clock.clone()).await;
        for _ in 0..TURNS {
            clock.advance(LATER);
            for _ in 0..PAGES {
                odavl.sweep().await.unwrap();
            }
            // Old records are not removed by a clock that is days from the database's; all else is done before.
            let refused = odavl.forget_ended().await.unwrap_err().to_string();
            assert!(refused.contains("clock"), "{refused}");
            odavl.deliver(&receiver.courier()).await.unwrap();
        }
    };
    store.runtime.block_on(work);
}

/// A node of the test's own, with its clock.
async fn open(
    installation: &Installation,
    (database, store): (&Database, &Store),
    clock: Arc<dyn Clock>,
) -> Odavl {
    let settings = Config::read(&installation.config()).unwrap().settings("http://127.0.0.1").unwrap();
    let master = MasterKey::open_or_create(&installation.data().join("master.key")).unwrap();
    let db = Db::open_postgres(&Database::url(database.port), 4, &*clock).await.unwrap();
    let mut bucket: Bucket = store.url().parse().unwrap();
    let secret = |text: &str| Secret::new(text.to_owned());
    bucket.access =
        Some(AccessKey { id: secret(ACCESS_KEY_ID), secret: secret(SECRET_ACCESS_KEY), token: None });
    Odavl::builder()
        .auth(Arc::new(SqlAuth::new(db.clone())))
        .metering(Arc::new(PostgresMetering::new(db.clone(), clock.clone())))
        .storage(Arc::new(S3Storage::open(bucket, Arc::new(SystemClock)).unwrap()))
        .objects(Arc::new(SqlCatalog::new(db.clone())))
        .uploads(Arc::new(SqlUploads::new(db.clone())))
        .webhooks(Arc::new(SqlWebhooks::new(db)))
        .settings(settings)
        .master_key(master)
        .clock(clock)
        .build()
        .unwrap()
}
