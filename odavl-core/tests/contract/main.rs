//! The contract suites, on every adapter: one small file each.

mod metering_memory;
#[cfg(feature = "postgres")]
mod metering_postgres;
#[cfg(feature = "sqlite")]
mod metering_sqlite;
#[cfg(feature = "postgres")]
#[path = "../support/postgres.rs"]
#[expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
mod server;
