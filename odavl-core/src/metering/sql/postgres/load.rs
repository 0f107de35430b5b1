//! The first round trip of a batch: begin, lock, read.

use std::{future::Future, pin::Pin};

use futures_util::future::join_all;

use super::{
    super::{
        BatchId, HAS_BATCH,
        stored::{self, NOT_COUNTED, nonsense, scope},
    },
    draft::Draft,
    wanted::Wanted,
};
use crate::{
    db::{Conn, DbError, Row},
    error::Result,
    ids::OrgId,
    metering::sheet::{Account, Counter, CounterKey, Reservation, State},
};

const MAKE_ORGS: &str = "INSERT INTO metering_orgs (org, epoch, clock, seq, events, open)
    SELECT org, 0, 0, 0, 0, 0 FROM unnest($1::TEXT[]) AS wanted (org) ORDER BY org
    ON CONFLICT (org) DO NOTHING";
/// Every node locks in this one order, so no two wait for each other.
const ORGS: &str = "SELECT org, epoch, clock, seq, events, open FROM metering_orgs
    WHERE org = ANY ($1::TEXT[]) ORDER BY org FOR UPDATE";
/// Row by row through the primary key, whatever the planner thinks of tables that have grown since.
const COUNTERS: &str = "SELECT wanted.nth, start, used, reserved, fired
    FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[]) WITH ORDINALITY
        AS wanted (org, meter, scope, period, nth)
    CROSS JOIN LATERAL (SELECT start, used, reserved, fired FROM counters
        WHERE org = wanted.org AND meter = wanted.meter AND scope = wanted.scope AND period = wanted.period
        LIMIT 1) AS found ORDER BY wanted.nth";
const RESERVATIONS: &str = "SELECT found.* FROM unnest($1::TEXT[], $2::TEXT[]) AS wanted (org, id)
    CROSS JOIN LATERAL (SELECT id, org, state, expires_at, holds, request, answer, outcome FROM reservations
        WHERE org = wanted.org AND id = wanted.id LIMIT 1) AS found";
const KEYS: &str = "SELECT found.* FROM unnest($1::TEXT[], $2::BYTEA[]) AS wanted (org, idem)
    CROSS JOIN LATERAL (SELECT org, idem, request, answer, at, reservation FROM ledger
        WHERE org = wanted.org AND idem = wanted.idem LIMIT 1) AS found";

pub(super) const STATEMENTS: [&str; 6] = [MAKE_ORGS, ORGS, COUNTERS, RESERVATIONS, KEYS, HAS_BATCH];

/// A statement that was sent, or is about to be: those of one list go out together, in order.
pub(super) type Sent<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, DbError>> + Send + 'a>>;

/// Sends all of them at once; answers the rows of each, or the first failure.
pub(super) async fn send(statements: Vec<Sent<'_>>) -> Result<Vec<Vec<Row>>, DbError> {
    join_all(statements).await.into_iter().collect()
}

/// Runs what answers no rows.
pub(super) fn batch<'a>(conn: &'a Conn, sql: &'static str) -> Sent<'a> {
    Box::pin(async move { conn.batch(sql).await.map(|()| Vec::new()) })
}

/// How a batch begins.
pub(super) const BEGIN: Option<&str> = Some("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");

/// Begins, unless the transaction is open already; locks, and reads what is wanted.
pub(super) async fn load(
    conn: &Conn,
    begin: Option<&'static str>,
    wanted: &Wanted,
) -> Result<Draft, DbError> {
    let columns = Columns::of(wanted);
    let mut statements: Vec<_> = begin.into_iter().map(|begin| batch(conn, begin)).collect();
    columns.lock(conn, wanted, &mut statements);
    statements.push(columns.counters(conn));
    statements.push(columns.reservations(conn));
    statements.push(columns.keys(conn));
    let mut read = send(statements).await?.into_iter().rev();
    let mut next = || read.next().unwrap_or_default();
    let (keys, reservations, counters, orgs) = (next(), next(), next(), next());
    let mut draft = Draft { sees_keys: wanted.sees_keys, ..Draft::default() };
    for row in &orgs {
        draft.pages.entry(row.parse("metering_orgs.org")?).or_default().sheet.account = account(row)?;
    }
    take_counters(&mut draft, wanted, &counters)?;
    for row in &reservations {
        let page = draft.pages.entry(row.parse("reservations.org")?).or_default();
        page.sheet.reservations.insert(row.parse("reservations.id")?, reservation(row)?);
    }
    for row in &keys {
        take_key(&mut draft, row)?;
    }
    Ok(draft)
}

/// Whether the batch is there, asked under the locks that it held.
pub(super) async fn was_committed(conn: &Conn, wanted: &Wanted, id: &BatchId) -> Result<bool, DbError> {
    let columns = Columns::of(wanted);
    let makes_orgs = Wanted { makes_orgs: true, ..Wanted::default() };
    let mut statements: Vec<_> = BEGIN.into_iter().map(|begin| batch(conn, begin)).collect();
    columns.lock(conn, &makes_orgs, &mut statements);
    let id = id.as_slice();
    statements.push(Box::pin(async move { conn.rows(HAS_BATCH, &[&id]).await }));
    let found = send(statements).await?.pop().is_some_and(|rows| !rows.is_empty());
    conn.batch("ROLLBACK").await.map(|()| found)
}

