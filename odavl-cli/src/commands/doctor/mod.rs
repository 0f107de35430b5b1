//! `odavl doctor`: where each setting came from, and whether all is well.

mod database;
#[cfg(feature = "s3")]
mod store;

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use odavl_core::{Clock, Error, SystemClock};
use reqwest::{Response, header::DATE};
use serde::{Deserialize, Serialize};

use crate::{
    client::Client,
    commands::whoami,
    config::Location,
    credentials::Store,
    failure::{Failure, Result, hints},
    http,
    output::{Column, Output},
    settings::{Flags, Settings},
};

/// From where on two clocks are too far apart: presigned requests begin to fail.
const SKEW: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl doctor --json")]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    #[command(flatten)]
    location: Location,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    value: String,
    /// Where the value came from; for a check whether it is `ok`, or what to do.
    source: String,
}

const COLUMNS: [Column<Finding>; 3] = [
    Column::text("what", |finding| finding.name.to_owned()),
    Column::text("value", |finding| finding.value.clone()),
    Column::text("from", |finding| finding.source.clone()),
];

/// What was found, and what of it is not well: the last of that decides the exit code.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
    failed: Option<Failure>,
}

impl Report {
    /// Notes what a check found, or why it failed and what to do.
    fn note(&mut self, name: &'static str, checked: Result<String>) {
        let (value, source) = match &checked {
            Ok(value) => (value.clone(), "ok".to_owned()),
            Err(failure) => (failure.to_string(), hints(failure).join("; ")),
        };
        self.findings.push(Finding { name, value, source });
        self.failed = checked.err().or(self.failed.take());
    }

    /// Notes what is well as it is, and what to do so that it is better.
    #[cfg(feature = "s3")]
    fn advise(&mut self, name: &'static str, value: &str, advice: &str) {
        self.findings.push(Finding { name, value: value.to_owned(), source: advice.to_owned() });
    }
}

pub(crate) async fn run(args: Args, output: Output) -> Result<()> {
    let store = Store::open()?;
    let settings = Settings::find(&args.remote, &store)?;
    let mut report = Report { findings: of_settings(&settings, &store), failed: None };
    report.findings.extend(of_installation(&args.location)?);
    if let Some(url) = args.location.read()?.database {
        database::examine(&url, &mut report).await;
    }
    examine(&args.remote, &settings, &mut report).await;
    #[cfg(feature = "s3")]
    examine_store(&args.location, &settings, &mut report).await;
    output.list(&report.findings, &COLUMNS)?;
    report.failed.map_or(Ok(()), Err)
}

/// Asks the store that objects are kept in, where that is one.
#[cfg(feature = "s3")]
async fn examine_store(location: &Location, settings: &Settings, report: &mut Report) {
    match location.read().and_then(|config| config.bucket()) {
        Ok(None) => {}
        Ok(Some(bucket)) => store::examine(&bucket, settings, report).await,
        Err(error) => report.note("store", Err(error.into())),
    }
}

fn of_settings(settings: &Settings, store: &Store) -> Vec<Finding> {
    let finding = |name, value: &str, source: &dyn ToString| Finding {
        name,
        value: value.to_owned(),
        source: source.to_string(),
    };
    let mut findings = vec![
        finding("version", env!("CARGO_PKG_VERSION"), &"this program"),
        finding("server", settings.server.value.as_str(), &settings.server.source),
    ];
    match &settings.credential {
        // What it is, never what it says.
        Some(credential) => {
            findings.push(finding("credential", credential.value.describe(), &credential.source));
        }
        None => findings.push(finding("credential", "none", &"run `odavl login`")),
    }
    for (name, found) in [("organization", &settings.organization), ("project", &settings.project)] {
        match found {
            Some(found) => findings.push(finding(name, &found.value, &found.source)),
            None => findings.push(finding(name, "-", &"default")),
        }
    }
    if let Some(path) = &settings.project_file {
        findings.push(finding("project file", &path.to_string_lossy(), &"found"));
    }
    findings.push(finding("credentials file", &store.path().to_string_lossy(), &home_source()));
    findings
}

fn home_source() -> &'static str {
    if std::env::var_os("ODAVL_HOME").is_some() { "ODAVL_HOME" } else { "default" }
}

/// The settings of the commands that run on the server.
fn of_installation(location: &Location) -> Result<Vec<Finding>> {
    let config = location.read()?;
    let (file, file_source) = location.file();
    let (data, data_source) = location.data_and_source(&config);
    let (database, database_source) = Location::database_and_source(&config);
    let (storage, storage_source) = Location::storage_and_source(&config);
    let finding = |name, value: String, source: &str| Finding { name, value, source: source.to_owned() };
    let mut findings = vec![
        finding(
            "configuration",
            file.map_or_else(|| "-".to_owned(), |path| path.display().to_string()),
            file_source,
        ),
        finding("data folder", data.display().to_string(), data_source),
        finding("database", database.to_owned(), database_source),
        finding("storage", storage, storage_source),
    ];
    let serving = Location::serving(&config).into_iter();
    findings.extend(serving.map(|(name, value, source)| finding(name, value, source)));
    Ok(findings)
}

/// Asks the server; what fails is told with the rest.
async fn examine(flags: &Flags, settings: &Settings, report: &mut Report) {
    match server(settings).await {
        Ok(answer) => {
            report.note("server version", Ok(answer.version));
            report.note("clock", skew("the server", answer.skew, SKEW));
            if settings.credential.is_some() {
                report.note("signed in as", account(flags).await);
            }
        }
        Err(failure) => report.note("server answers", Err(failure)),
    }
}

/// What the server said about itself.
struct Answer {
    version: String,
    skew: Option<Duration>,
}

#[derive(Deserialize)]
struct Document {
    info: Info,
}

#[derive(Deserialize)]
struct Info {
    version: String,
}

async fn server(settings: &Settings) -> Result<Answer> {
    let origin = &settings.server.value;
    let http = http::build(settings.remote().client()?)?;
    let unreachable = |error: reqwest::Error| Failure::Unreachable(origin.clone(), error.without_url());
    let response = http.get(format!("{origin}/api/openapi.json")).send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        return Err(Failure::answered(origin, response).await);
    }
    let skew = apart(&response);
    let status = response.status().as_u16();
    let document: Document =
        response.json().await.map_err(|_| Failure::Foreign(origin.clone(), Some(status)))?;
    Ok(Answer { version: document.info.version, skew })
}

/// How far this machine's clock is from that of whoever answered.
fn apart(response: &Response) -> Option<Duration> {
    let date = response.headers().get(DATE).and_then(|date| rfc2822::parse(date.to_str().ok()?).ok())?;
    Some(from_here(date.timestamp()))
}

fn from_here(there: Timestamp) -> Duration {
    there.duration_since(SystemClock.now()).unsigned_abs()
}

fn skew(whose: &str, skew: Option<Duration>, most: Duration) -> Result<String> {
    match skew {
        None => Ok(format!("{whose} tells no time")),
        Some(skew) if skew < most => Ok(format!("{} s from {whose}'s", skew.as_secs())),
        Some(skew) => {
            let detail = format!("the clock is {} s from {whose}'s", skew.as_secs());
            Err(Error::invalid_with(detail, "set this machine's clock by NTP").into())
        }
    }
}

async fn account(flags: &Flags) -> Result<String> {
    let client = Client::open(flags).await?;
    Ok(whoami::name(&client.call(async |api| api.me().await).await?))
}
