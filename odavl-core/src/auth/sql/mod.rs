//! Auth on SQL. One file a group of tables; what a write does is in the order of its changes, in one transaction.

mod audit;
mod devices;
mod epochs;
mod keys;
mod locks;
mod logins;
mod nodes;
mod orgs;
mod people;
mod replies;
mod signing;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    audit::{AuditEntry, AuditHead},
    device::DeviceGrant,
    key::ApiKey,
    lease::{Lease, LeaseWish},
    login::{Login, SigningKey},
    org::{Membership, OrgRef, Organization, Project, Slug},
    port::{Auth, Bumps, Change, Place, Write},
    refuse,
    reply::Reply,
    user::{Email, User},
};
use crate::{
    db::{Db, Row, Tx, Value, retried},
    error::{Error, Result},
    ids::{KeyId, OrgId, SessionId, UserId},
    page::{Page, PageQuery},
    secret::Digest,
};

/// Keeps people, organisations, keys and sign-ins in a SQL database.
#[derive(Debug, Clone)]
pub struct SqlAuth {
    db: Db,
}

impl SqlAuth {
    /// On that database.
    pub const fn new(db: Db) -> Self {
        Self { db }
    }
}

async fn apply(tx: &mut Tx, change: &Change) -> Result<()> {
    match change {
        Change::AddUser(user) => people::add_user(tx, user).await,
        Change::SetUser(user) => people::set_user(tx, user).await,
        Change::AddOrg(org) => orgs::add_org(tx, org).await,
        Change::SetOrg(org) => orgs::set_org(tx, org).await,
        Change::PutMember(member) => people::put_member(tx, member).await,
        Change::RemoveMember { org, user } => people::remove_member(tx, *org, *user).await,
        Change::AddProject(project) => orgs::add_project(tx, project).await,
        Change::AddKey { key, most } => keys::add_key(tx, key, *most).await,
        Change::SetKey(key) => keys::set_key(tx, key).await,
        Change::AddLogin(login) => logins::add_login(tx, login).await,
        Change::SetLogin(login) => logins::set_login(tx, login).await,
        Change::EndLogins { user, except, at } => logins::end_logins(tx, *user, *except, *at).await,
        Change::AddDevice(device) => devices::add_device(tx, device).await,
        Change::SetDevice(device) => devices::set_device(tx, device).await,
        Change::AddReply(reply) => replies::add_reply(tx, reply).await,
        Change::DropEnded { at } => {
            devices::drop_ended(tx, *at).await?;
            replies::drop_ended(tx, *at).await?;
            logins::drop_ended(tx, *at).await
        }
        Change::PutSetup(link) => signing::put_setup(tx, link).await,
        Change::ClaimSetup { digest, at } => signing::claim_setup(tx, digest, *at).await,
        Change::AddSigningKey(key) => signing::add_signing_key(tx, key).await,
        Change::DropSigningKeys { at } => signing::drop_signing_keys(tx, *at).await,
        Change::UnderLease { name, fence } => nodes::under_lease(tx, name, *fence).await,
        Change::PutKeyCheck { from, to } => nodes::put_key_check(tx, *from, *to).await,
    }
}

async fn write_once(db: &Db, write: &Write) -> Result<Vec<(OrgId, u64)>> {
    let mut tx = db.begin().await?;
    tx.lock(locks::of(write)).await?;
    for change in &write.changes {
        apply(&mut tx, change).await?;
    }
    let mut epochs = Vec::with_capacity(write.bump.len());
    for org in &write.bump {
        epochs.push((*org, orgs::bump(&mut tx, *org).await?));
    }
    for draft in &write.audit {
        audit::append(&mut tx, draft, &write.seal).await?;
    }
    tx.commit().await?;
    Ok(epochs)
}

#[async_trait]
impl Auth for SqlAuth {
    async fn write(&self, write: Write) -> Result<Vec<(OrgId, u64)>> {
        retried(|| write_once(&self.db, &write)).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        people::user(&self.db, id).await
    }
    async fn user_by_email(&self, email: &Email) -> Result<Option<User>> {
        people::user_by_email(&self.db, email).await
    }
    async fn users(&self, query: &PageQuery) -> Result<Page<User>> {
        people::users(&self.db, query).await
    }

    async fn org(&self, name: &OrgRef) -> Result<Option<Organization>> {
        orgs::org(&self.db, name).await
    }
    async fn orgs(&self, query: &PageQuery) -> Result<Page<Organization>> {
        orgs::orgs(&self.db, query).await
    }
    async fn epoch(&self, org: OrgId) -> Result<Option<u64>> {
        orgs::epoch(&self.db, org).await
    }
    async fn bumps(&self, since: Option<Place>) -> Result<Bumps> {
        epochs::bumps(&self.db, since).await
    }
    async fn announced(&self) {
        self.db.announced().await;
    }

