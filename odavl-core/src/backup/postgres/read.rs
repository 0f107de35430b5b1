//! A fingerprint: what is in a snapshot, each table read once, several at a time.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{try_join_all, try_join3};

use super::{
    objects, schema,
    session::{Session, text},
};
use crate::{
    backup::{Fingerprint, Standing, Tally},
    db::PostgresSettings,
    error::Result,
};

/// So many pages of a table are read by one connection before the next takes over: 64 MiB.
const PAGES: i64 = 8192;

/// The tables whose rows a dump holds, and which of an extension's rows: what it says that its user adds. Columns are in
/// the order of their names, for in a table that inherits they come in another order when it is made anew; what is
/// generated is not dumped.
const TABLES: &str = r#"
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
    COALESCE((SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname COLLATE "C")
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''), '') AS columns,
    e.filter,
    -- bool, bytea, int8, int2, int4, text, json, bpchar, varchar, date, timestamp, timestamptz, numeric, uuid, jsonb
    NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypid NOT IN
            (16, 17, 20, 21, 23, 25, 114, 1042, 1043, 1082, 1114, 1184, 1700, 2950, 3802)),
    CASE WHEN m.amname = 'heap' THEN pg_relation_size(c.oid) / current_setting('block_size')::BIGINT ELSE 0 END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
