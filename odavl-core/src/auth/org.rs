//! Organisations, the people in them, and their projects.

use std::{collections::BTreeMap, fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    ids::{OrgId, ProjectId, UserId},
    metering::{Allowances, PlanName},
};

/// A name in addresses: 1 to 63 lower-case letters, digits and inner hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    /// The slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Slug {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid_with(
                format!("`{}` is not a slug", text.escape_default()),
                "use 1 to 63 lower-case letters, digits and hyphens: `my-team`",
            ))
        }
    }
}

/// How an organisation is named from outside: its id, its slug, or `external:<external_id>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrgRef {
    /// By its id.
    Id(OrgId),
    /// By its slug.
    Slug(Slug),
    /// By the team's own id for it.
    External(String),
}

impl fmt::Display for OrgRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
            Self::External(id) => write!(f, "external:{}", id.escape_default()),
        }
    }
}

impl FromStr for OrgRef {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        if let Some(external) = text.strip_prefix("external:") {
            return Ok(Self::External(external.to_owned()));
        }
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        text.parse().map(Self::Slug).map_err(|_| Error::not_found("organization", &text.escape_default()))
    }
}

/// A customer, or the operator: whose keys, quotas and objects are its own.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its id.
    pub id: OrgId,
    /// Its name in addresses.
    pub slug: Slug,
    /// What it is called.
    pub name: String,
    /// Its plan.
    pub plan: PlanName,
    /// The team's own id for it.
    pub external_id: Option<String>,
    /// The team's own notes.
    pub metadata: BTreeMap<String, String>,
    /// Limits of its own, in place of the plan's.
    pub overrides: Allowances,
    /// Whether it is the operator's: unlimited, and the only one that may decide for others.
    pub operator: bool,
    /// Whether it is locked out.
    pub suspended: bool,
    /// Rises with every change that a cached credential or limit must not survive.
    pub epoch: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts the changes: a change based on an older one is a conflict.
    pub rev: u64,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Also works: uploads, stores, manages keys of their own.
    Member,
    /// Everything but deleting the organisation.
    Admin,
    /// Everything.
    Owner,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Member, Self::Admin, Self::Owner];

    /// The role as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl FromStr for Role {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            Error::invalid_with(
                format!("`{}` is not a role", text.escape_default()),
                "use viewer, member, admin or owner",
            )
        })
    }
}

/// A person in an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub org: OrgId,
    /// The person.
    pub user: UserId,
    /// What they may do in it.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// A project of an organisation: what uploads belong to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The organisation.
    pub org: OrgId,
    /// Its id.
    pub id: ProjectId,
    /// Its name in addresses, unique in the organisation.
    pub slug: Slug,
    /// When it was made.
    pub created_at: Timestamp,
}
