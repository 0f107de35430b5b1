//! The tables' rows, read and written by prepared statements.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::{
    BatchId, HAS_BATCH, INSERT_BATCH,
    stored::{self, NOT_COUNTED, count, json, ledger_rows, nonsense, number, scope, time, to_json},
};
use crate::{
    db::sqlite_error,
    error::Result,
    ids::ReservationId,
    metering::{
        limit::Standing,
        port::{Answer, Entry},
        sheet::{Account, Counter, CounterKey, Effects, Reservation, State},
    },
    secret::Digest,
};

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
        return Ok(NOT_COUNTED);
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
    for row in ledger_rows(seq, entry, effects) {
        let row = row?;
        let values = params![
            org,
            row.seq,
            row.at,
            row.counted_at,
            row.subject,
            row.charges,
            row.tags,
            row.reservation,
            row.idem,
            row.request,
            row.answer
        ];
        if run(conn, insert, values)? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
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
    let answer = stored::remembered(&org, (&answer, at, reservation.as_deref()))?;
    Ok(Some((Digest::from_bytes(request), answer)))
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
    run(conn, INSERT_BATCH, params![id, now.as_microsecond()]).map(drop)
}

pub(super) fn has_batch(conn: &Connection, id: &BatchId) -> Result<bool> {
    let mut select = conn.prepare_cached(HAS_BATCH).map_err(sqlite_error)?;
    select.exists([id]).map_err(sqlite_error)
}

pub(super) fn forget_batches(conn: &Connection, until: Timestamp) -> Result<usize> {
    run(conn, "DELETE FROM batches WHERE at < ?1", [until.as_microsecond()])
}

fn run(conn: &Connection, sql: &str, row: impl rusqlite::Params) -> Result<usize> {
    conn.prepare_cached(sql).and_then(|mut statement| statement.execute(row)).map_err(sqlite_error)
}
