//! A batch: sheets are loaded as entries need them, the ledger is written entry by entry, and what several
//! entries change together (counters, rollups) is written once, at the end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::rows;
use crate::{
    db::sqlite_error,
    error::{Error, Result},
    ids::{OrgId, ReservationId},
    metering::{
        decide::{Books, expire, post},
        history::ROLLUPS,
        meter::MeterName,
        port::{Answer, Charge, Decision, Entry, Op, Resolution},
        sheet::{CounterKey, Effects, Hold, Sheet},
    },
    secret::Digest,
};

/// What a batch is known by, should the answer to its COMMIT be lost.
pub(super) type BatchId = [u8; 16];

/// What is open in one write transaction.
pub(super) struct Batch<'a> {
    conn: &'a Connection,
    pages: HashMap<OrgId, OrgPage>,
    wrote: bool,
}

/// An organisation's part of a batch.
struct OrgPage {
    /// The id as it is stored.
    org: String,
    sheet: Sheet,
    /// The counters to write.
    changed: BTreeSet<CounterKey>,
    /// What to add to each rollup.
    rollups: BTreeMap<RollupKey, (i64, u64)>,
    wrote: bool,
}

type RollupKey = (MeterName, Resolution, Timestamp, Arc<str>);

impl<'a> Batch<'a> {
    pub(super) fn new(conn: &'a Connection) -> Self {
        Self { conn, pages: HashMap::new(), wrote: false }
    }

    pub(super) fn post(&mut self, entry: &Entry, now: Timestamp) -> Result<Decision> {
        post(self, entry, now)
    }

    pub(super) fn fence(&mut self, org: OrgId, epoch: u64) -> Result<()> {
        let page = self.open(org)?;
        if page.sheet.account.epoch < epoch {
            page.sheet.account.epoch = epoch;
            page.wrote = true;
            self.wrote = true;
        }
        Ok(())
    }

    /// Releases what expired; answers how many.
    pub(super) fn sweep(&mut self, most: u32, now: Timestamp) -> Result<u32> {
        let mut released = 0;
        for (org, id) in rows::due(self.conn, now, most)? {
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
    pub(super) fn commit(mut self, id: BatchId, now: Timestamp) -> Result<()> {
        if !self.wrote {
            return self.conn.execute_batch("ROLLBACK").map_err(sqlite_error);
        }
        let mut pages: Vec<_> = self.pages.drain().map(|(_, page)| page).filter(|page| page.wrote).collect();
        pages.sort_unstable_by(|one, other| one.org.cmp(&other.org));
        for page in &pages {
            page.write(self.conn)?;
        }
        rows::insert_batch(self.conn, &id, now)?;
        let Err(error) = self.conn.execute_batch("COMMIT") else { return Ok(()) };
        // Whether it is there decides, not what the engine said of it.
        if !self.conn.is_autocommit() {
            self.conn.execute_batch("ROLLBACK").map_err(sqlite_error)?;
        }
        if rows::has_batch(self.conn, &id)? { Ok(()) } else { Err(sqlite_error(error)) }
    }

    fn open(&mut self, org: OrgId) -> Result<&mut OrgPage> {
        if !self.pages.contains_key(&org) {
            let page = OrgPage::read(self.conn, org)?;
            self.pages.insert(org, page);
        }
        let missing = || Error::internal("an organisation's page is not open", None);
        self.pages.get_mut(&org).ok_or_else(missing)
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
        page.wrote = true;
        page.changed.extend(effects.counters.iter().map(|(key, _)| key.clone()));
        if let Some((id, reservation)) = &effects.reservation {
            rows::put_reservation(conn, &page.org, *id, reservation)?;
        }
        for ((threshold, standing), seq) in effects.events.iter().zip(page.sheet.account.events + 1..) {
            rows::insert_threshold(conn, &page.org, seq, effects.at, (*threshold, standing))?;
        }
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
        &mut self.pages.entry(org).or_insert_with(|| OrgPage::empty(org)).sheet
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
        page.roll_up(entry, effects);
        self.keep(entry.org, effects)?;
        Ok(true)
    }
}

impl OrgPage {
    fn empty(org: OrgId) -> Self {
        Self {
            org: org.to_string(),
            sheet: Sheet::default(),
            changed: BTreeSet::new(),
            rollups: BTreeMap::new(),
            wrote: false,
        }
    }

    fn read(conn: &Connection, org: OrgId) -> Result<Self> {
        let mut page = Self::empty(org);
        page.sheet.account = rows::account(conn, &page.org)?.unwrap_or_default();
        Ok(page)
    }

    fn load_counter(&mut self, conn: &Connection, key: CounterKey) -> Result<()> {
        if !self.sheet.counters.contains_key(&key) {
            let counter = rows::counter(conn, &self.org, &key)?;
            self.sheet.counters.insert(key, counter);
        }
        Ok(())
    }

    fn roll_up(&mut self, entry: &Entry, effects: &Effects) {
        for line in &effects.lines {
            for resolution in ROLLUPS {
                let start = resolution.start(line.counted_at);
                for (meter, units) in &line.charges {
                    let key = (meter.clone(), resolution, start, Arc::clone(&entry.subject));
                    let sum = self.rollups.entry(key).or_default();
                    *sum = (sum.0.saturating_add(*units), sum.1 + 1);
                }
            }
        }
    }

    fn write(&self, conn: &Connection) -> Result<()> {
        rows::put_account(conn, &self.org, &self.sheet.account)?;
        for key in &self.changed {
            if let Some(counter) = self.sheet.counters.get(key) {
                rows::put_counter(conn, &self.org, key, counter)?;
            }
        }
        let add = "INSERT INTO rollups (org, meter, resolution, start, subject, units, count)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (org, meter, resolution, start, subject)
            DO UPDATE SET units = units + excluded.units, count = count + excluded.count";
        let mut add = conn.prepare_cached(add).map_err(sqlite_error)?;
        for ((meter, resolution, start, subject), (units, count)) in &self.rollups {
            let (start, count) = (start.as_microsecond(), rows::number(*count)?);
            let row = params![self.org, meter.as_str(), resolution.as_str(), start, subject, units, count];
            add.execute(row).map_err(sqlite_error)?;
        }
        Ok(())
    }
}
