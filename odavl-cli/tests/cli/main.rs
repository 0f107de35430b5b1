//! The odavl command as its users meet it: as a process, against a real server in this one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod admin;
mod backup;
mod backup_elsewhere;
mod backup_faults;
#[cfg(feature = "s3")]
mod big;
mod binding;
#[cfg(feature = "s3")]
mod broken;
#[cfg(test)]
mod browser;
#[cfg(feature = "s3")]
mod cluster;
mod gate;
mod insight;
mod keys;
mod link;
mod migrate;
mod nonsense;
mod postgres;
mod proxies;
#[cfg(feature = "s3")]
mod relay;
#[cfg(feature = "s3")]
mod s3;
mod serve;
mod sign_in;
mod storage;
mod stranger;
mod support;
mod talk;
mod target;
#[cfg(feature = "s3")]
mod told;
mod upload;
mod uploads;
mod usage;
#[cfg(feature = "s3")]
mod walk;
#[cfg(test)]
mod webdriver;
