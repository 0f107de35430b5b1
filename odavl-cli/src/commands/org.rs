//! `odavl org`: the organisations that one belongs to, and which one is acted on.

use clap::Subcommand;
use odavl_client::types::Belonging;
use odavl_core::{Error, ErrorCode};

use crate::{
    client::Client,
    credentials::Store,
    failure::{Failure, Result},
    output::{Column, Output},
    settings::{Credential, Flags},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl org use acme")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the organisations that you belong to
    #[command(after_help = "Example:\n  odavl org list")]
    List,
    /// Act on another organisation from now on
    #[command(after_help = "Example:\n  odavl org use acme")]
    Use {
        /// Its slug, its id, or `external:` and the team's own id
        organization: String,
    },
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    match args.command {
        Command::List => {
            let client = Client::open(&args.remote).await?;
            let found = client.call(async |api| api.me_organizations().await).await;
            output.list(&found.map_err(of_a_key)?.items, &COLUMNS)
        }
        Command::Use { organization } => choose(args.remote, organization, output).await,
    }
}

const COLUMNS: [Column<Belonging>; 4] = [
    Column::text("slug", |one| one.slug.clone()),
    Column::text("name", |one| one.name.clone()),
    Column::text("role", |one| one.role.clone()),
    Column::text("id", |one| one.id.clone()),
];

/// No scope makes a key a person, whatever the server's hint is.
fn of_a_key(failure: Failure) -> Failure {
    if failure.code() != ErrorCode::Forbidden {
        return failure;
    }
    let hint = "a key belongs to one organisation, which `odavl whoami` shows; sign in with `odavl login`";
    Failure::Stuck(ErrorCode::Forbidden, failure.to_string(), hint.to_owned())
}

async fn choose(remote: Flags, organization: String, output: Output) -> Result<()> {
    // The server says whether the caller may act on it, and how it is written.
    let client = Client::open(&remote.on(organization)).await?;
    if !matches!(client.settings.needed_credential()?, Credential::Login(_)) {
        let detail = "an API key belongs to one organisation";
        return Err(Error::invalid_with(detail, "sign in with `odavl login`, or name it with --org").into());
    }
    let me = client.call(async |api| api.me().await).await?;
    let store = Store::open()?;
    let locked = store.lock()?;
    let mut credentials = locked.read()?;
    if let Some(login) = credentials.servers.get_mut(client.origin()) {
        login.organization = Some(me.organization_slug.clone());
    }
    locked.write(&credentials)?;
    output.done(&me, &format!("acting on {} from now on", me.organization_slug))
}
