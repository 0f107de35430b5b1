//! Dumps, and what is said of them.

use super::{BackupHarness, filled, live, refused, whole};
use crate::{
    ErrorCode,
    backup::{DumpOptions, Format, Purpose, Reading},
    error::Result,
};

/// What was dumped and restored has the fingerprint that the dump came with, and the live database stays as it was.
pub async fn what_was_dumped_and_restored_is_the_same_and_the_live_database_stays(
    harness: &mut dyn BackupHarness,
) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    let before = live(backup).await?;
    let whole = whole(backup, DumpOptions::default()).await?;
    assert_eq!(whole.dumped.fingerprint.as_ref(), Some(&before));
    assert_eq!(before.rows(), 6);
    let _held = backup.restore(whole.body(), whole.options(&to, Purpose::Scratch)).await?;
    let found = before.compare(&backup.fingerprint(&to).await?);
    assert!(found.is_same(), "{found:#?}");
    assert_eq!(live(backup).await?, before);
    let source = backup.describe().await?;
    assert_eq!((whole.source.engine, whole.source.database), (source.engine, source.database));
    Ok(())
}

/// Every format that the engine tells of is restored.
pub async fn every_format_is_restored(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let backup = harness.backup();
    let before = live(backup).await?;
    for format in backup.describe().await?.formats {
        let to = harness.name(format.extension());
        let whole = whole(backup, DumpOptions { format: Some(format), ..DumpOptions::default() }).await?;
        assert_eq!(whole.format, format);
        backup.restore(whole.body(), whole.options(&to, Purpose::Keep)).await?;
        let found = before.compare(&backup.fingerprint(&to).await?);
        assert!(found.is_same(), "{format:?} {found:#?}");
    }
    Ok(())
}

/// A dump whose maker failed ends in an error, however much came before; it is never finished.
pub async fn a_dump_whose_maker_failed_ends_in_an_error(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    harness.break_dumps().await?;
    let mut dump = match harness.backup().dump(DumpOptions::default()).await {
        Ok(dump) => dump,
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Unavailable);
            return Ok(());
        }
    };
    let failed = loop {
        match dump.next().await {
            Ok(piece) => assert!(piece.is_some(), "the dump ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(failed.code(), ErrorCode::Unavailable, "{failed}");
    assert!(dump.finish().await.is_err());
    Ok(())
}

/// A dump that was not read to its end is not finished.
pub async fn a_dump_that_was_not_read_to_its_end_is_not_finished(
    harness: &mut dyn BackupHarness,
) -> Result<()> {
    filled(harness).await?;
    let mut dump = harness.backup().dump(DumpOptions::default()).await?;
    assert!(dump.next().await?.is_some());
    refused(dump.finish().await, ErrorCode::Internal);
    Ok(())
}

/// A dump without a fingerprint has none.
pub async fn a_dump_without_a_fingerprint_has_none(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let options = DumpOptions { fingerprint: Reading::Without, ..DumpOptions::default() };
    assert_eq!(whole(harness.backup(), options).await?.dumped.fingerprint, None);
    Ok(())
}

/// A format that the engine has not is `unsupported`.
pub async fn a_format_that_the_engine_has_not_is_unsupported(harness: &mut dyn BackupHarness) -> Result<()> {
    let has = harness.backup().describe().await?.formats;
    for format in
        [Format::Archive, Format::Sql, Format::File].into_iter().filter(|format| !has.contains(format))
    {
        let options = DumpOptions { format: Some(format), ..DumpOptions::default() };
        refused(harness.backup().dump(options).await, ErrorCode::Unsupported);
    }
    Ok(())
}

/// The fingerprint is that of the snapshot: what is written during a dump is in both or in neither.
pub async fn the_fingerprint_is_that_of_the_snapshot(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    let mut dump = backup.dump(DumpOptions::default()).await?;
    harness.insert("fruit", &["written meanwhile"]).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = dump.next().await? {
        bytes.extend_from_slice(&piece);
    }
    let (source, format) = (dump.source.clone(), dump.format);
    let dumped = dump.finish().await?;
    let options = crate::backup::RestoreOptions::scratch(to.clone(), source, format);
    let _held = backup.restore(crate::storage::full(bytes), options).await?;
    let expected = dumped.fingerprint.unwrap_or_default();
    let found = expected.compare(&backup.fingerprint(&to).await?);
    assert!(found.is_same(), "{found:#?}");
    assert!(!expected.compare(&live(backup).await?).is_same());
    Ok(())
}

/// A changed, lost or added row, table, or declaration makes another fingerprint; the order of rows does not.
pub async fn a_change_makes_another_fingerprint_and_the_order_of_rows_does_not(
    harness: &mut dyn BackupHarness,
) -> Result<()> {
    let backup = harness.backup();
    harness.insert("t", &["a", "b"]).await?;
    let first = live(backup).await?;
    harness.truncate("t").await?;
    assert!(!first.compare(&live(backup).await?).is_same(), "rows are lost");
    harness.insert("t", &["b"]).await?;
    assert!(!first.compare(&live(backup).await?).is_same(), "a row is lost");
    harness.insert("t", &["a"]).await?;
    let again = first.compare(&live(backup).await?);
    assert!(again.is_same(), "{again:#?}");
    harness.insert("t", &["a"]).await?;
    assert!(!first.compare(&live(backup).await?).is_same(), "a row is added");
    harness.truncate("t").await?;
    harness.insert("t", &["a", "c"]).await?;
    assert!(!first.compare(&live(backup).await?).is_same(), "a row is changed");
    harness.truncate("t").await?;
    harness.insert("t", &["a", "b"]).await?;
    harness.insert("empty", &[]).await?;
    assert!(!first.compare(&live(backup).await?).is_same(), "a table is added");
    Ok(())
}
