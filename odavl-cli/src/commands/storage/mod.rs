//! `odavl storage`: objects.

mod get;
mod put;

use std::num::NonZeroU32;

use clap::Subcommand;
use odavl_client::types::{ObjectEntry, StoredObject};
use odavl_core::{Error, storage::ObjectName};

use crate::{
    client::Client,
    failure::Result,
    output::{Column, Output},
    settings::Flags,
};

/// How many objects a page has: the most that a server gives.
const PAGE: Option<NonZeroU32> = NonZeroU32::new(1000);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl storage put report.pdf reports/2026/report.pdf")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Store a file, or standard input
    Put(put::Put),
    /// Fetch an object into a file, or to standard output
    Get(get::Get),
    /// List objects, in the order of their names
    List(List),
    /// Delete an object
    #[command(after_help = "Example:\n  odavl storage delete reports/2026/report.pdf")]
    Delete {
        /// The object's name
        name: String,
    },
    /// Count the objects and their bytes
    #[command(after_help = "Example:\n  odavl storage stats --json | jq .bytes")]
    Stats,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl storage list reports/ --delimiter\n  \
    odavl storage list --json | jq -r .object.checksum")]
struct List {
    /// What the names begin with [default: all]
    prefix: Option<String>,
    /// Show what holds a further `/` after the prefix as one folder
    #[arg(long)]
    delimiter: bool,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    match args.command {
        Command::Put(wish) => put::run(&args.remote, &wish, output).await,
        Command::Get(wish) => get::run(&args.remote, &wish, output).await,
        Command::List(wish) => list(&args.remote, &wish, output).await,
        Command::Delete { name } => delete(&args.remote, &name, output).await,
        Command::Stats => stats(&args.remote, output).await,
    }
}

const COLUMNS: [Column<ObjectEntry>; 4] = [
    Column::text("name", |entry| entry.name.clone()),
    Column::number("size", |entry| of(entry, |object| object.size.to_string())),
    Column::text("type", |entry| of(entry, |object| object.content_type.clone())),
    Column::text("created", |entry| of(entry, |object| object.created_at.to_string())),
];

/// What is known of an object; a folder has nothing of it.
fn of(entry: &ObjectEntry, cell: impl FnOnce(&StoredObject) -> String) -> String {
    entry.object.as_ref().map_or_else(|| "-".to_owned(), cell)
}

async fn list(remote: &Flags, wish: &List, output: Output) -> Result<()> {
    let client = Client::open(remote).await?;
    let delimiter = wish.delimiter.then_some("/");
    let page = async |cursor: Option<&str>| {
        let page = client
            .call(async |api| api.storage_list(cursor, delimiter, PAGE, wish.prefix.as_deref()).await)
            .await?;
        Ok((page.items, page.next_cursor))
    };
    output.pages(&COLUMNS, page).await
}

async fn delete(remote: &Flags, name: &str, output: Output) -> Result<()> {
    let name = parse(name)?;
    let client = Client::open(remote).await?;
    let gone = client.once(async |api| api.storage_delete(name.as_str()).await).await?;
    let told = format!("{name} is deleted; its {} bytes count until {}", gone.object.size, gone.freed_at);
    output.done(&gone, &told)
}

async fn stats(remote: &Flags, output: Output) -> Result<()> {
    let client = Client::open(remote).await?;
    let stats = client.call(async |api| api.storage_stats().await).await?;
    let fields = [
        ("objects", stats.objects.to_string()),
        ("bytes", stats.bytes.to_string()),
        ("garbage_bytes", stats.garbage_bytes.to_string()),
    ];
    output.record(&stats, &fields)
}

/// A name as it was typed, composed: some keyboards and file systems take letters apart.
fn parse(name: &str) -> Result<ObjectName, Error> {
    ObjectName::normalized(name)
}

/// The object of that name: of all names that begin with it, it is the first.
async fn find(client: &Client, name: &ObjectName) -> Result<Option<StoredObject>> {
    let one = NonZeroU32::new(1);
    let page = client.call(async |api| api.storage_list(None, None, one, Some(name.as_str())).await).await?;
    Ok(page.items.into_iter().find_map(|entry| entry.object).filter(|object| object.name == name.as_str()))
}
