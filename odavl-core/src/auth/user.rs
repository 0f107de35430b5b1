//! People.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::scope::Access;
use crate::{
    error::{Error, Result},
    ids::UserId,
    secret::Secret,
    text,
};

/// An address for mail, in lower case: what a person signs in with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(String);

impl Email {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Email {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let address = text.trim().to_lowercase();
        let clean = !address.chars().any(|c| text::hides(c) || c.is_whitespace());
        let parts = address.rsplit_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !local.contains('@') && !domain.starts_with('.')
        });
        if clean && parts && address.len() <= 254 {
            Ok(Self(address))
        } else {
            Err(Error::invalid("that is not an e-mail address"))
        }
    }
}

/// A person.
#[derive(Debug, Clone)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// What they sign in with.
    pub email: Email,
    /// What they are called.
    pub name: String,
    /// The argon2id hash of their password (PHC string); `None` when they have none yet.
    pub password: Option<Secret<String>>,
    /// What they may do on the whole installation, granted by name.
    pub instance: Option<Access>,
    /// Whether they are locked out.
    pub disabled: bool,
    /// When they were added.
    pub created_at: Timestamp,
    /// Counts the changes: a change based on an older one is a conflict.
    pub rev: u64,
}

impl User {
    /// Whether they may administer the installation: its last administrator cannot be removed.
    pub fn administers(&self) -> bool {
        self.instance == Some(Access::Admin) && !self.disabled
    }
}
