//! `odavl uploads`: results of analysis tools that were uploaded.

mod get;

use std::num::NonZeroU32;

use clap::Subcommand;
use odavl_client::types::Results;
use odavl_core::{auth::Slug, storage::Product};

use crate::{
    client::Client,
    failure::Result,
    output::{Column, Output},
    settings::Flags,
};

/// How many uploads a page has: the most that a server gives.
const PAGE: Option<NonZeroU32> = NonZeroU32::new(1000);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl uploads list --project my-app")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List uploads, the newest first
    List(List),
    /// Fetch the results of an upload into a file, or to standard output
    Get(get::Get),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl uploads list --project my-app --product insight\n  \
    odavl uploads list --json | jq -r 'select(.summary.levels.error > 0) | .id'")]
struct List {
    /// Of one project, by its slug [default: of all]
    #[arg(long, value_name = "SLUG")]
    project: Option<Slug>,
    /// Of one product, such as insight [default: of all that you may read]
    #[arg(long)]
    product: Option<Product>,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    match args.command {
        Command::List(wish) => list(&args.remote, &wish, output).await,
        Command::Get(wish) => get::run(&args.remote, &wish, output).await,
    }
}

const COLUMNS: [Column<Results>; 8] = [
    Column::text("id", |upload| upload.id.clone()),
    Column::text("project", |upload| upload.project.clone()),
    Column::text("product", |upload| upload.product.clone()),
    Column::number("errors", |upload| upload.summary.levels.error.to_string()),
    Column::number("warnings", |upload| upload.summary.levels.warning.to_string()),
    Column::number("notes", |upload| upload.summary.levels.note.to_string()),
    Column::number("size", |upload| upload.size.to_string()),
    Column::text("created", |upload| upload.created_at.to_string()),
];

async fn list(remote: &Flags, wish: &List, output: Output) -> Result<()> {
    let client = Client::open(remote).await?;
    let product = wish.product.as_ref().map(Product::as_str);
    let project = wish.project.as_ref().map(Slug::as_str);
    let page = async |cursor: Option<&str>| {
        let page = client.call(async |api| api.upload_list(cursor, PAGE, product, project).await).await?;
        Ok((page.items, page.next_cursor))
    };
    output.pages(&COLUMNS, page).await
}
