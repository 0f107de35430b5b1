//! A dump: `pg_dump` in our snapshot, and what is read beside it.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use bytes::{Bytes, BytesMut};
use tempfile::NamedTempFile;
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    child::{Output, command},
    read::Snapshot,
    session::{Session, text},
    spool,
    tools::Tools,
};
use crate::{
    backup::{Dump, DumpOptions, Dumped, Engine, Fingerprint, Format, Reading, Source},
    causes::{Chain, causes},
    db::PostgresSettings,
    error::{Error, Result},
    storage::Body,
};

/// Nobody has more roles than fit.
const GLOBALS_MOST: usize = 16 << 20;

/// What a dump is made by.
pub(super) struct Dumping<'a> {
    pub(super) settings: &'a PostgresSettings,
    pub(super) tools: &'a Tools,
    pub(super) folder: Option<&'a Path>,
    pub(super) jobs: usize,
}

impl Dumping<'_> {
    pub(super) async fn begin(self, options: DumpOptions) -> Result<Dump> {
        let format = options.format.unwrap_or(Format::Archive);
        let how: &[&str] = match format {
            Format::Archive => &["-Fc", "-Z0"],
            Format::Sql => &["-Fp", "--no-owner", "--no-acl"],
            Format::File => {
                return Err(Error::Unsupported(
                    "a PostgreSQL database is no file: dump it as `archive` or `sql`".into(),
                ));
            }
        };
        for _ in 1..TRIES {
            match self.once(options.fingerprint, format, how).await {
                // Somebody waits to change a table that some of us hold and others are still to hold: they wait for us,
                // and we for them. Once we let go it is done. Or somebody has dropped what we were to hold.
                Err(error) if is_in_the_way(&error) => {
                    tracing::debug!(error = %Chain(&error), "a dump is begun again");
                }
                begun => return begun,
            }
        }
        self.once(options.fingerprint, format, how).await
    }

    async fn once(&self, reading: Reading, format: Format, how: &[&str]) -> Result<Dump> {
        let mut snapshot = Snapshot::take(self.settings).await?;
        if reading == Reading::With {
            snapshot = snapshot.with_readers(self.jobs).await?;
        }
        let source = describe(&snapshot.session, self.settings).await?;
        let major = snapshot.session.version / 10_000;
        let tool = self.tools.find("pg_dump", major).await?;
        let roots = roots(self.settings, self.folder)?;
        let mut command = command(&tool, self.settings, roots.as_ref().map(NamedTempFile::path));
        command.args(how).args(["--no-password", "--lock-wait-timeout=5000"]);
        command.arg(format!("--snapshot={}", snapshot.name));
        // Whatever the database tells its clients to speak.
        command.args(source.properties.get("encoding").map(|encoding| format!("--encoding={encoding}")));
        let (mut output, complaints) = Output::of(&tool, command)?;
        // Before it puts anything out, it has joined the snapshot and holds all that it will read.
        output.fill().await?;
        let folder = self.folder.map(Path::to_owned);
        let globals = Task::spawn(globals(self.tools.clone(), major, self.settings.clone(), folder));
        let fingerprint = Task::spawn(fingerprint(snapshot, reading));
        let ending = async move {
            let _until_now = roots;
            ending(fingerprint, globals, complaints).await
        };
        Ok(Dump::new(source, (format, tool.told()), Box::new(output), ending))
    }
}

/// So often a dump is begun before who is in its way is told of.
const TRIES: usize = 5;

/// Whether it waited for a table too long, we or `pg_dump`, which bounds nothing else; or whether a table, or its schema, was
/// gone when it was to be held.
fn is_in_the_way(error: &Error) -> bool {
    const CODES: [&str; 3] = ["55P03", "42P01", "3F000"];
    let told = |text: &str| {
        CODES.iter().any(|code| text.starts_with(code)) || text.contains("due to statement timeout")
    };
    told(&error.to_string()) || causes(error).any(|cause| told(&cause.to_string()))
}

