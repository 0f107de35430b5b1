//! A restored database in the live one's place.

use super::{BackupHarness, filled, live, refused, whole};
use crate::{
    ErrorCode,
    backup::{DumpOptions, Purpose},
    error::Result,
};

/// Replacing puts the live database aside, and the restored one in its place; a database that was replaced can be put back.
pub async fn replacing_puts_the_live_database_aside_and_back(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to, aside) = (harness.backup(), harness.name("copy"), harness.name("aside"));
    let whole = whole(backup, DumpOptions::default()).await?;
    let then = live(backup).await?;
    backup.restore(whole.body(), whole.options(&to, Purpose::Keep)).await?;
    harness.insert("fruit", &["damage"]).await?;
    let damaged = live(backup).await?;
    backup.replace(&to, &aside).await?;
    assert!(then.compare(&live(backup).await?).is_same());
    assert!(damaged.compare(&backup.fingerprint(&aside).await?).is_same());
    refused(backup.fingerprint(&to).await, ErrorCode::NotFound);
    refused(backup.discard(&whole.source.database).await, ErrorCode::Conflict);

    let other = harness.name("other");
    backup.replace(&aside, &other).await?;
    assert!(damaged.compare(&live(backup).await?).is_same());
    assert!(then.compare(&backup.fingerprint(&other).await?).is_same());
    backup.discard(&other).await
}

/// A name that is taken is `already_exists`, and changes nothing.
pub async fn a_name_that_is_taken_changes_nothing(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to, taken) = (harness.backup(), harness.name("copy"), harness.name("foreign"));
    harness.make_foreign(&taken).await?;
    let whole = whole(backup, DumpOptions::default()).await?;
    backup.restore(whole.body(), whole.options(&to, Purpose::Keep)).await?;
    let before = live(backup).await?;
    for name in [&taken, &whole.source.database, &to] {
        refused(backup.replace(&to, name).await, ErrorCode::AlreadyExists);
    }
    assert_eq!(live(backup).await?, before);
    assert!(before.compare(&backup.fingerprint(&to).await?).is_same());
    Ok(())
}

/// A scratch database does not replace the live one.
pub async fn a_scratch_database_replaces_nothing(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    let whole = whole(backup, DumpOptions::default()).await?;
    let _held = backup.restore(whole.body(), whole.options(&to, Purpose::Scratch)).await?;
    let before = live(backup).await?;
    refused(backup.replace(&to, &harness.name("aside")).await, ErrorCode::Conflict);
    assert_eq!(live(backup).await?, before);
    Ok(())
}
