//! `organizations` and `projects`.

use super::{all, json, moved_on, one, page_values, require_org};
use crate::{
    auth::{OrgRef, Organization, Project, Slug, refuse},
    db::{Db, Row, Tx, Value},
    error::{Error, Result},
    ids::{OrgId, ProjectId},
    page::{Page, PageQuery},
};

macro_rules! org_columns {
    () => {
        "id, slug, name, plan, external_id, metadata, overrides, operator, suspended, epoch, created_at, rev"
    };
}

const ADD_ORG: &str = "INSERT INTO organizations
    (id, slug, name, plan, external_id, metadata, overrides, operator, suspended, created_at, rev, epoch)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const SET_ORG: &str = "UPDATE organizations SET slug = $2, name = $3, plan = $4, external_id = $5, metadata = $6,
    overrides = $7, operator = $8, suspended = $9, created_at = $10, rev = rev + 1 WHERE id = $1 AND rev = $11";
const NAMESAKE: &str = "SELECT id, slug FROM organizations WHERE id <> $1 AND (slug = $2 OR external_id = $3)
    ORDER BY slug <> $2 LIMIT 1";
const ORG: &str = concat!("SELECT ", org_columns!(), " FROM organizations WHERE id = $1");
const ORG_BY_SLUG: &str = concat!("SELECT ", org_columns!(), " FROM organizations WHERE slug = $1");
const ORG_BY_EXTERNAL_ID: &str =
    concat!("SELECT ", org_columns!(), " FROM organizations WHERE external_id = $1");
const ORGS: &str =
    concat!("SELECT ", org_columns!(), " FROM organizations WHERE id > $1 ORDER BY id LIMIT $2");
const EPOCH: &str = "SELECT id, epoch FROM organizations WHERE id = $1";
const BUMP: &str = "UPDATE organizations SET epoch = epoch + 1 WHERE id = $1 RETURNING id, epoch";

const ADD_PROJECT: &str = "INSERT INTO projects (org, id, slug, created_at) VALUES ($1, $2, $3, $4)";
const PROJECT: &str = "SELECT id, org, slug, created_at FROM projects WHERE org = $1 AND slug = $2";
const PROJECTS: &str = "SELECT id, org, slug, created_at FROM projects WHERE org = $1 AND id > $2
    ORDER BY id LIMIT $3";

pub(super) async fn add_org(tx: &mut Tx, org: &Organization) -> Result<()> {
    check_names(tx, org).await?;
    let mut values = org_values(org)?;
    values.push(Value::count(org.epoch)?);
    let added = tx.execute(ADD_ORG, &values).await;
    added.map(drop).map_err(|failed| failed.or_exists("organization", &org.id))
}

pub(super) async fn set_org(tx: &mut Tx, org: &Organization) -> Result<()> {
    check_names(tx, org).await?;
    if tx.execute(SET_ORG, &org_values(org)?).await? == 0 {
        return Err(moved_on(tx, ORG, &[org.id.into()], "organization", &org.id).await);
    }
    Ok(())
}

async fn check_names(tx: &mut Tx, org: &Organization) -> Result<()> {
    let values = [org.id.into(), Value::text(&org.slug), org.external_id.as_ref().into()];
    let Some(namesake) = tx.query_one(NAMESAKE, &values).await? else { return Ok(()) };
    let slug: Slug = namesake.parse("organizations.slug")?;
    let external = org.external_id.as_ref().filter(|_| slug != org.slug);
    Err(external.map_or_else(
        || refuse::taken("organization", &org.slug),
        |id| refuse::taken("organization", &format!("external:{id}")),
    ))
}

pub(super) async fn bump(tx: &mut Tx, org: OrgId) -> Result<u64> {
    let row = tx.query_one(BUMP, &[org.into()]).await?;
    row.ok_or_else(|| Error::not_found("organization", &org))?.read("organizations.epoch")
}

pub(super) async fn add_project(tx: &mut Tx, project: &Project) -> Result<()> {
    require_org(tx, project.org).await?;
    let slug = Value::text(&project.slug);
    let values = [project.org.into(), project.id.into(), slug, project.created_at.into()];
    let added = tx.execute(ADD_PROJECT, &values).await;
    added.map(drop).map_err(|failed| failed.or_exists("project", &project.slug))
}

pub(super) async fn org(db: &Db, name: &OrgRef) -> Result<Option<Organization>> {
    let (sql, value) = match name {
        OrgRef::Id(id) => (ORG, (*id).into()),
        OrgRef::Slug(slug) => (ORG_BY_SLUG, Value::text(slug)),
        OrgRef::External(id) => (ORG_BY_EXTERNAL_ID, id.into()),
    };
    one(db.query_one(sql, &[value]).await?.as_ref(), read_org)
}

pub(super) async fn orgs(db: &Db, query: &PageQuery) -> Result<Page<Organization>> {
    let rows = db.query(ORGS, &page_values::<OrgId>(query)?).await?;
    Ok(Page::cut(all(&rows, read_org)?, query.limit, |org| org.id.to_string()))
}

pub(super) async fn epoch(db: &Db, org: OrgId) -> Result<Option<u64>> {
    one(db.query_one(EPOCH, &[org.into()]).await?.as_ref(), |row| row.read("organizations.epoch"))
}

pub(super) async fn project(db: &Db, org: OrgId, slug: &Slug) -> Result<Option<Project>> {
    one(db.query_one(PROJECT, &[org.into(), Value::text(slug)]).await?.as_ref(), read_project)
}

pub(super) async fn projects(db: &Db, org: OrgId, query: &PageQuery) -> Result<Page<Project>> {
    let [after, limit] = page_values::<ProjectId>(query)?;
    let rows = db.query(PROJECTS, &[org.into(), after, limit]).await?;
    Ok(Page::cut(all(&rows, read_project)?, query.limit, |project| project.id.to_string()))
}

fn org_values(org: &Organization) -> Result<Vec<Value>> {
    Ok(vec![
        org.id.into(),
        Value::text(&org.slug),
        (&org.name).into(),
        (&org.plan).into(),
        org.external_id.as_ref().into(),
        json(&org.metadata)?,
        json(&org.overrides)?,
        org.operator.into(),
        org.suspended.into(),
        org.created_at.into(),
        Value::count(org.rev)?,
    ])
}

fn read_org(row: &Row) -> Result<Organization> {
    Ok(Organization {
        id: row.parse("organizations.id")?,
        slug: row.parse("organizations.slug")?,
        name: row.read("organizations.name")?,
        plan: row.read("organizations.plan")?,
        external_id: row.read("organizations.external_id")?,
        metadata: row.json("organizations.metadata")?,
        overrides: row.json("organizations.overrides")?,
        operator: row.read("organizations.operator")?,
        suspended: row.read("organizations.suspended")?,
        epoch: row.read("organizations.epoch")?,
        created_at: row.read("organizations.created_at")?,
        rev: row.read("organizations.rev")?,
    })
}

fn read_project(row: &Row) -> Result<Project> {
    Ok(Project {
        org: row.parse("projects.org")?,
        id: row.parse("projects.id")?,
        slug: row.parse("projects.slug")?,
        created_at: row.read("projects.created_at")?,
    })
}
