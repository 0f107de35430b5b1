//! `odavl serve`: the service, in one process.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{self, IsTerminal, Write},
    net::{IpAddr, SocketAddr},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args as ClapArgs;
use odavl_core::{Chain, Error, ErrorCode, Odavl, Result, config::Serve, webhooks::Courier};
use odavl_http::Door;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use crate::{
    commands::admin,
    config::{LISTEN, Location, is_nowhere},
    courier::Post,
    failure::Failure,
    set_up_link, store,
};

/// Open files that are not connections: the database's, the log's, those of the folder.
const OWN_FILES: u64 = 64;
/// How often what expired is swept.
const SWEEP: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_hours(1);

#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  odavl serve --data /var/lib/odavl --listen 127.0.0.1:8787")]
pub(crate) struct Args {
    #[command(flatten)]
    location: Location,
    /// Where to listen [default: 127.0.0.1:8787]
    #[arg(long, env = "ODAVL_LISTEN", value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Where to answer `GET /metrics` for Prometheus, to whoever reaches it [default: nowhere]
    #[arg(long, env = "ODAVL_METRICS", value_name = "ADDRESS:PORT")]
    metrics: Option<SocketAddr>,
    /// Where people reach the service [default: http:// and the address]
    #[arg(long, env = "ODAVL_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Listen beyond this machine although the public URL is not https
    #[arg(long)]
    allow_http: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    start_log();
    let mut config = args.location.read()?;
    config.public_url = args.public_url.or(config.public_url);
    let listen = args.listen.or(config.serve.listen).unwrap_or(LISTEN);
    refuse_nowhere(listen.ip(), config.public_url.as_deref())?;
    // Bound before anything is promised: a port that is taken leaves no set-up link behind, and port 0 is known.
    let listener = TcpListener::bind(listen).await.map_err(|error| cannot_listen(listen, &error))?;
    let listen = listener.local_addr().map_err(|error| cannot_listen(listen, &error))?;
    let metrics = match args.metrics.or(config.serve.metrics) {
        Some(at) => Some(TcpListener::bind(at).await.map_err(|error| cannot_listen(at, &error))?),
        None => None,
    };
    let url = format!("http://{listen}");
    let settings = config.settings(&url)?;
    refuse_open_http(
        listen.ip(),
        &settings.public_url,
        args.allow_http || config.serve.allow_http == Some(true),
    )?;
    let public_url = settings.public_url.clone();

    let data = args.location.data(&config);
    make(&data)?;
    let _alone = hold(&data)?;
    let odavl = args.location.open(&config, settings).await?;
    store::refuse_useless(&odavl).await?;
    check_clock(&odavl).await?;
    // Whoever reads the announcement may stop the service at once.
    let stopped = stopped()?;
    announce(&odavl, &public_url, &data).await?;
    let post: Arc<dyn Courier> = Arc::new(Post::new(odavl.settings().private_webhooks)?);
    let own: Arc<dyn Courier> = Arc::new(Post::new(true)?);
    let settings = door_settings(&config.serve);
    let background = [
        tokio::spawn(tell_figures(metrics, odavl.clone(), settings.clone())),
        tokio::spawn(sweep(odavl.clone(), data)),
        tokio::spawn(deliver(odavl.clone(), post)),
        tokio::spawn(back_up(odavl.clone(), own)),
    ];
    let door = Door::new(odavl.clone(), settings);
    door.serve(listener, stopped).await;
    for task in background {
        task.abort();
    }
    if let Err(error) = odavl.step_down().await {
        tracing::warn!(error = %Chain(&error), "another node takes over what expired a little later");
    }
    Ok(())
}

/// Periods, expiries and presigned requests are told by this machine's clock, and what is wrong on one node is wrong for all.
async fn check_clock(odavl: &Odavl) -> Result<()> {
    let skew = odavl.clock_skew().await?.abs();
    if skew > Odavl::SKEW_REFUSED {
        let what = format!("this machine's clock is {} s from the database's", skew.as_secs());
        return Err(Error::invalid_with(what, "set the clocks of both by NTP"));
    }
    if skew > Odavl::SKEW_TOLD {
        tracing::warn!(
            seconds = skew.as_secs_f64(),
            "this machine's clock is off the database's: set both by NTP"
        );
    }
    Ok(())
}

