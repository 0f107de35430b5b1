//! What was denied a moment ago, so that a caller who keeps asking does not cost a transaction each time.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    ids::OrgId,
    metering::{
        limit::{Limit, Refusal, Standing},
        meter::MeterName,
        port::{Charge, Decision, Entry, Op},
    },
};

/// Another node may give units back, or an operator raise a limit, without this one hearing of it.
const KEPT: SignedDuration = SignedDuration::from_secs(1);

/// How many organisations are remembered, and how many denials of each.
const ORGS: usize = 1024;
const OF_AN_ORG: usize = 64;

/// A small, bounded memory of denials.
#[derive(Debug, Default)]
pub(super) struct Denials(Mutex<HashMap<OrgId, Vec<Denial>>>);

#[derive(Debug)]
struct Denial {
    meter: MeterName,
    limit: Limit,
    epoch: u64,
    refusal: Refusal,
    until: Timestamp,
}

impl Denials {
    fn known(&self) -> MutexGuard<'_, HashMap<OrgId, Vec<Denial>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refusal that the entry would get again. A reservation, or an entry with a key, may be a retry of what
    /// was granted.
    pub(super) fn recall(&self, entry: &Entry, now: Timestamp) -> Option<Box<Refusal>> {
        let (Op::Charge(charges), None) = (&entry.op, entry.idempotency) else { return None };
        let known = self.known();
        let denials = known.get(&entry.org)?;
        let of_kind = |is_rate| {
            let denials = denials.iter().filter(move |denial| denial.limit.period.is_rate() == is_rate);
            denials.filter(|denial| denial.epoch == entry.epoch).find_map(|denial| denial.again(charges, now))
        };
        of_kind(true).or_else(|| of_kind(false))
    }

    /// Remembers a denial; forgets the organisation's where the entry gave something back.
    pub(super) fn learn(&self, entry: &Entry, decision: &Decision) {
        match (&entry.op, decision) {
            (
                Op::Charge(charges) | Op::Reserve { charges, .. } | Op::Extend { charges, .. },
                Decision::Denied(no),
            ) => {
                if let Some(denial) = Denial::new(charges, entry.epoch, no) {
                    remember(&mut self.known(), entry.org, denial);
                }
            }
            (Op::Settle { .. } | Op::Release { .. }, Decision::Granted(_)) => {
                self.known().remove(&entry.org);
            }
            (Op::Charge(charges), Decision::Granted(_)) if charges.iter().any(|charge| charge.units < 0) => {
                self.known().remove(&entry.org);
            }
            _ => {}
        }
    }
}

fn remember(known: &mut HashMap<OrgId, Vec<Denial>>, org: OrgId, denial: Denial) {
    if known.len() >= ORGS && !known.contains_key(&org) {
        let now = denial.refusal.at;
        known.retain(|_, denials| denials.iter().any(|denial| denial.until > now));
        if known.len() >= ORGS {
            known.clear();
        }
    }
    let denials = known.entry(org).or_default();
    denials.retain(|other| other.meter != denial.meter || !other.limit.same_counter(&denial.limit));
    if denials.len() >= OF_AN_ORG {
        denials.clear();
    }
    denials.push(denial);
}

impl Denial {
    /// `None` for what is held: it can be given back at any time.
    fn new(charges: &[Charge], epoch: u64, refusal: &Refusal) -> Option<Self> {
        let Standing { meter, period, key_id, resets_at, .. } = &refusal.standing;
        let until = refusal.at.checked_add(KEPT).ok()?.min((*resets_at)?);
        let limit = charges
            .iter()
            .filter(|charge| charge.meter == *meter)
            .flat_map(|charge| charge.limits.iter())
            .find(|limit| limit.period == *period && Option::from(limit.scope) == *key_id)?;
        Some(Self { meter: meter.clone(), limit: limit.clone(), epoch, refusal: refusal.clone(), until })
    }

    fn again(&self, charges: &[Charge], now: Timestamp) -> Option<Box<Refusal>> {
        if !(self.refusal.at <= now && now < self.until) {
            return None;
        }
        let asked = charges.iter().find_map(|charge| {
            let asked = u64::try_from(charge.units).ok()?.max(1);
            let same = charge.meter == self.meter && charge.limits.contains(&self.limit);
            (same && asked >= self.refusal.standing.units).then_some(asked)
        })?;
        let standing = Standing { units: asked, ..self.refusal.standing.clone() };
        Some(Box::new(Refusal { standing, at: now }))
    }
}
