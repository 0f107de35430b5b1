//! `odavl keys`: API keys. A secret is shown once, alone on standard output.

mod wish;

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use odavl_client::types::{ApiKey, CreatedApiKey, RotateRequest};
use odavl_core::{Clock, Error, ErrorCode, SystemClock, random_id};
pub(crate) use wish::Create;

use crate::{
    client::Client,
    failure::{Failure, Result},
    output::{Column, Output},
    settings::Flags,
    when,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  KEY=$(odavl keys create --name ci --scope insight:write --quiet)")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key; it is shown once, on standard output
    Create(Create),
    /// List the organisation's keys
    #[command(after_help = "Example:\n  odavl keys list --json | jq -r 'select(.disabled) | .id'")]
    List,
    /// Give a key a new secret
    Rotate(Rotate),
    /// End a key for ever
    #[command(after_help = "Example:\n  odavl keys revoke key_01jz0000000000000000000000")]
    Revoke {
        /// The key's id, as `keys list` shows it
        key: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  KEY=$(odavl keys rotate key_01jz0000000000000000000000 --grace 24h --quiet)"
)]
struct Rotate {
    /// The key's id, as `keys list` shows it
    key: String,
    /// For how long the old secret goes on working
    #[arg(long, value_name = "DISTANCE", default_value = "0s", value_parser = when::distance)]
    grace: SignedDuration,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let client = Client::open(&args.remote).await?;
    match args.command {
        Command::Create(create) => {
            let wish = create.request();
            let once = random_id();
            show(&client.call(async |api| api.key_create(Some(&once), &wish).await).await?, output)
        }
        Command::List => list(&client, output).await,
        Command::Rotate(Rotate { key, grace }) => {
            let wish = RotateRequest { grace_seconds: Some(seconds(grace)?) };
            show(&client.once(async |api| api.key_rotate(&key, &wish).await).await?, output)
        }
        Command::Revoke { key } => revoke(&client, &key, output).await,
    }
}

fn seconds(grace: SignedDuration) -> Result<u32, Error> {
    u32::try_from(grace.as_secs()).map_err(|_| Error::invalid("that grace is too long"))
}

/// The secret alone is data; the rest is talk.
pub(crate) fn show(new: &CreatedApiKey, output: Output) -> Result<()> {
    let key = &new.key;
    // The first answer was lost on the way, and the secret with it: it is kept nowhere.
    let Some(secret) = &new.secret else {
        let detail = format!("the key {} is made, but its secret was lost on the way", key.id);
        let hint = format!("get a new one with `odavl keys rotate {}`", key.id);
        return Err(Failure::Stuck(ErrorCode::Unavailable, detail, hint));
    };
    output.say(&format!("the key {} ({}), for {}", key.id, key.name, key.scopes.join(" ")));
    output.say("it is shown this once: keep it where secrets are kept");
    output.word(new, secret)
}

async fn revoke(client: &Client, key: &str, output: Output) -> Result<()> {
    let revoked = client.call(async |api| api.key_revoke(key).await).await?;
    output.done(&revoked, &format!("the key {} ({}) is revoked", revoked.id, revoked.name))
}

async fn list(client: &Client, output: Output) -> Result<()> {
    let keys = client
        .all(async |client, cursor| {
            let page = client.call(async |api| api.key_list(cursor, None).await).await?;
            Ok((page.items, page.next_cursor))
        })
        .await?;
    output.list(&keys, &COLUMNS)
}

const COLUMNS: [Column<ApiKey>; 7] = [
    Column::text("id", |key| key.id.clone()),
    Column::text("name", |key| key.name.clone()),
    Column::text("state", state),
    Column::text("for", |key| key.environment.clone()),
    Column::text("scopes", |key| key.scopes.join(" ")),
    Column::text("expires", |key| instant(key.expires_at, "never")),
    Column::text("last used", |key| instant(key.last_used_at, "never")),
];

fn state(key: &ApiKey) -> String {
    let ended = key.expires_at.is_some_and(|at| at <= SystemClock.now());
    let state = match (key.revoked_at, key.disabled) {
        (Some(_), _) => "revoked",
        (None, true) => "disabled",
        (None, false) if ended => "expired",
        (None, false) => "active",
    };
    state.to_owned()
}

fn instant(at: Option<Timestamp>, none: &str) -> String {
    at.map_or_else(|| none.to_owned(), |at| at.to_string())
}
