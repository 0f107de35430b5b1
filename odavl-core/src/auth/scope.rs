//! What a credential may do: `<resource>:<read|write|admin>`, where admin includes write includes read.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::org::Role;
use crate::error::{Error, Result};

/// The resources of odavl itself; a team's own come from its configuration.
pub const RESOURCES: [&str; 7] = ["storage", "usage", "keys", "org", "uploads", "gateway", "instance"];

/// How much of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Look.
    Read,
    /// Look and change.
    Write,
    /// Everything.
    Admin,
}

impl Access {
    /// The access as it is written in a scope.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Access {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        [Self::Read, Self::Write, Self::Admin]
            .into_iter()
            .find(|access| access.as_str() == text)
            .ok_or_else(|| Error::invalid(format!("`{}` is not read, write or admin", text.escape_default())))
    }
}

/// A set of scopes: the most access to each resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeMap<String, Access>);

impl Scopes {
    /// No scope at all.
    pub const fn none() -> Self {
        Self(BTreeMap::new())
    }

    /// These, and what was there.
    #[must_use]
    pub fn with(mut self, resource: &str, access: Access) -> Self {
        let held = self.0.entry(resource.to_owned()).or_insert(access);
        *held = access.max(*held);
        self
    }

    /// What a role gives: on odavl's resources and on `own`, the team's. `gateway` and `instance` never come from
    /// a role alone.
    pub fn of_role<'a>(role: Role, own: impl IntoIterator<Item = &'a String>) -> Self {
        let (work, rest) = match role {
            Role::Viewer => (Access::Read, Access::Read),
            Role::Member => (Access::Write, Access::Read),
            Role::Admin | Role::Owner => (Access::Admin, Access::Admin),
        };
        let mut scopes = own.into_iter().fold(Self::none(), |scopes, name| scopes.with(name, work));
        for resource in ["uploads", "storage"] {
            scopes = scopes.with(resource, work);
        }
        let (keys, org) = match role {
            Role::Viewer => (Access::Read, Access::Read),
            Role::Member => (Access::Write, Access::Read),
            Role::Admin => (Access::Admin, Access::Write),
            Role::Owner => (Access::Admin, Access::Admin),
        };
        scopes.with("usage", rest).with("keys", keys).with("org", org)
    }

    /// Whether these give at least that access.
    pub fn allow(&self, resource: &str, access: Access) -> bool {
        self.0.get(resource).is_some_and(|held| *held >= access)
    }

    /// Whether these give all that `other` gives.
    pub fn cover(&self, other: &Self) -> bool {
        other.0.iter().all(|(resource, access)| self.allow(resource, *access))
    }

    /// What both give.
    #[must_use]
    pub fn cut(&self, other: &Self) -> Self {
        let both = |(resource, access): (&String, &Access)| {
            other.0.get(resource).map(|held| (resource.clone(), *access.min(held)))
        };
        Self(self.0.iter().filter_map(both).collect())
    }

    /// These, but for one resource.
    #[must_use]
    pub fn without(mut self, resource: &str) -> Self {
        self.0.remove(resource);
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in order, each with the most access.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Access)> {
        self.0.iter().map(|(resource, access)| (resource.as_str(), *access))
    }

    /// The scopes as a list of texts.
    pub fn to_vec(&self) -> Vec<String> {
        self.iter().map(|(resource, access)| format!("{resource}:{}", access.as_str())).collect()
    }

    /// Refuses a resource that neither odavl nor the configuration names.
    pub fn check_known<'a>(&self, own: impl IntoIterator<Item = &'a String> + Clone) -> Result<()> {
        for resource in self.0.keys() {
            let known =
                RESOURCES.contains(&resource.as_str()) || own.clone().into_iter().any(|o| o == resource);
            if !known {
                let mut names: Vec<_> = RESOURCES.into_iter().collect();
                names.extend(own.into_iter().map(String::as_str));
                return Err(Error::invalid_with(
                    format!("there is no resource `{}`", resource.escape_default()),
                    format!("use one of: {}", names.join(", ")),
                ));
            }
        }
        Ok(())
    }

    /// The scopes that these texts say.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        texts.into_iter().try_fold(Self::none(), |scopes, text| {
            let (resource, access) = parse_one(text)?;
            Ok(scopes.with(resource, access))
        })
    }
}

fn parse_one(text: &str) -> Result<(&str, Access)> {
    let known = text.split_once(':').and_then(|(resource, access)| {
        let access = access.parse().ok()?;
        let named = (1..=64).contains(&resource.len())
            && resource
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        named.then_some((resource, access))
    });
    known.ok_or_else(|| {
        Error::invalid_with(
            format!("`{}` is not a scope", text.escape_default()),
            "a scope is a resource and read, write or admin: `storage:write`",
        )
    })
}

/// Separated by spaces, as OAuth writes them.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_vec().join(" "))
    }
}

impl FromStr for Scopes {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text.split_ascii_whitespace())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.to_vec())
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Self::parse(texts.iter().map(String::as_str)).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_includes_write_includes_read() {
        let scopes: Scopes = "storage:write".parse().unwrap();
        assert!(scopes.allow("storage", Access::Read) && scopes.allow("storage", Access::Write));
        assert!(!scopes.allow("storage", Access::Admin) && !scopes.allow("usage", Access::Read));
    }

    #[test]
    fn a_cut_gives_only_what_both_give() {
        let key: Scopes = "storage:admin usage:read keys:write".parse().unwrap();
        let role: Scopes = "storage:write usage:admin".parse().unwrap();
        assert_eq!(key.cut(&role).to_string(), "storage:write usage:read");
    }

    #[test]
    fn no_role_gives_gateway_or_instance() {
        for role in Role::ALL {
            let scopes = Scopes::of_role(role, []);
            assert!(!scopes.allow("gateway", Access::Read) && !scopes.allow("instance", Access::Read));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["storage", "storage:", ":read", "storage:own", "Storage:read", "a b:read:"] {
            assert!(text.parse::<Scopes>().is_err(), "{text}");
        }
    }
}
