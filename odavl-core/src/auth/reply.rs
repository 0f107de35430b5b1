//! What a retried creation is answered with: what it made the first time, never a secret.

use jiff::Timestamp;

use crate::{ids::OrgId, secret::Digest};

/// That a request with an idempotency key was done, and what it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// For which organisation.
    pub org: OrgId,
    /// Digest of caller, operation and the caller's key.
    pub key: Digest,
    /// Digest of the request's content.
    pub request: Digest,
    /// The id of what was made.
    pub target: String,
    /// Until when a retry is told by it.
    pub expires_at: Timestamp,
}
