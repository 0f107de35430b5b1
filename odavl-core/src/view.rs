//! What a node remembers of organisations and credentials, and until when it may: an epoch's change ends it.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    auth::{ApiKey, Organization, Scopes},
    ids::{KeyId, OrgId},
    metering::{Allowances, Catalog, Limit, MeterKind, MeterName, Period, Plan, Scope},
};
#[cfg(feature = "sign-in")]
use crate::{
    auth::{Login, User},
    ids::SessionId,
};

/// How long an epoch that was read serves what charges nothing. What charges is checked in the batch.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// The limits of an organisation or a key, by meter.
pub(crate) type LimitTable = BTreeMap<MeterName, Arc<[Limit]>>;

/// An organisation with its limits worked out.
#[derive(Debug)]
pub(crate) struct OrgView {
    pub(crate) org: Organization,
    pub(crate) limits: LimitTable,
    pub(crate) api_keys: Option<u64>,
}

impl OrgView {
    pub(crate) fn new(org: Organization, catalog: &Catalog, plan: &Plan) -> Self {
        let unlimited = Plan { name: plan.name.clone(), allowances: Allowances::new(), api_keys: None };
        let plan = if org.operator { &unlimited } else { plan };
        let limits = catalog
            .meters
            .values()
            .map(|meter| (meter.name.clone(), catalog.limits(plan, &org.overrides, meter).into()))
            .collect();
        Self { limits, api_keys: plan.api_keys, org }
    }
}

/// A key with everything a decision needs.
#[derive(Debug)]
pub(crate) struct KeyView {
    pub(crate) key: ApiKey,
    pub(crate) org: Arc<OrgView>,
    /// The key's scopes, cut by its owner's present role.
    pub(crate) scopes: Scopes,
    /// Why the key's owner gives it nothing any more, if so.
    pub(crate) suspended: bool,
    /// The organisation's limits and, behind them, the key's own.
    pub(crate) limits: LimitTable,
    pub(crate) subject: Arc<str>,
}

impl KeyView {
    pub(crate) fn new(key: ApiKey, org: Arc<OrgView>, scopes: Option<Scopes>, catalog: &Catalog) -> Self {
        let mut limits = org.limits.clone();
        for meter in catalog.meters.values() {
            let own = key.limits.get(&meter.name).map_or(&[][..], Vec::as_slice);
            let own = own.iter().map(|allowance| allowance.limit(meter.kind, Scope::Key(key.id)));
            // What a key holds is counted from its first byte: it is given back to the key, and may be limited later.
            let held = (meter.kind == MeterKind::Gauge && own.len() == 0)
                .then(|| Limit::hard(Scope::Key(key.id), Period::Held, None));
            if let Some(all) = limits.get_mut(&meter.name) {
                *all = all.iter().cloned().chain(own).chain(held).collect();
            }
        }
        let subject = key.id.to_string().into();
        Self { suspended: scopes.is_none(), scopes: scopes.unwrap_or_default(), key, org, limits, subject }
    }
}

/// A sign-in with everything a decision needs.
#[cfg(feature = "sign-in")]
#[derive(Debug)]
pub(crate) struct LoginView {
    pub(crate) login: Login,
    pub(crate) user: User,
    pub(crate) org: Arc<OrgView>,
    pub(crate) scopes: Scopes,
    pub(crate) subject: Arc<str>,
}

/// A map that forgets the oldest half when it is full, so that what an outsider makes up cannot fill the memory.
#[derive(Debug)]
struct Bounded<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
}

