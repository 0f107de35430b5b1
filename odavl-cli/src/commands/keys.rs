//! `odavl keys`: API keys. A secret is shown once, alone on standard output.

use std::str::FromStr;

use clap::{Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use odavl_client::types::{ApiKey, ApiKeyRequest, KeyLimit, NewApiKey, RotateRequest};
use odavl_core::{Clock, Error, SystemClock};

use crate::{
    client::Client,
    failure::Result,
    output::{Column, Output},
    settings::Flags,
    when::{self, When},
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
    List,
    /// Give a key a new secret
    Rotate(Rotate),
    /// End a key for ever
    Revoke {
        /// The key's id, as `keys list` shows it
        key: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl keys create --name ci --scope insight:write --expires 90d\n  \
    odavl keys create --name trial --scope uploads:read --env test --limit api_calls=5/60s --allow-ip 203.0.113.0/24")]
struct Create {
    /// What it is called
    #[arg(long)]
    name: String,
    /// What it may do, such as insight:write; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// What it is for
    #[arg(long, value_enum, default_value_t = Environment::Live)]
    env: Environment,
    /// When it ends: a day, an instant, or a distance such as 90d [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<When>,
    /// A network that it may be used from; may be given several times [default: any]
    #[arg(long = "allow-ip", value_name = "CIDR")]
    allowed_ips: Vec<String>,
    /// A limit of its own, such as `api_calls=1000` or `api_calls=10/60s`; may be given several times
    #[arg(long = "limit", value_name = "METER=UNITS[/PERIOD]")]
    limits: Vec<Limit>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Environment {
    Live,
    Test,
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

#[derive(Debug, Clone, PartialEq, Eq)]
struct Limit {
    meter: String,
    max: u64,
    per: Option<String>,
}

impl FromStr for Limit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong =
            || Error::invalid_with("that is not a limit", "write it like api_calls=1000 or api_calls=10/60s");
        let (meter, bound) = text.split_once('=').ok_or_else(wrong)?;
        let (max, per) = match bound.split_once('/') {
            Some((max, per)) => (max, Some(per.to_owned())),
            None => (bound, None),
        };
        Ok(Self { meter: meter.to_owned(), max: max.parse().map_err(|_| wrong())?, per })
    }
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let client = Client::open(&args.remote).await?;
    match args.command {
        Command::Create(create) => {
            let wish = create.request();
            show(&client.once(async |api| api.key_create(&wish).await).await?, output)
        }
        Command::List => list(&client, output).await,
        Command::Rotate(Rotate { key, grace }) => {
            let wish = RotateRequest { grace_seconds: seconds(grace)? };
            show(&client.once(async |api| api.key_rotate(&key, &wish).await).await?, output)
        }
        Command::Revoke { key } => revoke(&client, &key, output).await,
    }
}

impl Create {
    fn request(self) -> ApiKeyRequest {
        let now = SystemClock.now();
        let limit = |Limit { meter, max, per }| KeyLimit { meter, max, per };
        ApiKeyRequest {
            name: self.name,
            scopes: self.scopes,
            environment: Some(match self.env {
                Environment::Live => "live".to_owned(),
                Environment::Test => "test".to_owned(),
            }),
            metadata: std::collections::HashMap::default(),
            limits: self.limits.into_iter().map(limit).collect(),
            allowed_ips: self.allowed_ips,
            expires_at: self.expires.map(|when| when.after(now)),
        }
    }
}

fn seconds(grace: SignedDuration) -> Result<u32, Error> {
    u32::try_from(grace.as_secs()).map_err(|_| Error::invalid("that grace is too long"))
}

/// The secret alone is data; the rest is talk.
fn show(new: &NewApiKey, output: Output) -> Result<()> {
    let key = &new.key;
    output.say(&format!("the key {} ({}), for {}", key.id, key.name, key.scopes.join(" ")));
    output.say("it is shown this once: keep it where secrets are kept");
    output.word(new, &new.secret)
}

async fn revoke(client: &Client, key: &str, output: Output) -> Result<()> {
    let revoked = client.call(async |api| api.key_revoke(key).await).await?;
    output.say(&format!("the key {} ({}) is revoked", revoked.id, revoked.name));
    Ok(())
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
