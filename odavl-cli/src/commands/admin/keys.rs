//! `odavl admin keys`: API keys that belong to the installation rather than to a person.

use clap::Subcommand;
use odavl_client::types;
use odavl_core::{
    Odavl,
    auth::{ApiKey, NewKey},
    metering::UNITS_MAX,
};

use crate::{commands::keys, failure::Result, output::Output};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key; it is shown once, on standard output
    Create(Create),
}

#[derive(Debug, clap::Args)]
#[group(skip)]
#[command(after_help = "Example:\n  \
    odavl admin keys create main --name ci --scope insight:write --quiet | odavl login --with-key")]
pub(super) struct Create {
    /// The organisation
    organization: String,
    #[command(flatten)]
    key: keys::Create,
}

pub(super) async fn run(odavl: &Odavl, command: Command, output: Output) -> Result<()> {
    let Command::Create(Create { organization, key }) = command;
    let session = super::session(odavl, &organization).await?;
    let new = session.keys().create(key.wish()?).await?;
    keys::show(&document(new), output)
}

/// The document that the server answers with.
fn document(new: NewKey) -> types::CreatedApiKey {
    types::CreatedApiKey { secret: new.token.map(|token| token.secret().reveal().clone()), key: row(new.key) }
}

fn row(key: ApiKey) -> types::ApiKey {
    let limits = key.limits.iter().flat_map(|(meter, list)| {
        list.iter().map(move |allowance| types::KeyLimit {
            meter: meter.to_string(),
            max: allowance.max.unwrap_or(UNITS_MAX),
            per: allowance.per.map(|per| per.to_string()),
        })
    });
    types::ApiKey {
        limits: limits.collect(),
        id: key.id.to_string(),
        name: key.name,
        scopes: key.scopes.to_vec(),
        environment: key.environment.as_str().to_owned(),
        owner: key.owner.map(|id| id.to_string()),
        metadata: types::Metadata(key.metadata.into_iter().collect()),
        allowed_ips: key.allowed_ips.iter().map(ToString::to_string).collect(),
        disabled: key.disabled,
        created_at: key.created_at,
        expires_at: key.expires_at,
        revoked_at: key.revoked_at,
        last_used_at: key.last_used_at,
    }
}
