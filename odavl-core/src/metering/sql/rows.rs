//! The tables' rows, read and written by prepared statements.

use std::fmt::Display;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::batch::BatchId;
use crate::{
    db::sqlite_error,
    error::{Cause, Error, Result},
    ids::{KeyId, OrgId, ReservationId},
    metering::{
        limit::{Limit, Scope, Standing},
        meter::MeterName,
        period::Period,
        port::{Answer, Entry},
        sheet::{Account, Counter, CounterKey, Effects, Reservation, State},
    },
    secret::Digest,
};

/// An error for a value that makes no sense, naming table, column and row.
pub(super) fn nonsense(column: &str, row: &dyn Display, source: impl Into<Option<Cause>>) -> Error {
    Error::corrupted(format!("{column} of row {row} makes no sense"), source)
}

/// A count as it is stored.
pub(super) fn number(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(|error| Error::internal("a count is out of range", Some(error.into())))
}

pub(super) fn count(stored: i64, column: &str, row: &dyn Display) -> Result<u64> {
    u64::try_from(stored).map_err(|error| nonsense(column, row, Some(error.into())))
}

pub(super) fn time(stored: i64, column: &str, row: &dyn Display) -> Result<Timestamp> {
    Timestamp::from_microsecond(stored).map_err(|error| nonsense(column, row, Some(error.into())))
}

pub(super) fn json<T: DeserializeOwned>(stored: &str, column: &str, row: &dyn Display) -> Result<T> {
    serde_json::from_str(stored).map_err(|error| nonsense(column, row, Some(error.into())))
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal("a row cannot be written", Some(error.into())))
}

pub(super) fn account(conn: &Connection, org: &str) -> Result<Option<Account>> {
    let select = "SELECT epoch, clock, seq, events, open FROM metering_orgs WHERE org = ?1";
    let read = || {
        let mut select = conn.prepare_cached(select)?;
        select.query_one([org], |row| <(i64, i64, i64, i64, i64)>::try_from(row)).optional()
    };
    let Some((epoch, clock, seq, events, open)) = read().map_err(sqlite_error)? else { return Ok(None) };
    Ok(Some(Account {
        epoch: count(epoch, "metering_orgs.epoch", &org)?,
        clock: time(clock, "metering_orgs.clock", &org)?,
        seq: count(seq, "metering_orgs.seq", &org)?,
        events: count(events, "metering_orgs.events", &org)?,
        open: count(open, "metering_orgs.open", &org)?,
    }))
}

pub(super) fn put_account(conn: &Connection, org: &str, account: &Account) -> Result<()> {
    let put =
        "INSERT INTO metering_orgs (org, epoch, clock, seq, events, open) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (org) DO UPDATE SET epoch = excluded.epoch, clock = excluded.clock, seq = excluded.seq,
        events = excluded.events, open = excluded.open";
    let Account { epoch, clock, seq, events, open } = *account;
    let clock = clock.as_microsecond();
    let row = params![org, number(epoch)?, clock, number(seq)?, number(events)?, number(open)?];
    run(conn, put, row).map(drop)
}

/// The counter of that key; where there is none, an empty one of a period that is long over.
pub(super) fn counter(conn: &Connection, org: &str, key: &CounterKey) -> Result<Counter> {
    let select = "SELECT start, used, reserved, fired FROM counters
        WHERE org = ?1 AND meter = ?2 AND scope = ?3 AND period = ?4";
    let place = params![org, key.meter.as_str(), scope(key), key.period.to_string()];
    let read = || {
        let mut select = conn.prepare_cached(select)?;
        select.query_one(place, |row| <(i64, i64, i64, i64)>::try_from(row)).optional()
    };
    let Some((start, used, reserved, fired)) = read().map_err(sqlite_error)? else {
        return Ok(Counter { start: Timestamp::MIN, used: 0, reserved: 0, fired: 0 });
    };
    Ok(Counter {
        start: time(start, "counters.start", &org)?,
        used: count(used, "counters.used", &org)?,
        reserved: count(reserved, "counters.reserved", &org)?,
        fired: u8::try_from(fired).map_err(|error| nonsense("counters.fired", &org, Some(error.into())))?,
    })
}

