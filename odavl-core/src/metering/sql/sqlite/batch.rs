//! A batch: sheets are loaded as entries need them, the ledger is written entry by entry, and what several
//! entries change together (counters, rollups) is written once, at the end.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    super::BatchId,
    page::{OrgPage, Pages, Stamp, stamp},
    rows,
};
use crate::{
    db::sqlite_error,
    error::Result,
    ids::{OrgId, ReservationId},
    metering::{
        decide::{Books, expire, post},
        port::{Answer, Charge, Decision, Entry, Op},
        sheet::{CounterKey, Effects, Hold, Sheet},
    },
    secret::Digest,
};

/// What is open in one write transaction.
pub(super) struct Batch<'a> {
    conn: &'a Connection,
    pages: &'a mut Pages,
    /// The organisations that something was written of.
    written: BTreeSet<OrgId>,
    wrote: bool,
}

impl<'a> Batch<'a> {
    pub(super) fn new(conn: &'a Connection, pages: &'a mut Pages) -> Self {
        Self { conn, pages, written: BTreeSet::new(), wrote: false }
    }

    pub(super) fn post(&mut self, entry: &Entry, now: Timestamp) -> Result<Decision> {
        post(self, entry, now)
    }

    pub(super) fn fence(&mut self, org: OrgId, epoch: u64) -> Result<()> {
        let page = self.open(org)?;
        if page.sheet.account.epoch < epoch {
            page.sheet.account.epoch = epoch;
            self.written.insert(org);
            self.wrote = true;
        }
        Ok(())
    }

    /// Releases those that expired; answers how many.
    pub(super) fn expire(&mut self, due: &[(OrgId, ReservationId)], now: Timestamp) -> Result<u32> {
        let mut released = 0;
        for (org, id) in due.iter().copied() {
            self.open(org)?;
            self.load_reservation(org, id)?;
            let page = self.open(org)?;
            if let Some(effects) = expire(&page.sheet, id, now) {
                self.keep(org, &effects)?;
                self.sheet(org).apply(effects);
                released += 1;
            }
        }
        Ok(released)
    }

    /// Forgets the ids of batches that committed before `until`.
    pub(super) fn forget_batches(&mut self, until: Timestamp) -> Result<()> {
        let forgotten = rows::forget_batches(self.conn, until)?;
        self.wrote |= forgotten > 0;
        Ok(())
    }

    /// Writes what is gathered and commits; a batch that changed nothing is rolled back, which costs no sync.
    pub(super) fn commit(self, id: BatchId, now: Timestamp) -> Result<Stamp> {
        if !self.wrote {
            let stamp = stamp(self.conn)?;
            return self.conn.execute_batch("ROLLBACK").map_err(sqlite_error).map(|()| stamp);
        }
        for org in self.written {
            self.pages.open(self.conn, org)?.write(self.conn)?;
        }
        rows::insert_batch(self.conn, &id, now)?;
        let stamp = stamp(self.conn)?;
        let Err(error) = self.conn.execute_batch("COMMIT") else { return Ok(stamp) };
        // Whether it is there decides, not what the engine said of it.
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK").map_err(sqlite_error)?;
        }
        if rows::has_batch(self.conn, &id)? { Ok(stamp) } else { Err(sqlite_error(error)) }
    }

    fn open(&mut self, org: OrgId) -> Result<&mut OrgPage> {
        self.pages.open(self.conn, org)
    }

    fn load_charges(&mut self, org: OrgId, charges: &[Charge]) -> Result<()> {
        let conn = self.conn;
        let page = self.open(org)?;
        for charge in charges {
            for limit in charge.limits.iter() {
                page.load_counter(conn, CounterKey::new(&charge.meter, limit))?;
            }
        }
        Ok(())
    }

    /// Loads a reservation and the counters that it holds units in.
    fn load_reservation(&mut self, org: OrgId, id: ReservationId) -> Result<()> {
        let conn = self.conn;
        let page = self.open(org)?;
        if page.sheet.reservations.contains_key(&id) {
            return Ok(());
        }
        let Some(reservation) = rows::reservation(conn, &page.org, id)? else { return Ok(()) };
        for (key, _) in reservation.holds.iter().flat_map(Hold::counters) {
            page.load_counter(conn, key)?;
        }
        page.sheet.reservations.insert(id, reservation);
        Ok(())
    }

    /// Writes what is not gathered, and notes what is.
    fn keep(&mut self, org: OrgId, effects: &Effects) -> Result<()> {
        let conn = self.conn;
        let page = self.open(org)?;
        page.changed.extend(effects.counters.iter().map(|(key, _)| key.clone()));
        if let Some((id, reservation)) = &effects.reservation {
            rows::put_reservation(conn, &page.org, *id, reservation)?;
        }
        for ((threshold, standing), seq) in effects.events.iter().zip(page.sheet.account.events + 1..) {
            rows::insert_threshold(conn, &page.org, seq, effects.at, (*threshold, standing))?;
        }
        self.written.insert(org);
        self.wrote = true;
        Ok(())
    }
}

impl Books for Batch<'_> {
    fn load(&mut self, entry: &Entry) -> Result<()> {
        match &entry.op {
            Op::Charge(charges) | Op::Probe(charges) => self.load_charges(entry.org, charges),
            Op::Reserve { id, charges, .. } | Op::Extend { id, charges } => {
                self.load_reservation(entry.org, *id)?;
                self.load_charges(entry.org, charges)
            }
            Op::Settle { id, .. } | Op::Release { id } => self.load_reservation(entry.org, *id),
        }
    }

    fn sheet(&mut self, org: OrgId) -> &mut Sheet {
        self.pages.sheet(org)
    }

    fn remembered(&mut self, org: OrgId, key: &Digest) -> Result<Option<(Digest, Answer)>> {
        let conn = self.conn;
        rows::remembered(conn, &self.open(org)?.org, key)
    }

    fn write(&mut self, entry: &Entry, effects: &Effects) -> Result<bool> {
        let conn = self.conn;
        let page = self.open(entry.org)?;
        if !rows::insert_lines(conn, &page.org, page.sheet.account.seq, entry, effects)? {
            return Ok(false);
        }
        page.rollups.add(entry, effects);
        self.keep(entry.org, effects)?;
        Ok(true)
    }
}
