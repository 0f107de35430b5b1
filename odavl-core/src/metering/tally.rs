//! Trying charges on the counters of a sheet: pure arithmetic, nothing is changed until its effects are applied.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{
    limit::{Limit, Refusal, Standing, THRESHOLDS},
    meter::{MeterName, UNITS_MAX},
    port::Charge,
    sheet::{Counter, CounterKey},
};

/// Where admitted units go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Used,
    Reserved,
}

/// The counters that an entry touches, as they would be after it.
pub(super) struct Tally<'a> {
    counters: &'a HashMap<CounterKey, Counter>,
    at: Timestamp,
    touched: Vec<Touched>,
}

struct Touched {
    key: CounterKey,
    before: Counter,
    after: Counter,
    /// What the entry asks of it in all.
    asked: u64,
    /// One more where the entry asks whether one would stand.
    spare: u64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(counters: &'a HashMap<CounterKey, Counter>, at: Timestamp) -> Self {
        Self { counters, at, touched: Vec::new() }
    }

    /// Adds all charges, or says which limit refuses: rates before quotas. Answers the units that each moved.
    pub(super) fn admit(&mut self, charges: &[Charge], column: Column) -> Result<Vec<i64>, Box<Refusal>> {
        let moved = charges.iter().map(|charge| self.add(charge, column)).collect();
        self.refused(charges).map_or(Ok(moved), Err)
    }

    /// The counter of that key, to change: first seen, it is rolled to the present period.
    pub(super) fn counter(&mut self, key: CounterKey) -> &mut Counter {
        let place = self.place(key);
        &mut self.touched[place].after
    }

    /// Where each charge stands against each of its limits.
    pub(super) fn standings(&mut self, charges: &[Charge], moved: &[i64]) -> Vec<Standing> {
        let mut standings = Vec::with_capacity(charges.iter().map(|charge| charge.limits.len()).sum());
        for (charge, moved) in charges.iter().zip(moved) {
            let units = u64::try_from(*moved).unwrap_or(0);
            standings.extend(charge.limits.iter().map(|limit| self.standing(&charge.meter, limit, units)));
        }
        standings
    }

    /// Where `meter` stands against `limit` after all that was tried.
    pub(super) fn standing(&mut self, meter: &MeterName, limit: &Limit, units: u64) -> Standing {
        let total = self.counter(CounterKey::new(meter, limit)).total();
        Standing::new(meter.clone(), units, limit, total, self.at)
    }

    /// The thresholds that the charges reach for the first time in their periods, marked as recorded.
    pub(super) fn fire(&mut self, charges: &[Charge], moved: &[i64]) -> Vec<(u8, Standing)> {
        let mut events = Vec::new();
        for (charge, moved) in charges.iter().zip(moved).filter(|(_, moved)| **moved > 0) {
            for limit in charge.limits.iter().filter(|limit| limit.max.is_some() && !limit.period.is_rate()) {
                self.fire_limit(&charge.meter, limit, moved.unsigned_abs(), &mut events);
            }
        }
        events
    }

    fn fire_limit(&mut self, meter: &MeterName, limit: &Limit, units: u64, events: &mut Vec<(u8, Standing)>) {
        for (bit, percent) in THRESHOLDS.into_iter().enumerate() {
            let counter = self.counter(CounterKey::new(meter, limit));
            if counter.fired & (1 << bit) == 0 && limit.reaches(counter.total(), percent) {
                counter.fired |= 1 << bit;
                events.push((percent, self.standing(meter, limit, units)));
            }
        }
    }

    /// The counters that are not as they were.
    pub(super) fn changed(self) -> Vec<(CounterKey, Counter)> {
        let changed = self.touched.into_iter().filter(|touched| touched.before != touched.after);
        changed.map(|touched| (touched.key, touched.after)).collect()
    }

    fn place(&mut self, key: CounterKey) -> usize {
        if let Some(known) = self.touched.iter().position(|touched| touched.key == key) {
            return known;
        }
        let stored = self.counters.get(&key);
        let counter = stored.map_or_else(
            || Counter::fresh(key.period, self.at),
            |counter| counter.rolled(key.period, self.at),
        );
        self.touched.push(Touched { key, before: counter, after: counter, asked: 0, spare: 0 });
        self.touched.len() - 1
    }

    /// Adds the charge to each of its counters once; answers what it moved in the first.
    fn add(&mut self, charge: &Charge, column: Column) -> i64 {
        let mut moved = None;
        for (nth, limit) in charge.limits.iter().enumerate() {
            if charge.limits[..nth].iter().any(|before| before.same_counter(limit)) {
                continue;
            }
            let place = self.place(CounterKey::new(&charge.meter, limit));
            let touched = &mut self.touched[place];
            let here = if touched.after.is_later(limit.period, charge.since) {
                0
            } else {
                touched.add(charge.units, column)
            };
            // The first period may have ended since; what goes back into any of them has moved.
            let before = *moved.get_or_insert(here);
            if charge.since.is_some() {
                moved = Some(before.min(here));
            }
        }
        moved.unwrap_or(charge.units)
    }

    fn refused(&mut self, charges: &[Charge]) -> Option<Box<Refusal>> {
        let asking = charges.iter().filter(|charge| charge.units >= 0);
        let bounds =
            || asking.clone().flat_map(|charge| charge.limits.iter().map(|limit| (&charge.meter, limit)));
        let rates = bounds().filter(|(_, limit)| limit.period.is_rate());
        let quotas = bounds().filter(|(_, limit)| !limit.period.is_rate());
        rates.chain(quotas).find_map(|(meter, limit)| self.refusal(meter, limit))
    }

    fn refusal(&mut self, meter: &MeterName, limit: &Limit) -> Option<Box<Refusal>> {
        let place = self.place(CounterKey::new(meter, limit));
        let Touched { before, after, asked, spare, .. } = &self.touched[place];
        let most = limit.ceiling.map_or(UNITS_MAX, |ceiling| ceiling.min(UNITS_MAX));
        // Whoever only looks is told where numbers end, and not refused for it.
        let spare = if limit.ceiling.is_some() { *spare } else { 0 };
        if after.total().saturating_add(spare) <= most {
            return None;
        }
        // What is unlimited still ends where numbers do.
        let bound = Limit { max: Some(limit.max.unwrap_or(most)), ..limit.clone() };
        let units = (*asked).max(spare);
        let standing = Standing::new(meter.clone(), units, &bound, before.total(), self.at);
        Some(Box::new(Refusal { standing, at: self.at }))
    }
}

impl Touched {
    /// Moves the units, or as many as are there to give back.
    fn add(&mut self, units: i64, column: Column) -> i64 {
        let counter = &mut self.after;
        let amount = units.unsigned_abs();
        match (units, column) {
            (0, _) => self.spare = 1,
            (1.., Column::Used) => counter.used = counter.used.saturating_add(amount),
            (1.., Column::Reserved) => counter.reserved = counter.reserved.saturating_add(amount),
            (_, Column::Used) => {
                let given = amount.min(counter.used);
                counter.used -= given;
                return -i64::try_from(given).unwrap_or(i64::MAX);
            }
            // Nothing is held by giving back.
            (_, Column::Reserved) => return 0,
        }
        self.asked = self.asked.saturating_add(amount);
        units
    }
}
