//! Backups: databases that can be dumped, restored and compared ([`Backup`]).
//!
//! A dump says nothing about whether it can be restored. So what is read with it, in the same snapshot, is a
//! [`Fingerprint`]; a backup has proved itself once it was restored and what is there now has the same.

mod alert;
#[cfg(feature = "contract")]
pub mod contract;
mod fingerprint;
mod memory;
mod port;
#[cfg(feature = "postgres")]
mod postgres;
mod schedule;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use alert::{Alert, Attempt, Expectation, Record, Trouble, TroubleKind, alerts};
pub use fingerprint::{Comparison, Difference, Fingerprint, RULES, Standing, Tally};
pub use memory::MemoryBackup;
pub use port::{
    Backup, Checkup, DatabaseName, Dump, DumpOptions, Dumped, Engine, Format, Ownership, Purpose, Reading,
    RestoreOptions, Restored, Source,
};
#[cfg(feature = "postgres")]
pub use postgres::PostgresBackup;
pub use schedule::Schedule;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteBackup;
