//! `odavl admin`: the operator's commands, on the server itself: they open the data folder and ask no server.

mod audit;
mod keys;
mod migrate;
mod org;
mod plan;
mod user;

use clap::Subcommand;
use odavl_core::{
    Error, Odavl,
    auth::{OPERATOR, OrgRef},
    config::Config,
    session::{Context, Session},
};
use serde::Serialize;

use crate::{config::Location, failure::Result, output::Output, set_up_link};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  odavl admin user create --email ada@example.com --password-stdin < password.txt"
)]
pub(crate) struct Args {
    #[command(flatten)]
    location: Location,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Open(Open),
    /// Move an installation from its folder to an empty PostgreSQL database, an S3 store, or both
    Migrate(migrate::Args),
}

/// The commands that open the installation.
#[derive(Debug, Subcommand)]
enum Open {
    /// The people of the installation
    #[command(subcommand)]
    User(user::Command),
    /// The organisations of the installation
    #[command(subcommand)]
    Org(org::Command),
    /// The plans of the configuration
    #[command(subcommand)]
    Plan(plan::Command),
    /// API keys of any organisation: how a server without a browser gets its first one
    #[command(subcommand)]
    Keys(keys::Command),
    /// Say that the store is this database's: after an older copy of the database was restored on purpose
    ///
    /// Until then nothing is removed from a store that another database has marked. What this database does not know is
    /// removed from it from now on.
    #[command(after_help = "Example:\n  odavl admin adopt-store")]
    AdoptStore,
    /// The records of who did what
    #[command(subcommand)]
    Audit(audit::Command),
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let config = args.location.read()?;
    refuse_empty(&args, &config)?;
    match args.command {
        Command::Open(command) => open(command, &args.location, &config, output).await,
        Command::Migrate(wish) => migrate::run(&args.location, &config, &wish, output).await,
    }
}

async fn open(command: Open, location: &Location, config: &Config, output: Output) -> Result<()> {
    // No link is made here: what the address is does not matter.
    let settings = config.settings("http://127.0.0.1:8787")?;
    let odavl = location.open(config, settings).await?;
    match command {
        Open::User(command) => {
            let done = user::run(&odavl, command, output).await;
            if is_set_up(&odavl).await? {
                set_up_link::forget(&location.data(config));
            }
            done
        }
        Open::Org(command) => org::run(&odavl, command, output).await,
        Open::Plan(command) => plan::run(&odavl, &command, output),
        Open::Keys(command) => keys::run(&odavl, command, output).await,
        Open::AdoptStore => adopt_store(&odavl, output).await,
        Open::Audit(command) => audit::run(&odavl, command, output).await,
    }
}

#[derive(Debug, Serialize)]
struct Adopted {
    store: &'static str,
}

async fn adopt_store(odavl: &Odavl, output: Output) -> Result<()> {
    operator(odavl).await?.storage().adopt_store().await?;
    output.done(&Adopted { store: "adopted" }, "the store is this database's from now on")
}

/// A folder or a database that is mistyped is not made into an installation: only the first person makes one. The master
/// key tells, for it is in the folder also where the database is not.
fn refuse_empty(args: &Args, config: &Config) -> Result<(), Error> {
    let data = args.location.data(config);
    if data.join("master.key").exists()
        || matches!(args.command, Command::Open(Open::User(user::Command::Create(_))))
    {
        return Ok(());
    }
    let (detail, hint) = if config.database.is_some() {
        (
            format!("the database's master key is not in {}", data.display()),
            "name the folder with --data, copy master.key there from another node, or make an installation with \
             `odavl admin user create`",
        )
    } else {
        (
            format!("there is no installation in {}", data.display()),
            "name its folder with --data, or make one with `odavl admin user create`",
        )
    };
    Err(Error::invalid_with(detail, hint))
}

/// Whether there is a first person.
pub(crate) async fn is_set_up(odavl: &Odavl) -> Result<bool, Error> {
    match session(odavl, OPERATOR).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A session with every right on the organisation of that name.
async fn session(odavl: &Odavl, org: &str) -> Result<Session, Error> {
    odavl.system(&org.parse::<OrgRef>()?, Context::default()).await
}

/// A session with every right on the operator's organisation, from where people and organisations are kept.
async fn operator(odavl: &Odavl) -> Result<Session, Error> {
    session(odavl, OPERATOR).await.map_err(|error| match error {
        Error::NotFound { .. } => Error::invalid_with(
            "the installation is not set up",
            "make the first person with `odavl admin user create`",
        ),
        other => other,
    })
}
