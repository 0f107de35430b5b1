//! `odavl admin migrate`: an installation moves from its folder to PostgreSQL, to an S3 store, or to both.

use std::{env, path::Path};

use crate::files;
use odavl_core::{
    Error, SystemClock,
    config::Config,
    copy_to_bucket,
    db::{Moved, holds_password, move_to_postgres},
    storage::Copied,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::{
    commands::serve,
    config::Location,
    failure::{Failure, Result},
    output::{Column, Output},
    progress::Progress,
    store,
};

const PASSWORD: &str = "PGPASSWORD";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  PGPASSWORD=... odavl admin migrate --to postgres://odavl@db.example/odavl\n  \
                  odavl admin migrate --to /run/secrets/database-url --storage 's3://objects?region=eu-central-1'\n\n\
                  Stop `odavl serve` first. The password of the database is taken from PGPASSWORD, or with the whole URL \
                  from a variable or a file, for arguments are seen by everybody on the machine. The credential of the \
                  store is taken from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Objects are copied before rows are \
                  moved; a copy that was stopped goes on where it was."
)]
#[group(required = true, multiple = true)]
pub(super) struct Args {
    /// The empty database: its URL, or the name of a variable or a file that holds the URL
    #[arg(long, value_name = "URL|NAME")]
    to: Option<String>,
    /// The bucket that the folder's objects are copied to
    #[arg(long, value_name = "s3://BUCKET")]
    storage: Option<String>,
}

/// What was moved.
#[derive(Debug, Serialize)]
struct Report {
    /// Null where no database was named.
    rows: Option<u64>,
    tables: Vec<Moved>,
    /// Null where no bucket was named.
    objects: Option<Copied>,
}

const COLUMNS: [Column<Moved>; 3] = [
    Column::text("table", |moved| moved.table.clone()),
    Column::number("rows", |moved| moved.rows.to_string()),
    Column::text("digest", |moved| moved.digest.clone()),
];

pub(super) async fn run(location: &Location, config: &Config, args: &Args, output: Output) -> Result<()> {
    let data = location.data(config);
    let _alone = serve::hold(&data)?;
    let url = args.to.as_deref().map(target).transpose()?;
    if let (Some(url), Some(present)) = (&url, &config.database)
        && url != present.reveal()
    {
        return Err(Error::invalid_with(
            "the installation is on another PostgreSQL already, and what its folder has is older",
            "move from one PostgreSQL to another by pg_dump",
        )
        .into());
    }
    let objects = match &args.storage {
        Some(bucket) => Some(copy(&data, config, bucket, output).await?),
        None => None,
    };
    let tables = match &url {
        Some(url) => Some(move_rows(&data, url, output).await?),
        None => None,
    };
    let rows = tables.as_ref().map(|tables| tables.iter().map(|table| table.rows).sum());
    let report = Report { rows, tables: tables.unwrap_or_default(), objects };
    output.whole(&report, &report.tables, &COLUMNS)?;
    if let Some(Copied { objects, bytes, .. }) = report.objects {
        output.say(&format!(
            "all {objects} objects, {bytes} bytes, are in the bucket; name it by ODAVL_STORAGE or in odavl.toml. Keep the \
             folder's `objects` apart as a copy"
        ));
    }
    if let Some(rows) = report.rows {
        output.say(&format!(
            "all {rows} rows are there as they were; name the database by ODAVL_DATABASE or in odavl.toml, and start \
             `odavl serve` on the same folder: the master key stays in it. Keep odavl.db apart as a copy"
        ));
    }
    Ok(())
}

async fn copy(data: &Path, config: &Config, bucket: &str, output: Output) -> Result<Copied> {
    let wished = Config { storage: Some(bucket.to_owned()), ..config.clone() };
    // No URL is made here: what the address is does not matter.
    let settings = wished.settings("http://127.0.0.1:8787")?;
    let progress = Progress::new("copying objects", 0, output);
    let watch = |done, total| progress.reach(done, total);
    copy_to_bucket(data, &settings, &watch).await.map_err(|error| store::told(error).into())
}

async fn move_rows(data: &Path, url: &str, output: Output) -> Result<Vec<Moved>> {
    let progress = Progress::rows("moving", output);
    let watch = |done, total| progress.reach(done, total);
    Ok(move_to_postgres(&data.join("odavl.db"), url, &SystemClock, &watch).await?)
}

/// The database's URL, with its password.
fn target(to: &str) -> Result<String> {
    if to.contains("://") {
        return with_password(to);
    }
    if let Some(url) = env::var_os(to).filter(|url| !url.is_empty()) {
        return Ok(url.to_string_lossy().into_owned());
    }
    match files::read(Path::new(to))? {
        Some(text) => Ok(text.trim().to_owned()),
        None => Err(Error::invalid_with(
            format!("`{to}` is no URL, no variable that is set and no file"),
            "say it as postgres://user@host/database, or name what holds it",
        )
        .into()),
    }
}

fn with_password(url: &str) -> Result<String> {
    if holds_password(url)? {
        return Err(Failure::from(Error::invalid_with(
            "a database URL with a password is not taken as an argument: everybody on the machine sees it",
            "leave the password out and set PGPASSWORD, or name a variable or a file that holds the URL",
        )));
    }
    let Some(password) = env::var(PASSWORD).ok().filter(|password| !password.is_empty()) else {
        return Ok(url.to_owned());
    };
    let mark = if url.contains('?') { '&' } else { '?' };
    Ok(format!("{url}{mark}password={}", utf8_percent_encode(&password, NON_ALPHANUMERIC)))
}
