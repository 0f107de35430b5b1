//! The last round trip of a batch: everything that it changes, each table by one statement, and the commit.

use jiff::Timestamp;

use super::{
    super::{
        BatchId, INSERT_BATCH,
        stored::{LedgerRow, number, scope, to_json},
    },
    draft::{Draft, OrgPage},
    load::{Sent, batch, send},
};
use crate::{
    db::{Conn, DbError, Param},
    error::Result,
    ids::OrgId,
};

const LEDGER: &str =
    "INSERT INTO ledger (org, seq, at, counted_at, subject, charges, tags, reservation, idem,
    request, answer) SELECT * FROM unnest($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[],
    $6::TEXT[], $7::TEXT[], $8::TEXT[], $9::BYTEA[], $10::BYTEA[], $11::TEXT[])";
const ORGS: &str = "INSERT INTO metering_orgs (org, epoch, clock, seq, events, open)
    SELECT * FROM unnest($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::BIGINT[], $6::BIGINT[])
    ON CONFLICT (org) DO UPDATE SET clock = excluded.clock, seq = excluded.seq, events = excluded.events,
    open = excluded.open";
const COUNTERS: &str = "INSERT INTO counters (org, meter, scope, period, start, used, reserved, fired)
    SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::TEXT[], $5::BIGINT[], $6::BIGINT[], $7::BIGINT[],
    $8::BIGINT[]) ON CONFLICT (org, meter, scope, period) DO UPDATE SET start = excluded.start,
    used = excluded.used, reserved = excluded.reserved, fired = excluded.fired";
const ROLLUPS: &str = "INSERT INTO rollups (org, meter, resolution, start, subject, units, count)
    SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[], $6::BIGINT[], $7::BIGINT[])
    ON CONFLICT (org, meter, resolution, start, subject)
    DO UPDATE SET units = rollups.units + excluded.units, count = rollups.count + excluded.count";
const RESERVATIONS: &str =
    "INSERT INTO reservations (org, id, state, expires_at, holds, request, answer, outcome)
    SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::TEXT[], $6::TEXT[], $7::TEXT[],
    $8::TEXT[]) ON CONFLICT (org, id) DO UPDATE SET state = excluded.state, expires_at = excluded.expires_at,
    holds = excluded.holds, request = excluded.request, answer = excluded.answer, outcome = excluded.outcome";
const THRESHOLDS: &str = "INSERT INTO thresholds (org, seq, at, threshold, standing)
    SELECT * FROM unnest($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[])";

pub(super) const STATEMENTS: [&str; 7] =
    [LEDGER, ORGS, COUNTERS, ROLLUPS, RESERVATIONS, THRESHOLDS, INSERT_BATCH];

/// Writes the draft and commits.
pub(super) async fn store(
    conn: &Conn,
    draft: &mut Draft,
    (id, now): (&BatchId, Timestamp),
) -> Result<(), DbError> {
    let changes = Changes::of(draft)?;
    let (id, at) = (id.as_slice(), now.as_microsecond());
    let statements = vec![
        draft.ledger.insert(conn),
        changes.orgs.put(conn),
        changes.counters.put(conn),
        changes.rollups.put(conn),
        changes.reservations.put(conn),
        draft.thresholds.insert(conn),
        run(conn, INSERT_BATCH, vec![&id, &at]),
        batch(conn, "COMMIT"),
    ];
    send(statements).await.map(drop)
}

fn run<'a>(conn: &'a Conn, sql: &'static str, params: Vec<Param<'a>>) -> Sent<'a> {
    Box::pin(async move { conn.run(sql, &params).await.map(|_| Vec::new()) })
}

/// A table's columns, by its name.
macro_rules! columns {
    ($(#[$doc:meta])* $name:ident($put:ident): $sql:ident { $($column:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $name {
            org: Vec<String>,
            $($column: Vec<$type>,)*
        }

        impl $name {
            fn $put<'a>(&'a self, conn: &'a Conn) -> Sent<'a> {
                if self.org.is_empty() {
                    return Box::pin(std::future::ready(Ok(Vec::new())));
                }
                run(conn, $sql, vec![&self.org, $(&self.$column,)*])
            }
        }
    };
}

columns! {
    /// Rows of the ledger.
    LedgerColumns(insert): LEDGER {
        seq: i64,
        at: i64,
        counted_at: i64,
        subject: String,
        charges: String,
        tags: String,
        reservation: Option<String>,
        idem: Option<Vec<u8>>,
        request: Option<Vec<u8>>,
        answer: Option<String>,
    }
}

columns! {
    /// Rows of the thresholds' outbox.
    ThresholdColumns(insert): THRESHOLDS {
        seq: i64,
        at: i64,
        threshold: i64,
        standing: String,
    }
}

