//! Metering on SQL: a batch is one transaction. How a batch runs is each engine's own; what is stored is the same.

#[cfg(feature = "postgres")]
mod postgres;
mod prune;
mod read;
mod rollups;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stored;
mod sweep;

#[cfg(feature = "postgres")]
pub use postgres::PostgresMetering;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteMetering;

use jiff::SignedDuration;

const HAS_BATCH: &str = "SELECT id FROM batches WHERE id = $1";
const INSERT_BATCH: &str = "INSERT INTO batches (id, at) VALUES ($1, $2)";

/// What a batch is known by, should the answer to its COMMIT be lost.
type BatchId = [u8; 16];

/// How long the ids of batches are kept: far longer than anybody waits for the answer to a COMMIT.
const BATCHES_KEPT: SignedDuration = SignedDuration::from_hours(1);
