//! What is read beside the writer: history, the ledger, the thresholds.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use super::rows::{count, json, nonsense, time};
use crate::{
    db::sqlite_error,
    error::{Error, Result},
    ids::OrgId,
    metering::{
        history::{Held, Rollup, buckets},
        port::{Bucket, Grouping, HistoryQuery, Record, Resolution, ThresholdEvent},
    },
    page::Page,
};

pub(super) fn history(
    conn: &mut Connection,
    org: OrgId,
    query: &HistoryQuery,
    now: Timestamp,
) -> Result<Vec<Bucket>> {
    // One snapshot: the rollups and what is held must be of the same moment.
    let snapshot = conn.transaction().map_err(sqlite_error)?;
    let org = org.to_string();
    let rollups = rollups(&snapshot, &org, query)?;
    let held = match query.grouping {
        Grouping::Total => held(&snapshot, &org, query, now)?,
        Grouping::Subject => None,
    };
    Ok(buckets(query, rollups, held))
}

fn rollups(conn: &Connection, org: &str, query: &HistoryQuery) -> Result<Vec<Rollup>> {
    let select = match query.grouping {
        Grouping::Total => {
            "SELECT start, '', SUM(units), SUM(count) FROM rollups WHERE org = ?1 AND meter = ?2
            AND resolution = ?3 AND start >= ?4 AND start < ?5 GROUP BY start"
        }
        Grouping::Subject => {
            "SELECT start, subject, units, count FROM rollups WHERE org = ?1 AND meter = ?2
            AND resolution = ?3 AND start >= ?4 AND start < ?5"
        }
    };
    let (from, to) = query.span();
    let resolution = query.resolution.rollup().as_str();
    let span = params![org, query.meter.as_str(), resolution, from.as_microsecond(), to.as_microsecond()];
    let read = || {
        let mut select = conn.prepare_cached(select)?;
        let rows = select.query_map(span, |row| <(i64, String, i64, i64)>::try_from(row))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    let rollup = |(start, subject, units, entries)| {
        let start = time(start, "rollups.start", &org)?;
        Ok(Rollup { start, subject, units, count: count(entries, "rollups.count", &org)? })
    };
    read().map_err(sqlite_error)?.into_iter().map(rollup).collect()
}

/// What a gauge held; `None` for a meter that is none.
fn held(conn: &Connection, org: &str, query: &HistoryQuery, now: Timestamp) -> Result<Option<Held>> {
    // What came later is read from days, and from hours to the end of the first day.
    let select = "SELECT used, (SELECT MIN(start) FROM rollups WHERE org = :org AND meter = :meter
            AND resolution = 'hour'),
        (SELECT COALESCE(SUM(units), 0) FROM rollups WHERE org = :org AND meter = :meter
            AND resolution = 'hour' AND start >= :to AND start < :day),
        (SELECT COALESCE(SUM(units), 0) FROM rollups WHERE org = :org AND meter = :meter
            AND resolution = 'day' AND start >= :day)
        FROM counters WHERE org = :org AND meter = :meter AND scope = '' AND period = 'held'";
    let (_, to) = query.span();
    let day = if Resolution::Day.start(to) == to { to } else { Resolution::Day.end(to) };
    let (to, day) = (to.as_microsecond(), day.as_microsecond());
    let place = named_params! { ":org": org, ":meter": query.meter.as_str(), ":to": to, ":day": day };
    let read = || {
        let mut select = conn.prepare_cached(select)?;
        select.query_one(place, |row| <(i64, Option<i64>, i64, i64)>::try_from(row)).optional()
    };
    let Some((used, Some(since), hours, days)) = read().map_err(sqlite_error)? else { return Ok(None) };
    let since = time(since, "rollups.start", &org)?;
    Ok(Some(Held { at_end: used.saturating_sub(hours).saturating_sub(days), since, now }))
}

pub(super) fn ledger(conn: &Connection, org: OrgId, after: u64, limit: u32) -> Result<Page<Record>> {
    type Stored = (i64, i64, i64, String, String, String, Option<String>);
    let select = "SELECT seq, at, counted_at, subject, charges, tags, reservation FROM ledger
        WHERE org = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let record = |(seq, at, counted_at, subject, charges, tags, reservation): Stored| {
        let reservation = reservation.map(|id| id.parse()).transpose();
        let wrong = |error: Error| nonsense("ledger.reservation", &seq, Some(error.into()));
        Ok(Record {
            seq: count(seq, "ledger.seq", &seq)?,
            at: time(at, "ledger.at", &seq)?,
            counted_at: time(counted_at, "ledger.counted_at", &seq)?,
            subject,
            charges: json(&charges, "ledger.charges", &seq)?,
            reservation: reservation.map_err(wrong)?,
            tags: json(&tags, "ledger.tags", &seq)?,
        })
    };
    let stored = list(conn, select, (org, after, limit), |row| Stored::try_from(row))?;
    let records = stored.into_iter().map(record).collect::<Result<_>>()?;
    Ok(Page::cut(records, limit, |record: &Record| record.seq.to_string()))
}

pub(super) fn thresholds(
    conn: &Connection,
    org: OrgId,
    after: u64,
    limit: u32,
) -> Result<Page<ThresholdEvent>> {
    let select = "SELECT seq, at, threshold, standing FROM thresholds
        WHERE org = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let event = |(seq, at, threshold, standing): (i64, i64, u8, String)| {
        let seq = count(seq, "thresholds.seq", &seq)?;
        let at = time(at, "thresholds.at", &seq)?;
        Ok(ThresholdEvent { seq, at, threshold, standing: json(&standing, "thresholds.standing", &seq)? })
    };
    let stored = list(conn, select, (org, after, limit), |row| <(i64, i64, u8, String)>::try_from(row))?;
    let events = stored.into_iter().map(event).collect::<Result<_>>()?;
    Ok(Page::cut(events, limit, |event: &ThresholdEvent| event.seq.to_string()))
}

/// One row more than fits a page says that there is a next.
fn list<T>(
    conn: &Connection,
    select: &str,
    (org, after, limit): (OrgId, u64, u32),
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let page = params![org.to_string(), after, limit.saturating_add(1)];
    let rows = || {
        let mut select = conn.prepare_cached(select)?;
        let rows = select.query_map(page, |row| read(row))?;
        rows.collect::<rusqlite::Result<_>>()
    };
    rows().map_err(sqlite_error)
}
