//! The tables, as a database that is spread over machines by organisation needs them: what belongs to an organisation is
//! found by it, so that a decision touches the rows of one place.

#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(test)]
#[path = "support/postgres.rs"]
mod server;

use std::collections::BTreeMap;

use odavl_core::{SystemClock, db::Db};

/// Tables whose primary key begins with something else, and why: a spread database keeps a copy of each everywhere.
const NOT_BY_ORGANISATION: [(&str, &str); 13] = [
    ("users", "a person is in several organisations, and signs in before one is chosen"),
    ("organizations", "what they are called is unique among all, and their own id is their key"),
    ("logins", "a sign-in is a person's, and is found by what their browser or refresh token says"),
    ("device_requests", "a device asks before anybody has said for which organisation"),
    ("setup_links", "of the whole installation, before there is an organisation"),
    ("signing_keys", "of the whole installation"),
    ("leases", "of all nodes, for what is done for all organisations"),
    ("lives", "of the database server"),
    ("store_marks", "of the store"),
    ("store_walks", "of the store"),
    ("master_key_checks", "of all nodes"),
    ("batches", "found by the batch's id alone, and forgotten after an hour"),
    ("migrations", "of the tables themselves"),
];

/// Unique indexes without the organisation on tables that have it, and why. A spread database has them as tables.
const UNIQUE_AMONG_ALL: [(&str, &str); 1] =
    [("api_keys_id", "from a key's id, which is all that a credential says, to its organisation")];

/// Of each table the first column of its primary key.
const SQLITE_KEYS: &str = "SELECT tables.name AS \"table\", columns.name AS first
    FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns ON columns.pk = 1
    WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%'";
const POSTGRES_KEYS: &str = "SELECT CAST(tables.relname AS TEXT) AS table, CAST(attname AS TEXT) AS first
    FROM pg_class AS tables
    LEFT JOIN pg_index ON indrelid = tables.oid AND indisprimary
    LEFT JOIN pg_attribute ON attrelid = tables.oid AND attnum = indkey[0]
    WHERE tables.relkind = 'r' AND tables.relnamespace = CAST(current_schema() AS REGNAMESPACE)";
/// Of each other unique index its table, and whether the organisation is among its columns.
const SQLITE_UNIQUE: &str = "SELECT tables.name AS \"table\", indexes.name AS name,
    EXISTS (SELECT 1 FROM pragma_index_info(indexes.name) AS columns WHERE columns.name = 'org') AS with_org
    FROM sqlite_schema AS tables JOIN pragma_index_list(tables.name) AS indexes
    ON indexes.\"unique\" = 1 AND indexes.origin <> 'pk' WHERE tables.type = 'table'";
const POSTGRES_UNIQUE: &str = "SELECT CAST(tables.relname AS TEXT) AS table, CAST(indexes.relname AS TEXT) AS name,
    (SELECT COUNT(*) FROM pg_attribute WHERE attrelid = tables.oid AND attnum = ANY (indkey) AND attname = 'org')
        AS with_org
    FROM pg_index JOIN pg_class AS indexes ON indexes.oid = indexrelid JOIN pg_class AS tables ON tables.oid = indrelid
    WHERE indisunique AND NOT indisprimary AND tables.relnamespace = CAST(current_schema() AS REGNAMESPACE)";

async fn holds(db: &Db, keys: &'static str, unique: &'static str) {
    let exempt = BTreeMap::from(NOT_BY_ORGANISATION);
    let mut firsts = BTreeMap::<String, Option<String>>::new();
    for row in db.query(keys, &[]).await.unwrap() {
        firsts.insert(row.read("table").unwrap(), row.read("first").unwrap());
    }
    assert!(firsts.len() > 15, "{firsts:?}");
    for (table, first) in &firsts {
        let by_org = first.as_deref() == Some("org");
        let is_exempt = exempt.contains_key(table.as_str());
        assert!(
            by_org != is_exempt,
            "{table}: its key begins with {first:?}; is it on the list? {is_exempt}"
        );
    }
    assert!(
        exempt.keys().all(|table| firsts.contains_key(*table)),
        "the list names a table that is not there"
    );
    for row in db.query(unique, &[]).await.unwrap() {
        let [table, name]: [String; 2] = ["table", "name"].map(|column| row.read(column).unwrap());
        let among_all = UNIQUE_AMONG_ALL.iter().any(|(known, _)| *known == name);
        let with_org: bool = row.read("with_org").unwrap();
        assert!(exempt.contains_key(table.as_str()) || with_org != among_all, "{name} on {table}");
    }
}

#[tokio::test]
async fn what_belongs_to_an_organisation_is_found_by_it_on_sqlite() {
    let db = Db::temporary(&SystemClock).await.unwrap();
    holds(&db, SQLITE_KEYS, SQLITE_UNIQUE).await;
}

#[tokio::test]
async fn what_belongs_to_an_organisation_is_found_by_it_on_postgresql() {
    let db = server::database(&SystemClock).await;
    holds(&db, POSTGRES_KEYS, POSTGRES_UNIQUE).await;
}
