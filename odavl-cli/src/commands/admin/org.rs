//! `odavl admin org`: organisations.

use std::{collections::BTreeMap, str::FromStr};

use clap::Subcommand;
use jiff::Timestamp;
use odavl_core::{
    Error, Odavl,
    auth::{NewOrg, OrgUpdate, Organization, Slug},
    ids::OrgId,
    metering::{Allowance, Allowances, MeterName},
    page::PageQuery,
};
use serde::Serialize;

use super::plan;
use crate::{
    failure::Result,
    output::{Column, Output},
};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an organisation
    Create(Create),
    /// List every organisation
    #[command(after_help = "Example:\n  odavl admin org list")]
    List,
    /// Give an organisation another plan, at once; what is used stays used
    #[command(after_help = "Example:\n  odavl admin org plan acme PRO")]
    Plan {
        /// Its slug, its id, or `external:` and the team's own id
        organization: String,
        /// The plan's name
        plan: String,
    },
    /// Give an organisation limits of its own on a meter, at once; what is used stays used
    Limit(Limit),
    /// Lock an organisation out
    #[command(after_help = "Example:\n  odavl admin org suspend external:customer-17")]
    Suspend {
        /// Its slug, its id, or `external:` and the team's own id
        organization: String,
    },
    /// Let an organisation in again
    #[command(after_help = "Example:\n  odavl admin org resume acme")]
    Resume {
        /// Its slug, its id, or `external:` and the team's own id
        organization: String,
    },
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  odavl admin org create acme --name Acme --plan PRO")]
pub(super) struct Create {
    slug: Slug,
    /// What it is called [default: the slug]
    #[arg(long)]
    name: Option<String>,
    /// Its plan [default: that of the configuration]
    #[arg(long)]
    plan: Option<String>,
    /// The team's own id for it
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  odavl admin org limit acme insight_analyses 50\n  \
    odavl admin org limit acme api_calls 100000 20/1s\n  \
    odavl admin org limit acme api_calls default")]
pub(super) struct Limit {
    /// Its slug, its id, or `external:` and the team's own id
    organization: String,
    /// The meter
    meter: MeterName,
    /// Units, `unlimited`, or `default` for those of the plan; over the usual period, or one such as day or 60s
    #[arg(required = true, value_name = "UNITS[/PERIOD]")]
    bounds: Vec<Bound>,
}

/// One word of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Bound {
    /// What the plan says.
    Default,
    /// What is said here.
    Own(Allowance),
}

impl FromStr for Bound {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "default" {
            return Ok(Self::Default);
        }
        let (units, per) = match text.split_once('/') {
            Some((units, per)) => (units, Some(per.parse()?)),
            None => (text, None),
        };
        let wrong = |_| {
            let detail = format!("`{}` is not a limit", text.escape_default());
            Error::invalid_with(detail, "write it like 50, 1000/day, unlimited or default")
        };
        let max = if units == "unlimited" { None } else { Some(units.parse().map_err(wrong)?) };
        Ok(Self::Own(Allowance { max, per, soft: false, ceiling: None }))
    }
}

impl Limit {
    fn update(self) -> Result<OrgUpdate, Error> {
        let own = |bound: &Bound| match bound {
            Bound::Default => None,
            Bound::Own(allowance) => Some(allowance.clone()),
        };
        let list: Option<Vec<_>> = self.bounds.iter().map(own).collect();
        if list.is_none() && self.bounds.len() > 1 {
            return Err(Error::invalid_with("`default` stands alone", "leave it out, or the others"));
        }
        Ok(OrgUpdate { overrides: BTreeMap::from([(self.meter, list)]), ..OrgUpdate::default() })
    }
}

#[derive(Debug, Serialize)]
struct Shown {
    id: OrgId,
    slug: Slug,
    name: String,
    plan: String,
    state: &'static str,
    external_id: Option<String>,
    /// Limits of its own, by meter.
    #[serde(serialize_with = "plan::as_written")]
    limits: Allowances,
    created_at: Timestamp,
}

