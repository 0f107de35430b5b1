//! The contract suites, on every adapter: one small file each.

mod metering_memory;
#[cfg(feature = "sqlite")]
mod metering_sqlite;
