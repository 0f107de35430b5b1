//! `odavl logout`: ends the sign-in at the server, then forgets it here.

use odavl_core::Error;

use crate::{
    credentials::{Holding, Login, Store},
    failure::Result,
    oauth::OAuth,
    origin::Origin,
    output::Output,
    settings::{Flags, Settings},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl logout --server http://127.0.0.1:8787")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    /// Forget the sign-in here without asking the server, where it goes on
    #[arg(long)]
    local: bool,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let store = Store::open()?;
    let settings = Settings::find(&args.remote, &store)?;
    let origin = settings.server.value.clone();
    let ended = serde_json::json!({ "server": origin });
    let Some(login) = store.read()?.servers.remove(&origin) else {
        return output.done(&ended, &format!("there is no sign-in to {origin}"));
    };
    if !args.local {
        end(&settings, &login, output).await?;
    }
    forget(&store, &origin)?;
    output.done(&ended, &format!("signed out of {origin}"))
}

async fn end(settings: &Settings, login: &Login, output: Output) -> Result<()> {
    match &login.holding {
        Holding::ApiKey { .. } => {
            output.say("the API key itself goes on working: `odavl keys revoke` ends it");
            Ok(())
        }
        Holding::Session(tokens) => OAuth::new(settings)?.revoke(&tokens.refresh_token).await,
    }
}

fn forget(store: &Store, origin: &Origin) -> Result<(), Error> {
    let locked = store.lock()?;
    let mut credentials = locked.read()?;
    credentials.servers.remove(origin);
    if credentials.last.as_ref() == Some(origin) {
        credentials.last = credentials.servers.keys().next().cloned();
    }
    locked.write(&credentials)
}
