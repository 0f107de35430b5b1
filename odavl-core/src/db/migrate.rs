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
    /// What SQLite is told besides.
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "only SQLite is told"))]
    pub(super) sqlite: &'static str,
    /// What PostgreSQL is told besides.
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "only PostgreSQL is told"))]
    pub(super) postgres: &'static str,
}

impl Migration {
    pub(super) const fn new(version: u32, name: &'static str, sql: &'static str) -> Self {
        Self { version, name, sql, sqlite: "", postgres: "" }
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
    Migration {
        sqlite: include_str!("../../migrations/0008_epochs.sqlite.sql"),
        postgres: include_str!("../../migrations/0008_epochs.postgres.sql"),
        ..Migration::new(8, "epochs", include_str!("../../migrations/0008_epochs.sql"))
    },
    Migration::new(9, "webhook turns", include_str!("../../migrations/0009_webhook_turns.sql")),
    Migration {
        postgres: include_str!("../../migrations/0010_lives.postgres.sql"),
        ..Migration::new(10, "lives", include_str!("../../migrations/0010_lives.sql"))
    },
    Migration::new(11, "store marks", include_str!("../../migrations/0011_store_marks.sql")),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What nodes of the version before would stumble over.
    fn contracts(sql: &str) -> Option<String> {
        let code: Vec<_> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
        let code = code.join(" ").to_uppercase();
        let statements = code.split(';').map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        let words =
            ["DROP ", "RENAME ", " TYPE ", "SET NOT NULL", "ADD CONSTRAINT", "ADD CHECK", "ADD UNIQUE"];
        statements.into_iter().find(|text| {
            let alters = text.starts_with("ALTER TABLE") || text.starts_with("DROP ");
            let needs = text.contains("ADD COLUMN") && text.contains("NOT NULL") && !text.contains("DEFAULT");
            alters && (needs || words.iter().any(|word| text.contains(word)))
        })
    }

    #[test]
    fn what_nodes_of_the_version_before_need_is_only_taken_away_by_a_migration_that_says_so() {
        for Migration { name, sql, sqlite, postgres, .. } in MIGRATIONS {
            for text in [sql, sqlite, postgres] {
                let said = text.starts_with("-- Contracts: ");
                assert!(said || contracts(text).is_none(), "{name}: {:?}", contracts(text));
            }
        }
    }

    #[test]
    fn what_takes_away_is_told_from_what_adds() {
        for sql in [
            "DROP TABLE things",
            "ALTER TABLE things DROP COLUMN n",
            "ALTER TABLE things\n    RENAME COLUMN n TO m",
            "CREATE TABLE more (id TEXT); ALTER TABLE things ADD COLUMN m BIGINT NOT NULL",
            "ALTER TABLE things ALTER COLUMN n SET NOT NULL",
            "ALTER TABLE things ALTER COLUMN n TYPE TEXT",
            "alter table things add constraint c check (n > 0)",
        ] {
            assert!(contracts(sql).is_some(), "{sql}");
        }
        for sql in [
            "CREATE TABLE things (id TEXT PRIMARY KEY, n BIGINT NOT NULL)",
            "-- DROP TABLE things\nCREATE INDEX things_n ON things (n)",
            "ALTER TABLE things ADD COLUMN m BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE things ADD COLUMN m TEXT",
            "ALTER TABLE things SET (fillfactor = 50)",
        ] {
            assert_eq!(contracts(sql), None, "{sql}");
        }
    }
}
