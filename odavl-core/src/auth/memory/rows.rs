//! The rows, and what each change does to them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    auth::{
        device::{DeviceGrant, DeviceState},
        key::ApiKey,
        lease::Lease,
        login::{Login, SetupLink, SigningKey},
        org::{Membership, Organization, Project, Role},
        port::Change,
        refuse,
        reply::Reply,
        user::User,
    },
    error::{Error, Result},
    ids::{KeyId, OrgId, ProjectId, SessionId, UserId},
    secret::Digest,
};

/// Everything but the audit.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) orgs: BTreeMap<OrgId, Organization>,
    pub(super) members: BTreeMap<(OrgId, UserId), Membership>,
    pub(super) projects: BTreeMap<ProjectId, Project>,
    pub(super) keys: BTreeMap<KeyId, ApiKey>,
    pub(super) logins: BTreeMap<SessionId, Login>,
    pub(super) devices: Vec<DeviceGrant>,
    pub(super) replies: BTreeMap<(OrgId, [u8; 32]), Reply>,
    pub(super) setup: Option<SetupLink>,
    /// Oldest first.
    pub(super) signing_keys: Vec<SigningKey>,
    pub(super) leases: BTreeMap<String, Lease>,
    pub(super) key_check: Option<Digest>,
}

impl Rows {
    /// Applies one change. What it leaves behind when it fails is thrown away.
    pub(super) fn apply(&mut self, change: Change) -> Result<()> {
        match change {
            Change::AddUser(user) => self.add_user(user),
            Change::SetUser(user) => self.set_user(user),
            Change::AddOrg(org) => self.add_org(org),
            Change::SetOrg(org) => self.set_org(org),
            Change::PutMember(member) => self.put_member(member),
            Change::RemoveMember { org, user } => self.remove_member(org, user),
            Change::AddProject(project) => self.add_project(project),
            Change::AddKey { key, most } => self.add_key(*key, most),
            Change::SetKey(key) => self.set_key(*key),
            Change::AddLogin(login) => self.add_login(*login),
            Change::SetLogin(login) => self.set_login(*login),
            Change::EndLogins { user, except, at } => {
                self.end_logins(user, except, at);
                Ok(())
            }
            Change::AddDevice(device) => self.add_device(*device),
            Change::SetDevice(device) => self.set_device(*device),
            Change::AddReply(reply) => self.add_reply(reply),
            Change::DropEnded { at } => {
                self.drop_ended(at);
                Ok(())
            }
            Change::PutSetup(link) => self.put_setup(link),
            Change::ClaimSetup { digest, at } => self.claim_setup(digest, at),
            Change::UnderLease { name, fence } => {
                let held = self.leases.get(&name).is_some_and(|lease| lease.fence == fence);
                if held { Ok(()) } else { Err(refuse::lease_is_lost(&name)) }
            }
            Change::PutKeyCheck { from, to } => self.put_key_check(from, to),
            Change::AddSigningKey(key) => self.add_signing_key(key),
            Change::DropSigningKeys { at } => {
                self.drop_signing_keys(at);
                Ok(())
            }
        }
    }

    /// Raises the epoch of `org` by one.
    pub(super) fn bump(&mut self, org: OrgId) -> Result<(OrgId, u64)> {
        let row = self.orgs.get_mut(&org).ok_or_else(|| Error::not_found("organization", &org))?;
        row.epoch += 1;
        Ok((org, row.epoch))
    }

    pub(super) fn org(&self, id: OrgId) -> Result<&Organization> {
        self.orgs.get(&id).ok_or_else(|| Error::not_found("organization", &id))
    }

    pub(super) fn active_keys(&self, org: OrgId, at: Timestamp) -> u64 {
        let active = self.keys.values().filter(|key| key.org == org && key.is_active(at));
        u64::try_from(active.count()).unwrap_or(u64::MAX)
    }

    fn user(&self, id: UserId) -> Result<&User> {
        self.users.get(&id).ok_or_else(|| Error::not_found("user", &id))
    }

    fn add_user(&mut self, user: User) -> Result<()> {
        self.check_email(&user)?;
        add(&mut self.users, user.id, user, "user")
    }