LEFT JOIN (SELECT config.table_oid, config.filter
    FROM pg_catalog.pg_extension, unnest(extconfig, extcondition) AS config (table_oid, filter)) AS e
    ON e.table_oid = c.oid
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND (e.table_oid IS NOT NULL OR NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
ORDER BY pg_table_size(c.oid) DESC"#;

const SEQUENCES: &str = r"
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1";

const EXTENSIONS: &str = "SELECT extname::TEXT, extversion FROM pg_catalog.pg_extension";

/// A snapshot that all that read the fingerprint share, and the tables in it, which nobody changes the shape of or empties
/// until it is let go.
pub(super) struct Snapshot {
    pub(super) session: Session,
    pub(super) name: String,
    settings: PostgresSettings,
    tables: Vec<Table>,
    sequences: Vec<String>,
    before: BTreeMap<String, (i64, bool)>,
}

struct Table {
    name: String,
    columns: String,
    filter: Option<String>,
    /// Whether all its columns are of types that are sent the same in binary, whatever they went through, which is faster.
    /// It is not so for numbers of floating point, of which some that are written the same are not, and for what is sent
    /// with the OIDs of its parts.
    binary: bool,
    pages: i64,
}

impl Snapshot {
    /// Takes a snapshot, and holds all tables as they are: a table that is emptied by TRUNCATE is empty in older snapshots,
    /// too, and would be there for one reader and gone for the next.
    pub(super) async fn take(settings: &PostgresSettings) -> Result<Self> {
        let session = Session::begin(settings).await?;
        let name = session.export().await?;
        let mut tables = Vec::new();
        for row in session.rows(TABLES).await? {
            let (columns, filter, binary) = (text(&row, 1)?, text(&row, 2)?, text(&row, 3)?);
            tables.push(Table { name: text(&row, 0)?, columns, filter, binary, pages: text(&row, 4)? });
        }
        let rows = session.rows(SEQUENCES).await?;
        let sequences = rows.iter().map(|row| text(row, 0)).collect::<Result<Vec<String>>>()?;
        for some in tables.chunks(100) {
            let names: Vec<_> = some.iter().map(|table| format!("ONLY {}", table.name)).collect();
            session.tell(&format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "))).await?;
        }
        let before = standings(&session, &sequences).await?;
        let settings = settings.clone();
        Ok(Self { session, name, settings, tables, sequences, before })
    }

    /// Reads all of it, by `jobs` connections beside this one.
    pub(super) async fn fingerprint(&self, jobs: usize) -> Result<Fingerprint> {
        let work = Mutex::new(self.work());
        let readers = (0..jobs.max(1)).map(|_| self.read(&work));
        let (tables, schema, large_objects) =
            try_join3(try_join_all(readers), schema::read(&self.session), objects::read(&self.session))
                .await?;
        let (schema, definitions) = schema;
        let mut extensions = BTreeMap::new();
        for row in self.session.rows(EXTENSIONS).await? {
            extensions.insert(text(&row, 0)?, text(&row, 1)?);
        }
        let mut found = Fingerprint {
            made_on: format!("postgres {}", self.session.version / 10_000),
            schema,
            definitions,
            extensions,
            large_objects,
            ..Fingerprint::default()
        };
        for (name, tally) in tables.into_iter().flatten() {
            found.tables.entry(name).or_default().merge(&tally);
        }
        found.sequences = self.sequences().await?;
        Ok(found)
    }

    /// Where the sequences stood when it was taken, and stand now.
    pub(super) async fn sequences(&self) -> Result<BTreeMap<String, Standing>> {
        let mut after = standings(&self.session, &self.sequences).await?;
        let both = |(name, from): (&String, &(i64, bool))| {
            let to = after.remove(name).unwrap_or(*from);
            (name.clone(), Standing { from: *from, to })
        };
        Ok(self.before.iter().map(both).collect())
    }

    /// What is to be read, the largest tables in pieces, the largest pieces last: they are taken from the end.
    fn work(&self) -> Vec<(String, String)> {
        let mut work: Vec<_> = self
            .tables
            .iter()
            .flat_map(|table| table.statements().map(|sql| (table.name.clone(), sql)))
            .collect();
        work.reverse();
        work
    }

    async fn read(&self, work: &Mutex<Vec<(String, String)>>) -> Result<Vec<(String, Tally)>> {
        let next = || work.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (mut session, mut read) = (None, Vec::new());
        while let Some((name, sql)) = next() {
            let session = match &mut session {
                Some(session) => session,
                none => none.insert(self.reader().await?),
            };
            let mut tally = Tally::default();
            session.copy(&sql, |line| tally.add(line)).await?;
            read.push((name, tally));
        }
        Ok(read)
    }

    async fn reader(&self) -> Result<Session> {
        let session = Session::join(&self.settings, &self.name).await?;
        // Nothing is translated: what makes no sense in its encoding is in the dump, too.
        session.tell("SET client_encoding = 'SQL_ASCII'").await?;
        Ok(session)
    }
}

impl Table {
    fn statements(&self) -> impl Iterator<Item = String> {
        let pieces =
            if self.filter.is_some() || self.columns.is_empty() { 1 } else { self.pages / PAGES + 1 };
        (0..pieces).map(move |piece| {
            let (name, columns) = (&self.name, &self.columns);
            let (from, next) = (piece * PAGES, (piece + 1) * PAGES);
            let rows = match &self.filter {
                // It brings its own WHERE.
                Some(filter) => format!("(SELECT {columns} FROM ONLY {name} {filter})"),
                None if columns.is_empty() => name.clone(),
                None if pieces == 1 => format!("{name} ({columns})"),
                // It may have grown since: the last takes all that there is.
                None if piece + 1 == pieces => {
                    format!("(SELECT {columns} FROM ONLY {name} WHERE ctid >= '({from},0)')")
                }
                None => format!(
                    "(SELECT {columns} FROM ONLY {name} WHERE ctid >= '({from},0)' AND ctid < '({next},0)')"
                ),
            };
            format!("COPY {rows} TO STDOUT (FORMAT {})", if self.binary { "binary" } else { "text" })
        })
    }
}

/// Where sequences stand, a hundred at a time.
async fn standings(session: &Session, names: &[String]) -> Result<BTreeMap<String, (i64, bool)>> {
    let mut found = BTreeMap::new();
    for some in names.chunks(100) {
        let each: Vec<_> = some
            .iter()
            .map(|name| format!("SELECT '{}', last_value, is_called FROM {name}", name.replace('\'', "''")))
            .collect();
        for row in session.rows(&each.join(" UNION ALL ")).await? {
            found.insert(text(&row, 0)?, (text(&row, 1)?, text(&row, 2)?));
        }
    }
    Ok(found)
}
