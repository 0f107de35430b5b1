//! Restores, and what they refuse.

use super::{BackupHarness, Broken, filled, live, refused, whole};
use crate::{
    ErrorCode,
    backup::{DatabaseName, DumpOptions, Mark, Purpose, State},
    error::Result,
    storage::full,
};

/// A restore to the live database is `conflict`, and changes nothing.
pub async fn a_restore_to_the_live_database_is_a_conflict(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let backup = harness.backup();
    let (whole, before) = (whole(backup, DumpOptions::default()).await?, live(backup).await?);
    let options = whole.options(&whole.source.database, Purpose::Keep);
    refused(backup.restore(whole.body(), options).await, ErrorCode::Conflict);
    assert_eq!(live(backup).await?, before);
    Ok(())
}

/// A restore to a database that holds something is `conflict`, and changes nothing.
pub async fn a_restore_to_a_database_that_holds_something_is_a_conflict(
    harness: &mut dyn BackupHarness,
) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    let whole = whole(backup, DumpOptions::default()).await?;
    backup.restore(whole.body(), whole.options(&to, Purpose::Keep)).await?;
    let before = backup.fingerprint(&to).await?;
    refused(backup.restore(whole.body(), whole.options(&to, Purpose::Keep)).await, ErrorCode::Conflict);
    assert_eq!(backup.fingerprint(&to).await?, before);
    Ok(())
}

/// A restore whose bytes end in an error leaves no database of that name.
pub async fn a_restore_whose_bytes_end_in_an_error_leaves_nothing(
    harness: &mut dyn BackupHarness,
) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    let whole = whole(backup, DumpOptions::default()).await?;
    let broken = Box::new(Broken(Some(whole.bytes.clone())));
    refused(backup.restore(broken, whole.options(&to, Purpose::Keep)).await, ErrorCode::InvalidInput);
    refused(backup.fingerprint(&to).await, ErrorCode::NotFound);
    Ok(())
}

/// A restore that was cut off before it could clean up is begun anew under the same name.
pub async fn a_restore_that_was_cut_off_is_begun_anew(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    harness.leave_half_restored(&to).await?;
    refused(backup.replace(&to, &harness.name("aside")).await, ErrorCode::Conflict);
    let whole = whole(backup, DumpOptions::default()).await?;
    backup.restore(whole.body(), whole.options(&to, Purpose::Keep)).await?;
    assert!(live(backup).await?.compare(&backup.fingerprint(&to).await?).is_same());
    let other = harness.name("other");
    harness.leave_half_restored(&other).await?;
    backup.discard(&other).await
}

/// What is no dump is `corrupted`, and leaves nothing.
pub async fn what_is_no_dump_is_corrupted_and_leaves_nothing(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    let whole = whole(backup, DumpOptions::default()).await?;
    for bytes in [&b""[..], b"this is no dump", &[0; 4096]] {
        let restored = backup.restore(full(bytes), whole.options(&to, Purpose::Keep)).await;
        refused(restored, ErrorCode::Corrupted);
        refused(backup.fingerprint(&to).await, ErrorCode::NotFound);
    }
    Ok(())
}

/// A dump that was cut off is not restored, however much of it is there.
pub async fn a_dump_that_was_cut_off_is_not_restored(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    let whole = whole(backup, DumpOptions::default()).await?;
    for left in [whole.bytes.len() / 2, whole.bytes.len() - 1] {
        let restored =
            backup.restore(full(whole.bytes.slice(..left)), whole.options(&to, Purpose::Keep)).await;
        refused(restored, ErrorCode::Corrupted);
        refused(backup.fingerprint(&to).await, ErrorCode::NotFound);
    }
    Ok(())
}

/// A database that is not there is `not_found`.
pub async fn a_database_that_is_not_there_is_not_found(harness: &mut dyn BackupHarness) -> Result<()> {
    let (backup, name): (_, DatabaseName) = (harness.backup(), harness.name("nowhere"));
    refused(backup.fingerprint(&name).await, ErrorCode::NotFound);
    refused(backup.check(&name).await, ErrorCode::NotFound);
    assert_eq!(backup.state(&name).await?, State::Absent);
    refused(backup.replace(&name, &harness.name("aside")).await, ErrorCode::NotFound);
    backup.discard(&name).await
}

/// A database that was restored is consistent, and it is told what was examined.
pub async fn a_database_that_was_restored_is_consistent(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to) = (harness.backup(), harness.name("copy"));
    let whole = whole(backup, DumpOptions::default()).await?;
    let _held = backup.restore(whole.body(), whole.options(&to, Purpose::Scratch)).await?;
    let checkup = backup.check(&to).await?;
    assert!(!checkup.examined.is_empty() && checkup.faults.is_empty(), "{checkup:?}");
    Ok(())
}

/// Only what was restored is discarded: the live database and others' are `conflict`; what is not there is no error.
pub async fn only_what_was_restored_is_discarded(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to, foreign) = (harness.backup(), harness.name("copy"), harness.name("foreign"));
    harness.make_foreign(&foreign).await?;
    let whole = whole(backup, DumpOptions::default()).await?;
    refused(backup.discard(&whole.source.database).await, ErrorCode::Conflict);
    refused(backup.discard(&foreign).await, ErrorCode::Conflict);
    refused(backup.replace(&foreign, &harness.name("aside")).await, ErrorCode::Conflict);
    backup.fingerprint(&foreign).await?;
    for purpose in [Purpose::Scratch, Purpose::Keep] {
        let _held = backup.restore(whole.body(), whole.options(&to, purpose)).await?;
        backup.discard(&to).await?;
        refused(backup.fingerprint(&to).await, ErrorCode::NotFound);
        backup.discard(&to).await?;
    }
    Ok(())
}

/// The state of a name is what was done there last: nothing, others' work, or one of ours.
pub async fn the_state_of_a_name_is_what_was_done_there_last(harness: &mut dyn BackupHarness) -> Result<()> {
    filled(harness).await?;
    let (backup, to, aside) = (harness.backup(), harness.name("copy"), harness.name("aside"));
    let whole = whole(backup, DumpOptions::default()).await?;
    assert_eq!(backup.state(&whole.source.database).await?, State::Theirs);
    harness.make_foreign(&aside).await?;
    assert_eq!(backup.state(&aside).await?, State::Theirs);
    harness.leave_half_restored(&to).await?;
    assert_eq!(backup.state(&to).await?, State::Ours(Mark::Restoring));
    let (looked, other) = (harness.name("looked"), harness.name("other"));
    let _held = backup.restore(whole.body(), whole.options(&looked, Purpose::Scratch)).await?;
    assert_eq!(backup.state(&looked).await?, State::Ours(Mark::Scratch));
    backup.discard(&looked).await?;
    assert_eq!(backup.state(&looked).await?, State::Absent);
    backup.restore(whole.body(), whole.options(&to, Purpose::Keep)).await?;
    assert_eq!(backup.state(&to).await?, State::Ours(Mark::Restored));
    backup.replace(&to, &other).await?;
    assert_eq!(backup.state(&to).await?, State::Absent);
    assert_eq!(backup.state(&other).await?, State::Ours(Mark::Aside));
    assert_eq!(backup.state(&whole.source.database).await?, State::Theirs);
    Ok(())
}
