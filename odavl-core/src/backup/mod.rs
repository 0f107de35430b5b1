//! Backups: databases that can be dumped, restored and compared ([`Backup`]), kept in a [`Storage`](crate::storage::Storage).
//!
//! A dump says nothing about whether it can be restored. So what is read with it, in the same snapshot, is a
//! [`Fingerprint`]; a backup has proved itself once it was restored and what is there now has the same.
//!
//! ```
//! use std::sync::Arc;
//!
//! use odavl_core::{
//!     SystemClock,
//!     backup::{
//!         Encryption, Identities, Keys, Place, Proof, Scratch, SigningKey, SqliteBackup, Trusted, Vault, Which, Wish,
//!     },
//!     storage::MemoryStorage,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("app.db");
//! # rusqlite::Connection::open(&file)?.execute_batch("CREATE TABLE people AS SELECT 'ada' AS name")?;
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
//! // To make backups, a host needs the recipient alone; with the identity it can read them, too.
//! let (identity, recipient) = Identities::generate();
//! let keys = Keys {
//!     signing: SigningKey::generate()?.0,
//!     trusted: Trusted::default(),
//!     encryption: Encryption::For(recipient.parse()?),
//!     identities: identity.reveal().parse()?,
//! };
//! let clock = Arc::new(SystemClock);
//! let vault = Vault::new(Arc::new(MemoryStorage::new(clock.clone())), clock, keys);
//! let place = Place { environment: "production".parse()?, source: "main".parse()? };
//!
//! // Read in one snapshot, encrypted, stored; there once its signed manifest is.
//! let database = SqliteBackup::new(file);
//! let made = vault.create(&place, &database, Wish::default()).await?;
//! assert_eq!(made.entry.proof(), Proof::Unproved);
//!
//! // Restored beside the database, compared with what was read, and removed again.
//! let scratch = Scratch::Beside(Arc::new(database));
//! assert!(vault.verify(&place, Which::Newest, &scratch).await?.passed());
//! let newest = vault.find(&place, Which::NewestVerified).await?;
//! assert_eq!(newest.manifest.id, made.entry.manifest.id);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```
//!
//! [`Vault::run`] does what is done each night, [`Vault::restore`] what is hoped for, and an installation that is open keeps
//! the schedules of all [`Sources`] ([`Odavl::keep_backups`](crate::Odavl::keep_backups)).

mod alert;
mod cipher;
#[cfg(feature = "config")]
mod config;
#[cfg(feature = "contract")]
pub mod contract;
mod fingerprint;
mod keeper;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod left;
mod manifest;
mod mark;
mod memory;
mod news;
mod often;
#[cfg(all(feature = "sqlite", feature = "fs", feature = "config"))]
mod open;
mod pipeline;
mod place;
mod port;
#[cfg(feature = "postgres")]
mod postgres;
mod progress;
mod remembered;
mod retention;
mod schedule;
mod scratch;
mod service;
mod signing;
mod sources;
#[cfg(feature = "sqlite")]
mod sqlite;
mod vault;
mod verdict;
mod watch;

pub use alert::{Alert, Attempt, Expectation, Record, Trouble, TroubleKind, alerts};
pub use cipher::{Encryption, Identities, Recipients};
#[cfg(feature = "config")]
pub use config::{AlertsConfig, BackupConfig, BackupSource, Rules};
pub use fingerprint::{Comparison, Difference, Fingerprint, RULES, Standing, Tally};
pub use keeper::Keeper;
pub use manifest::{Compression, Contents, Digests, Manifest, StoredBytes, StoredPart, Timings, Volume};
pub use mark::{Mark, State};
pub use memory::MemoryBackup;
pub use news::{Alerting, WebhookSecret};
pub use often::Often;
#[cfg(all(feature = "sqlite", feature = "fs", feature = "config"))]
pub(crate) use open::Installation;
#[cfg(all(feature = "sqlite", feature = "fs", feature = "config"))]
pub use open::{BackupSettings, no_store, open_store, read_secret};
pub use place::{Label, Place};
pub use port::{
    Backup, Checkup, DatabaseName, Dump, DumpOptions, Dumped, Engine, Format, Ownership, Purpose, Reading,
    RestoreOptions, Restored, Source,
};
#[cfg(feature = "postgres")]
pub use postgres::PostgresBackup;
pub use progress::{Progress, Stage};
pub use remembered::Failed;
pub use retention::{Candidate, Decision, Keep, Pinned, Policy, Proof, Why};
pub use schedule::Schedule;
pub use scratch::Scratch;
pub(crate) use service::Begun;
pub use service::{Backups, SourceHealth};
pub use signing::{PublicKey, SigningKey, Trusted};
pub use sources::{Job, Routine, Running, Sources, Work};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteBackup;
pub use vault::{
    Cleared, Created, Entry, Keys, Listing, Plan, Pruned, Pruning, Ran, RestoreWish, RunPolicy, Vault,
    Verified, Which, Wish,
};
pub use verdict::{Findings, Outcome, Tier, Verdict};
pub use watch::{Figures, Health};