fn cannot_listen(listen: SocketAddr, error: &io::Error) -> Failure {
    let detail = format!("{listen} cannot be listened on: {error}");
    let hint = "choose another address with --listen, or end what listens there".to_owned();
    Failure::Stuck(ErrorCode::Unavailable, detail, hint)
}

fn make(data: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|error| {
        Error::unavailable(format!("the folder {} cannot be made", data.display()), Some(error.into()))
    })
}

/// Has the folder alone, until the process ends, however it does. Two would decide as exactly as one, but nobody starts
/// a second on purpose, and it would sign its links for another address. Commands work beside the service. It comes
/// before anything in the folder is opened: a newer version would migrate it under the one that runs.
pub(crate) fn hold(data: &Path) -> Result<File> {
    let path = data.join("serve.lock");
    let cannot = |error: io::Error| {
        Error::unavailable(format!("{} cannot be locked", path.display()), Some(error.into()))
    };
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let lock = lock.map_err(cannot)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::Conflict(format!(
            "another `odavl serve` has the folder {}: stop it, or name another folder with --data",
            data.display()
        ))),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("ODAVL_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_writer(io::stderr);
    if io::stderr().is_terminal() { log.init() } else { log.json().flatten_event(true).init() }
}

/// The public URL is the one Host that is answered, and none is made of an address that nobody can open.
fn refuse_nowhere(address: IpAddr, public_url: Option<&str>) -> Result<()> {
    if public_url.is_some() || !is_nowhere(address) {
        return Ok(());
    }
    Err(Error::invalid_with(
        format!("{address} is every address of this machine, and none that people can open"),
        "say where they reach the service, as in --public-url https://odavl.example (or public_url in odavl.toml)",
    ))
}

/// Passwords and keys in the clear on a network need somebody to say so.
fn refuse_open_http(address: IpAddr, public_url: &str, allowed: bool) -> Result<()> {
    if address.is_loopback() || public_url.starts_with("https://") || allowed {
        return Ok(());
    }
    Err(Error::invalid_with(
        format!("{address} is reached from other machines, and the public URL is not https"),
        "put a proxy with https in front and set --public-url, or say --allow-http",
    ))
}

fn door_settings(serve: &Serve) -> odavl_http::Settings {
    odavl_http::Settings {
        trusted_proxies: serve.trusted_proxies.clone(),
        cors_origins: serve.cors_origins.clone(),
        anonymous_per_minute: match serve.anonymous_per_minute {
            Some(0) => None,
            Some(most) => Some(most),
            None => Some(100),
        },
        connections: connections(odavl_http::Settings::default().connections),
        ..odavl_http::Settings::default()
    }
}

/// How many connections there can be beside a file for each, after this process took all the open files it may have.
fn connections(most: usize) -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is refused, what there was still counts.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let fit = usize::try_from(files.saturating_sub(OWN_FILES) / 2).unwrap_or(usize::MAX);
    most.min(fit.max(1))
}

