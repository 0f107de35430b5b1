//! Removing what is over, found without an index of its own: an organisation's rows are in the order of time, so the
//! oldest come first.

use jiff::Timestamp;

use crate::{
    db::{Db, Lock, Row, Tx, retried},
    error::Result,
    ids::OrgId,
    metering::port::{KEPT, Pruning},
};

/// How many rows one transaction removes, so that on SQLite nobody waits for it for long.
const ROWS: u64 = 2_000;
/// How many organisations are looked at for it.
const ORGS: i64 = 1_000;

const RESERVATIONS: &str = "DELETE FROM reservations WHERE (org, id) IN (SELECT org, id FROM reservations
    WHERE state <> 'open' AND expires_at < $1 ORDER BY expires_at LIMIT $2)";
/// The organisations after `$1`, and the time of the oldest row that each has of either kind.
const OLDEST: &str = "SELECT org,
    (SELECT at FROM ledger WHERE ledger.org = books.org ORDER BY seq LIMIT 1) AS entry,
    (SELECT at FROM thresholds WHERE thresholds.org = books.org ORDER BY seq LIMIT 1) AS event
    FROM metering_orgs AS books WHERE org > $1 ORDER BY org LIMIT $2";
const LEDGER: &str = "DELETE FROM ledger WHERE org = $1 AND seq <= (SELECT MAX(seq)
    FROM (SELECT seq, at FROM ledger WHERE org = $1 ORDER BY seq LIMIT $3) AS oldest WHERE at < $2)";
const THRESHOLDS: &str = "DELETE FROM thresholds WHERE org = $1 AND seq <= (SELECT MAX(seq)
    FROM (SELECT seq, at FROM thresholds WHERE org = $1 ORDER BY seq LIMIT $3) AS oldest WHERE at < $2)";

pub(super) async fn prune(db: &Db, part: Pruning, now: Timestamp) -> Result<Option<Pruning>> {
    let until = now.checked_sub(KEPT).unwrap_or(Timestamp::MIN);
    match part {
        Pruning::Reservations => retried(|| reservations(db, until)).await.map(Some),
        Pruning::Ledgers(after) => {
            let orgs = oldest(db, after).await?;
            retried(|| ledgers(db, &orgs, (after, until))).await
        }
    }
}

async fn begin(db: &Db) -> Result<Tx> {
    let mut tx = db.begin().await?;
    // Two that remove the same rows would be in each other's way.
    tx.lock([Lock::on("metering", "pruning")]).await?;
    Ok(tx)
}

async fn reservations(db: &Db, until: Timestamp) -> Result<Pruning> {
    let mut tx = begin(db).await?;
    let removed = tx.execute(RESERVATIONS, &[until.into(), limit(ROWS)]).await?;
    tx.commit().await?;
    Ok(if removed < ROWS { Pruning::Ledgers(None) } else { Pruning::Reservations })
}

/// An organisation, and when its oldest row was written.
type Oldest = (OrgId, Option<Timestamp>);

async fn oldest(db: &Db, after: Option<OrgId>) -> Result<Vec<Oldest>> {
    let after = after.map_or_else(String::new, |org| org.to_string());
    let read = |row: &Row| {
        let (entry, event): (Option<_>, Option<_>) =
            (row.read("ledger.entry")?, row.read("thresholds.event")?);
        Ok((row.parse("metering_orgs.org")?, entry.into_iter().chain(event).min()))
    };
    db.query(OLDEST, &[after.into(), ORGS.into()]).await?.iter().map(read).collect()
}

/// Goes through the organisations until as much was removed as one transaction may; answers where to go on.
async fn ledgers(
    db: &Db,
    orgs: &[Oldest],
    (mut after, until): (Option<OrgId>, Timestamp),
) -> Result<Option<Pruning>> {
    let due: Vec<_> = orgs.iter().filter(|(_, oldest)| oldest.is_some_and(|oldest| oldest < until)).collect();
    if !due.is_empty() {
        let (mut tx, mut left) = (begin(db).await?, ROWS);
        for (org, _) in due {
            for sql in [LEDGER, THRESHOLDS] {
                left -= tx.execute(sql, &[(*org).into(), until.into(), limit(left)]).await?.min(left);
            }
            if left == 0 {
                // There may be more of this one.
                tx.commit().await?;
                return Ok(Some(Pruning::Ledgers(after)));
            }
            after = Some(*org);
        }
        tx.commit().await?;
    }
    let last = orgs.last().filter(|_| i64::try_from(orgs.len()) == Ok(ORGS));
    Ok(last.map(|(org, _)| Pruning::Ledgers(Some(*org))))
}

fn limit(rows: u64) -> crate::db::Value {
    i64::try_from(rows).unwrap_or(i64::MAX).into()
}
