//! `odavl admin migrate`: an installation on SQLite moves to PostgreSQL.

use std::{env, path::Path};

use odavl_cli::files;
use odavl_core::{
    Error, SystemClock,
    config::Config,
    db::{Moved, holds_password, move_to_postgres},
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::{
    commands::serve,
    config::Location,
    failure::{Failure, Result},
    output::{Column, Output},
    progress::Progress,
};

const PASSWORD: &str = "PGPASSWORD";

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Stop `odavl serve` first. The password of the database is taken from PGPASSWORD, or with the whole URL \
                  from a variable or a file, for arguments are seen by everybody on the machine.\n\n\
                  Examples:\n  PGPASSWORD=... odavl admin migrate --to postgres://odavl@db.example/odavl\n  \
                  odavl admin migrate --to /run/secrets/database-url"
)]
pub(super) struct Args {
    /// The empty database: its URL, or the name of a variable or a file that holds the URL
    #[arg(long, value_name = "URL|NAME")]
    to: String,
}

/// What was moved.
#[derive(Debug, Serialize)]
struct Report {
    rows: u64,
    tables: Vec<Moved>,
}

const COLUMNS: [Column<Moved>; 3] = [
    Column::text("table", |moved| moved.table.clone()),
    Column::number("rows", |moved| moved.rows.to_string()),
    Column::text("digest", |moved| moved.digest.clone()),
];

pub(super) async fn run(location: &Location, config: &Config, args: &Args, output: Output) -> Result<()> {
    let data = location.data(config);
    let _alone = serve::hold(&data)?;
    let url = target(&args.to)?;
    let progress = Progress::rows("moving", output);
    let watch = |done, total| progress.reach(done, total);
    let tables = move_to_postgres(&data.join("odavl.db"), &url, &SystemClock, &watch).await?;
    drop(progress);
    let rows = tables.iter().map(|table| table.rows).sum();
    let report = Report { rows, tables };
    output.whole(&report, &report.tables, &COLUMNS)?;
    output.say(&format!(
        "all {rows} rows are there as they were; name the database by ODAVL_DATABASE or in odavl.toml, and start \
         `odavl serve` on the same folder: objects and the master key stay in it. Keep odavl.db apart as a copy"
    ));
    Ok(())
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
