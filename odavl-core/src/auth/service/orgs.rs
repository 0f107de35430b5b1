//! Organisations and the people in them.

use std::collections::BTreeMap;

use super::{
    keys::{check_metadata, check_name, unbounded},
    once::Made,
};
use crate::{
    action::Action,
    auth::{Access, AuditEntry, Change, Membership, OrgRef, Organization, Role, Slug, User},
    error::{Error, Reason, Result},
    ids::{OrgId, UserId},
    metering::{Allowance, Allowances, Catalog, MeterName},
    page::{Page, PageQuery},
    session::{Ask, Permit, Session, Usage},
    text,
};

/// What a new organisation shall be.
#[derive(Debug, Clone)]
pub struct NewOrg {
    /// Its name in addresses.
    pub slug: Slug,
    /// What it is called.
    pub name: String,
    /// Its plan; the default one unless said.
    pub plan: Option<String>,
    /// The team's own id for it.
    pub external_id: Option<String>,
    /// The team's own notes.
    pub metadata: BTreeMap<String, String>,
    /// Makes a retry find the organisation that was made.
    pub idempotency_key: Option<String>,
}

/// What shall change about an organisation; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct OrgUpdate {
    /// Its plan.
    pub plan: Option<String>,
    /// Limits of its own on some meters, in place of the plan's; `None` gives a meter the plan's again.
    pub overrides: BTreeMap<MeterName, Option<Vec<Allowance>>>,
    /// Whether it is locked out.
    pub suspended: Option<bool>,
    /// The team's own notes.
    pub metadata: Option<BTreeMap<String, String>>,
}

/// The use cases of organisations.
#[derive(Debug)]
pub struct Orgs<'a>(&'a Session);

/// The use cases of members.
#[derive(Debug)]
pub struct Members<'a>(&'a Session);

impl Session {
    /// Organisations: one's own, and for operators all.
    pub fn orgs(&self) -> Orgs<'_> {
        Orgs(self)
    }

    /// The people in the organisation.
    pub fn members(&self) -> Members<'_> {
        Members(self)
    }
}

impl Orgs<'_> {
    /// Makes an organisation.
    pub async fn create(&self, wish: NewOrg) -> Result<Organization> {
        check_name(&wish.name)?;
        check_metadata(&wish.metadata)?;
        wish.external_id.as_deref().map_or(Ok(()), check_external_id)?;
        let catalog = &self.0.core.settings.catalog;
        let plan = catalog.plan(wish.plan.as_ref().unwrap_or(&catalog.default_plan))?.name.clone();
        let content =
            format!("{}\0{}\0{plan}\0{:?}\0{:?}", wish.slug, wish.name, wish.external_id, wish.metadata);
        let once = self.0.once(Action::OrgCreate, wish.idempotency_key.as_deref(), &content)?;
        self.0
            .metered(Ask::new(Action::OrgCreate), async |permit| {
                let org = Organization {
                    id: OrgId::new(permit.at)?,
                    slug: wish.slug,
                    name: wish.name,
                    plan,
                    external_id: wish.external_id,
                    metadata: wish.metadata,
                    overrides: Allowances::new(),
                    operator: false,
                    suspended: false,
                    epoch: 0,
                    created_at: permit.at,
                    rev: 0,
                };
                let record = self.0.record_in(permit, org.id, &org.id)?;
                let (id, changes) = (org.id, vec![Change::AddOrg(org.clone())]);
                let made = (org, changes, vec![record]);
                let org = match self.0.make_once(permit, once.as_ref(), &id, made).await? {
                    Made::Now(org) => org,
                    Made::Before(id) => {
                        let found = self.0.core.auth.org(&OrgRef::Id(id.parse()?)).await?;
                        found.ok_or_else(|| Error::not_found("organization", &id))?
                    }
                };
                Ok((org, Usage::Settled))
            })
            .await
    }

    /// The organisation that is acted on.
    pub async fn read(&self) -> Result<Organization> {
        self.0
            .metered(Ask::new(Action::OrgRead), async |permit| {
                Ok((permit.caller.org()?.org.clone(), Usage::Settled))
            })
            .await
    }

    /// All organisations.
    pub async fn list(&self, page: &PageQuery) -> Result<Page<Organization>> {
        self.0
            .metered(Ask::new(Action::OrgList), async |_| {
                Ok((self.0.core.auth.orgs(page).await?, Usage::Settled))
            })
            .await
    }

    /// Changes an organisation. A new plan takes effect at once; what is used stays used.
    pub async fn update(&self, name: &OrgRef, update: OrgUpdate) -> Result<Organization> {
        let catalog = &self.0.core.settings.catalog;
        update.plan.as_deref().map_or(Ok(()), |plan| catalog.plan(plan).map(drop))?;
        let own = update.overrides.iter().filter_map(|(meter, list)| Some((meter.clone(), list.clone()?)));
        catalog.check_allowances(&own.collect())?;
        update.metadata.as_ref().map_or(Ok(()), check_metadata)?;
        self.0
            .metered(Ask::new(Action::OrgUpdate), async |permit| {
                let found = self.0.core.auth.org(name).await?;
                let mut org = found.ok_or_else(|| Error::not_found("organization", name))?;
                if org.operator && update.suspended == Some(true) {
                    return Err(Error::Conflict(
                        "the operator's organisation cannot be suspended".to_owned(),
                    ));
                }
                org.plan = update.plan.unwrap_or(org.plan);
                replace(&mut org.overrides, update.overrides, catalog)?;
                org.suspended = update.suspended.unwrap_or(org.suspended);
                org.metadata = update.metadata.unwrap_or(org.metadata);
                let record = self.0.record_in(permit, org.id, &org.id)?;
                self.0.core.write(vec![Change::SetOrg(org.clone())], vec![org.id], vec![record]).await?;
                Ok((org, Usage::Settled))
            })
            .await
    }

    /// The organisation's records, oldest first.
    pub async fn audit(&self, page: &PageQuery) -> Result<Page<AuditEntry>> {
        self.0
            .metered(Ask::new(Action::AuditRead), async |permit| {
                Ok((self.0.core.auth.audit(permit.org()?, page).await?, Usage::Settled))
            })
            .await
    }
}

