use async_trait::async_trait;
use odavl_core::{
    Result,
    backup::{
        Backup, DatabaseName, DumpOptions, MemoryBackup, Purpose, RestoreOptions, contract::BackupHarness,
    },
};

struct Harness(MemoryBackup);

impl Harness {
    fn new() -> Self {
        Self(MemoryBackup::new("live".parse().unwrap()))
    }
}

#[async_trait]
impl BackupHarness for Harness {
    fn backup(&self) -> &dyn Backup {
        &self.0
    }

    fn name(&self, of: &str) -> DatabaseName {
        of.parse().unwrap()
    }

    async fn insert(&self, table: &str, rows: &[&str]) -> Result<()> {
        self.0.insert(table, rows.iter().copied());
        Ok(())
    }

    async fn truncate(&self, table: &str) -> Result<()> {
        self.0.truncate(table);
        Ok(())
    }

    async fn break_dumps(&mut self) -> Result<()> {
        self.0.fail_dumps_after(Some(10));
        Ok(())
    }

    async fn leave_half_restored(&self, name: &DatabaseName) -> Result<()> {
        self.0.leave_half_restored(name.clone());
        Ok(())
    }

    async fn make_foreign(&self, name: &DatabaseName) -> Result<()> {
        self.0.make_foreign(name.clone());
        Ok(())
    }
}

odavl_core::backup_contract!(Harness::new());

#[tokio::test]
async fn a_fingerprint_that_fails_is_told_when_the_dump_is_finished() {
    let backup = MemoryBackup::new("live".parse().unwrap());
    backup.insert("t", ["a"]);
    backup.fail_fingerprints();
    let mut dump = backup.dump(DumpOptions::default()).await.unwrap();
    while dump.next().await.unwrap().is_some() {}
    assert!(dump.finish().await.is_err());
}

#[tokio::test]
async fn a_dump_of_another_engine_is_refused() {
    let backup = MemoryBackup::new("live".parse().unwrap());
    let mut source = backup.describe().await.unwrap();
    source.engine = odavl_core::backup::Engine::Sqlite;
    let options = RestoreOptions {
        purpose: Purpose::Keep,
        ..RestoreOptions::scratch("x".parse().unwrap(), source, odavl_core::backup::Format::Archive)
    };
    let refused = backup.restore(odavl_core::storage::full("x"), options).await;
    assert_eq!(refused.unwrap_err().code(), odavl_core::ErrorCode::Unsupported);
}
