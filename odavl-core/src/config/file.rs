//! `odavl.toml`: everything that an installation is configured by. An unknown key is an error.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::Settings;
use crate::{
    auth::KeyPrefix,
    error::{Error, Result},
    metering::{Allowance, Catalog, Meter, MeterKind, MeterName, Plan},
    secret::Secret,
    storage::{AccessKey, Bucket, Profile, check_endpoint},
};

/// The configuration of an installation, as `odavl.toml` has it. What is absent keeps its default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder of the embedded default: database, objects, master key. `./odavl-data`.
    pub data: Option<PathBuf>,
    /// The database: `postgres://user:password@host/database`, the same on every node. SQLite in the folder.
    pub database: Option<Secret<String>>,
    /// Where objects are kept: `s3://bucket/prefix?region=eu-central-1`, the same on every node. The folder.
    pub storage: Option<String>,
    /// S3 stores that odavl does not know, or knows otherwise.
    pub stores: BTreeMap<String, Profile>,
    /// What the usual variables say of S3; from the environment, never from the file.
    #[serde(skip)]
    pub aws: AwsVariables,
    /// Where people reach the service. `http://` and the address that is listened on.
    pub public_url: Option<String>,
    /// Where a refused organisation can get a larger plan.
    pub upgrade_url: Option<String>,
    /// What API keys begin with. `odavl`.
    pub key_prefix: Option<KeyPrefix>,
    /// The OAuth clients that may ask to sign people in. `["odavl-cli"]`.
    pub clients: Option<Vec<String>>,
    /// The most bytes of an upload after unpacking. 64 MiB.
    pub upload_most: Option<u64>,
    /// The resources of the team's own that scopes may name.
    pub resources: Option<BTreeSet<String>>,
    /// Whether webhooks may go to private addresses, and by http.
    pub private_webhooks: Option<bool>,
    /// The meters, in place of the preset's.
    pub meters: Option<BTreeMap<MeterName, MeterEntry>>,
    /// The plans, in place of the preset's.
    pub plans: Option<BTreeMap<String, PlanEntry>>,
    /// Backups.
    #[cfg(feature = "backup")]
    pub backup: crate::backup::BackupConfig,
    /// The settings of `odavl serve`.
    pub serve: Serve,
}

/// What the usual variables say of S3: each fills in what `storage` leaves out.
#[derive(Debug, Clone, Default)]
pub struct AwsVariables {
    /// `AWS_S3_BUCKET`, for a `storage` of just `s3://`.
    pub bucket: Option<String>,
    /// `AWS_ENDPOINT_URL`.
    pub endpoint: Option<String>,
    /// `AWS_REGION`.
    pub region: Option<String>,
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    pub access: Option<AccessKey>,
}

impl AwsVariables {
    /// What the variables that `variable` looks up say.
    fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let access = |id, secret| {
            let token = variable("AWS_SESSION_TOKEN").map(Secret::new);
            AccessKey { id: Secret::new(id), secret: Secret::new(secret), token }
        };
        Self {
            bucket: variable("AWS_S3_BUCKET"),
            endpoint: variable("AWS_ENDPOINT_URL"),
            region: variable("AWS_REGION"),
            access: variable("AWS_ACCESS_KEY_ID")
                .zip(variable("AWS_SECRET_ACCESS_KEY"))
                .map(|(id, secret)| access(id, secret)),
        }
    }
}

/// The settings of `odavl serve`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// Where to listen. `127.0.0.1:8787`.
    pub listen: Option<SocketAddr>,
    /// Where to answer `GET /metrics`, to whoever reaches it. Nowhere.
    pub metrics: Option<SocketAddr>,
    /// Whether to listen beyond this machine although `public_url` is not https.
    pub allow_http: Option<bool>,
    /// The peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpAddr>,
    /// The origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// How many requests a minute an address may make without a valid credential; 0: any number. 100.
    pub anonymous_per_minute: Option<u32>,
}

