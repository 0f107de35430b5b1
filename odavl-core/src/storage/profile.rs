//! What S3 stores can do: it is not the same everywhere, and what one lacks is not taken for granted.

use std::collections::BTreeSet;

use serde::Deserialize;

/// What is known of a store, as `odavl.toml` says it in a table `[stores.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// What the names of its hosts end in: a store there has this profile, unless another is named.
    pub hosts: Vec<String>,
    /// Its region, where it has but one.
    pub region: Option<String>,
    /// Whether the bucket stands in the path, not in the name of the host.
    pub path_style: bool,
    /// What it can; all else it cannot.
    pub can: BTreeSet<Ability>,
}

/// What some stores can and some cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// A write under `If-None-Match: *` is refused where there is something already, also of many at once.
    ConditionalPut,
    /// Bytes that are not those of their `x-amz-checksum-sha256` are refused, and the digest is told later.
    Checksums,
    /// A presigned PUT with `If-None-Match: *` works once.
    WriteOnce,
}

impl Ability {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::ConditionalPut, Self::Checksums, Self::WriteOnce];

    /// The ability as `can` names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConditionalPut => "conditional_put",
            Self::Checksums => "checksums",
            Self::WriteOnce => "write_once",
        }
    }
}

impl Profile {
    /// A store that can do everything.
    pub fn full() -> Self {
        Self { can: Ability::ALL.into(), ..Self::default() }
    }

    /// Whether the store can do this.
    pub fn can(&self, ability: Ability) -> bool {
        self.can.contains(&ability)
    }
}
