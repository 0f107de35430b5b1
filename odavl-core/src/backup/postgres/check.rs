//! Whether a database is consistent in itself.

use std::{path::Path, process::Stdio};

use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::ChildStdout,
};

use super::{
    child::command,
    dump::roots,
    session::{Session, text},
    tools::Tools,
};
use crate::{
    backup::Checkup,
    db::PostgresSettings,
    error::{Error, Result},
};

/// So many faults are told.
const FAULTS: usize = 20;

const INVALID: &str = "SELECT i.indexrelid::regclass::TEXT FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid AND c.relkind = 'i' LIMIT 20";

const AMCHECK: &str = "SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'amcheck'";

pub(super) async fn check(
    settings: &PostgresSettings,
    tools: &Tools,
    folder: Option<&Path>,
) -> Result<Checkup> {
    let session = Session::begin(settings).await?;
    let mut checkup = Checkup { examined: vec!["invalid indexes".into()], ..Checkup::default() };
    for row in session.rows(INVALID).await? {
        checkup.faults.push(format!("the index {} is invalid", text::<String>(&row, 0)?));
    }
    if session.rows(AMCHECK).await?.is_empty() {
        checkup.skipped.push("pg_amcheck: the extension amcheck is not in the database".into());
        return Ok(checkup);
    }
    let major = session.version / 10_000;
    drop(session);
    match tools.find("pg_amcheck", major).await {
        Ok(tool) => amcheck(&tool, settings, folder, &mut checkup).await?,
        Err(error) => checkup.skipped.push(format!("pg_amcheck: {error}")),
    }
    Ok(checkup)
}

async fn amcheck(
    tool: &super::tools::Tool,
    settings: &PostgresSettings,
    folder: Option<&Path>,
    checkup: &mut Checkup,
) -> Result<()> {
    let roots = roots(settings, folder)?;
    let mut command = command(tool, settings, roots.as_ref().map(NamedTempFile::path));
    command.arg("--no-password").stdout(Stdio::piped()).stderr(Stdio::null());
    let lost = |source: std::io::Error| Error::unavailable("pg_amcheck is lost", Some(source.into()));
    let mut child = command.spawn().map_err(lost)?;
    let told = first_lines(child.stdout.take()).await;
    match child.wait().await.map_err(lost)?.code() {
        Some(0) => checkup.examined.push(tool.told()),
        // It has found something.
        Some(2) => {
            checkup.examined.push(tool.told());
            checkup.faults.extend(told);
        }
        _ => checkup.skipped.push(format!("{}: its user may not, or the server is gone", tool.told())),
    }
    Ok(())
}

/// Reads all lines, and keeps the first.
async fn first_lines(stdout: Option<ChildStdout>) -> Vec<String> {
    let mut kept = Vec::new();
    let Some(stdout) = stdout else { return kept };
    let mut lines = BufReader::new(stdout).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if kept.len() < FAULTS {
            kept.push(line);
        }
    }
    kept
}
