//! `odavl admin audit`: who did what, and whether the records are whole.

use clap::Subcommand;
use odavl_core::{
    Error, Odavl,
    auth::{AuditCheck, AuditEntry},
    page::PageQuery,
};
use serde::Serialize;

use crate::{
    failure::Result,
    output::{Column, Output},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Find records that were changed, removed or cut off
    Verify(Verify),
    /// List an organisation's records, oldest first
    #[command(after_help = "Example:\n  odavl admin audit list main --json")]
    List {
        /// The organisation
        organization: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl admin audit verify && echo whole")]
pub(super) struct Verify {
    /// One organisation alone [default: every one]
    organization: Option<String>,
}

/// What was found in one organisation's records.
#[derive(Debug, Serialize)]
struct Checked {
    organization: String,
    #[serde(flatten)]
    check: AuditCheck,
}

const CHECKED: [Column<Checked>; 4] = [
    Column::text("organization", |one| one.organization.clone()),
    Column::number("entries", |one| one.check.entries.to_string()),
    Column::number("signed", |one| one.check.signed.to_string()),
    Column::text("faults", faults),
];

fn faults(one: &Checked) -> String {
    let faults = one.check.faults.iter().map(|fault| format!("{}: {}", fault.seq, fault.fault));
    match faults.collect::<Vec<_>>().join("; ") {
        none if none.is_empty() => "none".to_owned(),
        faults => faults,
    }
}

const ENTRIES: [Column<AuditEntry>; 6] = [
    Column::number("seq", |entry| entry.seq.to_string()),
    Column::text("at", |entry| entry.at.to_string()),
    Column::text("actor", |entry| entry.actor.clone()),
    Column::text("action", |entry| entry.action.clone()),
    Column::text("target", |entry| entry.target.clone()),
    Column::text("address", |entry| entry.address.clone().unwrap_or_else(|| "-".to_owned())),
];

pub(super) async fn run(odavl: &Odavl, command: Command, output: Output) -> Result<()> {
    match command {
        Command::Verify(Verify { organization }) => verify(odavl, organization, output).await,
        Command::List { organization } => list(odavl, &organization, output).await,
    }
}

async fn verify(odavl: &Odavl, organization: Option<String>, output: Output) -> Result<()> {
    let organizations = match organization {
        Some(one) => vec![one],
        None => super::org::slugs(odavl).await?,
    };
    let mut found = Vec::new();
    for organization in organizations {
        let check = super::session(odavl, &organization).await?.verify_audit().await?;
        found.push(Checked { organization, check });
    }
    output.list(&found, &CHECKED)?;
    let broken = found.iter().filter(|one| !one.check.faults.is_empty()).count();
    if broken == 0 {
        return Ok(());
    }
    Err(Error::corrupted(format!("the records of {broken} organisations are not whole"), None).into())
}

async fn list(odavl: &Odavl, organization: &str, output: Output) -> Result<()> {
    let session = super::session(odavl, organization).await?;
    let mut query = PageQuery { limit: PageQuery::MOST, cursor: None };
    let mut entries = Vec::new();
    loop {
        let page = session.orgs().audit(&query).await?;
        entries.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return output.list(&entries, &ENTRIES);
        }
    }
}