impl From<Organization> for Shown {
    fn from(org: Organization) -> Self {
        let state = match (org.suspended, org.operator) {
            (true, _) => "suspended",
            (false, true) => "operator",
            (false, false) => "active",
        };
        Self {
            id: org.id,
            slug: org.slug,
            name: org.name,
            plan: org.plan,
            state,
            external_id: org.external_id,
            limits: org.overrides,
            created_at: org.created_at,
        }
    }
}

const COLUMNS: [Column<Shown>; 6] = [
    Column::text("slug", |org| org.slug.to_string()),
    Column::text("name", |org| org.name.clone()),
    Column::text("plan", |org| org.plan.clone()),
    Column::text("state", |org| org.state.to_owned()),
    Column::text("external id", |org| org.external_id.clone().unwrap_or_else(|| "-".to_owned())),
    Column::text("id", |org| org.id.to_string()),
];

pub(super) async fn run(odavl: &Odavl, command: Command, output: Output) -> Result<()> {
    let change = |plan, suspended| OrgUpdate { plan, suspended, ..OrgUpdate::default() };
    match command {
        Command::Create(wish) => create(odavl, wish, output).await,
        Command::List => output.list(&all(odavl).await?, &COLUMNS),
        Command::Plan { organization, plan } => {
            update(odavl, &organization, change(Some(plan), None), output).await
        }
        Command::Limit(wish) => limit(odavl, wish, output).await,
        Command::Suspend { organization } => {
            update(odavl, &organization, change(None, Some(true)), output).await
        }
        Command::Resume { organization } => {
            update(odavl, &organization, change(None, Some(false)), output).await
        }
    }
}

async fn create(odavl: &Odavl, wish: Create, output: Output) -> Result<()> {
    let wish = NewOrg {
        name: wish.name.unwrap_or_else(|| wish.slug.to_string()),
        slug: wish.slug,
        plan: wish.plan,
        external_id: wish.external_id,
        metadata: BTreeMap::new(),
        idempotency_key: None,
    };
    let org = super::operator(odavl).await?.orgs().create(wish).await?;
    output.say(&format!("the organisation {} is made, with the plan {}", org.slug, org.plan));
    output.word(&Shown::from(org.clone()), &org.id.to_string())
}

async fn update(odavl: &Odavl, name: &str, update: OrgUpdate, output: Output) -> Result<()> {
    let org = super::operator(odavl).await?.orgs().update(&name.parse()?, update).await?;
    let state = if org.suspended { "suspended" } else { "active" };
    let told = format!("{} has the plan {} and is {state}", org.slug, org.plan);
    output.done(&Shown::from(org), &told)
}

async fn limit(odavl: &Odavl, wish: Limit, output: Output) -> Result<()> {
    let (name, meter) = (wish.organization.parse()?, wish.meter.clone());
    let org = super::operator(odavl).await?.orgs().update(&name, wish.update()?).await?;
    let limits = match org.overrides.get(&meter) {
        Some(list) => plan::limits([(&meter, list)]),
        None if org.operator => format!("{meter}=unlimited"),
        None => format!("those of the plan {}", org.plan),
    };
    let told = format!("the limits of {} on {meter}: {limits}", org.slug);
    output.done(&Shown::from(org), &told)
}

async fn all(odavl: &Odavl) -> Result<Vec<Shown>> {
    let session = super::operator(odavl).await?;
    let mut query = PageQuery { limit: PageQuery::MOST, cursor: None };
    let mut all = Vec::new();
    loop {
        let page = session.orgs().list(&query).await?;
        all.extend(page.items.into_iter().map(Shown::from));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(all);
        }
    }
}

/// The slug of every organisation.
pub(super) async fn slugs(odavl: &Odavl) -> Result<Vec<String>> {
    Ok(all(odavl).await?.into_iter().map(|org| org.slug.to_string()).collect())
}
