//! The odavl command as its users meet it: as a process, against a real server in this one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod binding;
#[cfg(test)]
mod browser;
mod gate;
mod insight;
mod keys;
mod link;
mod migrate;
mod nonsense;
mod postgres;
mod proxies;
#[cfg(feature = "s3")]
mod s3;
mod serve;
mod sign_in;
mod storage;
mod stranger;
mod support;
mod talk;
mod target;
mod upload;
mod uploads;
mod usage;
#[cfg(test)]
mod webdriver;