impl Members<'_> {
    /// The organisation's members.
    pub async fn list(&self, page: &PageQuery) -> Result<Page<(Membership, User)>> {
        self.0
            .metered(Ask::new(Action::MemberList), async |permit| {
                Ok((self.0.core.auth.members(permit.org()?, page).await?, Usage::Settled))
            })
            .await
    }

    /// Adds a person, or changes their role. Owners are made and changed by owners alone.
    pub async fn put(&self, user: UserId, role: Role) -> Result<Membership> {
        self.0
            .metered(Ask::new(Action::MemberPut), async |permit| {
                unbounded(permit)?;
                let org = permit.org()?;
                self.may_change(permit, user, Some(role)).await?;
                self.0.core.auth.user(user).await?.ok_or_else(|| Error::not_found("user", &user))?;
                let member = Membership { org, user, role, created_at: permit.at };
                let record = self.0.record(permit, &user)?;
                self.0.core.write(vec![Change::PutMember(member.clone())], vec![org], vec![record]).await?;
                Ok((member, Usage::Settled))
            })
            .await
    }

    /// Removes a person; their keys stop working.
    pub async fn remove(&self, user: UserId) -> Result<()> {
        self.0
            .metered(Ask::new(Action::MemberRemove), async |permit| {
                let org = permit.org()?;
                self.may_change(permit, user, None).await?;
                let record = self.0.record(permit, &user)?;
                self.0.core.write(vec![Change::RemoveMember { org, user }], vec![org], vec![record]).await?;
                Ok(((), Usage::Settled))
            })
            .await
    }

    async fn may_change(&self, permit: &Permit, user: UserId, role: Option<Role>) -> Result<()> {
        let present = self.0.core.auth.membership(permit.org()?, user).await?.map(|member| member.role);
        let owners = [present, role].contains(&Some(Role::Owner));
        if owners && !permit.caller.scopes.allow("org", Access::Admin) {
            return Err(Error::forbidden(
                Reason::InsufficientScope,
                "only an owner makes or changes an owner",
            ));
        }
        Ok(())
    }
}

/// What is of a meter that the configuration no longer has can still be taken back.
fn replace(
    overrides: &mut Allowances,
    new: BTreeMap<MeterName, Option<Vec<Allowance>>>,
    catalog: &Catalog,
) -> Result<()> {
    for (meter, list) in new {
        if let Some(list) = list {
            overrides.insert(meter, list);
        } else if overrides.remove(&meter).is_none() {
            catalog.meter(&meter)?;
        }
    }
    Ok(())
}

/// It is written into logs and addresses, so it holds what can be read there.
fn check_external_id(id: &str) -> Result<()> {
    text::check_name("an external id", id, 255)
}
