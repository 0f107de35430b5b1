//! What is read beside the batches: history, the ledger, the thresholds.

use jiff::Timestamp;

use crate::{
    db::{Db, Row, Value},
    error::Result,
    ids::OrgId,
    metering::{
        history::{Held, Rollup, buckets},
        port::{Bucket, Grouping, HistoryQuery, Record, Resolution, ThresholdEvent, Untold},
    },
    page::{Page, PageQuery},
};

const TOTALS: &str = "SELECT start, '' AS subject, CAST(SUM(units) AS BIGINT) AS units,
    CAST(SUM(count) AS BIGINT) AS count FROM rollups WHERE org = $1 AND meter = $2
    AND resolution = $3 AND start >= $4 AND start < $5 GROUP BY start";
const BY_SUBJECT: &str = "SELECT start, subject, units, count FROM rollups WHERE org = $1 AND meter = $2
    AND resolution = $3 AND start >= $4 AND start < $5";
/// What came after `$3` is read from days, and from hours to the end of the first day, which is `$4`.
const HELD: &str = "SELECT used,
    (SELECT MIN(start) FROM rollups WHERE org = $1 AND meter = $2 AND resolution = 'hour') AS since,
    (SELECT CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM rollups WHERE org = $1 AND meter = $2
        AND resolution = 'hour' AND start >= $3 AND start < $4) AS hours,
    (SELECT CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM rollups WHERE org = $1 AND meter = $2
        AND resolution = 'day' AND start >= $4) AS days
    FROM counters WHERE org = $1 AND meter = $2 AND scope = '' AND period = 'held'";
const LEDGER: &str = "SELECT seq, at, counted_at, subject, charges, tags, reservation FROM ledger
    WHERE org = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const THRESHOLDS: &str = "SELECT seq, at, threshold, standing FROM thresholds
    WHERE org = $1 AND seq > $2 ORDER BY seq LIMIT $3";

const UNTOLD: &str = "SELECT org, seq, at, threshold, standing FROM thresholds WHERE told = 0
    ORDER BY at, org, seq LIMIT $1";
const TOLD: &str = "UPDATE thresholds SET told = 1 WHERE org = $1 AND seq = $2";

pub(super) async fn history(
    db: &Db,
    org: OrgId,
    query: &HistoryQuery,
    now: Timestamp,
) -> Result<Vec<Bucket>> {
    let (from, to) = query.span();
    let resolution = query.resolution.rollup().as_str();
    let span = [org.into(), (&query.meter).into(), resolution.into(), from.into(), to.into()];
    let day = if Resolution::Day.start(to) == to { to } else { Resolution::Day.end(to) };
    let after = [org.into(), (&query.meter).into(), to.into(), day.into()];
    // One snapshot: the rollups and what is held must be of the same moment.
    let read = match query.grouping {
        Grouping::Total => db.query_all(&[(TOTALS, &span), (HELD, &after)]).await?,
        Grouping::Subject => db.query_all(&[(BY_SUBJECT, &span)]).await?,
    };
    let rollups = read.first().into_iter().flatten().map(rollup).collect::<Result<_>>()?;
    let held = read.get(1).and_then(|rows| rows.first());
    let held = held.map(|row| held_until(row, now)).transpose()?.flatten();
    Ok(buckets(query, rollups, held))
}

fn rollup(row: &Row) -> Result<Rollup> {
    Ok(Rollup {
        start: row.read("rollups.start")?,
        subject: row.read("rollups.subject")?,
        units: row.read("rollups.units")?,
        count: row.read("rollups.count")?,
    })
}

/// What a gauge held; `None` for a meter that is none.
fn held_until(row: &Row, now: Timestamp) -> Result<Option<Held>> {
    let Some(since) = row.read("rollups.since")? else { return Ok(None) };
    let used: i64 = row.read("counters.used")?;
    let later = [row.read::<i64>("rollups.hours")?, row.read("rollups.days")?];
    Ok(Some(Held { at_end: later.into_iter().fold(used, i64::saturating_sub), since, now }))
}

pub(super) async fn ledger(db: &Db, org: OrgId, page: &PageQuery) -> Result<Page<Record>> {
    let record = |row: &Row| {
        Ok(Record {
            seq: row.read("ledger.seq")?,
            at: row.read("ledger.at")?,
            counted_at: row.read("ledger.counted_at")?,
            subject: row.read("ledger.subject")?,
            charges: row.json("ledger.charges")?,
            reservation: row.parse_opt("ledger.reservation")?,
            tags: row.json("ledger.tags")?,
        })
    };
    let rows = db.query(LEDGER, &cursor(org, page)?).await?;
    let records = rows.iter().map(record).collect::<Result<_>>()?;
    Ok(Page::cut(records, page.limit, |record: &Record| record.seq.to_string()))
}

pub(super) async fn thresholds(db: &Db, org: OrgId, page: &PageQuery) -> Result<Page<ThresholdEvent>> {
    let rows = db.query(THRESHOLDS, &cursor(org, page)?).await?;
    let events = rows.iter().map(event).collect::<Result<_>>()?;
    Ok(Page::cut(events, page.limit, |event: &ThresholdEvent| event.seq.to_string()))
}

pub(super) async fn untold(db: &Db, most: u32) -> Result<Vec<Untold>> {
    let rows = db.query(UNTOLD, &[most.into()]).await?;
    let untold = |row: &Row| {
        Ok(Untold { org: row.parse("thresholds.org")?, seq: row.read("thresholds.seq")?, event: event(row) })
    };
    rows.iter().map(untold).collect()
}

pub(super) async fn told(db: &Db, org: OrgId, seq: u64) -> Result<()> {
    let mut tx = db.begin().await?;
    tx.execute(TOLD, &[org.into(), Value::count(seq)?]).await?;
    tx.commit().await
}

fn event(row: &Row) -> Result<ThresholdEvent> {
    Ok(ThresholdEvent {
        seq: row.read("thresholds.seq")?,
        at: row.read("thresholds.at")?,
        threshold: row.read("thresholds.threshold")?,
        standing: row.json("thresholds.standing")?,
    })
}

/// One row more than fits a page says that there is a next.
fn cursor(org: OrgId, page: &PageQuery) -> Result<[Value; 3]> {
    let after: u64 = page.after()?.unwrap_or(0);
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    Ok([org.into(), after.into(), (i64::from(page.limit) + 1).into()])
}
