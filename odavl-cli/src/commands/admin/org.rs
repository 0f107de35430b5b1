//! `odavl admin org`: organisations.

use std::collections::BTreeMap;

use clap::Subcommand;
use jiff::Timestamp;
use odavl_core::{
    Odavl,
    auth::{NewOrg, OrgUpdate, Organization, Slug},
    ids::OrgId,
    page::PageQuery,
};
use serde::Serialize;

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

#[derive(Debug, Serialize)]
struct Shown {
    id: OrgId,
    slug: Slug,
    name: String,
    plan: String,
    state: &'static str,
    external_id: Option<String>,
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
    output.say(&format!("{} has the plan {} and is {state}", org.slug, org.plan));
    Ok(())
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
