//! What is in no dump of `pg_dump`'s.

use odavl_core::backup::{Backup, Format, contract::BackupHarness};

use super::{Harness, run, schemas::differences, url_of};

#[tokio::test]
async fn what_every_new_database_has_and_the_source_has_not_is_no_difference() {
    for (number, change) in [
        "DROP SCHEMA public",
        "DROP EXTENSION plpgsql",
        "DROP SCHEMA public; DROP EXTENSION plpgsql; CREATE SCHEMA app; CREATE TABLE app.t AS SELECT 1 AS a",
        "DROP SCHEMA public; CREATE SCHEMA public; COMMENT ON SCHEMA public IS 'ours'",
    ]
    .into_iter()
    .enumerate()
    {
        let harness = Harness::new().await;
        harness.run(change).await;
        let to = harness.name(&number.to_string());
        let found = differences(&harness.backup, Format::Archive, &to).await;
        assert!(found.is_empty(), "{change}: {found:#?}");
        let before = harness.backup.fingerprint(&harness.name("live")).await.unwrap();
        run(&url_of(to.as_str()), "CREATE SCHEMA more; CREATE EXTENSION hstore SCHEMA more").await;
        let found = before.compare(&harness.backup.fingerprint(&to).await.unwrap());
        assert_eq!(found.differences.len(), 2, "{found:#?}");
    }
}
