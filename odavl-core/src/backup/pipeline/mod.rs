//! The way of a dump into a store and back, in bounded memory.
//!
//! `dump -> SHA-256 and BLAKE3 -> zstd or gzip -> age -> SHA-256 and BLAKE3 -> parts of one size -> store`. What computes
//! runs on two threads of its own ([`pack`], [`unpack`]), what waits on the runtime ([`upload`], [`download`]), and between
//! them are short queues: whoever is slowest holds up the others, and nothing piles up.
//!
//! A store takes 10,000 parts of an object, so the parts of a large database are larger ([`part_size`]); where that does not
//! suffice, another volume is begun. So what is held in memory is the same whatever the database's size.

mod download;
mod pack;
mod unpack;
mod upload;

use tokio::task::JoinError;

use super::manifest::{Compression, Digests, StoredBytes};
use crate::error::{Error, Result};

pub(super) use download::Download;
pub(super) use pack::Coding;
pub(super) use unpack::unpack;
pub(super) use upload::{Target, Upload, store};

/// The size of a part, unless the database is so large that it takes more than [`PARTS_AIM`] of them.
const PART: u64 = 8 << 20;
/// The largest part: with those that are filled and on the way, a few times as much is held in memory.
pub(super) const PART_MOST: u64 = 20 << 20;
/// How many parts a database makes that does not grow smaller on its way. It is less than a store takes, for a dump can be
/// larger than its database.
const PARTS_AIM: u64 = 8_000;
/// How many parts are on the way at a time.
const AT_ONCE: usize = 2;

/// How large the parts of a database's backup are that takes about so many bytes.
pub(super) fn part_size(estimate: u64) -> u64 {
    estimate.div_ceil(PARTS_AIM).next_multiple_of(1 << 20).clamp(PART, PART_MOST)
}

/// What was stored, and what it was before.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) plain: Digests,
    pub(super) stored: StoredBytes,
}

/// What a thread of computation came to.
fn computed<T>(joined: Result<Result<T>, JoinError>) -> Result<T> {
    joined.map_err(|error| Error::internal("a thread of the backup stopped", Some(error.into())))?
}

/// The level of compression: the fastest that makes as little as `gzip` does, by measure (`docs/performance.md`).
const ZSTD_LEVEL: i32 = 2;
const GZIP_LEVEL: u32 = 6;

impl Compression {
    fn level(self) -> i32 {
        match self {
            Self::Zstd => ZSTD_LEVEL,
            Self::Gzip => GZIP_LEVEL.cast_signed(),
        }
    }
}

#[cfg(test)]
mod tests;
