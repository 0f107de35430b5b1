//! What an installation is made of: meters, plans, scopes, and how keys look. ODAVL's own is the preset.

#[cfg(feature = "config")]
mod file;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    auth::{KeyPrefix, RESOURCES, Scopes},
    error::{Error, Result},
    metering::{Allowance, Allowances, Catalog, Meter, MeterKind, MeterName, Plan},
    secret::Secret,
    storage::{Bucket, Product},
};

#[cfg(feature = "config")]
pub use file::{AwsVariables, Config, LimitEntry, MeterEntry, PlanEntry, Serve};

/// The settings of the library itself; those of a door (addresses, proxies) are the door's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Meters, plans and resources.
    pub catalog: Catalog,
    /// What API keys begin with.
    pub key_prefix: KeyPrefix,
    /// Where people reach the service: the issuer of tokens, and the base of links.
    pub public_url: String,
    /// Where a refused organisation can get a larger plan; goes into refusals.
    pub upgrade_url: Option<String>,
    /// The OAuth clients that may ask to sign people in.
    pub clients: Vec<String>,
    /// The most bytes of an upload after unpacking.
    pub upload_most: u64,
    /// The PostgreSQL database that everything but bytes is kept in; `None` is SQLite in the data folder.
    pub database: Option<Secret<String>>,
    /// The S3 bucket that objects are kept in; `None` is the data folder.
    pub bucket: Option<Bucket>,
    /// Whether webhooks may go to private addresses, and by http: for a network of the team's own, and for tests.
    pub private_webhooks: bool,
    /// Which databases are backed up; `None` where it is not said where to.
    #[cfg(all(feature = "backup", feature = "sqlite", feature = "fs", feature = "config"))]
    pub backup: Option<crate::backup::BackupSettings>,
}

impl Settings {
    /// The preset, reached at `public_url`.
    pub fn preset(public_url: impl Into<String>) -> Result<Self> {
        Ok(Self {
            catalog: preset()?,
            key_prefix: KeyPrefix::default(),
            public_url: public_url.into(),
            upgrade_url: None,
            clients: vec!["odavl-cli".to_owned()],
            upload_most: 64 << 20,
            database: None,
            bucket: None,
            private_webhooks: false,
            #[cfg(all(feature = "backup", feature = "sqlite", feature = "fs", feature = "config"))]
            backup: None,
        })
    }

    /// Whether an OAuth client of that id is registered.
    pub fn knows_client(&self, client_id: &str) -> bool {
        self.clients.iter().any(|known| known == client_id)
    }
}

const MB: u64 = 1_000_000;
const GB: u64 = 1000 * MB;

/// The preset's limits: meter, FREE, PRO. ENTERPRISE is unlimited.
const PRESET: [(&str, Option<u64>, Option<u64>); 5] = [
    ("api_calls", Some(100), Some(10_000)),
    ("storage_bytes", Some(100 * MB), Some(10 * GB)),
    ("insight_analyses", Some(10), None),
    ("autopilot_runs", Some(5), None),
    ("guardian_tests", Some(20), None),
];

const PRODUCTS: [(&str, &str); 3] =
    [("insight", "insight_analyses"), ("autopilot", "autopilot_runs"), ("guardian", "guardian_tests")];

/// Which of a preset row's limits a plan takes.
type Pick = fn(Option<u64>, Option<u64>) -> Option<u64>;

fn plan(name: &str, api_keys: Option<u64>, pick: Pick) -> Result<(String, Plan)> {
    let allowance = |(meter, free, pro): (&str, _, _)| {
        let allowance = Allowance { max: pick(free, pro), per: None, soft: false, ceiling: None };
        Ok((meter.parse()?, vec![allowance]))
    };
    let allowances = PRESET.into_iter().map(allowance).collect::<Result<Allowances>>()?;
    Ok((name.to_owned(), Plan { name: name.to_owned(), allowances, api_keys }))
}

