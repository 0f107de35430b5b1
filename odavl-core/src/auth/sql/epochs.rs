//! Which organisations were bumped: the migration `epochs` says how they are told apart.

use crate::{
    auth::{Bumps, Place},
    db::{Db, Row},
    error::{Error, Result},
    ids::OrgId,
};

/// A row for each organisation that was bumped from the place on, or one without; each says what the place is now.
///
/// What a snapshot did not see was written by a transaction that was not over in it, and whose number is thus its lowest
/// open one or a later one. From that one on, what it did see is not told again, however long a transaction is open
/// anywhere on the server. A number that it could not know is left from another server's life, which a copy brought. A
/// server that was started anew, or has crashed, may have lost what another one had, so its places are its own; none is
/// told where nobody has noted yet that this life of it began.
const ON_POSTGRES: &str = "WITH here AS MATERIALIZED (SELECT
        (SELECT hashtextextended(CONCAT_WS(' ', EXTRACT(EPOCH FROM pg_postmaster_start_time()), MIN(began),
                (SELECT oid FROM pg_database WHERE datname = current_database()),
                pg_relation_filenode('organizations')), 0) & 9223372036854775807
            FROM lives HAVING COUNT(*) > 0) AS source,
        CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT) AS at,
        CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT) AS beyond,
        CAST(pg_current_snapshot() AS TEXT) AS seen)
    SELECT here.source, here.at, here.seen, bumped.id, bumped.epoch FROM here LEFT JOIN organizations AS bumped
    ON here.source = $1 AND bumped.bumped >= $2 AND bumped.bumped < here.beyond
    AND NOT pg_visible_in_snapshot(CAST(CAST(bumped.bumped AS TEXT) AS xid8), CAST(CAST($3 AS TEXT) AS pg_snapshot))";
const ON_SQLITE: &str = "SELECT 0 AS source, here.at, $3 AS seen, bumped.id, bumped.epoch
    FROM (SELECT COALESCE(MAX(bumped), 0) AS at FROM organizations) AS here
    LEFT JOIN organizations AS bumped ON 0 = $1 AND bumped.bumped > $2";

/// A snapshot that saw nothing.
const NOTHING: &str = "1:1:";

/// Notes that a life of the server began.
const BEGIN_LIFE: &str = "INSERT INTO lives (began)
    VALUES (CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)) ON CONFLICT DO NOTHING";

pub(super) async fn bumps(db: &Db, since: Option<Place>) -> Result<Bumps> {
    if let Some(bumps) = read(db, since).await? {
        return Ok(bumps);
    }
    let mut tx = db.begin().await?;
    tx.execute(BEGIN_LIFE, &[]).await?;
    tx.commit().await?;
    read(db, None).await?.ok_or_else(|| Error::internal("the database told no place", None))
}

/// What was bumped; `None` where this life of the server has no name.
async fn read(db: &Db, since: Option<Place>) -> Result<Option<Bumps>> {
    // No source is negative: at none, nothing is told.
    let since = since.unwrap_or_else(|| Place { source: -1, at: 0, seen: NOTHING.to_owned() });
    let params = [since.source.into(), since.at.into(), since.seen.into()];
    let rows = db.query(db.pick(ON_SQLITE, ON_POSTGRES), &params).await?;
    let first = rows.first().ok_or_else(|| Error::internal("the database told no place", None))?;
    let Some(source) = first.read("here.source")? else { return Ok(None) };
    let place = Place { source, at: first.read("here.at")?, seen: first.read("here.seen")? };
    let bumped = rows.iter().filter_map(|row| bumped(row).transpose()).collect::<Result<_>>()?;
    Ok(Some(Bumps { place, bumped }))
}

fn bumped(row: &Row) -> Result<Option<(OrgId, u64)>> {
    let Some(org) = row.parse_opt("organizations.id")? else { return Ok(None) };
    Ok(Some((org, row.read("organizations.epoch")?)))
}
