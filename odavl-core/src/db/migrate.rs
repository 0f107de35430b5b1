//! Migrations: each applied once, in order, and never changed afterwards.

use crate::{
    error::{Error, Result},
    secret::Digest,
};

/// A step of the tables' history.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    pub(super) version: u32,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
    /// What PostgreSQL is told besides.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only PostgreSQL is told"))]
    pub(super) postgres: &'static str,
}

impl Migration {
    pub(super) const fn new(version: u32, name: &'static str, sql: &'static str) -> Self {
        Self { version, name, sql, postgres: "" }
    }
}

/// Every migration, oldest first; a wing's tables have a file of their own. A file that was released is never
/// changed: what it did is changed by a new one.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration::new(1, "auth", include_str!("../../migrations/0001_auth.sql")),
    Migration {
        postgres: include_str!("../../migrations/0002_metering.postgres.sql"),
        ..Migration::new(2, "metering", include_str!("../../migrations/0002_metering.sql"))
    },
    Migration::new(3, "storage", include_str!("../../migrations/0003_storage.sql")),
    Migration::new(4, "uploads", include_str!("../../migrations/0004_uploads.sql")),
    Migration::new(5, "pruning", include_str!("../../migrations/0005_pruning.sql")),
    Migration::new(6, "nodes", include_str!("../../migrations/0006_nodes.sql")),
    Migration::new(7, "webhooks", include_str!("../../migrations/0007_webhooks.sql")),
];

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    version BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// Version, name and digest of what was applied.
pub(super) type Applied = (u32, String, String);

/// What is still to be applied; refuses a history that is not ours.
pub(super) fn pending<'a>(
    applied: &[Applied],
    known: &'a [Migration],
    digest_of: impl Fn(&Migration) -> String,
) -> Result<Vec<&'a Migration>> {
    for (version, name, recorded) in applied {
        let Some(ours) = known.iter().find(|migration| migration.version == *version) else {
            return Err(Error::Unsupported(format!(
                "the database has migration {version} `{name}`, which this odavl does not know: use a newer one"
            )));
        };
        if digest_of(ours) != *recorded {
            let what =
                format!("migrations.digest of row {version}: `{name}` has changed since it was applied");
            return Err(Error::corrupted(what, None));
        }
    }
    let done = |migration: &&Migration| applied.iter().any(|(version, ..)| *version == migration.version);
    Ok(known.iter().filter(|migration| !done(migration)).collect())
}

/// What tells whether a migration has changed.
pub(super) fn digest(texts: &[&str]) -> String {
    Digest::of(texts.concat().as_bytes()).to_hex()
}