    async fn membership(&self, org: OrgId, user: UserId) -> Result<Option<Membership>> {
        people::membership(&self.db, org, user).await
    }
    async fn memberships(&self, user: UserId) -> Result<Vec<Membership>> {
        people::memberships(&self.db, user).await
    }
    async fn members(&self, org: OrgId, query: &PageQuery) -> Result<Page<(Membership, User)>> {
        people::members(&self.db, org, query).await
    }

    async fn project(&self, org: OrgId, slug: &Slug) -> Result<Option<Project>> {
        orgs::project(&self.db, org, slug).await
    }
    async fn projects(&self, org: OrgId, query: &PageQuery) -> Result<Page<Project>> {
        orgs::projects(&self.db, org, query).await
    }

    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>> {
        keys::key(&self.db, id).await
    }
    async fn keys(&self, org: OrgId, query: &PageQuery) -> Result<Page<ApiKey>> {
        keys::keys(&self.db, org, query).await
    }
    async fn active_keys(&self, org: OrgId, at: Timestamp) -> Result<u64> {
        keys::active_keys(&self.db, org, at).await
    }
    async fn touch_keys(&self, used: &[(OrgId, KeyId, Timestamp)]) -> Result<()> {
        retried(|| keys::touch_keys(&self.db, used)).await
    }

    async fn login(&self, id: SessionId) -> Result<Option<Login>> {
        logins::login(&self.db, id).await
    }
    async fn logins(&self, user: UserId) -> Result<Vec<Login>> {
        logins::logins(&self.db, user).await
    }

    async fn device(&self, device_code: &Digest) -> Result<Option<DeviceGrant>> {
        devices::device(&self.db, device_code).await
    }
    async fn device_by_user_code(&self, user_code: &Digest) -> Result<Option<DeviceGrant>> {
        devices::device_by_user_code(&self.db, user_code).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>> {
        signing::signing_keys(&self.db).await
    }
    async fn reply(&self, org: OrgId, key: &Digest) -> Result<Option<Reply>> {
        replies::reply(&self.db, org, key).await
    }
    async fn is_set_up(&self) -> Result<bool> {
        people::is_set_up(&self.db).await
    }

    async fn take_lease(&self, wish: &LeaseWish) -> Result<Option<Lease>> {
        retried(|| nodes::take_lease(&self.db, wish)).await
    }
    async fn key_check(&self) -> Result<Option<Digest>> {
        nodes::key_check(&self.db).await
    }
    async fn time(&self) -> Result<Option<Timestamp>> {
        self.db.time().await
    }

    async fn audit(&self, org: OrgId, query: &PageQuery) -> Result<Page<AuditEntry>> {
        audit::entries(&self.db, org, query).await
    }
    async fn audit_head(&self, org: OrgId) -> Result<Option<AuditHead>> {
        audit::head(&self.db, org).await
    }
}

/// What `row` says, where there is one.
fn one<T>(row: Option<&Row>, read: impl FnOnce(&Row) -> Result<T>) -> Result<Option<T>> {
    row.map(read).transpose()
}

fn all<T>(rows: &[Row], read: impl FnMut(&Row) -> Result<T>) -> Result<Vec<T>> {
    rows.iter().map(read).collect()
}

/// The values of a page's cursor and of its limit, which is one more than it shows. Ids sort as their texts do, and
/// after the empty one.
fn page_values<C: std::str::FromStr + ToString>(query: &PageQuery) -> Result<[Value; 2]> {
    let after = query.after::<C>()?.map_or_else(String::new, |after| after.to_string());
    Ok([after.into(), Value::from(i64::from(query.limit) + 1)])
}

fn json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_string(value)
        .map(Value::Text)
        .map_err(|error| Error::internal("a column could not be written as JSON", Some(error.into())))
}

/// Refuses with `missing` where the statement finds no row.
async fn require(tx: &mut Tx, sql: &'static str, params: &[Value], missing: Error) -> Result<()> {
    tx.query_one(sql, params).await?.map(drop).ok_or(missing)
}

async fn require_org(tx: &mut Tx, org: OrgId) -> Result<()> {
    const SQL: &str = "SELECT 1 FROM organizations WHERE id = $1";
    require(tx, SQL, &[org.into()], Error::not_found("organization", &org)).await
}

async fn require_user(tx: &mut Tx, user: UserId) -> Result<()> {
    const SQL: &str = "SELECT 1 FROM users WHERE id = $1";
    require(tx, SQL, &[user.into()], Error::not_found("user", &user)).await
}

/// Where an update by `rev` changed nothing: the row has moved on, or there is none.
async fn moved_on(
    tx: &mut Tx,
    exists: &'static str,
    params: &[Value],
    kind: &'static str,
    name: &(impl ToString + Sync),
) -> Error {
    match tx.query_one(exists, params).await {
        Ok(Some(_)) => refuse::stale(kind, name),
        Ok(None) => Error::not_found(kind, name),
        Err(failed) => failed.into(),
    }
}
