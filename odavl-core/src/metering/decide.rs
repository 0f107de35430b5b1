//! Deciding: a sheet and an entry in, an answer and its effects out. Pure, and the same for every adapter.

use jiff::Timestamp;

use super::{
    limit::Limit,
    meter::MeterName,
    port::{Answer, Charge, Decision, Entry, Idempotency, OPEN_RESERVATIONS_MAX, Op},
    sheet::{Counter, Effects, Hold, Line, Place, Reservation, Sheet, State},
    tally::{Column, Tally},
};
use crate::{
    error::Result,
    ids::{OrgId, ReservationId},
    secret::Digest,
};

/// What an entry comes to.
#[derive(Debug)]
pub(super) enum Verdict {
    /// An answer that changes nothing.
    Final(Decision),
    /// A yes, once its effects are written.
    Grant(Box<Effects>),
}

/// Where an adapter keeps what decisions read and write.
pub(super) trait Books {
    /// Sees to it that the sheet of the entry's organisation holds all that deciding the entry needs.
    fn load(&mut self, entry: &Entry) -> Result<()>;

    /// The sheet of an organisation.
    fn sheet(&mut self, org: OrgId) -> &mut Sheet;

    /// The request and the answer that an idempotency key of the organisation stands for.
    fn remembered(&mut self, org: OrgId, key: &Digest) -> Result<Option<(Digest, Answer)>>;

    /// Writes the effects, but not the sheet; answers `false`, having written nothing, where the entry's
    /// idempotency key is taken.
    fn write(&mut self, entry: &Entry, effects: &Effects) -> Result<bool>;
}

/// Decides an entry and writes what it changes.
pub(super) fn post(books: &mut impl Books, entry: &Entry, now: Timestamp) -> Result<Decision> {
    books.load(entry)?;
    match decide(books.sheet(entry.org), entry, now) {
        // A no may be a yes that was given before: an honest retry at the limit.
        Verdict::Final(no) if is_refusal(&no) => Ok(replay(books, entry)?.unwrap_or(no)),
        Verdict::Final(answer) => Ok(answer),
        Verdict::Grant(effects) if books.write(entry, &effects)? => {
            let answer = effects.answer.clone();
            books.sheet(entry.org).apply(*effects);
            Ok(Decision::Granted(answer))
        }
        Verdict::Grant(_) => Ok(replay(books, entry)?.unwrap_or(Decision::Conflict)),
    }
}

fn is_refusal(decision: &Decision) -> bool {
    !matches!(decision, Decision::Granted(_) | Decision::Stale { .. })
}

/// The answer that the entry's idempotency key stands for; `None` where it stands for none.
fn replay(books: &mut impl Books, entry: &Entry) -> Result<Option<Decision>> {
    let Some(Idempotency { key, request }) = entry.idempotency else { return Ok(None) };
    if matches!(entry.op, Op::Probe(_)) {
        return Ok(None);
    }
    let first = books.remembered(entry.org, &key)?;
    Ok(first.map(|(asked, answer)| if asked == request { again(&answer) } else { Decision::Conflict }))
}

/// A first answer, given again.
pub(super) fn again(answer: &Answer) -> Decision {
    Decision::Granted(Answer { replayed: true, ..answer.clone() })
}

/// Decides an entry on a sheet. Time never goes back on a sheet, so neither do periods.
pub(super) fn decide(sheet: &Sheet, entry: &Entry, now: Timestamp) -> Verdict {
    let at = now.max(sheet.account.clock);
    let ends = matches!(entry.op, Op::Settle { .. } | Op::Release { .. });
    if entry.epoch < sheet.account.epoch && !ends {
        return Verdict::Final(Decision::Stale { epoch: sheet.account.epoch });
    }
    let case = Case { sheet, at, keyed: entry.idempotency.is_some() };
    let verdict = match &entry.op {
        Op::Charge(charges) => case.charge(charges),
        Op::Probe(charges) => case.probe(charges),
        Op::Reserve { id, charges, expires_at } => case.reserve(*id, charges, *expires_at),
        Op::Extend { id, charges } => case.extend(*id, charges),
        Op::Settle { id, actual } => case.settle(*id, actual),
        Op::Release { id } => case.release(*id),
    };
    verdict.unwrap_or_else(Verdict::Final)
}

/// Releases a reservation that expired; `None` where it is not open, or not expired.
pub(super) fn expire(sheet: &Sheet, id: ReservationId, now: Timestamp) -> Option<Effects> {
    let reservation = sheet.reservations.get(&id)?;
    let due = reservation.state == State::Open && reservation.expires_at <= now;
    let case = Case { sheet, at: now.max(sheet.account.clock), keyed: false };
    due.then(|| case.end(id, reservation, &[], State::Released))
}

/// The outcome of a step: `Err` is an answer that ends it early.
pub(super) type Step<T> = std::result::Result<T, Decision>;

/// One entry on its organisation's sheet.
pub(super) struct Case<'a> {
    pub(super) sheet: &'a Sheet,
    pub(super) at: Timestamp,
    /// Whether a retry must find its answer.
    pub(super) keyed: bool,
}

