//! Large objects: read as their users read them, for how they lie in pages is not kept.

use ring::digest::{Context, SHA256};

use super::session::{Session, read_error, text};
use crate::{backup::Tally, error::Result};

/// So much of one is read at a time, and so many that are smaller.
const PIECE: i32 = 256 * 1024;
const MANY: i64 = 32;

const SOME: &str = "SELECT oid::BIGINT, pg_catalog.lo_get(oid, 0, $2) FROM pg_catalog.pg_largeobject_metadata
    WHERE oid::BIGINT > $1 ORDER BY oid LIMIT $3";
const MORE: &str = "SELECT pg_catalog.lo_get($1::BIGINT::oid, $2, $3)";

/// Counts all large objects in the snapshot.
pub(super) async fn read(session: &Session) -> Result<Tally> {
    let some = session.client.prepare(SOME).await.map_err(read_error)?;
    let (mut tally, mut last) = (Tally::default(), 0_i64);
    loop {
        let rows = session.client.query(&some, &[&last, &PIECE, &MANY]).await.map_err(read_error)?;
        if rows.is_empty() {
            return Ok(tally);
        }
        for row in rows {
            last = text(&row, 0)?;
            let first: &[u8] = text(&row, 1)?;
            let mut content = Context::new(&SHA256);
            content.update(first);
            if i32::try_from(first.len()) == Ok(PIECE) {
                rest(session, last, &mut content).await?;
            }
            let mut object = last.to_be_bytes().to_vec();
            object.extend_from_slice(content.finish().as_ref());
            tally.add(&object);
        }
    }
}

async fn rest(session: &Session, oid: i64, content: &mut Context) -> Result<()> {
    let more = session.client.prepare(MORE).await.map_err(read_error)?;
    let mut at = i64::from(PIECE);
    loop {
        let row = session.client.query_one(&more, &[&oid, &at, &PIECE]).await.map_err(read_error)?;
        let piece: &[u8] = text(&row, 0)?;
        content.update(piece);
        if i32::try_from(piece.len()) != Ok(PIECE) {
            return Ok(());
        }
        at += i64::from(PIECE);
    }
}