/// ODAVL's meters, plans and products.
fn preset() -> Result<Catalog> {
    let mut meters = BTreeMap::new();
    for (name, ..) in PRESET {
        let kind = if name == "storage_bytes" { MeterKind::Gauge } else { MeterKind::Sum };
        let name: MeterName = name.parse()?;
        meters.insert(name.clone(), Meter { name, kind });
    }
    let plans = BTreeMap::from([
        plan("FREE", Some(3), |free, _| free)?,
        plan("PRO", None, |_, pro| pro)?,
        plan("ENTERPRISE", None, |_, _| None)?,
    ]);
    let uploads = PRODUCTS
        .into_iter()
        .map(|(product, meter)| Ok((product.to_owned(), meter.parse()?)))
        .collect::<Result<_>>()?;
    Ok(Catalog {
        meters,
        plans,
        default_plan: "FREE".to_owned(),
        resources: PRODUCTS.into_iter().map(|(product, _)| product.to_owned()).collect::<BTreeSet<_>>(),
        requests: Some("api_calls".parse()?),
        stored_bytes: Some("storage_bytes".parse()?),
        uploads,
    })
}

impl Catalog {
    /// Refuses a catalogue whose parts do not fit together.
    pub fn check(&self) -> Result<()> {
        self.plan(&self.default_plan)?;
        for plan in self.plans.values() {
            self.check_allowances(&plan.allowances)?;
        }
        self.resources.iter().try_for_each(|name| check_resource(name))?;
        for name in self.uploads.values().chain(&self.requests) {
            if self.meter(name)?.kind != MeterKind::Sum {
                return Err(Error::invalid(format!(
                    "the meter {name} counts what happens, so it must be a sum"
                )));
            }
        }
        match self.stored_bytes.as_ref().map(|name| self.meter(name)).transpose()? {
            Some(meter) if meter.kind != MeterKind::Gauge => {
                Err(Error::invalid("the meter that counts stored bytes must be a gauge"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses allowances of meters that there are not, or that cannot be counted.
    pub fn check_allowances(&self, allowances: &Allowances) -> Result<()> {
        allowances.iter().try_for_each(|(name, list)| {
            let meter = self.meter(name)?;
            list.iter().try_for_each(|allowance| allowance.check(meter))
        })
    }
}

/// A team's own resource is a scope and a product, and none of odavl's: those are given by rules of their own.
fn check_resource(name: &str) -> Result<()> {
    if RESOURCES.contains(&name) {
        let detail = format!("the resource `{name}` is odavl's own");
        return Err(Error::invalid_with(detail, "call yours otherwise"));
    }
    let (scope, product) = (format!("{name}:read").parse::<Scopes>(), name.parse::<Product>());
    scope.and(product).map(drop).map_err(|_| {
        let name = name.escape_default();
        let detail = format!("`resources`: `{name}` is not 1 to 32 lower-case letters, digits and `_`");
        Error::invalid_with(detail, "write it like `my_tool`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_fits_together() {
        let settings = Settings::preset("http://127.0.0.1:8787").unwrap();
        settings.catalog.check().unwrap();
        assert_eq!(settings.catalog.plan("FREE").unwrap().api_keys, Some(3));
    }

    #[test]
    fn an_allowance_of_an_unknown_meter_is_refused() {
        let mut catalog = preset().unwrap();
        catalog.meters.remove(&"api_calls".parse().unwrap());
        assert!(catalog.check().is_err());
    }

    #[test]
    fn a_resource_is_a_scope_and_a_product_and_none_of_ours() {
        for (name, fits) in [
            ("my_tool", true),
            ("instance", false),
            ("gateway", false),
            ("usage", false),
            ("my-tool", false),
            ("No such thing", false),
            ("", false),
        ] {
            let mut catalog = preset().unwrap();
            catalog.resources.insert(name.to_owned());
            assert_eq!(catalog.check().is_ok(), fits, "{name}");
        }
        let told = check_resource("my-tool").unwrap_err().to_string();
        assert_eq!(told, "`resources`: `my-tool` is not 1 to 32 lower-case letters, digits and `_`");
    }

    #[test]
    fn what_happens_is_counted_by_a_sum() {
        let mut catalog = preset().unwrap();
        catalog.requests = catalog.stored_bytes.clone();
        assert!(catalog.check().is_err());
    }
}