columns! {
    /// Organisations' rows. The epoch of one that is there is the fence's to raise.
    OrgColumns(put): ORGS {
        epoch: i64,
        clock: i64,
        seq: i64,
        events: i64,
        open: i64,
    }
}

columns! {
    /// Counters as they are now.
    CounterColumns(put): COUNTERS {
        meter: String,
        scope: String,
        period: String,
        start: i64,
        used: i64,
        reserved: i64,
        fired: i64,
    }
}

columns! {
    /// What is added to rollups.
    RollupColumns(put): ROLLUPS {
        meter: String,
        resolution: &'static str,
        start: i64,
        subject: String,
        units: i64,
        count: i64,
    }
}

columns! {
    /// Reservations as they are now.
    ReservationColumns(put): RESERVATIONS {
        id: String,
        state: &'static str,
        expires_at: i64,
        holds: String,
        request: String,
        answer: String,
        outcome: Option<String>,
    }
}

impl LedgerColumns {
    pub(super) fn push(&mut self, org: OrgId, row: LedgerRow<'_>) {
        self.org.push(org.to_string());
        self.seq.push(row.seq);
        self.at.push(row.at);
        self.counted_at.push(row.counted_at);
        self.subject.push(row.subject.to_owned());
        self.charges.push(row.charges);
        self.tags.push(row.tags);
        self.reservation.push(row.reservation);
        self.idem.push(row.idem.map(Vec::from));
        self.request.push(row.request.map(Vec::from));
        self.answer.push(row.answer);
    }
}

impl ThresholdColumns {
    pub(super) fn push(&mut self, org: OrgId, (seq, at, threshold, standing): (i64, i64, i64, String)) {
        self.org.push(org.to_string());
        self.seq.push(seq);
        self.at.push(at);
        self.threshold.push(threshold);
        self.standing.push(standing);
    }
}

/// What several entries change together, once.
#[derive(Default)]
struct Changes {
    orgs: OrgColumns,
    counters: CounterColumns,
    rollups: RollupColumns,
    reservations: ReservationColumns,
}

impl Changes {
    fn of(draft: &mut Draft) -> Result<Self> {
        let mut changes = Self::default();
        for (org, page) in draft.pages.iter_mut().filter(|(_, page)| page.written) {
            let org = org.to_string();
            changes.account(&org, page)?;
            changes.counters(&org, page)?;
            changes.reservations(&org, page)?;
            changes.rollups(&org, page)?;
        }
        Ok(changes)
    }

    fn account(&mut self, org: &str, page: &OrgPage) -> Result<()> {
        let (account, columns) = (&page.sheet.account, &mut self.orgs);
        columns.org.push(org.to_owned());
        columns.epoch.push(number(account.epoch)?);
        columns.clock.push(account.clock.as_microsecond());
        columns.seq.push(number(account.seq)?);
        columns.events.push(number(account.events)?);
        columns.open.push(number(account.open)?);
        Ok(())
    }

    fn counters(&mut self, org: &str, page: &OrgPage) -> Result<()> {
        let columns = &mut self.counters;
        let changed = page.counters.iter().filter_map(|key| Some((key, page.sheet.counters.get(key)?)));
        for (key, counter) in changed {
            columns.org.push(org.to_owned());
            columns.meter.push(key.meter.to_string());
            columns.scope.push(scope(key));
            columns.period.push(key.period.to_string());
            columns.start.push(counter.start.as_microsecond());
            columns.used.push(number(counter.used)?);
            columns.reserved.push(number(counter.reserved)?);
            columns.fired.push(counter.fired.into());
        }
        Ok(())
    }

    fn reservations(&mut self, org: &str, page: &OrgPage) -> Result<()> {
        let columns = &mut self.reservations;
        let changed = page.reservations.iter().filter_map(|id| Some((id, page.sheet.reservations.get(id)?)));
        for (id, reservation) in changed {
            columns.org.push(org.to_owned());
            columns.id.push(id.to_string());
            columns.state.push(reservation.state.as_str());
            columns.expires_at.push(reservation.expires_at.as_microsecond());
            columns.holds.push(to_json(&reservation.holds)?);
            columns.request.push(to_json(&reservation.request)?);
            columns.answer.push(to_json(&reservation.answer)?);
            columns.outcome.push(reservation.outcome.as_ref().map(to_json).transpose()?);
        }
        Ok(())
    }

    fn rollups(&mut self, org: &str, page: &mut OrgPage) -> Result<()> {
        let columns = &mut self.rollups;
        for ((meter, resolution, start, subject), (units, count)) in page.rollups.take() {
            columns.org.push(org.to_owned());
            columns.meter.push(meter.to_string());
            columns.resolution.push(resolution.as_str());
            columns.start.push(start.as_microsecond());
            columns.subject.push(subject.to_string());
            columns.units.push(units);
            columns.count.push(number(count)?);
        }
        Ok(())
    }
}
