//! Releasing the reservations that expired: together, but for those that make no sense.

use jiff::Timestamp;

use crate::{
    db::{Db, Row},
    error::{ErrorCode, Result},
    ids::{OrgId, ReservationId},
};

/// The open reservations that expired, the longest expired first.
const DUE: &str = "SELECT org, id FROM reservations WHERE state = 'open' AND expires_at <= $1
    ORDER BY expires_at, org, id LIMIT $2";

/// Reservations, by whose they are.
pub(super) type Due = Vec<(OrgId, ReservationId)>;

/// Has up to `most` reservations released that expired, in halves where they fail together, so that one that makes no sense
/// holds up no other. Answers how many were released, or what failed first.
pub(super) async fn sweep<F: Future<Output = Result<u32>>>(
    db: &Db,
    (now, most): (Timestamp, u32),
    release: impl Fn(Due) -> F,
) -> Result<u32> {
    let due = db.query(DUE, &[now.into(), most.into()]).await?;
    let read = |row: &Row| Ok((row.parse("reservations.org")?, row.parse("reservations.id")?));
    let due: Due = due.iter().map(read).collect::<Result<_>>()?;
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
    failed.map(|()| released)
}
