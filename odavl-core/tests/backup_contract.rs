//! The behaviour of the Backup port, on every adapter, and what each engine does that goes wrong.

#![cfg(feature = "backup")]

#[cfg(test)]
#[path = "backup_contract/memory.rs"]
mod memory;

#[cfg(test)]
#[cfg(all(unix, feature = "postgres"))]
#[path = "backup_contract/postgres.rs"]
mod postgres;

#[cfg(test)]
#[cfg(all(unix, feature = "postgres"))]
#[path = "support/postgres.rs"]
mod server;

#[cfg(test)]
#[cfg(all(unix, feature = "sqlite"))]
#[path = "backup_contract/sqlite.rs"]
mod sqlite;

#[cfg(test)]
#[cfg(all(unix, feature = "sqlite", feature = "postgres"))]
#[path = "backup_contract/own.rs"]
mod own;

#[cfg(test)]
#[cfg(feature = "s3")]
#[path = "backup_contract/s3.rs"]
mod s3;
