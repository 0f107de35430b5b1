//! How far a work has come that takes a while.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is told of a work that takes a while.
pub trait Progress: fmt::Debug + Send + Sync {
    /// A stage begins; it has about so many bytes, where that is known.
    fn stage(&self, stage: Stage, bytes: Option<u64>);
    /// So many bytes of it more are done.
    fn advance(&self, bytes: u64);
}

/// A stage of a work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// The database is read and sent to the store.
    Dump,
    /// The snapshot is read once more, for the fingerprint.
    Fingerprint,
    /// The stored bytes are read and proved.
    Download,
    /// A database is made of them.
    Restore,
    /// What was restored is read and compared.
    Compare,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dump => "dump",
            Self::Fingerprint => "fingerprint",
            Self::Download => "download",
            Self::Restore => "restore",
            Self::Compare => "compare",
        })
    }
}

/// Nobody looks.
#[derive(Debug)]
pub(super) struct Unseen;

impl Progress for Unseen {
    fn stage(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}