    fn set_user(&mut self, mut user: User) -> Result<()> {
        let before = self.user(user.id)?.clone();
        user.rev = next(before.rev, user.rev).ok_or_else(|| refuse::stale("user", &user.id))?;
        self.check_email(&user)?;
        let steps_down = before.administers() && !user.administers();
        self.users.insert(user.id, user);
        if steps_down && !self.users.values().any(User::administers) {
            return Err(refuse::last_administrator());
        }
        Ok(())
    }

    fn check_email(&self, user: &User) -> Result<()> {
        let taken = self.users.values().any(|other| other.id != user.id && other.email == user.email);
        if taken { Err(refuse::taken("user", &user.email)) } else { Ok(()) }
    }

    fn add_org(&mut self, org: Organization) -> Result<()> {
        self.check_names(&org)?;
        add(&mut self.orgs, org.id, org, "organization")
    }

    fn set_org(&mut self, mut org: Organization) -> Result<()> {
        let before = self.org(org.id)?;
        org.rev = next(before.rev, org.rev).ok_or_else(|| refuse::stale("organization", &org.id))?;
        org.epoch = before.epoch;
        self.check_names(&org)?;
        self.orgs.insert(org.id, org);
        Ok(())
    }

    fn check_names(&self, org: &Organization) -> Result<()> {
        for other in self.orgs.values().filter(|other| other.id != org.id) {
            if other.slug == org.slug {
                return Err(refuse::taken("organization", &org.slug));
            }
            if let Some(id) = org.external_id.as_ref().filter(|id| other.external_id.as_ref() == Some(id)) {
                return Err(refuse::taken("organization", &format!("external:{id}")));
            }
        }
        Ok(())
    }

    fn put_member(&mut self, member: Membership) -> Result<()> {
        self.org(member.org)?;
        self.user(member.user)?;
        let Membership { org, user, role, .. } = member;
        let before = self.members.get(&(org, user)).cloned();
        self.members.entry((org, user)).or_insert(member).role = role;
        self.keep_an_owner(org, before)
    }

    fn remove_member(&mut self, org: OrgId, user: UserId) -> Result<()> {
        let before = self.members.remove(&(org, user)).ok_or_else(|| Error::not_found("member", &user))?;
        self.keep_an_owner(org, Some(before))
    }

    /// Where `before` was an owner and is not any more, another one must be there.
    fn keep_an_owner(&self, org: OrgId, before: Option<Membership>) -> Result<()> {
        let was_owner = before.is_some_and(|before| before.role == Role::Owner);
        let has_owner = self.members.values().any(|one| one.org == org && one.role == Role::Owner);
        if was_owner && !has_owner { Err(refuse::last_owner()) } else { Ok(()) }
    }

    fn add_project(&mut self, project: Project) -> Result<()> {
        self.org(project.org)?;
        if self.projects.values().any(|other| other.org == project.org && other.slug == project.slug) {
            return Err(refuse::taken("project", &project.slug));
        }
        add(&mut self.projects, project.id, project, "project")
    }

    fn add_key(&mut self, key: ApiKey, most: Option<u64>) -> Result<()> {
        self.org(key.org)?;
        key.owner.map(|owner| self.user(owner).map(|_| ())).transpose()?;
        if let Some(most) = most.filter(|most| self.active_keys(key.org, key.created_at) >= *most) {
            return Err(refuse::too_many_keys(most));
        }
        add(&mut self.keys, key.id, key, "API key")
    }

    fn set_key(&mut self, mut key: ApiKey) -> Result<()> {
        let before = self.keys.get(&key.id).filter(|before| before.org == key.org);
        let before = before.ok_or_else(|| Error::not_found("API key", &key.id))?;
        key.owner.map(|owner| self.user(owner).map(|_| ())).transpose()?;
        key.rev = next(before.rev, key.rev).ok_or_else(|| refuse::stale("API key", &key.id))?;
        key.last_used_at = before.last_used_at;
        self.keys.insert(key.id, key);
        Ok(())
    }

    fn add_login(&mut self, login: Login) -> Result<()> {
        self.user(login.user)?;
        login.org.map(|org| self.org(org).map(|_| ())).transpose()?;
        add(&mut self.logins, login.id, login, "session")
    }