/// What is wanted, as the statements take it.
struct Columns {
    orgs: Vec<String>,
    counters: [Vec<String>; 4],
    reservations: [Vec<String>; 2],
    keys: (Vec<String>, Vec<Vec<u8>>),
}

impl Columns {
    fn of(wanted: &Wanted) -> Self {
        let mut columns = Self {
            orgs: wanted.orgs.iter().map(OrgId::to_string).collect(),
            counters: Default::default(),
            reservations: Default::default(),
            keys: Default::default(),
        };
        for (org, key) in &wanted.counters {
            let values = [org.to_string(), key.meter.to_string(), scope(key), key.period.to_string()];
            columns.counters.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        for (org, id) in &wanted.reservations {
            let values = [org.to_string(), id.to_string()];
            columns.reservations.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
        }
        for (org, key) in wanted.keys.iter().filter(|_| wanted.sees_keys) {
            columns.keys.0.push(org.to_string());
            columns.keys.1.push(key.to_vec());
        }
        columns
    }

    /// The last of them answers the organisations' rows.
    fn lock<'a>(&'a self, conn: &'a Conn, wanted: &Wanted, statements: &mut Vec<Sent<'a>>) {
        if wanted.makes_orgs {
            statements.push(Box::pin(async move { conn.rows(MAKE_ORGS, &[&self.orgs]).await }));
        }
        statements.push(Box::pin(async move { conn.rows(ORGS, &[&self.orgs]).await }));
    }

    fn counters<'a>(&'a self, conn: &'a Conn) -> Sent<'a> {
        let [orgs, meters, scopes, periods] = &self.counters;
        Box::pin(async move {
            if orgs.is_empty() {
                return Ok(Vec::new());
            }
            conn.rows(COUNTERS, &[orgs, meters, scopes, periods]).await
        })
    }

    fn reservations<'a>(&'a self, conn: &'a Conn) -> Sent<'a> {
        let [orgs, ids] = &self.reservations;
        Box::pin(async move {
            if orgs.is_empty() {
                return Ok(Vec::new());
            }
            conn.rows(RESERVATIONS, &[orgs, ids]).await
        })
    }

    fn keys<'a>(&'a self, conn: &'a Conn) -> Sent<'a> {
        let (orgs, keys) = &self.keys;
        Box::pin(async move {
            if orgs.is_empty() {
                return Ok(Vec::new());
            }
            conn.rows(KEYS, &[orgs, keys]).await
        })
    }
}

fn account(row: &Row) -> Result<Account> {
    Ok(Account {
        epoch: row.read("metering_orgs.epoch")?,
        clock: row.read("metering_orgs.clock")?,
        seq: row.read("metering_orgs.seq")?,
        events: row.read("metering_orgs.events")?,
        open: row.read("metering_orgs.open")?,
    })
}

/// All counters that were asked for: those that have no row were never counted.
fn take_counters(draft: &mut Draft, wanted: &Wanted, rows: &[Row]) -> Result<()> {
    let mut rows = rows.iter().peekable();
    for (nth, (org, key)) in (1_i64..).zip(&wanted.counters) {
        // The rows come in the order in which they were asked for.
        let found = rows.next_if(|row| row.read("nth").is_ok_and(|found: i64| found == nth));
        let counter = found.map_or(Ok(NOT_COUNTED), |row| counter(row, *org))?;
        // Without a row that could be locked, an organisation has no page, and is read again.
        if let Some(page) = draft.pages.get_mut(org) {
            page.sheet.counters.insert(CounterKey::clone(key), counter);
        }
    }
    match rows.next() {
        Some(row) => Err(row.nonsense("counters.period", None)),
        None => Ok(()),
    }
}

fn counter(row: &Row, org: OrgId) -> Result<Counter> {
    let fired: i64 = row.read("counters.fired")?;
    let start: i64 = row.read("counters.start")?;
    Ok(Counter {
        start: stored::time(start, "counters.start", &org)?,
        used: row.read("counters.used")?,
        reserved: row.read("counters.reserved")?,
        fired: u8::try_from(fired).map_err(|error| nonsense("counters.fired", &org, Some(error.into())))?,
    })
}

fn reservation(row: &Row) -> Result<Reservation> {
    let state: String = row.read("reservations.state")?;
    let outcome: Option<String> = row.read("reservations.outcome")?;
    Ok(Reservation {
        state: State::parse(&state).ok_or_else(|| row.nonsense("reservations.state", None))?,
        expires_at: row.read("reservations.expires_at")?,
        holds: row.json("reservations.holds")?,
        request: row.json("reservations.request")?,
        answer: row.json("reservations.answer")?,
        outcome: outcome.map(|_| row.json("reservations.outcome")).transpose()?,
    })
}

fn take_key(draft: &mut Draft, row: &Row) -> Result<()> {
    let org: OrgId = row.parse("ledger.org")?;
    let (answer, reservation): (String, Option<String>) =
        (row.read("ledger.answer")?, row.read("ledger.reservation")?);
    let answer = stored::remembered(&org, (&answer, row.read("ledger.at")?, reservation.as_deref()))?;
    let key: crate::secret::Digest = row.read("ledger.idem")?;
    draft.remembered.insert((org, *key.as_bytes()), (row.read("ledger.request")?, answer));
    Ok(())
}
