//! The behaviour of [`Backup`] as tests, for adapters of your own as for ours.
//!
//! ```text
//! odavl_core::backup_contract!(MyHarness::new().await);
//! ```
//!
//! The expression makes a fresh, empty database; the crate that runs the suite depends on `tokio` with its macros.

#![expect(clippy::missing_panics_doc, reason = "a case panics when the adapter misbehaves")]

pub mod dump;
pub mod replace;
pub mod restore;

use std::fmt::Debug;

use ::bytes::Bytes;
use async_trait::async_trait;

use super::{
    Backup, DatabaseName, DumpOptions, Dumped, Fingerprint, Format, Ownership, Purpose, RestoreOptions,
    Source,
};
use crate::{
    ErrorCode,
    error::{Error, Result},
    storage::{Body, BoxBody, full},
};

/// A fresh, empty database under test, and how rows get into it.
#[async_trait]
pub trait BackupHarness: Send + Sync {
    /// The database.
    fn backup(&self) -> &dyn Backup;

    /// A name beside the live one's that is free, and goes with this harness.
    fn name(&self, of: &str) -> DatabaseName;

    /// Adds rows to a table of the live database, made with one column of text if it is not there.
    async fn insert(&self, table: &str, rows: &[&str]) -> Result<()>;

    /// Removes all rows of a table of the live database.
    async fn truncate(&self, table: &str) -> Result<()>;

    /// Makes dumps fail midway, after their first bytes, from now on.
    async fn break_dumps(&mut self) -> Result<()>;

    /// Leaves a database of that name as a restore does that was cut off.
    async fn leave_half_restored(&self, name: &DatabaseName) -> Result<()>;

    /// Makes a database of that name that others use.
    async fn make_foreign(&self, name: &DatabaseName) -> Result<()>;
}

/// A dump that was read to its end.
pub(crate) struct Whole {
    source: Source,
    format: Format,
    bytes: Bytes,
    dumped: Dumped,
}

impl Whole {
    fn body(&self) -> BoxBody {
        full(self.bytes.clone())
    }

    fn options(&self, to: &DatabaseName, purpose: Purpose) -> RestoreOptions {
        let (to, source) = (to.clone(), self.source.clone());
        RestoreOptions {
            purpose,
            ownership: Ownership::Mine,
            ..RestoreOptions::scratch(to, source, self.format)
        }
    }
}

/// A database with some rows.
pub(crate) async fn filled(harness: &dyn BackupHarness) -> Result<()> {
    harness.insert("fruit", &["apple", "pear", "", "naïve \\ \t\n'\"", "pear"]).await?;
    harness.insert("Odd \"name\"", &["1"]).await?;
    harness.insert("empty", &[]).await
}

/// Dumps the live database to the end.
pub(crate) async fn whole(backup: &dyn Backup, options: DumpOptions) -> Result<Whole> {
    let mut dump = backup.dump(options).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = dump.next().await? {
        bytes.extend_from_slice(&piece);
    }
    let (source, format) = (dump.source.clone(), dump.format);
    Ok(Whole { source, format, bytes: bytes.into(), dumped: dump.finish().await? })
}

/// The fingerprint of the live database now.
pub(crate) async fn live(backup: &dyn Backup) -> Result<Fingerprint> {
    backup.fingerprint(&backup.describe().await?.database).await
}

/// Bytes that end in an error.
pub(crate) struct Broken(pub(crate) Option<Bytes>);

#[async_trait]
impl Body for Broken {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let broken = || Error::invalid("the body broke off");
        self.0.take().map(Some).ok_or_else(broken)
    }
}

/// Holds a result to an error of `code`.
pub(crate) fn refused<T: Debug>(result: Result<T>, code: ErrorCode) {
    let found = result.map(|value| format!("{value:?}")).map_err(|error| error.code());
    assert_eq!(found, Err(code));
}

/// The cases of [`Backup`](crate::backup::Backup) as tests, on the adapter that the expression makes.
#[macro_export]
macro_rules! backup_contract {
    ($harness:expr) => {
        $crate::backup_contract!(@each $harness;
            dump::what_was_dumped_and_restored_is_the_same_and_the_live_database_stays,
            dump::every_format_is_restored,
            dump::a_dump_whose_maker_failed_ends_in_an_error,
            dump::a_dump_that_was_not_read_to_its_end_is_not_finished,
            dump::a_dump_without_a_fingerprint_has_none,
            dump::a_format_that_the_engine_has_not_is_unsupported,
            dump::the_fingerprint_is_that_of_the_snapshot,
            dump::a_change_makes_another_fingerprint_and_the_order_of_rows_does_not,
            restore::a_restore_to_the_live_database_is_a_conflict,
            restore::a_restore_to_a_database_that_holds_something_is_a_conflict,
            restore::a_restore_whose_bytes_end_in_an_error_leaves_nothing,
            restore::a_restore_that_was_cut_off_is_begun_anew,
            restore::what_is_no_dump_is_corrupted_and_leaves_nothing,
            restore::a_dump_that_was_cut_off_is_not_restored,
            restore::a_database_that_is_not_there_is_not_found,
            restore::a_database_that_was_restored_is_consistent,
            restore::only_what_was_restored_is_discarded,
            restore::the_state_of_a_name_is_what_was_done_there_last,
            replace::replacing_puts_the_live_database_aside_and_back,
            replace::a_name_that_is_taken_changes_nothing,
            replace::a_scratch_database_replaces_nothing,
        );
    };
    (@each $harness:expr; $($module:ident::$case:ident,)*) => {
        $(
            #[tokio::test]
            async fn $case() {
                let mut harness = $harness;
                $crate::backup::contract::$module::$case(&mut harness).await.unwrap();
            }
        )*
    };
}