pub(super) fn put_counter(conn: &Connection, org: &str, key: &CounterKey, counter: &Counter) -> Result<()> {
    let put = "INSERT INTO counters (org, meter, scope, period, start, used, reserved, fired)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (org, meter, scope, period) DO UPDATE
        SET start = excluded.start, used = excluded.used, reserved = excluded.reserved, fired = excluded.fired";
    let Counter { start, used, reserved, fired } = *counter;
    let (start, used, reserved) = (start.as_microsecond(), number(used)?, number(reserved)?);
    let row =
        params![org, key.meter.as_str(), scope(key), key.period.to_string(), start, used, reserved, fired];
    run(conn, put, row).map(drop)
}

fn scope(key: &CounterKey) -> String {
    Option::<KeyId>::from(key.scope).map_or_else(String::new, |id| id.to_string())
}

/// Writes the entry's lines after `seq`; answers `false`, having written none, where its idempotency key is taken.
pub(super) fn insert_lines(
    conn: &Connection,
    org: &str,
    seq: u64,
    entry: &Entry,
    effects: &Effects,
) -> Result<bool> {
    let insert = "INSERT INTO ledger (org, seq, at, counted_at, subject, charges, tags, reservation, idem,
        request, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
        ON CONFLICT (org, idem) WHERE idem IS NOT NULL DO NOTHING";
    let tags = if entry.tags.is_empty() { "{}".to_owned() } else { to_json(&*entry.tags)? };
    let reservation = effects.answer.reservation.map(|id| id.to_string());
    let mut key = entry.idempotency;
    for (line, seq) in effects.lines.iter().zip(seq + 1..) {
        let (at, counted_at) = (effects.at.as_microsecond(), line.counted_at.as_microsecond());
        // The first line remembers the key for all of them.
        let key = key.take();
        let idem = key.map(|key| *key.key.as_bytes());
        let request = key.map(|key| *key.request.as_bytes());
        let told = || effects.answer.standings.iter().map(Told::from).collect::<Vec<_>>();
        let answer = key.map(|_| to_json(&told())).transpose()?;
        let (seq, charges) = (number(seq)?, to_json(&line.charges)?);
        let row = params![
            org,
            seq,
            at,
            counted_at,
            entry.subject,
            charges,
            tags,
            reservation,
            idem,
            request,
            answer
        ];
        if run(conn, insert, row)? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a standing said that the ledger's row does not: meter, units, used, limit, period, key.
#[derive(Serialize, Deserialize)]
struct Told(MeterName, u64, u64, Option<u64>, Period, Scope);

impl From<&Standing> for Told {
    fn from(standing: &Standing) -> Self {
        let Standing { meter, units, used, limit, period, key_id, .. } = standing;
        Self(meter.clone(), *units, *used, *limit, *period, (*key_id).into())
    }
}

impl Told {
    fn again(self, at: Timestamp) -> Standing {
        let Self(meter, units, used, limit, period, scope) = self;
        Standing::new(meter, units, &Limit::hard(scope, period, limit), used, at)
    }
}

/// Request, answer, time, reservation.
type StoredAnswer = ([u8; 32], String, i64, Option<String>);

pub(super) fn remembered(conn: &Connection, org: &str, key: &Digest) -> Result<Option<(Digest, Answer)>> {
    let select = "SELECT request, answer, at, reservation FROM ledger WHERE org = ?1 AND idem = ?2";
    let read = || {
        let mut select = conn.prepare_cached(select)?;
        select.query_one(params![org, key.as_bytes()], |row| StoredAnswer::try_from(row)).optional()
    };
    let Some((request, answer, at, reservation)) = read().map_err(sqlite_error)? else { return Ok(None) };
    let at = time(at, "ledger.at", &org)?;
    let told: Vec<Told> = json(&answer, "ledger.answer", &org)?;
    let wrong = |error: Error| nonsense("ledger.reservation", &org, Some(error.into()));
    let reservation = reservation.map(|id| id.parse()).transpose().map_err(wrong)?;
    let standings = told.into_iter().map(|told| told.again(at)).collect();
    Ok(Some((Digest::from_bytes(request), Answer { at, standings, reservation, replayed: false })))
}

/// State, expiry, holds, request, answer, outcome.
type StoredReservation = (String, i64, String, String, String, Option<String>);

pub(super) fn reservation(conn: &Connection, org: &str, id: ReservationId) -> Result<Option<Reservation>> {
    let select = "SELECT state, expires_at, holds, request, answer, outcome FROM reservations
        WHERE org = ?1 AND id = ?2";
    let read = || {
        let mut select = conn.prepare_cached(select)?;
        select.query_one(params![org, id.to_string()], |row| StoredReservation::try_from(row)).optional()
    };
    let Some((state, expires_at, holds, request, answer, outcome)) = read().map_err(sqlite_error)? else {
        return Ok(None);
    };
    let outcome = outcome.map(|outcome| json(&outcome, "reservations.outcome", &id)).transpose()?;
    Ok(Some(Reservation {
        state: State::parse(&state).ok_or_else(|| nonsense("reservations.state", &id, None))?,
        expires_at: time(expires_at, "reservations.expires_at", &id)?,
        holds: json(&holds, "reservations.holds", &id)?,
        request: json(&request, "reservations.request", &id)?,
        answer: json(&answer, "reservations.answer", &id)?,
        outcome,
    }))
}

pub(super) fn put_reservation(
    conn: &Connection,
    org: &str,
    id: ReservationId,
    reservation: &Reservation,
) -> Result<()> {
    let put = "INSERT INTO reservations (org, id, state, expires_at, holds, request, answer, outcome)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (org, id) DO UPDATE
        SET state = excluded.state, expires_at = excluded.expires_at, holds = excluded.holds,
        request = excluded.request, answer = excluded.answer, outcome = excluded.outcome";
    let row = params![
        org,
        id.to_string(),
        reservation.state.as_str(),
        reservation.expires_at.as_microsecond(),
        to_json(&reservation.holds)?,
        to_json(&reservation.request)?,
        to_json(&reservation.answer)?,
        reservation.outcome.as_ref().map(to_json).transpose()?,
    ];
    run(conn, put, row).map(drop)
}

/// The open reservations that expired, the longest expired first.
pub(super) fn due(conn: &Connection, now: Timestamp, most: u32) -> Result<Vec<(OrgId, ReservationId)>> {
    let select = "SELECT org, id FROM reservations WHERE state = 'open' AND expires_at <= ?1
        ORDER BY expires_at, org, id LIMIT ?2";
    let read = || {
        let mut select = conn.prepare_cached(select)?;
        let rows =
            select.query_map(params![now.as_microsecond(), most], |row| <(String, String)>::try_from(row))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    let parse = |(org, id): (String, String)| {
        let wrong = |error: Error| nonsense("reservations.id", &id, Some(error.into()));
        Ok((org.parse().map_err(wrong)?, id.parse().map_err(wrong)?))
    };
    read().map_err(sqlite_error)?.into_iter().map(parse).collect()
}

pub(super) fn insert_threshold(
    conn: &Connection,
    org: &str,
    seq: u64,
    at: Timestamp,
    (threshold, standing): (u8, &Standing),
) -> Result<()> {
    let insert = "INSERT INTO thresholds (org, seq, at, threshold, standing) VALUES (?1, ?2, ?3, ?4, ?5)";
    let row = params![org, number(seq)?, at.as_microsecond(), threshold, to_json(standing)?];
    run(conn, insert, row).map(drop)
}

pub(super) fn insert_batch(conn: &Connection, id: &BatchId, now: Timestamp) -> Result<()> {
    run(conn, "INSERT INTO batches (id, at) VALUES (?1, ?2)", params![id, now.as_microsecond()]).map(drop)
}

pub(super) fn has_batch(conn: &Connection, id: &BatchId) -> Result<bool> {
    let mut select = conn.prepare_cached("SELECT 1 FROM batches WHERE id = ?1").map_err(sqlite_error)?;
    select.exists([id]).map_err(sqlite_error)
}

pub(super) fn forget_batches(conn: &Connection, until: Timestamp) -> Result<usize> {
    run(conn, "DELETE FROM batches WHERE at < ?1", [until.as_microsecond()])
}

fn run(conn: &Connection, sql: &str, row: impl rusqlite::Params) -> Result<usize> {
    conn.prepare_cached(sql).and_then(|mut statement| statement.execute(row)).map_err(sqlite_error)
}

impl State {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled => "settled",
            Self::Released => "released",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Settled, Self::Released].into_iter().find(|state| state.as_str() == text)
    }
}
