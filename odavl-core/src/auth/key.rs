//! API keys: `<prefix>_<live|test>_<id>_<secret>_<crc>`.

use std::{collections::BTreeMap, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{opaque, scope::Scopes};
use crate::{
    error::{Error, Reason, Result},
    ids::{KeyId, OrgId, UserId},
    metering::Allowances,
    secret::{Digest, Secret},
};

/// What a key is for. Both environments share the organisation's quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Real traffic.
    Live,
    /// Trials.
    Test,
}

impl Environment {
    /// The environment as it is written in a key.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

impl FromStr for Environment {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "live" => Ok(Self::Live),
            "test" => Ok(Self::Test),
            _ => Err(Error::invalid_with(
                format!("`{}` is not an environment", text.escape_default()),
                "use live or test",
            )),
        }
    }
}

/// What keys begin with: 2 to 16 lower-case letters and digits, a letter first; `odavl` by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for KeyPrefix {
    fn default() -> Self {
        Self("odavl".to_owned())
    }
}

impl TryFrom<String> for KeyPrefix {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        let fits = (2..=16).contains(&text.len())
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if fits {
            Ok(Self(text))
        } else {
            Err(Error::invalid("a key prefix is 2 to 16 lower-case letters and digits, a letter first"))
        }
    }
}

impl From<KeyPrefix> for String {
    fn from(prefix: KeyPrefix) -> Self {
        prefix.0
    }
}

/// A key as its holder has it. Only its digest is stored.
#[derive(Debug, Clone)]
pub struct KeyToken {
    /// Which key it is.
    pub id: KeyId,
    /// What it is for.
    pub environment: Environment,
    text: Secret<String>,
}

impl KeyToken {
    /// A new secret for the key `id`.
    pub fn new(prefix: &KeyPrefix, environment: Environment, id: KeyId) -> Result<Self> {
        let secret = opaque::secret()?;
        let body = format!("{}_{}_{}_{secret}", prefix.as_str(), environment.as_str(), id.suffix());
        Ok(Self { id, environment, text: opaque::with_crc(body) })
    }

    /// The key that `text` says. A typing mistake is refused here, without a look-up.
    pub fn parse(prefix: &KeyPrefix, text: &str) -> Result<Self> {
        Self::read(prefix, text).ok_or_else(|| {
            Error::unauthenticated(Reason::Malformed, "that is not an API key of this service")
        })
    }

    fn read(prefix: &KeyPrefix, text: &str) -> Option<Self> {
        let [found, environment, id, _] = opaque::parts(text)?;
        if found != prefix.as_str() {
            return None;
        }
        let environment = environment.parse().ok()?;
        Some(Self { id: KeyId::from_suffix(id)?, environment, text: Secret::new(text.to_owned()) })
    }

    /// What is stored instead of the key.
    pub fn digest(&self) -> Digest {
        Digest::of(self.text.reveal().as_bytes())
    }

    /// The key itself: shown once, to the one who made it.
    pub const fn secret(&self) -> &Secret<String> {
        &self.text
    }
}

/// A key's row.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// Whose it is.
    pub org: OrgId,
    /// Who made it, or adopted it: its scopes are cut by their role. `None`: made by the installation itself.
    pub owner: Option<UserId>,
    /// What it is called.
    pub name: String,
    /// What it may do, before it is cut.
    pub scopes: Scopes,
    /// What it is for.
    pub environment: Environment,
    /// The team's own notes.
    pub metadata: BTreeMap<String, String>,
    /// Limits of its own, children of the organisation's.
    pub limits: Allowances,
    /// The addresses it may be used from; empty: any.
    pub allowed_ips: Vec<IpNet>,
    /// What its secret is compared with.
    pub digest: Digest,
    /// The digest before the last rotation, and until when it holds.
    pub previous: Option<(Digest, Timestamp)>,
    /// Whether it is switched off.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, for ever.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, about (written in batches).
    pub last_used_at: Option<Timestamp>,
    /// Counts the changes: a change based on an older one is a conflict.
    pub rev: u64,
}

impl ApiKey {
    /// Whether it counts against the plan's number of keys.
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| at < end)
    }

    /// When `token`, which is one of its own, stops working; `None` where nothing says.
    pub fn ends_at(&self, token: &KeyToken) -> Option<Timestamp> {
        let replaced = self.previous.filter(|(digest, _)| *digest == token.digest());
        [self.expires_at, replaced.map(|(_, until)| until)].into_iter().flatten().min()
    }

    /// Refuses a token or a key that does not hold at `at`. What an outsider could learn from the order is
    /// nothing: the secret is compared first.
    pub fn check(&self, token: &KeyToken, at: Timestamp) -> Result<()> {
        let digest = token.digest();
        let current = digest == self.digest && token.environment == self.environment;
        let before = self.previous.is_some_and(|(previous, until)| digest == previous && at < until);
        if !current && !before {
            return Err(Error::unauthenticated(Reason::Unknown, "that API key is not known"));
        }
        if self.revoked_at.is_some() {
            return Err(Error::unauthenticated(
                Reason::Revoked,
                format!("the API key {} was revoked", self.id),
            ));
        }
        if !self.is_active(at) {
            return Err(Error::unauthenticated(
                Reason::Expired,
                format!("the API key {} has expired", self.id),
            ));
        }
        if self.disabled {
            return Err(Error::unauthenticated(
                Reason::Disabled,
                format!("the API key {} is disabled", self.id),
            ));
        }
        Ok(())
    }

    /// Refuses an address outside the allow-list, and an unknown one where there is a list.
    pub fn check_address(&self, address: Option<IpAddr>) -> Result<()> {
        let inside = |address: IpAddr| {
            let address = address.to_canonical();
            self.allowed_ips.iter().any(|net| net.contains(&address))
        };
        if self.allowed_ips.is_empty() || address.is_some_and(inside) {
            return Ok(());
        }
        Err(Error::forbidden(Reason::AddressDenied, "the API key may not be used from this address"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> KeyToken {
        let id = KeyId::new(Timestamp::UNIX_EPOCH).unwrap();
        KeyToken::new(&KeyPrefix::default(), Environment::Live, id).unwrap()
    }

    #[test]
    fn a_key_is_read_back_as_made() {
        let made = token();
        let read = KeyToken::parse(&KeyPrefix::default(), made.secret().reveal()).unwrap();
        assert_eq!((read.id, read.digest()), (made.id, made.digest()));
    }

    #[test]
    fn any_mistyped_or_cut_key_is_malformed() {
        let text = token().secret().reveal().clone();
        for end in 0..text.len() {
            assert!(KeyToken::parse(&KeyPrefix::default(), &text[..end]).is_err());
        }
        for place in 0..text.len() {
            let mut typed = text.clone().into_bytes();
            typed[place] = if typed[place] == b'x' { b'y' } else { b'x' };
            let typed = String::from_utf8(typed).unwrap();
            let refused = KeyToken::parse(&KeyPrefix::default(), &typed).unwrap_err();
            assert_eq!(refused.reason(), Some(Reason::Malformed), "{place}");
        }
    }

    #[test]
    fn a_key_of_another_prefix_is_malformed() {
        let other = KeyPrefix::try_from("acme".to_owned()).unwrap();
        assert!(KeyToken::parse(&other, token().secret().reveal()).is_err());
    }
}
