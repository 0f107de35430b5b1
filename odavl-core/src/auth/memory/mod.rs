//! Auth in memory: for tests and trials. It forgets everything when it is dropped.

mod rows;

use std::{
    str::FromStr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use self::rows::Rows;
use super::{
    audit::{AuditDraft, AuditEntry, AuditHead, AuditSeal},
    device::DeviceGrant,
    key::ApiKey,
    lease::{Lease, LeaseWish},
    login::{Login, SigningKey},
    org::{Membership, OrgRef, Organization, Project, Slug},
    port::{Auth, Bumps, Place, Write},
    reply::Reply,
    user::{Email, User},
};
use crate::{
    error::Result,
    ids::{KeyId, OrgId, SessionId, UserId},
    page::{Page, PageQuery},
    secret::Digest,
};

/// Keeps people, organisations, keys and sign-ins in memory.
///
/// A write changes a copy of the rows, which takes their place when all of it went well.
#[derive(Debug, Default)]
pub struct MemoryAuth(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rows: Rows,
    /// In the order of the chains. Not copied: a record is only appended once the rest of a write went well.
    audit: Vec<AuditEntry>,
    /// In the order of the writes.
    bumped: Vec<(OrgId, u64)>,
}

impl MemoryAuth {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic cannot have left rows half changed, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn write(&mut self, write: Write) -> Result<Vec<(OrgId, u64)>> {
        let mut rows = self.rows.clone();
        for change in write.changes {
            rows.apply(change)?;
        }
        let epochs = write.bump.into_iter().map(|org| rows.bump(org)).collect::<Result<Vec<_>>>()?;
        write.audit.iter().try_for_each(|draft| rows.org(draft.org).map(|_| ()))?;
        self.rows = rows;
        self.bumped.extend(&epochs);
        for draft in &write.audit {
            self.record(draft, &write.seal);
        }
        Ok(epochs)
    }

    fn bumps(&self, since: Option<Place>) -> Bumps {
        let at = i64::try_from(self.bumped.len()).unwrap_or(i64::MAX);
        let place = Place { source: 0, at, seen: String::new() };
        let told = since.filter(|since| place.follows(since)).map_or(at, |since| since.at);
        let bumped = self.bumped.iter().skip(usize::try_from(told).unwrap_or_default());
        Bumps { place, bumped: bumped.copied().collect() }
    }

    fn record(&mut self, draft: &AuditDraft, seal: &AuditSeal) {
        let entry = seal.link(self.head(draft.org).as_ref(), draft);
        self.audit.push(entry);
    }

    fn chain(&self, org: OrgId) -> impl DoubleEndedIterator<Item = &AuditEntry> {
        self.audit.iter().filter(move |entry| entry.org == org)
    }

    fn head(&self, org: OrgId) -> Option<AuditHead> {
        let last = self.chain(org).next_back()?;
        Some(AuditHead { seq: last.seq, hash: last.hash.clone() })
    }
}

/// The page of `items`, which are in the order of their cursors.
fn page<'a, T: Clone + 'a, C: Ord + FromStr + ToString>(
    items: impl Iterator<Item = &'a T>,
    query: &PageQuery,
    cursor: impl Fn(&T) -> C,
) -> Result<Page<T>> {
    let after: Option<C> = query.after()?;
    let most = usize::try_from(query.limit).unwrap_or(usize::MAX).saturating_add(1);
    let items = items.filter(|item| after.as_ref().is_none_or(|after| cursor(item) > *after));
    Ok(Page::cut(items.take(most).cloned().collect(), query.limit, |item| cursor(item).to_string()))
}

#[async_trait]
impl Auth for MemoryAuth {
    async fn write(&self, write: Write) -> Result<Vec<(OrgId, u64)>> {
        self.state().write(write)
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        Ok(self.state().rows.users.get(&id).cloned())
    }
    async fn user_by_email(&self, email: &Email) -> Result<Option<User>> {
        Ok(self.state().rows.users.values().find(|user| user.email == *email).cloned())
    }
    async fn users(&self, query: &PageQuery) -> Result<Page<User>> {
        page(self.state().rows.users.values(), query, |user| user.id)
    }

    async fn org(&self, name: &OrgRef) -> Result<Option<Organization>> {
        let is_named = |org: &&Organization| match name {
            OrgRef::Id(id) => org.id == *id,
            OrgRef::Slug(slug) => org.slug == *slug,
            OrgRef::External(id) => org.external_id.as_ref() == Some(id),
        };
        Ok(self.state().rows.orgs.values().find(is_named).cloned())
    }
    async fn orgs(&self, query: &PageQuery) -> Result<Page<Organization>> {
        page(self.state().rows.orgs.values(), query, |org| org.id)
    }
    async fn epoch(&self, org: OrgId) -> Result<Option<u64>> {
        Ok(self.state().rows.orgs.get(&org).map(|org| org.epoch))
    }
    async fn bumps(&self, since: Option<Place>) -> Result<Bumps> {
        Ok(self.state().bumps(since))
    }

    async fn membership(&self, org: OrgId, user: UserId) -> Result<Option<Membership>> {
        Ok(self.state().rows.members.get(&(org, user)).cloned())
    }
    async fn memberships(&self, user: UserId) -> Result<Vec<Membership>> {
        let state = self.state();
        let mut found: Vec<_> =
            state.rows.members.values().filter(|member| member.user == user).cloned().collect();
        found.sort_by_key(|member| (member.created_at, member.org));
        Ok(found)
    }
    async fn members(&self, org: OrgId, query: &PageQuery) -> Result<Page<(Membership, User)>> {
        let state = self.state();
        let members = state.rows.members.values().filter(|member| member.org == org);
        let people: Vec<_> = members
            .filter_map(|member| Some((member.clone(), state.rows.users.get(&member.user)?.clone())))
            .collect();
        page(people.iter(), query, |(member, _)| member.user)
    }

    async fn project(&self, org: OrgId, slug: &Slug) -> Result<Option<Project>> {
        let state = self.state();
        Ok(state.rows.projects.values().find(|one| one.org == org && one.slug == *slug).cloned())
    }
    async fn projects(&self, org: OrgId, query: &PageQuery) -> Result<Page<Project>> {
        page(self.state().rows.projects.values().filter(|one| one.org == org), query, |one| one.id)
    }

    async fn key(&self, id: KeyId) -> Result<Option<ApiKey>> {
        Ok(self.state().rows.keys.get(&id).cloned())
    }
    async fn keys(&self, org: OrgId, query: &PageQuery) -> Result<Page<ApiKey>> {
        page(self.state().rows.keys.values().filter(|key| key.org == org), query, |key| key.id)
    }
    async fn active_keys(&self, org: OrgId, at: Timestamp) -> Result<u64> {
        Ok(self.state().rows.active_keys(org, at))
    }
    async fn touch_keys(&self, used: &[(OrgId, KeyId, Timestamp)]) -> Result<()> {
        let mut state = self.state();
        for (org, id, at) in used {
            if let Some(key) = state.rows.keys.get_mut(id).filter(|key| key.org == *org) {
                key.last_used_at = key.last_used_at.max(Some(*at));
            }
        }
        Ok(())
    }

    async fn login(&self, id: SessionId) -> Result<Option<Login>> {
        Ok(self.state().rows.logins.get(&id).cloned())
    }
    async fn logins(&self, user: UserId) -> Result<Vec<Login>> {
        let is_theirs = |login: &&Login| login.user == user && login.revoked_at.is_none();
        Ok(self.state().rows.logins.values().filter(is_theirs).cloned().collect())
    }

    async fn device(&self, device_code: &Digest) -> Result<Option<DeviceGrant>> {
        Ok(self.state().rows.devices.iter().find(|device| device.device_code == *device_code).cloned())
    }
    async fn device_by_user_code(&self, user_code: &Digest) -> Result<Option<DeviceGrant>> {
        Ok(self.state().rows.devices.iter().find(|device| device.user_code == *user_code).cloned())
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>> {
        Ok(self.state().rows.signing_keys.clone())
    }
    async fn reply(&self, org: OrgId, key: &Digest) -> Result<Option<Reply>> {
        Ok(self.state().rows.replies.get(&(org, *key.as_bytes())).cloned())
    }
    async fn is_set_up(&self) -> Result<bool> {
        Ok(!self.state().rows.users.is_empty())
    }

    async fn take_lease(&self, wish: &LeaseWish) -> Result<Option<Lease>> {
        let leases = &mut self.state().rows.leases;
        let taken = Lease::take(leases.get(&wish.name), wish, wish.at);
        leases.extend(taken.iter().map(|lease| (lease.name.clone(), lease.clone())));
        Ok(taken)
    }
    async fn key_check(&self) -> Result<Option<Digest>> {
        Ok(self.state().rows.key_check)
    }
    async fn time(&self) -> Result<Option<Timestamp>> {
        Ok(None)
    }

    async fn audit(&self, org: OrgId, query: &PageQuery) -> Result<Page<AuditEntry>> {
        page(self.state().chain(org), query, |entry| entry.seq)
    }
    async fn audit_head(&self, org: OrgId) -> Result<Option<AuditHead>> {
        Ok(self.state().head(org))
    }
}
