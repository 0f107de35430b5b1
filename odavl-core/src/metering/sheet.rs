//! What a decision about an organisation reads and changes: its counters and reservations, without an engine.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    limit::{Limit, Scope, Standing},
    meter::MeterName,
    period::Period,
    port::Answer,
};
use crate::ids::ReservationId;

/// An organisation's part of the books: all that an entry's decision needs is in it before it is decided.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet {
    pub(super) account: Account,
    pub(super) counters: HashMap<CounterKey, Counter>,
    pub(super) reservations: HashMap<ReservationId, Reservation>,
}

/// The organisation's own row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    /// Entries of an older epoch are stale.
    pub(super) epoch: u64,
    /// The latest instant that changed something.
    pub(super) clock: Timestamp,
    /// The last place in the ledger.
    pub(super) seq: u64,
    /// The last place in the thresholds' outbox.
    pub(super) events: u64,
    /// How many reservations are open.
    pub(super) open: u64,
}

impl Default for Account {
    fn default() -> Self {
        Self { epoch: 0, clock: Timestamp::UNIX_EPOCH, seq: 0, events: 0, open: 0 }
    }
}

/// What a counter counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CounterKey {
    pub(super) meter: MeterName,
    pub(super) scope: Scope,
    pub(super) period: Period,
}

impl CounterKey {
    pub(super) fn new(meter: &MeterName, limit: &Limit) -> Self {
        Self { meter: meter.clone(), scope: limit.scope, period: limit.period }
    }
}

/// The units of one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counter {
    /// When the period began; for what is held, the calendar month in which `fired` counts.
    pub(super) start: Timestamp,
    pub(super) used: u64,
    pub(super) reserved: u64,
    /// One bit for each of the thresholds that was recorded.
    pub(super) fired: u8,
}

impl Counter {
    /// An empty counter of the period that holds `at`.
    pub(super) fn fresh(period: Period, at: Timestamp) -> Self {
        let counted = if period == Period::Held { Period::CALENDAR_MONTH } else { period };
        let start = counted.bounds(at).map_or(at, |(start, _)| start);
        Self { start, used: 0, reserved: 0, fired: 0 }
    }

    /// Whether its period began after that time; what is held has none.
    pub(super) fn is_later(&self, period: Period, since: Option<Timestamp>) -> bool {
        period != Period::Held && since.is_some_and(|since| Self::fresh(period, since).start < self.start)
    }

    /// The counter in the period that holds `at`, which never begins before its own.
    pub(super) fn rolled(self, period: Period, at: Timestamp) -> Self {
        let fresh = Self::fresh(period, at);
        match period {
            _ if fresh.start <= self.start => self,
            Period::Held => Self { used: self.used, reserved: self.reserved, ..fresh },
            _ => fresh,
        }
    }

    /// What counts against the limit: used or held for somebody.
    pub(super) fn total(self) -> u64 {
        self.used.saturating_add(self.reserved)
    }
}

/// Units that are held for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reservation {
    pub(super) state: State,
    pub(super) expires_at: Timestamp,
    pub(super) holds: Vec<Hold>,
    /// What was asked when it was made: asking the same again is answered the same.
    pub(super) request: Vec<(MeterName, i64)>,
    /// What was answered when it was made.
    pub(super) answer: Answer,
    /// What was answered when it ended.
    pub(super) outcome: Option<Answer>,
}

/// How far a reservation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Settled,
    /// By its owner or, expired, by the sweeper.
    Released,
}

/// Units of one meter that a reservation holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    pub(super) meter: MeterName,
    pub(super) units: u64,
    /// When it was first held: it counts in the history of that hour.
    pub(super) at: Timestamp,
    pub(super) places: Vec<Place>,
}

impl Hold {
    /// The counters that it holds units in, each once.
    pub(super) fn counters(&self) -> impl Iterator<Item = (CounterKey, &Place)> {
        let repeated = |nth: usize, place: &Place| {
            self.places[..nth].iter().any(|before| before.limit.same_counter(&place.limit))
        };
        self.places
            .iter()
            .enumerate()
            .filter(move |(nth, place)| !repeated(*nth, place))
            .map(|(_, place)| (CounterKey::new(&self.meter, &place.limit), place))
    }
}

/// A limit that bounds a hold, and the period that the hold counts in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) limit: Limit,
    pub(super) start: Timestamp,
}

impl Limit {
    /// Whether both count in one counter of a meter.
    pub(super) fn same_counter(&self, other: &Self) -> bool {
        self.scope == other.scope && self.period == other.period
    }
}

/// What a granted entry changes: all of it or nothing.
#[derive(Debug, Clone)]
pub(super) struct Effects {
    pub(super) at: Timestamp,
    pub(super) answer: Answer,
    pub(super) counters: Vec<(CounterKey, Counter)>,
    pub(super) reservation: Option<(ReservationId, Reservation)>,
    pub(super) lines: Vec<Line>,
    pub(super) events: Vec<(u8, Standing)>,
}

/// A line for the ledger, and for the history of the hour that holds `counted_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) counted_at: Timestamp,
    pub(super) charges: Vec<(MeterName, i64)>,
}

impl Sheet {
    /// Takes over what was written down.
    pub(super) fn apply(&mut self, effects: Effects) {
        let Effects { at, counters, reservation, lines, events, .. } = effects;
        self.account.clock = at;
        self.account.seq += u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.account.events += u64::try_from(events.len()).unwrap_or(u64::MAX);
        self.counters.extend(counters);
        if let Some((id, reservation)) = reservation {
            self.replace(id, reservation);
        }
    }

    fn replace(&mut self, id: ReservationId, reservation: Reservation) {
        let open = |reservation: &Reservation| reservation.state == State::Open;
        let is_open = open(&reservation);
        let was_open = self.reservations.insert(id, reservation).as_ref().is_some_and(open);
        match (was_open, is_open) {
            (false, true) => self.account.open += 1,
            (true, false) => self.account.open = self.account.open.saturating_sub(1),
            _ => {}
        }
    }
}
