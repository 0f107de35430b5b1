//! What a write transaction is about.

use crate::secret::Digest;

/// A thing that one write transaction at a time is about; see [`Db::begin`](super::Db::begin).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock(i64);

impl Lock {
    /// The thing of that kind and name. Two things may share a lock: they wait for each other, and that is all.
    pub fn on(kind: &str, name: &(impl ToString + ?Sized)) -> Self {
        let digest = Digest::of(format!("{kind}:{}", name.to_string()).as_bytes());
        let fold = |key: u64, byte: &u8| (key << 8) | u64::from(*byte);
        Self(digest.as_bytes().iter().take(8).fold(0, fold).cast_signed())
    }

    #[cfg(feature = "postgres")]
    pub(super) const fn key(self) -> i64 {
        self.0
    }
}
