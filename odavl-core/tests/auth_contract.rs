//! The behaviour of the Auth port, on every adapter.

#[cfg(test)]
#[path = "auth_contract/memory.rs"]
mod memory;

#[cfg(test)]
#[cfg(feature = "sqlite")]
#[path = "auth_contract/sqlite.rs"]
mod sqlite;
