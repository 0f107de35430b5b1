//! `odavl login`: the device flow, or an API key from standard input.

use std::{
    io::{self, IsTerminal},
    process::{Command, Stdio},
};

use odavl_client::types::Me;
use odavl_core::{Error, secret::Secret};
use reqwest::Url;

use crate::{
    client::Client,
    commands::whoami,
    credentials::{Holding, Login, Store},
    failure::Result,
    input,
    oauth::OAuth,
    output::Output,
    settings::{Flags, Settings, Source},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl login --server http://127.0.0.1:8787\n  \
    odavl login --with-key < key.txt")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    /// Read an API key from standard input, and keep that
    #[arg(long)]
    with_key: bool,
    /// Do not open a browser
    #[arg(long)]
    no_browser: bool,
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let store = Store::open()?;
    let mut settings = Settings::find(&args.remote, &store)?;
    refuse_unnamed(&settings)?;
    // The organisation is chosen anew: in the browser, or by whom the key belongs to.
    settings.organization = None;
    let holding = if args.with_key {
        Holding::ApiKey { key: input::secret("API key: ")? }
    } else {
        in_browser(&settings, output, &args).await?
    };
    let me = me(&settings, &holding).await?;
    let login = Login { account: whoami::name(&me), organization: None, holding };
    let told = format!("signed in to {} as {}", settings.server.value, login.account);
    keep(&store, settings, login)?;
    output.say(&told);
    output.done(&me, &format!("the credential is in {}, for your eyes only", store.path().display()))
}

/// Nobody is led to a server's sign-in page by a file of somebody else's.
fn refuse_unnamed(settings: &Settings) -> Result<()> {
    let server = &settings.server;
    if server.source != Source::Project || settings.credential.is_some() {
        return Ok(());
    }
    let detail = format!("only the project's file names {}", server.value);
    let hint = format!("if you trust that server, say `odavl login --server {}`", server.value);
    Err(Error::invalid_with(detail, hint).into())
}

async fn in_browser(settings: &Settings, output: Output, args: &Args) -> Result<Holding> {
    let oauth = OAuth::new(settings)?;
    let device = oauth.device().await?;
    output.ask(&format!("enter the code {} at {}", device.user_code, device.verification_uri));
    if !args.no_browser && io::stderr().is_terminal() {
        open_browser(&device.verification_uri_complete);
    }
    output.say("waiting until it is approved");
    Ok(Holding::Session(oauth.wait(&device).await?))
}

/// Opens the page where there is a browser; whoever has none follows the line above.
fn open_browser(link: &str) {
    // The server's word goes to another program: only as a URL, and only to a web page.
    let Some(url) = link.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "https" | "http")) else {
        return;
    };
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = || Stdio::null();
    let _ = Command::new(opener).arg(url.as_str()).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
}

/// Whom the server takes the credential for; one that does not hold is not kept.
async fn me(settings: &Settings, holding: &Holding) -> Result<Me> {
    let secret: &Secret<String> = match holding {
        Holding::ApiKey { key } => key,
        Holding::Session(tokens) => &tokens.access_token,
    };
    let client = Client::with(settings.clone(), secret)?;
    client.call(async |api| api.me().await).await
}

fn keep(store: &Store, settings: Settings, login: Login) -> Result<()> {
    let origin = settings.server.value;
    let locked = store.lock()?;
    let mut credentials = locked.read()?;
    credentials.last = Some(origin.clone());
    credentials.servers.insert(origin, login);
    Ok(locked.write(&credentials)?)
}