    fn set_login(&mut self, mut login: Login) -> Result<()> {
        login.org.map(|org| self.org(org).map(|_| ())).transpose()?;
        let before = self.logins.get(&login.id).filter(|before| before.user == login.user);
        let before = before.ok_or_else(|| Error::not_found("session", &login.id))?;
        login.rev = next(before.rev, login.rev).ok_or_else(|| refuse::stale("session", &login.id))?;
        self.logins.insert(login.id, login);
        Ok(())
    }

    fn end_logins(&mut self, user: UserId, except: Option<SessionId>, at: Timestamp) {
        let open = self.logins.values_mut().filter(|login| login.user == user && login.revoked_at.is_none());
        for login in open.filter(|login| Some(login.id) != except) {
            login.revoked_at = Some(at);
            login.rev += 1;
        }
    }

    fn add_device(&mut self, device: DeviceGrant) -> Result<()> {
        let is_same = |other: &DeviceGrant| {
            other.device_code == device.device_code || other.user_code == device.user_code
        };
        if self.devices.iter().any(is_same) {
            return Err(refuse::device_taken());
        }
        self.devices.push(device);
        Ok(())
    }

    fn set_device(&mut self, mut device: DeviceGrant) -> Result<()> {
        if let DeviceState::Approved { user, org, .. } = device.state {
            self.user(user)?;
            self.org(org)?;
        }
        let is_same = |other: &&mut DeviceGrant| other.device_code == device.device_code;
        let before = self.devices.iter_mut().find(is_same).ok_or_else(refuse::no_device)?;
        let rev = next(before.rev, device.rev).filter(|_| before.user_code == device.user_code);
        device.rev = rev.ok_or_else(refuse::stale_device)?;
        *before = device;
        Ok(())
    }

    fn add_reply(&mut self, reply: Reply) -> Result<()> {
        self.org(reply.org)?;
        let key = (reply.org, *reply.key.as_bytes());
        if self.replies.contains_key(&key) {
            return Err(refuse::reply_taken());
        }
        self.replies.insert(key, reply);
        Ok(())
    }

    fn drop_ended(&mut self, at: Timestamp) {
        self.replies.retain(|_, reply| reply.expires_at >= at);
        self.devices.retain(|device| device.expires_at >= at);
        self.logins.retain(|_, login| {
            login.expires_at >= at && login.ends_at >= at && login.revoked_at.is_none_or(|end| end >= at)
        });
    }

    fn put_setup(&mut self, link: SetupLink) -> Result<()> {
        if !self.users.is_empty() {
            return Err(refuse::is_set_up());
        }
        self.setup = Some(link);
        Ok(())
    }

    fn claim_setup(&mut self, digest: Digest, at: Timestamp) -> Result<()> {
        let open = self.setup.take().filter(|link| link.digest == digest && at < link.expires_at);
        open.map(|_| ()).ok_or_else(refuse::no_setup_link)
    }

    fn put_key_check(&mut self, from: Option<Digest>, to: Digest) -> Result<()> {
        if self.key_check != from {
            return Err(refuse::stale("master key", &"check"));
        }
        self.key_check = Some(to);
        Ok(())
    }

    fn add_signing_key(&mut self, key: SigningKey) -> Result<()> {
        if self.signing_keys.iter().any(|other| other.kid == key.kid) {
            return Err(refuse::taken("signing key", &key.kid));
        }
        self.signing_keys.push(key);
        self.signing_keys.sort_by(|a, b| (a.active_from, &a.kid).cmp(&(b.active_from, &b.kid)));
        Ok(())
    }

    fn drop_signing_keys(&mut self, at: Timestamp) {
        self.signing_keys.retain(|key| key.retires_at > at);
    }
}

/// The `rev` after a change that is based on `found`; `None` where the row has moved on.
fn next(present: u64, found: u64) -> Option<u64> {
    (present == found).then_some(present + 1)
}

fn add<K: Ord + ToString, V>(rows: &mut BTreeMap<K, V>, id: K, row: V, kind: &'static str) -> Result<()> {
    if rows.contains_key(&id) {
        return Err(refuse::taken(kind, &id));
    }
    rows.insert(id, row);
    Ok(())
}