impl<K: Eq + Hash + Copy, V: Clone> Bounded<K, V> {
    fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), most: most / 2 }
    }

    fn find(&mut self, key: K) -> Option<V> {
        if let Some(value) = self.young.get(&key) {
            return Some(value.clone());
        }
        let value = self.old.remove(&key)?;
        self.keep(key, value.clone());
        Some(value)
    }

    fn keep(&mut self, key: K, value: V) {
        if self.young.len() >= self.most {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    #[cfg(feature = "sign-in")]
    fn forget(&mut self, key: K) {
        self.young.remove(&key);
        self.old.remove(&key);
    }
}

#[derive(Debug)]
struct Known {
    epochs: Bounded<OrgId, (u64, Timestamp)>,
    orgs: Bounded<OrgId, Arc<OrgView>>,
    keys: Bounded<KeyId, Arc<KeyView>>,
    #[cfg(feature = "sign-in")]
    logins: Bounded<SessionId, Arc<LoginView>>,
    used: HashMap<KeyId, (OrgId, Timestamp)>,
}

/// Keys whose last use is remembered until it is written; past it a use is not, for it is a hint.
const USED_MOST: usize = 10_000;

/// The node's memory of credentials.
#[derive(Debug)]
pub(crate) struct Views(Mutex<Known>);

impl Views {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Known {
            epochs: Bounded::new(100_000),
            orgs: Bounded::new(20_000),
            keys: Bounded::new(50_000),
            #[cfg(feature = "sign-in")]
            logins: Bounded::new(20_000),
            used: HashMap::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The organisation's epoch, where it was read not longer than a second ago.
    pub(crate) fn epoch(&self, org: OrgId, now: Timestamp) -> Option<u64> {
        let (epoch, read_at) = self.lock().epochs.find(org)?;
        (now.duration_since(read_at) < FRESH && now >= read_at).then_some(epoch)
    }

    /// Remembers an epoch that was read, never an older one over a newer one.
    pub(crate) fn learn(&self, org: OrgId, epoch: u64, now: Timestamp) {
        let mut known = self.lock();
        if known.epochs.find(org).is_none_or(|(known, _)| known <= epoch) {
            known.epochs.keep(org, (epoch, now));
        }
    }

    pub(crate) fn org(&self, id: OrgId) -> Option<Arc<OrgView>> {
        self.lock().orgs.find(id)
    }

    pub(crate) fn keep_org(&self, view: &Arc<OrgView>) {
        self.lock().orgs.keep(view.org.id, view.clone());
    }

    pub(crate) fn key(&self, id: KeyId) -> Option<Arc<KeyView>> {
        self.lock().keys.find(id)
    }

    pub(crate) fn keep_key(&self, view: &Arc<KeyView>) {
        self.lock().keys.keep(view.key.id, view.clone());
    }

    /// Remembers that a key was used.
    pub(crate) fn touch(&self, key: &ApiKey, now: Timestamp) {
        let mut known = self.lock();
        if known.used.len() < USED_MOST || known.used.contains_key(&key.id) {
            known.used.insert(key.id, (key.org, now));
        }
    }

    /// The keys that were used since this was last asked, and when.
    pub(crate) fn take_used(&self) -> Vec<(OrgId, KeyId, Timestamp)> {
        let used = std::mem::take(&mut self.lock().used);
        used.into_iter().map(|(key, (org, at))| (org, key, at)).collect()
    }

    #[cfg(feature = "sign-in")]
    pub(crate) fn login(&self, id: SessionId) -> Option<Arc<LoginView>> {
        self.lock().logins.find(id)
    }

    #[cfg(feature = "sign-in")]
    pub(crate) fn keep_login(&self, view: &Arc<LoginView>) {
        self.lock().logins.keep(view.login.id, view.clone());
    }

    #[cfg(feature = "sign-in")]
    pub(crate) fn forget_login(&self, id: SessionId) {
        self.lock().logins.forget(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bounded_map_stays_bounded_and_keeps_what_is_used() {
        let mut map = Bounded::new(10);
        map.keep(0, 0);
        for n in 1..1000 {
            map.keep(n, n);
            assert_eq!(map.find(0), Some(0));
        }
        assert!(map.young.len() + map.old.len() <= 10);
    }

    #[test]
    fn an_epoch_serves_for_a_second_and_never_falls() {
        let views = Views::new();
        let org = OrgId::new(Timestamp::UNIX_EPOCH).unwrap();
        let start = Timestamp::UNIX_EPOCH;
        views.learn(org, 5, start);
        views.learn(org, 4, start);
        assert_eq!(views.epoch(org, start), Some(5));
        assert_eq!(views.epoch(org, start + FRESH), None);
    }
}
