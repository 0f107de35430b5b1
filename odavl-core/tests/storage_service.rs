//! The guarantees of Storage: exact to the byte, whoever asks at once, and wherever it is stopped.

#![cfg(all(feature = "sqlite", feature = "fs", feature = "sign-in"))]

#[cfg(test)]
mod support;

#[cfg(test)]
#[path = "storage_service/copies.rs"]
mod copies;

#[cfg(test)]
#[path = "storage_service/kills.rs"]
mod kills;

#[cfg(test)]
#[path = "storage_service/late.rs"]
mod late;

#[cfg(test)]
#[path = "storage_service/parts.rs"]
mod parts;

#[cfg(test)]
#[path = "storage_service/quota.rs"]
mod quota;

#[cfg(test)]
#[path = "storage_service/races.rs"]
mod races;

#[cfg(test)]
#[path = "storage_service/uses.rs"]
mod uses;
