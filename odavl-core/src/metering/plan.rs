//! Plans: named sets of limits, and the catalogue of all that is configured.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    limit::{Limit, Scope},
    meter::{Meter, MeterKind, MeterName, UNITS_MAX},
    period::Period,
};
use crate::error::{Error, Result};

/// A plan's name, such as `FREE`.
pub type PlanName = String;

/// What a plan, an organisation's override or a key allows of one meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// The most units; absent is unlimited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u64>,
    /// Over what time: a month by default, what is held for a gauge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per: Option<Period>,
    /// A soft limit warns and records what passes it instead of refusing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub soft: bool,
    /// Where even a soft limit refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<u64>,
}

impl Allowance {
    /// The limit that this allows of a meter of that kind.
    pub fn limit(&self, kind: MeterKind, scope: Scope) -> Limit {
        let natural = match kind {
            MeterKind::Sum => Period::CALENDAR_MONTH,
            MeterKind::Gauge => Period::Held,
        };
        let ceiling = if self.soft { self.ceiling } else { self.max };
        Limit { scope, period: self.per.unwrap_or(natural), max: self.max, ceiling }
    }

    /// Refuses what cannot be counted.
    pub fn check(&self, meter: &Meter) -> Result<()> {
        let wrong = |detail: &str| Err(Error::invalid(format!("{}: {detail}", meter.name)));
        if self.max.max(self.ceiling).is_some_and(|most| most > UNITS_MAX) {
            return wrong("a limit is at most 2^53 - 1");
        }
        match (meter.kind, self.per) {
            (MeterKind::Gauge, Some(per)) if per != Period::Held => {
                return wrong("a gauge is limited by what is held, not over a period");
            }
            (MeterKind::Sum, Some(Period::Held)) => return wrong("a sum is limited over a period"),
            _ => {}
        }
        match (self.soft, self.ceiling) {
            (false, Some(_)) => wrong("a ceiling belongs to a soft limit"),
            (true, Some(ceiling)) if Some(ceiling) < self.max => wrong("the ceiling is below the limit"),
            _ => Ok(()),
        }
    }
}

/// Allowances by meter: several to a meter, over different periods.
pub type Allowances = BTreeMap<MeterName, Vec<Allowance>>;

/// A named set of limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub name: PlanName,
    /// What it allows of each meter; a meter without an entry is unlimited.
    pub allowances: Allowances,
    /// How many API keys may be active; `None` is unlimited.
    pub api_keys: Option<u64>,
}

/// All that is configured about metering: meters, plans, and the resources that scopes name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// The meters by name.
    pub meters: BTreeMap<MeterName, Meter>,
    /// The plans by name.
    pub plans: BTreeMap<PlanName, Plan>,
    /// The plan of a new organisation.
    pub default_plan: PlanName,
    /// The resources of the team's own that scopes may name, besides odavl's.
    pub resources: BTreeSet<String>,
    /// The meter that counts admitted requests to uploads, storage and sync.
    pub requests: Option<MeterName>,
    /// The gauge that holds stored bytes.
    pub stored_bytes: Option<MeterName>,
    /// The meter that a product's upload charges, by the product's resource.
    pub uploads: BTreeMap<String, MeterName>,
}

impl Catalog {
    /// The meter of that name.
    pub fn meter(&self, name: &MeterName) -> Result<&Meter> {
        self.meters.get(name).ok_or_else(|| {
            let known: Vec<_> = self.meters.keys().map(MeterName::as_str).collect();
            Error::invalid_with(
                format!("there is no meter `{name}`"),
                format!("use one of: {}", known.join(", ")),
            )
        })
    }

    /// Refuses units of a meter that there is not, and of one that callers may not charge: what is stored is counted
    /// by storing it alone. No units ask, and change nothing.
    pub(crate) fn check_charge(&self, name: &MeterName, units: u64) -> Result<()> {
        match self.meter(name)?.kind {
            _ if units > UNITS_MAX => Err(Error::invalid(format!("{name}: units are 0 to 2^53 - 1"))),
            MeterKind::Gauge if units > 0 => Err(Error::invalid_with(
                format!("{name} holds what is stored; it cannot be charged"),
                "store or delete something, or charge a meter that counts",
            )),
            MeterKind::Gauge | MeterKind::Sum => Ok(()),
        }
    }

    /// The plan of that name.
    pub fn plan(&self, name: &str) -> Result<&Plan> {
        self.plans.get(name).ok_or_else(|| {
            let known: Vec<_> = self.plans.keys().map(String::as_str).collect();
            Error::invalid_with(
                format!("there is no plan `{}`", name.escape_default()),
                format!("use one of: {}", known.join(", ")),
            )
        })
    }

    /// The limits of the organisation on `meter`: the overrides where there are any, else the plan's. There is
    /// always one over the meter's natural period: what is unlimited is counted as well, and what was used while another
    /// period counted is not forgotten.
    pub fn limits(&self, plan: &Plan, overrides: &Allowances, meter: &Meter) -> Vec<Limit> {
        let allowed = overrides.get(&meter.name).or_else(|| plan.allowances.get(&meter.name));
        let mut limits: Vec<_> = allowed
            .into_iter()
            .flatten()
            .map(|allowance| allowance.limit(meter.kind, Scope::Organization))
            .collect();
        let counted = Allowance { max: None, per: None, soft: false, ceiling: None };
        let counted = counted.limit(meter.kind, Scope::Organization);
        if limits.iter().all(|limit| limit.period != counted.period) {
            limits.push(counted);
        }
        limits.sort_by_key(|limit| limit.period.is_rate());
        limits
    }
}
