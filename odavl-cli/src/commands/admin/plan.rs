//! `odavl admin plan`: the plans that the configuration has.

use clap::Subcommand;
use odavl_core::{
    Odavl,
    metering::{Allowance, Allowances, MeterName},
};
use serde::{Serialize, Serializer, ser::Error};

use crate::{
    failure::Result,
    output::{Column, Output},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the plans and what they allow; what a plan does not name is unlimited
    #[command(after_help = "Example:\n  odavl admin plan list")]
    List,
}

#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    /// Whether a new organisation gets it.
    default: bool,
    /// How many API keys may be active; null where any number.
    api_keys: Option<u64>,
    #[serde(serialize_with = "as_written")]
    limits: Allowances,
}

const COLUMNS: [Column<Shown>; 4] = [
    Column::text("name", |plan| plan.name.clone()),
    Column::text("default", |plan| if plan.default { "default" } else { "-" }.to_owned()),
    Column::number("api keys", |plan| units(plan.api_keys)),
    Column::text("limits", |plan| limits(&plan.limits)),
];

pub(super) fn run(odavl: &Odavl, command: &Command, output: Output) -> Result<()> {
    let Command::List = command;
    let catalog = &odavl.settings().catalog;
    let plans: Vec<_> = catalog
        .plans
        .values()
        .map(|plan| Shown {
            name: plan.name.clone(),
            default: plan.name == catalog.default_plan,
            api_keys: plan.api_keys,
            limits: plan.allowances.clone(),
        })
        .collect();
    output.list(&plans, &COLUMNS)
}

/// Limits as they are written in the configuration: what is not said is left out.
pub(super) fn as_written<S: Serializer>(limits: &Allowances, serializer: S) -> Result<S::Ok, S::Error> {
    serde_json::to_value(limits).map_err(S::Error::custom)?.serialize(serializer)
}

/// Limits as they are written on the command line: `api_calls=100 tokens=5/1s`.
pub(super) fn limits<'a>(of: impl IntoIterator<Item = (&'a MeterName, &'a Vec<Allowance>)>) -> String {
    let written = |meter: &MeterName, allowance: &Allowance| {
        let per = allowance.per.map(|per| format!("/{per}")).unwrap_or_default();
        format!("{meter}={}{per}", units(allowance.max))
    };
    let lists = of.into_iter().flat_map(|(meter, list)| list.iter().map(move |one| written(meter, one)));
    lists.collect::<Vec<_>>().join(" ")
}

fn units(units: Option<u64>) -> String {
    units.map_or_else(|| "unlimited".to_owned(), |units| units.to_string())
}