/// A meter in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterEntry {
    /// How its units add up.
    pub kind: MeterKind,
    /// What odavl itself counts with it: `requests`, `stored_bytes`, or the uploads of a resource by its name.
    #[serde(default)]
    pub counts: Option<String>,
}

/// A plan in the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanEntry {
    /// Whether a new organisation gets it.
    pub default: bool,
    /// How many API keys may be active; absent is unlimited.
    pub api_keys: Option<u64>,
    /// What it allows of each meter; a meter without an entry is unlimited.
    pub limits: BTreeMap<MeterName, LimitEntry>,
}

/// A limit in the file: a number, an allowance, or several over different periods.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum LimitEntry {
    /// That many over the meter's natural period.
    Number(u64),
    /// One allowance.
    One(Allowance),
    /// Several, such as a month's and a minute's.
    Several(Vec<Allowance>),
}

impl Config {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::invalid(format!("{} cannot be read: {error}", path.display())))?;
        Self::parse(&text).map_err(|error| Error::invalid(format!("{}: {error}", path.display())))
    }

    /// Reads a configuration from its text.
    pub fn parse(text: &str) -> Result<Self> {
        toml::from_str(text).map_err(|error| {
            // Where it is, but not the line itself: it may hold a password.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            Error::invalid(format!("line {line}: {}", without_values(error.message().trim_end())))
        })
    }

    /// The same, written as JSON.
    pub fn parse_json(text: &str) -> Result<Self> {
        let wrong = |error: serde_json::Error| {
            Error::invalid(format!("the configuration is wrong: {}", without_values(&error.to_string())))
        };
        serde_json::from_str(text).map_err(wrong)
    }

    /// The same, where `ODAVL_DATABASE` and `ODAVL_STORAGE` go before the file, and S3's usual variables fill in what it
    /// leaves out. The environment is the door's: `variable` looks one up, an empty one as none.
    #[must_use]
    pub fn with_variables(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        self.database = variable("ODAVL_DATABASE").map(Secret::new).or(self.database);
        self.storage = variable("ODAVL_STORAGE").or(self.storage);
        #[cfg(feature = "backup")]
        {
            self.backup = self.backup.with_variables(&variable);
        }
        self.aws = AwsVariables::of(variable);
        self
    }

    /// The library's settings, checked.
    pub fn settings(&self, public_url: &str) -> Result<Settings> {
        let public_url = self.public_url.as_deref().unwrap_or(public_url).trim_end_matches('/');
        let secure = public_url.starts_with("https://");
        if !secure && !public_url.starts_with("http://") {
            return Err(Error::invalid_with(
                format!("public_url is `{public_url}`"),
                "it begins with https:// (or http:// for trials)",
            ));
        }
        let mut settings = Settings::preset(public_url)?;
        settings.upgrade_url.clone_from(&self.upgrade_url);
        settings.key_prefix = self.key_prefix.clone().unwrap_or(settings.key_prefix);
        settings.clients = self.clients.clone().unwrap_or(settings.clients);
        settings.database.clone_from(&self.database);
        settings.bucket = self.bucket()?;
        settings.private_webhooks = self.private_webhooks.unwrap_or(settings.private_webhooks);
        #[cfg(all(feature = "backup", feature = "sqlite", feature = "fs"))]
        {
            settings.backup = self.backup_settings()?;
        }
        settings.upload_most = self.upload_most.unwrap_or(settings.upload_most);
        settings.catalog = self.catalog(settings.catalog)?;
        settings.catalog.check()?;
        Ok(settings)
    }

    /// The bucket that `storage` names, with all that is known of it; `None` where objects are kept in the folder.
    ///
    /// # Errors
    /// `invalid_input` for anything but the URL of a bucket.
    pub fn bucket(&self) -> Result<Option<Bucket>> {
        let Some(url) = &self.storage else { return Ok(None) };
        let mut bucket: Bucket = url.parse()?;
        if bucket.name.is_empty() {
            let none = || {
                Error::invalid_with("`storage` names no bucket", "write `s3://BUCKET`, or set AWS_S3_BUCKET")
            };
            bucket.name = self.aws.bucket.clone().ok_or_else(none)?;
        }
        if bucket.endpoint.is_none() {
            bucket.endpoint = self.aws.endpoint.as_deref().map(check_endpoint).transpose()?;
        }
        bucket.region = bucket.region.or_else(|| self.aws.region.clone());
        bucket.profiles.clone_from(&self.stores);
        bucket.access.clone_from(&self.aws.access);
        Ok(Some(bucket))
    }

    fn catalog(&self, preset: Catalog) -> Result<Catalog> {
        let (meters, plans) = match (&self.meters, &self.plans) {
            (None, None) => {
                let resources = self.resources.clone().unwrap_or(preset.resources);
                return Ok(Catalog { resources, ..preset });
            }
            (Some(meters), Some(plans)) => (meters, plans),
            _ => {
                return Err(Error::invalid(
                    "[meters] and [plans] come together: each names what the other has",
                ));
            }
        };
        let default = plans.iter().filter(|(_, plan)| plan.default).map(|(name, _)| name.clone());
        let [default_plan] = <[String; 1]>::try_from(default.collect::<Vec<_>>()).map_err(|_| {
            Error::invalid_with("one plan is the default", "write `default = true` in one of [plans]")
        })?;
        let mut catalog = Catalog {
            meters: meters.iter().map(|(name, entry)| (name.clone(), meter(name, entry))).collect(),
            plans: plans.iter().map(|(name, entry)| (name.clone(), plan(name, entry))).collect(),
            default_plan,
            resources: self.resources.clone().unwrap_or_default(),
            requests: None,
            stored_bytes: None,
            uploads: BTreeMap::new(),
        };
        for (name, entry) in meters {
            match entry.counts.as_deref() {
                None => {}
                Some("requests") => alone(catalog.requests.replace(name.clone()), name)?,
                Some("stored_bytes") => alone(catalog.stored_bytes.replace(name.clone()), name)?,
                Some(product) if catalog.resources.contains(product) => {
                    alone(catalog.uploads.insert(product.to_owned(), name.clone()), name)?;
                }
                Some(other) => {
                    return Err(Error::invalid_with(
                        format!("meters.{name}.counts is `{other}`"),
                        "use `requests`, `stored_bytes` or one of `resources`",
                    ));
                }
            }
        }
        Ok(catalog)
    }
}

