//! The behaviour of the Storage wing's ports, on every adapter.

#[cfg(test)]
#[path = "storage_contract/memory.rs"]
mod memory;
