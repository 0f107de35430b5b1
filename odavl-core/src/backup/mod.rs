//! Backups: databases that can be dumped, restored and compared ([`Backup`]).
//!
//! A dump says nothing about whether it can be restored. So what is read with it, in the same snapshot, is a
//! [`Fingerprint`]; a backup has proved itself once it was restored and what is there now has the same.

mod fingerprint;
mod port;

pub use fingerprint::{Comparison, Difference, Fingerprint, RULES, Standing, Tally};
pub use port::{
    Backup, Checkup, DatabaseName, Dump, DumpOptions, Dumped, Engine, Format, Ownership, Purpose, Reading,
    RestoreOptions, Restored, Source,
};