/// Refuses a second meter of the same things: one of the two would never be charged.
fn alone(before: Option<MeterName>, name: &MeterName) -> Result<()> {
    before.map_or(Ok(()), |other| {
        Err(Error::invalid_with(
            format!("meters.{other} and meters.{name} count the same"),
            "give several limits to one meter",
        ))
    })
}

fn meter(name: &MeterName, entry: &MeterEntry) -> Meter {
    Meter { name: name.clone(), kind: entry.kind }
}

fn plan(name: &str, entry: &PlanEntry) -> Plan {
    let natural = |max| Allowance { max: Some(max), per: None, soft: false, ceiling: None };
    let list = |limit: &LimitEntry| match limit {
        LimitEntry::Number(max) => vec![natural(*max)],
        LimitEntry::One(allowance) => vec![allowance.clone()],
        LimitEntry::Several(list) => list.clone(),
    };
    Plan {
        name: name.to_owned(),
        allowances: entry.limits.iter().map(|(meter, limit)| (meter.clone(), list(limit))).collect(),
        api_keys: entry.api_keys,
    }
}

/// What was found, without the text that stands there: it may be a URL with a password.
fn without_values(message: &str) -> String {
    let found = message
        .split_once("string \"")
        .and_then(|(before, rest)| Some((before, rest.rsplit_once("\", expected")?.1)));
    found.map_or_else(|| message.to_owned(), |(before, after)| format!("{before}a string, expected{after}"))
}

#[cfg(test)]
mod tests;
