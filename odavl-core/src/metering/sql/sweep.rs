//! Releasing the reservations that expired: together, but for those that make no sense.

use jiff::Timestamp;

use crate::{
    db::{Db, Row},
    error::{ErrorCode, Result},
    ids::{OrgId, ReservationId},
};

/// The open reservations that expired, the longest expired first, past one.
const DUE: &str = "SELECT org, id, expires_at FROM reservations
    WHERE state = 'open' AND expires_at <= $1 AND (expires_at, org, id) > ($2, $3, $4) ORDER BY expires_at, org, id LIMIT $5";

/// Reservations, by whose they are.
pub(super) type Due = Vec<(OrgId, ReservationId)>;

/// Has up to `most` reservations released that expired, and reads on past those that make no sense. Answers how many were
/// released; or, where that is all that can be, what failed first.
pub(super) async fn sweep<F: Future<Output = Result<u32>>>(
    db: &Db,
    (now, most): (Timestamp, u32),
    release: impl Fn(Due) -> F,
) -> Result<u32> {
    let (mut released, mut failed) = (0, Ok(()));
    let mut past = (i64::MIN, String::new(), String::new());
    while released < most {
        let (at, org, id) = past;
        let wanted = most - released;
        let rows = db.query(DUE, &[now.into(), at.into(), org.into(), id.into(), wanted.into()]).await?;
        let Some(last) = rows.last() else { return failed.map(|()| released) };
        past = (last.read("expires_at")?, last.read("org")?, last.read("id")?);
        let mut due = Due::new();
        for row in &rows {
            match named(row) {
                Ok(names) => due.push(names),
                Err(error) => failed = failed.and(Err(error)),
            }
        }
        let (some, done) = release_all(due, &release).await?;
        released += some;
        failed = failed.and(done);
    }
    Ok(released)
}

fn named(row: &Row) -> Result<(OrgId, ReservationId)> {
    Ok((row.parse("reservations.org")?, row.parse("reservations.id")?))
}

/// Has all of them released, in halves where they fail together; answers how many were, and what failed first.
async fn release_all<F: Future<Output = Result<u32>>>(
    due: Due,
    release: impl Fn(Due) -> F,
) -> Result<(u32, Result<()>)> {
    let (mut released, mut failed) = (0, Ok(()));
    let mut parts: Vec<Due> = Some(due).filter(|due| !due.is_empty()).into_iter().collect();
    while let Some(mut part) = parts.pop() {
        match release(part.clone()).await {
            Ok(some) => released += some,
            Err(error) if error.code() == ErrorCode::Unavailable => return Err(error),
            Err(error) if part.len() == 1 => failed = failed.and(Err(error)),
            Err(_) => {
                parts.push(part.split_off(part.len() / 2));
                parts.push(part);
            }
        }
    }
    Ok((released, failed))
}
