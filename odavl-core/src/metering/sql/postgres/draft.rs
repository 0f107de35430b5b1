//! A batch that is decided here, on what was read, before anything of it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::{
    super::{
        rollups::Rollups,
        stored::{ledger_rows, number, to_json},
    },
    store::{LedgerColumns, ThresholdColumns},
    wanted::Lacks,
};
use crate::{
    error::Result,
    ids::{OrgId, ReservationId},
    metering::{
        decide::{Books, expire, post},
        port::{Answer, Decision, Entry, Op},
        sheet::{CounterKey, Effects, Hold, Sheet},
    },
    secret::Digest,
};

/// The books as they were read, and what is to be written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) pages: BTreeMap<OrgId, OrgPage>,
    pub(super) remembered: HashMap<(OrgId, [u8; 32]), (Digest, Answer)>,
    /// Whether all keys that stand for something are among those.
    pub(super) sees_keys: bool,
    /// Set where something must be read that was not: then what was decided counts for nothing.
    pub(super) lacks: Option<Lacks>,
    pub(super) wrote: bool,
    pub(super) ledger: LedgerColumns,
    pub(super) thresholds: ThresholdColumns,
}

/// An organisation's part of it.
#[derive(Debug, Default)]
pub(super) struct OrgPage {
    pub(super) sheet: Sheet,
    pub(super) written: bool,
    pub(super) counters: BTreeSet<CounterKey>,
    pub(super) reservations: BTreeSet<ReservationId>,
    pub(super) rollups: Rollups,
}

impl Draft {
    pub(super) fn post(&mut self, entry: &Entry, now: Timestamp) -> Result<Decision> {
        post(self, entry, now)
    }

    /// Releases those that expired; answers how many.
    pub(super) fn expire(&mut self, due: &[(OrgId, ReservationId)], now: Timestamp) -> Result<u32> {
        let mut released = 0;
        for (org, id) in due {
            self.need_holds(*org, *id);
            if let Some(effects) = expire(self.sheet(*org), *id, now) {
                self.keep(*org, &effects)?;
                self.sheet(*org).apply(effects);
                released += 1;
            }
        }
        Ok(released)
    }

    fn page(&mut self, org: OrgId) -> &mut OrgPage {
        if !self.pages.contains_key(&org) {
            // It has no row yet, so there was nothing to lock.
            self.lacks.get_or_insert_default();
        }
        self.pages.entry(org).or_default()
    }

    /// Notes the counters that a reservation holds units in, where they were not read.
    fn need_holds(&mut self, org: OrgId, id: ReservationId) {
        let sheet = &self.page(org).sheet;
        let Some(reservation) = sheet.reservations.get(&id) else { return };
        let held = reservation.holds.iter().flat_map(Hold::counters).map(|(key, _)| key);
        let unread: Vec<_> = held.filter(|key| !sheet.counters.contains_key(key)).collect();
        if !unread.is_empty() {
            let lacks = self.lacks.get_or_insert_default();
            lacks.counters.extend(unread.into_iter().map(|key| (org, key)));
        }
    }

    /// Notes what an entry changes beside its rows of the ledger.
    fn keep(&mut self, org: OrgId, effects: &Effects) -> Result<()> {
        self.wrote = true;
        let page = self.page(org);
        page.written = true;
        page.counters.extend(effects.counters.iter().map(|(key, _)| key.clone()));
        page.reservations.extend(effects.reservation.iter().map(|(id, _)| *id));
        let first = page.sheet.account.events + 1;
        for ((threshold, standing), seq) in effects.events.iter().zip(first..) {
            let at = effects.at.as_microsecond();
            self.thresholds.push(org, (number(seq)?, at, i64::from(*threshold), to_json(standing)?));
        }
        Ok(())
    }
}

impl Books for Draft {
    fn load(&mut self, entry: &Entry) -> Result<()> {
        match &entry.op {
            Op::Charge(_) | Op::Probe(_) => {}
            Op::Reserve { id, .. } | Op::Extend { id, .. } | Op::Settle { id, .. } | Op::Release { id } => {
                self.need_holds(entry.org, *id);
            }
        }
        Ok(())
    }

    fn sheet(&mut self, org: OrgId) -> &mut Sheet {
        &mut self.page(org).sheet
    }

    fn remembered(&mut self, org: OrgId, key: &Digest) -> Result<Option<(Digest, Answer)>> {
        let known = self.remembered.get(&(org, *key.as_bytes())).cloned();
        if known.is_none() && !self.sees_keys {
            self.lacks.get_or_insert_default();
        }
        Ok(known)
    }

    fn write(&mut self, entry: &Entry, effects: &Effects) -> Result<bool> {
        if let Some(idempotency) = entry.idempotency {
            let key = (entry.org, *idempotency.key.as_bytes());
            if self.remembered.contains_key(&key) {
                return Ok(false);
            }
            self.remembered.insert(key, (idempotency.request, effects.answer.clone()));
        }
        let seq = self.page(entry.org).sheet.account.seq;
        for row in ledger_rows(seq, entry, effects) {
            self.ledger.push(entry.org, row?);
        }
        self.page(entry.org).rollups.add(entry, effects);
        self.keep(entry.org, effects)?;
        Ok(true)
    }
}
