//! What a new key shall be, as arguments.

use std::str::FromStr;

use clap::ValueEnum;
use odavl_client::types::{self, ApiKeyRequest, KeyLimitRequest};
use odavl_core::{
    Clock, Error, Result, SystemClock,
    auth::{self, NewKeyRequest, Scopes},
    metering::{Allowance, Allowances},
};

use crate::when::When;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl keys create --name ci --scope insight:write --expires 90d\n  \
    odavl keys create --name trial --scope uploads:read --env test --limit api_calls=5/60s --allow-ip 203.0.113.0/24")]
pub(crate) struct Create {
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

impl Create {
    /// What the server is asked for.
    pub(super) fn request(self) -> ApiKeyRequest {
        let now = SystemClock.now();
        let limit = |Limit { meter, max, per }| KeyLimitRequest { meter, max, per };
        ApiKeyRequest {
            name: self.name,
            scopes: self.scopes,
            environment: Some(self.env.into()),
            metadata: None,
            limits: Some(self.limits.into_iter().map(limit).collect()),
            allowed_ips: Some(self.allowed_ips),
            expires_at: self.expires.map(|when| when.after(now)),
        }
    }

    /// What the installation itself is asked for.
    pub(crate) fn wish(self) -> Result<NewKeyRequest> {
        let mut limits = Allowances::new();
        for Limit { meter, max, per } in self.limits {
            let per = per.map(|text| text.parse()).transpose()?;
            let allowance = Allowance { max: Some(max), per, soft: false, ceiling: None };
            limits.entry(meter.parse()?).or_default().push(allowance);
        }
        let network = |text: &String| {
            text.parse().map_err(|_| {
                let detail = format!("`{}` is not a network", text.escape_default());
                Error::invalid_with(detail, "write it like 203.0.113.0/24 or 2001:db8::/32")
            })
        };
        Ok(NewKeyRequest {
            environment: self.env.into(),
            limits,
            allowed_ips: self.allowed_ips.iter().map(network).collect::<Result<_>>()?,
            expires_at: self.expires.map(|when| when.after(SystemClock.now())),
            ..NewKeyRequest::new(self.name, Scopes::parse(self.scopes.iter().map(String::as_str))?)
        })
    }
}

impl From<Environment> for types::Environment {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Live => Self::Live,
            Environment::Test => Self::Test,
        }
    }
}

impl From<Environment> for auth::Environment {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Live => Self::Live,
            Environment::Test => Self::Test,
        }
    }
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
