//! A fingerprint: what is in a snapshot, each table read once, several at a time.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::{try_join_all, try_join3};
use tokio::task::JoinSet;

use super::{
    objects, schema,
    session::{Session, text},
};
use crate::{
    backup::{Fingerprint, Standing, Tally},
    db::PostgresSettings,
    error::{Error, Result},
};

/// So many pages of a table are read by one connection before the next takes over: 16 MiB.
const PAGES: i64 = 2048;

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
    -- One that was dropped since has no size.
    CASE WHEN m.amname = 'heap' THEN COALESCE(pg_relation_size(c.oid) / current_setting('block_size')::BIGINT, 0) ELSE 0 END
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

/// Where no encoding is known, bytes are not held to make sense in ours.
const AS_IT_IS: &str = "SELECT set_config('client_encoding', 'SQL_ASCII', false)
    WHERE current_setting('server_encoding') = 'SQL_ASCII'";

/// A snapshot that all that read the fingerprint share, and the tables in it, which nobody changes the shape of or empties
/// until it is let go.
pub(super) struct Snapshot {
    pub(super) session: Session,
    pub(super) name: String,
    settings: PostgresSettings,
    tables: Vec<Table>,
    sequences: Vec<String>,
    before: BTreeMap<String, (i64, bool)>,
    readers: Vec<Reader>,
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

/// A connection that reads its share of the small tables, and holds them.
struct Reader {
    session: Session,
    share: Vec<Piece>,
}

/// A statement that reads a table or a part of it.
struct Piece {
    table: String,
    copy: String,
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
        session.hold(tables.iter().map(|table| table.name.as_str()), "").await?;
        let before = standings(&session, &sequences).await?;
        Ok(Self { session, name, settings: settings.clone(), tables, sequences, before, readers: Vec::new() })
    }

    /// Lets `jobs` connections take part in the reading. Each holds what it is to read before anybody can wait to change
    /// it: behind who waits for us, it would wait for ourselves.
    pub(super) async fn with_readers(mut self, jobs: usize) -> Result<Self> {
        let readers = try_join_all((0..jobs.max(1)).map(|job| self.reader(job, jobs.max(1)))).await?;
        self.readers = readers;
        Ok(self)
    }

    /// Tables are in the order of their sizes, so that every so-manieth makes shares of about one size.
    async fn reader(&self, job: usize, jobs: usize) -> Result<Reader> {
        let session = Session::join(&self.settings, &self.name).await?;
        let small = self.tables.iter().filter(|table| table.pieces() == 1).skip(job).step_by(jobs);
        let large = self.tables.iter().filter(|table| table.pieces() > 1);
        session.hold(small.clone().chain(large).map(|table| table.name.as_str()), "NOWAIT").await?;
        session.tell(AS_IT_IS).await?;
        Ok(Reader { session, share: small.flat_map(Table::read).collect() })
    }

    /// Reads all of it.
    pub(super) async fn fingerprint(&mut self) -> Result<Fingerprint> {
        let large = self.tables.iter().filter(|table| table.pieces() > 1).flat_map(Table::read);
        let large = Arc::new(Mutex::new(large.collect::<Vec<_>>()));
        let readers = std::mem::take(&mut self.readers);
        // Each in a task of its own, for they compute.
        let readers: JoinSet<_> = readers.into_iter().map(|reader| reader.read(large.clone())).collect();
        let (tables, (schema, definitions), large_objects) =
            try_join3(all(readers), schema::read(&self.session), objects::read(&self.session)).await?;
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
            sequences: self.sequences().await?,
            ..Fingerprint::default()
        };
        for (name, tally) in tables.into_iter().flatten() {
            found.tables.entry(name).or_default().merge(&tally);
        }
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
}

/// Of which tables what was read.
type Read = Vec<(String, Tally)>;

async fn all(mut readers: JoinSet<Result<Read>>) -> Result<Vec<Read>> {
    let mut read = Vec::new();
    while let Some(joined) = readers.join_next().await {
        read.push(joined.map_err(|lost| Error::internal("a reader is lost", Some(lost.into())))??);
    }
    Ok(read)
}

impl Reader {
    /// Reads parts of large tables for as long as there are any, and then its share.
    async fn read(mut self, large: Arc<Mutex<Vec<Piece>>>) -> Result<Read> {
        let next = || large.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut read = Vec::new();
        while let Some(piece) = next().or_else(|| self.share.pop()) {
            let mut tally = Tally::default();
            self.session.copy(&piece.copy, |row| tally.add(row)).await?;
            read.push((piece.table, tally));
        }
        Ok(read)
    }
}

impl Table {
    /// In how many parts it is read.
    const fn pieces(&self) -> i64 {
        if self.filter.is_some() || self.columns.is_empty() { 1 } else { self.pages / PAGES + 1 }
    }

    fn read(&self) -> impl Iterator<Item = Piece> {
        let pieces = self.pieces();
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
            let format = if self.binary { "binary" } else { "text" };
            Piece { table: name.clone(), copy: format!("COPY {rows} TO STDOUT (FORMAT {format})") }
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
