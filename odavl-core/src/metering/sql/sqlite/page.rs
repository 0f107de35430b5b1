//! What a batch knows of each organisation, kept from one batch to the next.

use std::collections::{BTreeSet, HashMap, hash_map};

use rusqlite::{Connection, params};

use super::{
    super::{rollups::Rollups, stored::number},
    rows,
};
use crate::{
    db::sqlite_error,
    error::Result,
    ids::OrgId,
    metering::sheet::{CounterKey, Sheet},
};

/// How many organisations are kept, and how many counters of each.
const ORGS: usize = 4096;
const COUNTERS: usize = 256;

/// The pages of the organisations that were metered lately. They are as the tables are for as long as nobody else
/// has written: neither another connection nor another user of this one.
#[derive(Debug, Default)]
pub(super) struct Pages {
    known: HashMap<OrgId, OrgPage>,
    stamp: Option<Stamp>,
}

/// SQLite's count of what other connections committed, and of what this one changed.
pub(super) type Stamp = (i64, u64);

impl Pages {
    /// Forgets what may have changed since [`Pages::keep`]; call it under the write lock. Whatever fails until the
    /// next [`Pages::keep`] leaves nothing that is believed.
    pub(super) fn refresh(&mut self, conn: &Connection) -> Result<()> {
        let kept = self.stamp.take();
        if kept.is_none() || kept != Some(stamp(conn)?) {
            self.known.clear();
        }
        Ok(())
    }

    /// Keeps what is known for the next batch: it was all committed as it was at `stamp`.
    pub(super) fn keep(&mut self, stamp: Stamp) {
        if self.known.len() > ORGS {
            self.known.clear();
        }
        self.stamp = Some(stamp);
    }

    /// The page of an organisation, read if it is not known.
    pub(super) fn open(&mut self, conn: &Connection, org: OrgId) -> Result<&mut OrgPage> {
        match self.known.entry(org) {
            hash_map::Entry::Occupied(known) => Ok(known.into_mut()),
            hash_map::Entry::Vacant(place) => Ok(place.insert(OrgPage::read(conn, org)?)),
        }
    }

    /// The sheet of an organisation whose page is open.
    pub(super) fn sheet(&mut self, org: OrgId) -> &mut Sheet {
        &mut self.known.entry(org).or_insert_with(|| OrgPage::empty(org)).sheet
    }
}

/// The stamp of what is read and written under the write lock; afterwards somebody else may have written.
pub(super) fn stamp(conn: &Connection) -> Result<Stamp> {
    let version = || conn.prepare_cached("PRAGMA data_version")?.query_one([], |row| row.get(0));
    Ok((version().map_err(sqlite_error)?, conn.total_changes()))
}

/// An organisation's part of a batch.
#[derive(Debug)]
pub(super) struct OrgPage {
    /// The id as it is stored.
    pub(super) org: String,
    pub(super) sheet: Sheet,
    /// The counters to write.
    pub(super) changed: BTreeSet<CounterKey>,
    pub(super) rollups: Rollups,
}

impl OrgPage {
    fn empty(org: OrgId) -> Self {
        Self {
            org: org.to_string(),
            sheet: Sheet::default(),
            changed: BTreeSet::new(),
            rollups: Rollups::default(),
        }
    }

    fn read(conn: &Connection, org: OrgId) -> Result<Self> {
        let mut page = Self::empty(org);
        page.sheet.account = rows::account(conn, &page.org)?.unwrap_or_default();
        Ok(page)
    }

    pub(super) fn load_counter(&mut self, conn: &Connection, key: CounterKey) -> Result<()> {
        if !self.sheet.counters.contains_key(&key) {
            let counter = rows::counter(conn, &self.org, &key)?;
            self.sheet.counters.insert(key, counter);
        }
        Ok(())
    }

    /// Writes the account, and once what several entries changed.
    pub(super) fn write(&mut self, conn: &Connection) -> Result<()> {
        rows::put_account(conn, &self.org, &self.sheet.account)?;
        for key in std::mem::take(&mut self.changed) {
            if let Some(counter) = self.sheet.counters.get(&key) {
                rows::put_counter(conn, &self.org, &key, counter)?;
            }
        }
        let add = "INSERT INTO rollups (org, meter, resolution, start, subject, units, count)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (org, meter, resolution, start, subject)
            DO UPDATE SET units = units + excluded.units, count = count + excluded.count";
        let mut add = conn.prepare_cached(add).map_err(sqlite_error)?;
        for ((meter, resolution, start, subject), (units, count)) in self.rollups.take() {
            let (start, count) = (start.as_microsecond(), number(count)?);
            let row = params![self.org, meter.as_str(), resolution.as_str(), start, subject, units, count];
            add.execute(row).map_err(sqlite_error)?;
        }
        // Reservations are many and seldom asked for twice in a row.
        self.sheet.reservations.clear();
        if self.sheet.counters.len() > COUNTERS {
            self.sheet.counters.clear();
        }
        Ok(())
    }
}