/// Something that goes on beside us, and ends with us.
struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    async fn end(mut self) -> Result<T> {
        (&mut self.0).await.map_err(|lost| Error::internal("a reader is lost", Some(lost.into())))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The snapshot stays until the dump has ended, for sequences are looked at once more.
async fn fingerprint(mut snapshot: Snapshot, reading: Reading) -> Result<(Snapshot, Option<Fingerprint>)> {
    let found = match reading {
        Reading::With => Some(snapshot.fingerprint().await?),
        Reading::Without => None,
    };
    Ok((snapshot, found))
}

async fn ending(
    fingerprint: Task<Result<(Snapshot, Option<Fingerprint>)>>,
    globals: Task<Result<Bytes>>,
    complaints: oneshot::Receiver<Vec<String>>,
) -> Result<Dumped> {
    let (snapshot, mut fingerprint) = fingerprint.end().await??;
    if let Some(fingerprint) = &mut fingerprint {
        fingerprint.sequences = snapshot.sequences().await?;
    }
    let mut notes = complaints.await.unwrap_or_default();
    let globals = match globals.end().await? {
        Ok(globals) => Some(globals),
        Err(why) => {
            notes.push(format!("roles are not saved beside the dump: {why}"));
            None
        }
    };
    Ok(Dumped { fingerprint, globals, notes })
}

/// Roles and tablespaces, as statements, without passwords.
async fn globals(
    tools: Tools,
    major: u32,
    settings: PostgresSettings,
    folder: Option<PathBuf>,
) -> Result<Bytes> {
    let tool = tools.find("pg_dumpall", major).await?;
    let roots = roots(&settings, folder.as_deref())?;
    let mut command = command(&tool, &settings, roots.as_ref().map(NamedTempFile::path));
    command.args(["--globals-only", "--no-role-passwords", "--no-password"]);
    command.arg(format!("--database={}", settings.database()));
    let (mut output, _) = Output::of(&tool, command)?;
    let mut all = BytesMut::new();
    while let Some(piece) = output.next().await? {
        all.extend_from_slice(&piece);
        if all.len() > GLOBALS_MOST {
            return Err(Error::TooLarge {
                what: "what tells of the roles".into(),
                limit: GLOBALS_MOST as u64,
            });
        }
    }
    Ok(all.freeze())
}

/// A file with the authorities that the system knows, where one is needed.
pub(super) fn roots(settings: &PostgresSettings, folder: Option<&Path>) -> Result<Option<NamedTempFile>> {
    let Some(pem) = settings.system_roots() else { return Ok(None) };
    let mut file = spool::named(folder)?;
    file.write_all(pem.as_bytes()).map_err(spool::io_error)?;
    Ok(Some(file))
}

const SOURCE: &str = r"
SELECT to_jsonb(d)::TEXT, pg_database_size(d.oid), pg_encoding_to_char(d.encoding)::TEXT,
    current_setting('server_version'), (SELECT system_identifier::TEXT FROM pg_catalog.pg_control_system())
FROM pg_catalog.pg_database d WHERE d.datname = current_database()";

/// What a new database is made with, by the columns of `pg_database`: as they are called in any version.
const PROPERTIES: [(&str, &[&str]); 5] = [
    ("collate", &["datcollate"]),
    ("ctype", &["datctype"]),
    ("provider", &["datlocprovider"]),
    ("locale", &["datlocale", "daticulocale"]),
    ("icu_rules", &["daticurules"]),
];

/// The database that a session is in.
pub(super) async fn describe(session: &Session, settings: &PostgresSettings) -> Result<Source> {
    let rows = session.rows(SOURCE).await?;
    let row = rows.first().ok_or_else(|| Error::internal("a database does not know itself", None))?;
    let known: serde_json::Value = serde_json::from_str(text(row, 0)?).map_err(|error| {
        Error::corrupted("pg_database holds a row that makes no sense", Some(error.into()))
    })?;
    let mut properties: std::collections::BTreeMap<String, String> =
        [("encoding".to_owned(), text::<String>(row, 2)?)].into();
    for (name, columns) in PROPERTIES {
        let value = columns.iter().find_map(|column| known.get(column)?.as_str());
        properties.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    let version: String = text(row, 3)?;
    Ok(Source {
        engine: Engine::Postgres,
        version: version.split_whitespace().next().unwrap_or_default().to_owned(),
        server: text(row, 4)?,
        database: settings.database().parse()?,
        size: u64::try_from(text::<i64>(row, 1)?).unwrap_or(0),
        properties,
        formats: vec![Format::Archive, Format::Sql],
    })
}
