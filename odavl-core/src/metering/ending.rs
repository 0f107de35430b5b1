//! How reservations grow, and how they end: settled, released, or expired.

use jiff::Timestamp;

use super::{
    decide::{Case, Step, Verdict, again},
    meter::MeterName,
    period::Period,
    port::{Answer, Decision, Resolution},
    sheet::{Effects, Hold, Line, Reservation, State},
    tally::Tally,
};
use crate::ids::ReservationId;

impl Case<'_> {
    pub(super) fn settle(&self, id: ReservationId, actual: &[(MeterName, u64)]) -> Step<Verdict> {
        let reservation = self.ending(id, State::Settled)?;
        let held = |meter: &MeterName| reservation.holds.iter().any(|hold| hold.meter == *meter);
        if !actual.iter().all(|(meter, units)| *units == 0 || held(meter)) {
            return Err(Decision::NoReservation);
        }
        Ok(self.grant(self.end(id, reservation, actual, State::Settled)))
    }

    pub(super) fn release(&self, id: ReservationId) -> Step<Verdict> {
        let reservation = self.ending(id, State::Released)?;
        Ok(self.grant(self.end(id, reservation, &[], State::Released)))
    }

    /// The reservation to end; what ended so before is answered as then.
    fn ending(&self, id: ReservationId, state: State) -> Step<&Reservation> {
        let reservation = self.sheet.reservations.get(&id).ok_or(Decision::NoReservation)?;
        match &reservation.outcome {
            None => Ok(reservation),
            Some(outcome) if reservation.state == state => Err(again(outcome)),
            Some(_) => Err(Decision::NoReservation),
        }
    }

    /// Gives back what is held and charges `actual`, at most what was held, oldest first. Units count where they
    /// were held: a period that is over is left as it is.
    pub(super) fn end(
        &self,
        id: ReservationId,
        reservation: &Reservation,
        actual: &[(MeterName, u64)],
        state: State,
    ) -> Effects {
        let mut tally = Tally::new(&self.sheet.counters, self.at);
        let charged = shares(&reservation.holds, actual);
        for (hold, units) in reservation.holds.iter().zip(&charged) {
            for (key, place) in hold.counters() {
                let is_held = key.period == Period::Held;
                let counter = tally.counter(key);
                if is_held || counter.start == place.start {
                    counter.reserved = counter.reserved.saturating_sub(hold.units);
                    counter.used = counter.used.saturating_add(*units);
                }
            }
        }
        let standings = standings(&mut tally, &reservation.holds, &charged);
        let answer = Answer { at: self.at, standings, reservation: Some(id), replayed: false };
        let ended = Reservation { state, outcome: Some(answer.clone()), ..reservation.clone() };
        Effects {
            at: self.at,
            answer,
            counters: tally.changed(),
            reservation: Some((id, ended)),
            lines: lines(&reservation.holds, &charged),
            events: Vec::new(),
        }
    }
}

/// What each hold is charged.
fn shares(holds: &[Hold], actual: &[(MeterName, u64)]) -> Vec<u64> {
    let mut left = actual.to_vec();
    let mut share = |hold: &Hold| {
        let mut room = hold.units;
        for (_, units) in left.iter_mut().filter(|(meter, _)| *meter == hold.meter) {
            let taken = room.min(*units);
            *units -= taken;
            room -= taken;
        }
        hold.units - room
    };
    holds.iter().map(&mut share).collect()
}

/// Where each meter stands against each limit that bounded it, each once.
fn standings(tally: &mut Tally<'_>, holds: &[Hold], charged: &[u64]) -> Vec<super::Standing> {
    let mut standings = Vec::new();
    let mut seen = Vec::new();
    for hold in holds {
        let of_meter = holds.iter().zip(charged).filter(|(other, _)| other.meter == hold.meter);
        let units = of_meter.map(|(_, units)| units).sum();
        for place in &hold.places {
            let bound = (&hold.meter, &place.limit);
            if !seen.contains(&bound) {
                seen.push(bound);
                standings.push(tally.standing(&hold.meter, &place.limit, units));
            }
        }
    }
    standings
}

/// The ledger's lines: one for each hour in which units were held that are charged now.
fn lines(holds: &[Hold], charged: &[u64]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for (hold, units) in holds.iter().zip(charged).filter(|(_, units)| **units > 0) {
        let units = i64::try_from(*units).unwrap_or(i64::MAX);
        match lines.iter_mut().find(|line| same_hour(line.counted_at, hold.at)) {
            Some(line) => line.add(&hold.meter, units),
            None => lines.push(Line { counted_at: hold.at, charges: vec![(hold.meter.clone(), units)] }),
        }
    }
    lines
}

fn same_hour(one: Timestamp, other: Timestamp) -> bool {
    Resolution::Hour.start(one) == Resolution::Hour.start(other)
}

impl Reservation {
    /// Holds more. A stream that grows in small steps stays small: steps of one hour that count in the same
    /// periods become one, once the rates that they counted in are over.
    pub(super) fn grow(&mut self, more: Vec<Hold>, at: Timestamp) {
        let current = |place: &super::sheet::Place| {
            let period = place.limit.period;
            !period.is_rate() || period.bounds(at).is_none_or(|(start, _)| start == place.start)
        };
        for hold in &mut self.holds {
            hold.places.retain(current);
        }
        for hold in std::mem::take(&mut self.holds).into_iter().chain(more) {
            match self.holds.iter_mut().find(|known| known.takes(&hold)) {
                Some(known) => known.units = known.units.saturating_add(hold.units),
                None => self.holds.push(hold),
            }
        }
    }
}

impl Hold {
    fn takes(&self, other: &Self) -> bool {
        self.meter == other.meter && self.places == other.places && same_hour(self.at, other.at)
    }
}
