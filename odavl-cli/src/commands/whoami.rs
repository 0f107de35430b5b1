//! `odavl whoami`: who the server takes the caller for.

use odavl_client::types::Me;

use crate::{client::Client, failure::Result, output::Output, settings::Flags};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl whoami --json | jq -r .organization_slug")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let client = Client::open(&args.remote).await?;
    let me = client.call(async |api| api.me().await).await?;
    let fields = [
        ("account", name(&me)),
        ("organization", format!("{} ({})", me.organization_slug, me.organization)),
        ("plan", me.plan.clone()),
        ("scopes", me.scopes.join(" ")),
        ("server", client.origin().to_string()),
    ];
    output.record(&me, &fields)
}

/// What the caller is called: the person's address, or the key's name.
pub(crate) fn name(me: &Me) -> String {
    match (&me.key_name, &me.email) {
        (Some(key), Some(email)) => format!("the key {key} of {email}"),
        (Some(key), None) => format!("the key {key}"),
        (None, Some(email)) => email.clone(),
        (None, None) => me.user_id.clone().unwrap_or_default(),
    }
}
