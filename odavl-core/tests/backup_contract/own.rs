//! The project's own database, on both engines: made, filled, dumped, restored, compared, and opened again.

use odavl_core::{
    SystemClock,
    backup::{
        Backup, DumpOptions, PostgresBackup, Purpose, RestoreOptions, SqliteBackup,
        contract::BackupHarness as _,
    },
    db::Db,
    storage::full,
};

use crate::postgres::{Harness, url_of};

/// Dumps and restores under that name, and compares.
async fn comes_back(backup: &dyn Backup, to: &str) {
    let mut dump = backup.dump(DumpOptions::default()).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = dump.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    let (source, format, to) = (dump.source.clone(), dump.format, to.parse().unwrap());
    let expected = dump.finish().await.unwrap().fingerprint.unwrap();
    assert!(expected.tables.len() > 20 && expected.rows() > 5, "{expected:?}");
    let options = RestoreOptions { purpose: Purpose::Keep, ..RestoreOptions::scratch(to, source, format) };
    let to = options.to.clone();
    backup.restore(full(bytes), options).await.unwrap();
    let found = expected.compare(&backup.fingerprint(&to).await.unwrap());
    assert!(found.is_same(), "{found:#?}");
    assert!(backup.check(&to).await.unwrap().faults.is_empty());
}

#[tokio::test]
async fn our_own_database_on_postgresql_comes_back_and_is_opened_again() {
    let harness = Harness::new().await;
    drop(Db::open_postgres(&harness.live(), 2, &SystemClock).await.unwrap());
    let to = harness.name("copy");
    comes_back(&PostgresBackup::new(&harness.live()).unwrap(), to.as_str()).await;
    Db::open_postgres(&url_of(to.as_str()), 2, &SystemClock).await.unwrap();
}

#[tokio::test]
async fn our_own_database_on_sqlite_comes_back_and_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let _in_use = Db::open_sqlite(folder.path().join("odavl.db"), &SystemClock).await.unwrap();
    comes_back(&SqliteBackup::new(folder.path().join("odavl.db")), "copy.db").await;
    Db::open_sqlite(folder.path().join("copy.db"), &SystemClock).await.unwrap();
}