/// Says where the service is, and how it is set up where nobody has yet. The link is a secret: it goes to the
/// terminal, or to a file that its owner alone may read, never to a log.
async fn announce(odavl: &Odavl, url: &str, data: &Path) -> Result<()> {
    let link = odavl.set_up_link().await?;
    let is_shown = io::stdout().is_terminal();
    let unkept =
        |error: io::Error| Error::unavailable("the set-up link could not be written", Some(error.into()));
    let way = match &link {
        None => {
            set_up_link::forget(data);
            String::new()
        }
        Some(link) if is_shown => format!("set it up within 30 minutes: {}\n", link.reveal()),
        Some(link) => {
            set_up_link::keep(data, link).map_err(unkept)?;
            let path = set_up_link::path(data);
            format!("set it up within 30 minutes with the link in {}\n", path.display())
        }
    };
    let mut stdout = io::stdout();
    let told = write!(stdout, "odavl is at {url}\n{way}").and_then(|()| stdout.flush());
    match told {
        Err(error) if is_shown && link.is_some() => Err(unkept(error)),
        // Whoever read it has seen enough; the service is for others.
        Err(error) => {
            tracing::warn!(%error, url, "standard output cannot be written");
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}

/// Ends what expired, again and again.
async fn sweep(odavl: Odavl, data: PathBuf) {
    let mut soon = tokio::time::interval(SWEEP);
    let mut hourly = tokio::time::interval(HOUR);
    for tick in [&mut soon, &mut hourly] {
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        let swept = tokio::select! {
            _ = soon.tick() => tidy(&odavl, &data).await,
            _ = hourly.tick() => forget(&odavl).await,
        };
        if let Err(error) = swept {
            tracing::warn!(error = %Chain(&error), "what expired could not be swept; it is tried again");
        }
    }
}

/// Answers Prometheus, where it was said at which address.
async fn tell_figures(listener: Option<TcpListener>, odavl: Odavl, settings: odavl_http::Settings) {
    if let Some(listener) = listener {
        odavl_http::serve(odavl_http::metrics(odavl), listener, &settings, std::future::pending()).await;
    }
}

/// Makes backups as their schedules say. Who is told of them is the operator's own choice, in a network of the team's own, too.
async fn back_up(odavl: Odavl, post: Arc<dyn Courier>) {
    odavl.keep_backups(post).await;
}

/// Tells whoever wants to know, again and again. A receiver that is slow holds up nothing else.
async fn deliver(odavl: Odavl, post: Arc<dyn Courier>) {
    let mut soon = tokio::time::interval(SWEEP);
    soon.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sender = odavl.sender(post);
    loop {
        soon.tick().await;
        if let Err(error) = sender.deliver().await {
            tracing::warn!(error = %Chain(&error), "webhooks could not be delivered; it is tried again");
        }
    }
}

async fn tidy(odavl: &Odavl, data: &Path) -> Result<()> {
    let tidied = odavl.tidy().await;
    // Whoever set it up did so in a browser, with this process or with another one.
    if set_up_link::path(data).exists() && admin::is_set_up(odavl).await? {
        set_up_link::forget(data);
    }
    tidied
}

async fn forget(odavl: &Odavl) -> Result<()> {
    if odavl.leads().await? { odavl.forget_ended().await } else { Ok(()) }
}

/// Ctrl-C or SIGTERM: heard from the call on, however late it is waited for.
fn stopped() -> Result<impl Future<Output = ()>> {
    let hear =
        |kind| signal(kind).map_err(|error| Error::internal("signals cannot be heard", Some(error.into())));
    let (mut interrupt, mut terminate) = (hear(SignalKind::interrupt())?, hear(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: requests under way are finished");
    })
}

#[cfg(test)]
mod tests {
    use odavl_core::{Settings, auth::SetUp, secret::Secret};

    use super::*;

    #[tokio::test]
    async fn the_link_is_kept_until_the_installation_is_set_up_and_no_longer() {
        let data = tempfile::tempdir().unwrap();
        let settings = Settings::preset("http://127.0.0.1:8787").unwrap();
        let odavl = Odavl::open(data.path(), settings).await.unwrap();
        let link = odavl.set_up_link().await.unwrap().unwrap();
        set_up_link::keep(data.path(), &link).unwrap();
        tidy(&odavl, data.path()).await.unwrap();
        let kept = std::fs::read_to_string(set_up_link::path(data.path())).unwrap();
        assert_eq!(kept.trim_end(), link.reveal());

        let wish = SetUp {
            email: "ada@example.com".parse().unwrap(),
            name: "Ada".to_owned(),
            password: Secret::new("correct horse battery".to_owned()),
            organization: "acme".parse().unwrap(),
        };
        odavl.set_up(wish).await.unwrap();
        tidy(&odavl, data.path()).await.unwrap();
        assert!(!set_up_link::path(data.path()).exists());
        // One that a killed process left is gone with the next one's start.
        set_up_link::keep(data.path(), &link).unwrap();
        announce(&odavl, "http://127.0.0.1:8787", data.path()).await.unwrap();
        assert!(!set_up_link::path(data.path()).exists());
    }
}
