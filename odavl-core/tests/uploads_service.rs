//! The guarantees of uploads: taken once, checked before they are there, charged exactly, wherever they are stopped.

#![cfg(all(feature = "sqlite", feature = "fs", feature = "sign-in", feature = "uploads"))]

#[cfg(test)]
mod support;

#[cfg(test)]
#[path = "uploads_service/kills.rs"]
mod kills;

#[cfg(test)]
#[path = "uploads_service/results.rs"]
mod results;

#[cfg(test)]
#[path = "uploads_service/uses.rs"]
mod uses;
