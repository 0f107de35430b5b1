//! Sign-ins that last: refresh families, browser sessions, the keys that sign access tokens, the set-up link.

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scope::Scopes;
use crate::{
    error::{Error, Result},
    ids::{OrgId, SessionId, UserId},
    secret::Digest,
};

/// How someone signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginKind {
    /// By the device flow: a refresh family.
    Device,
    /// In a browser: a cookie.
    Browser,
}

impl LoginKind {
    /// The kind as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Browser => "browser",
        }
    }
}

impl FromStr for LoginKind {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        [Self::Device, Self::Browser]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| Error::invalid(format!("`{}` is not a kind of sign-in", text.escape_default())))
    }
}

/// A sign-in: a family of refresh tokens, or one browser's session.
#[derive(Debug, Clone)]
pub struct Login {
    /// Its id, the token's `sid`.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// For which organisation; `None` in a browser, where the person chooses as they go.
    pub org: Option<OrgId>,
    /// How.
    pub kind: LoginKind,
    /// The registered client.
    pub client_id: String,
    /// What was granted, before it is cut by the present role.
    pub scopes: Scopes,
    /// How often the token was rotated.
    pub generation: u64,
    /// The digest of the token that is valid now.
    pub digest: Digest,
    /// The digest of the token before, when it was rotated, and how often it was retried since.
    pub previous: Option<(Digest, Timestamp, u8)>,
    /// Where the sign-in came from, as text; for the person's list of sessions.
    pub address: Option<String>,
    /// When the password was last given: what is dangerous asks for a fresh one.
    pub authenticated_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the present token ends.
    pub expires_at: Timestamp,
    /// When the family ends, however often it was refreshed.
    pub ends_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Counts the changes: a change based on an older one is a conflict.
    pub rev: u64,
}

impl Login {
    /// Whether it holds at `at`.
    pub fn is_open(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && at < self.expires_at && at < self.ends_at
    }
}

/// A key that signs access tokens (Ed25519). The private half is sealed.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// Its name in tokens and in the JWKS.
    pub kid: String,
    /// The public half.
    pub public: [u8; 32],
    /// The private half (PKCS #8), sealed under the master key.
    pub sealed: Vec<u8>,
    /// From when it signs; published before.
    pub active_from: Timestamp,
    /// Until when it is published.
    pub retires_at: Timestamp,
}

/// The one-time link that makes the first user.
#[derive(Debug, Clone)]
pub struct SetupLink {
    /// The digest of its secret.
    pub digest: Digest,
    /// When it ends.
    pub expires_at: Timestamp,
}
