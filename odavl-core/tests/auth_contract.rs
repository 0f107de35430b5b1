//! The behaviour of the Auth port, on every adapter.

#[cfg(test)]
#[path = "auth_contract/memory.rs"]
mod memory;

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "auth_contract/postgres.rs"]
mod postgres;

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "support/postgres.rs"]
mod server;

#[cfg(test)]
#[cfg(feature = "sqlite")]
#[path = "auth_contract/sqlite.rs"]
mod sqlite;