impl Case<'_> {
    fn charge(&self, charges: &[Charge]) -> Step<Verdict> {
        let effects = self.admit(charges, Column::Used, None)?;
        if effects.lines.is_empty() && !self.keyed {
            return Ok(Verdict::Final(Decision::Granted(effects.answer)));
        }
        Ok(self.grant(effects))
    }

    fn probe(&self, charges: &[Charge]) -> Step<Verdict> {
        let effects = self.admit(charges, Column::Used, None)?;
        Ok(Verdict::Final(Decision::Granted(effects.answer)))
    }

    fn reserve(&self, id: ReservationId, charges: &[Charge], expires_at: Timestamp) -> Step<Verdict> {
        let request: Vec<_> = charges.iter().map(|charge| (charge.meter.clone(), charge.units)).collect();
        // What was released or has expired holds nothing any more, so it is made afresh.
        let made = self.sheet.reservations.get(&id).filter(|made| made.state != State::Released);
        if let Some(made) = made {
            if made.request != request {
                return Err(Decision::Conflict);
            }
            return self.remade(id, made, expires_at).map_or_else(|| Err(again(&made.answer)), Ok);
        }
        let mut effects = self.admit(charges, Column::Reserved, Some(id))?;
        if self.sheet.account.open >= OPEN_RESERVATIONS_MAX {
            return Err(Decision::TooManyReservations);
        }
        let reservation = Reservation {
            state: State::Open,
            expires_at,
            holds: self.holds(charges),
            request,
            answer: effects.answer.clone(),
            outcome: None,
        };
        effects.reservation = Some((id, reservation));
        Ok(self.grant(effects))
    }

    /// The same reservation, living longer; `None` where nothing of it changes.
    fn remade(&self, id: ReservationId, made: &Reservation, expires_at: Timestamp) -> Option<Verdict> {
        if made.state != State::Open || expires_at <= made.expires_at {
            return None;
        }
        let longer = Reservation { expires_at, ..made.clone() };
        Some(self.grant(Effects {
            at: self.at,
            answer: Answer { replayed: true, ..made.answer.clone() },
            counters: Vec::new(),
            reservation: Some((id, longer)),
            lines: Vec::new(),
            events: Vec::new(),
        }))
    }

    fn extend(&self, id: ReservationId, charges: &[Charge]) -> Step<Verdict> {
        let made = self.sheet.reservations.get(&id).filter(|made| made.state == State::Open);
        let mut reservation = made.ok_or(Decision::NoReservation)?.clone();
        let mut effects = self.admit(charges, Column::Reserved, Some(id))?;
        reservation.grow(self.holds(charges), self.at);
        effects.reservation = Some((id, reservation));
        Ok(self.grant(effects))
    }

    /// Tries all charges; the lines are what the ledger says of those that are charged now.
    fn admit(&self, charges: &[Charge], column: Column, id: Option<ReservationId>) -> Step<Effects> {
        let mut tally = Tally::new(&self.sheet.counters, self.at);
        let moved = tally.admit(charges, column).map_err(Decision::Denied)?;
        let events = tally.fire(charges, &moved);
        let standings = tally.standings(charges, &moved);
        let lines = match column {
            Column::Used => line(self.at, charges, &moved).into_iter().collect(),
            Column::Reserved => Vec::new(),
        };
        Ok(Effects {
            at: self.at,
            answer: Answer { at: self.at, standings, reservation: id, replayed: false },
            counters: tally.changed(),
            reservation: None,
            lines,
            events,
        })
    }

    /// What the charges hold from now on.
    fn holds(&self, charges: &[Charge]) -> Vec<Hold> {
        let place = |limit: &Limit| Place {
            limit: limit.clone(),
            start: Counter::fresh(limit.period, self.at).start,
        };
        let hold = |charge: &Charge| {
            let units = u64::try_from(charge.units).ok().filter(|units| *units > 0)?;
            let places = charge.limits.iter().map(place).collect();
            Some(Hold { meter: charge.meter.clone(), units, at: self.at, places })
        };
        charges.iter().filter_map(hold).collect()
    }

    /// Effects that are written even where nothing is charged; with a key, the ledger has the answer.
    pub(super) fn grant(&self, mut effects: Effects) -> Verdict {
        if effects.lines.is_empty() && self.keyed {
            effects.lines.push(Line { counted_at: self.at, charges: Vec::new() });
        }
        Verdict::Grant(Box::new(effects))
    }
}

/// The ledger's line for units that moved now; `None` where none did.
fn line(at: Timestamp, charges: &[Charge], moved: &[i64]) -> Option<Line> {
    let mut line = Line { counted_at: at, charges: Vec::new() };
    for (charge, units) in charges.iter().zip(moved) {
        line.add(&charge.meter, *units);
    }
    line.charges.retain(|(_, units)| *units != 0);
    (!line.charges.is_empty()).then_some(line)
}

impl Line {
    /// Adds units: a meter is named once.
    pub(super) fn add(&mut self, meter: &MeterName, units: i64) {
        match self.charges.iter_mut().find(|(named, _)| named == meter) {
            Some((_, sum)) => *sum = sum.saturating_add(units),
            None => self.charges.push((meter.clone(), units)),
        }
    }
}
