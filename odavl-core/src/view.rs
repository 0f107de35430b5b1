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

/// How long an epoch that was read serves by itself what charges nothing. What charges is checked in the batch.
const FRESH: SignedDuration = SignedDuration::from_secs(1);

/// How long epochs serve after the feed last told which have risen. Past it, each is read before it is relied on.
const FOLLOWED: SignedDuration = SignedDuration::from_secs(5);

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

/// When something was read, by the clock and by the feed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    at: Timestamp,
    told: u64,
}

/// An epoch that was read.
#[derive(Debug, Clone, Copy)]
struct Read {
    epoch: u64,
    at: Timestamp,
    /// Whether the feed tells all that happened to it since. What the feed told while it was read may have passed it by.
    followed: bool,
}

#[derive(Debug)]
struct Known {
    epochs: Bounded<OrgId, Read>,
    /// How often the feed has told something, and when it was last asked.
    told: u64,
    asked_at: Option<Timestamp>,
    orgs: Bounded<OrgId, Arc<OrgView>>,
    keys: Bounded<KeyId, Arc<KeyView>>,
    #[cfg(feature = "sign-in")]
    logins: Bounded<SessionId, Arc<LoginView>>,
    used: HashMap<KeyId, (OrgId, Timestamp)>,
}

/// Keys whose last use is remembered until it is written; past it a use is not, for it is a hint.
const USED_MOST: usize = 10_000;

/// The node's memory of credentials.
#[derive(Debug, Default)]
pub(crate) struct Views(Mutex<Known>);

impl Default for Known {
    fn default() -> Self {
        Self {
            epochs: Bounded::new(100_000),
            told: 0,
            asked_at: None,
            orgs: Bounded::new(20_000),
            keys: Bounded::new(50_000),
            #[cfg(feature = "sign-in")]
            logins: Bounded::new(20_000),
            used: HashMap::new(),
        }
    }
}

impl Views {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The organisation's epoch, where it is known well enough: it was read just now, or the feed has told lately all
    /// that have risen.
    pub(crate) fn epoch(&self, org: OrgId, now: Timestamp) -> Option<u64> {
        let mut known = self.lock();
        let read = known.epochs.find(org)?;
        let serves = |since: Timestamp, most| now >= since && now.duration_since(since) < most;
        let followed = read.followed && known.asked_at.is_some_and(|at| serves(at, FOLLOWED));
        (followed || serves(read.at, FRESH)).then_some(read.epoch)
    }

    /// The moment before something is read.
    pub(crate) fn moment(&self, now: Timestamp) -> Moment {
        Moment { at: now, told: self.lock().told }
    }

    /// Remembers an epoch that was read since that moment, never an older one over a newer one.
    pub(crate) fn learn(&self, org: OrgId, epoch: u64, since: Moment) {
        let mut known = self.lock();
        let before = known.epochs.find(org);
        if before.is_none_or(|before| before.epoch <= epoch) {
            let followed = since.told == known.told || before.is_some_and(|before| before.followed);
            known.epochs.keep(org, Read { epoch, at: since.at, followed });
        }
    }

    /// Takes over what the feed told when it was asked at that time: which epochs of those that are known have risen.
    pub(crate) fn follow(&self, bumped: &[(OrgId, u64)], asked_at: Timestamp) {
        let mut known = self.lock();
        for (org, epoch) in bumped {
            if let Some(read) = known.epochs.find(*org).filter(|read| read.epoch < *epoch) {
                known.epochs.keep(*org, Read { epoch: *epoch, ..read });
            }
        }
        known.told += 1;
        known.asked_at = Some(asked_at);
    }

    /// Relies on nothing that was read before: the feed begins anew, and tells what happens from now on. A server that took
    /// the place of a lost one may be behind it: what was seen there has a newer epoch than what is true here.
    pub(crate) fn begin_anew(&self, asked_at: Timestamp) {
        let mut known = self.lock();
        let (told, used) = (known.told, std::mem::take(&mut known.used));
        *known = Known { told, used, ..Known::default() };
        drop(known);
        self.follow(&[], asked_at);
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

    fn org() -> OrgId {
        OrgId::new(Timestamp::UNIX_EPOCH).unwrap()
    }

    fn after(millis: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis)
    }

    /// Reads an epoch at that time, in an instant.
    fn read(views: &Views, org: OrgId, epoch: u64, at: Timestamp) {
        views.learn(org, epoch, views.moment(at));
    }

    #[test]
    fn an_epoch_serves_for_a_second_by_itself_and_never_falls() {
        let (views, org) = (Views::default(), org());
        read(&views, org, 5, after(0));
        read(&views, org, 4, after(0));
        assert_eq!(views.epoch(org, after(999)), Some(5));
        assert_eq!(views.epoch(org, after(1000)), None);
    }

    #[test]
    fn an_epoch_serves_while_the_feed_tells_and_for_five_seconds_after_it_last_did() {
        let (views, org) = (Views::default(), org());
        read(&views, org, 5, after(0));
        for at in [1000, 2000, 60_000] {
            views.follow(&[], after(at));
            assert_eq!(views.epoch(org, after(at)), Some(5));
        }
        assert_eq!(views.epoch(org, after(64_999)), Some(5));
        assert_eq!(views.epoch(org, after(65_000)), None);
        assert_eq!(views.epoch(org, after(59_999)), None, "a clock that was set back serves nothing");
    }

    #[test]
    fn what_the_feed_tells_of_holds_at_once_and_of_nobody_else() {
        let (views, one, two) = (Views::default(), org(), OrgId::new(after(1)).unwrap());
        read(&views, one, 5, after(0));
        views.follow(&[(one, 6), (two, 9)], after(1000));
        assert_eq!((views.epoch(one, after(1000)), views.epoch(two, after(1000))), (Some(6), None));
        views.follow(&[(one, 5)], after(2000));
        assert_eq!(views.epoch(one, after(2000)), Some(6));
    }

    #[test]
    fn what_was_read_while_the_feed_told_serves_a_second_and_no_longer() {
        let (views, org) = (Views::default(), org());
        let before = views.moment(after(0));
        views.follow(&[(org, 6)], after(100));
        views.learn(org, 5, before);
        views.follow(&[], after(900));
        assert_eq!(views.epoch(org, after(999)), Some(5));
        assert_eq!(views.epoch(org, after(1000)), None);
        read(&views, org, 6, after(1000));
        views.follow(&[], after(3000));
        assert_eq!(views.epoch(org, after(3000)), Some(6));
    }

    #[test]
    fn a_feed_that_begins_anew_leaves_nothing_to_rely_on() {
        let (views, org) = (Views::default(), org());
        read(&views, org, 5, after(0));
        views.begin_anew(after(100));
        assert_eq!(views.epoch(org, after(100)), None);
    }
}
