//! Doing again what the database undid.

use crate::error::{Error, Result};

/// How often a transaction is tried that another one was in the way of.
pub(crate) const TRIES: u32 = 4;

/// The cause of an error where the database undid a whole transaction so that another could go on: nothing of it is
/// there, and the same again may succeed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Undone(pub(super) String);

/// Runs a write transaction from its beginning to its commit, and again where it was undone for another's sake.
pub(crate) async fn retried<T, F: Future<Output = Result<T>>>(mut attempt: impl FnMut() -> F) -> Result<T> {
    for _ in 1..TRIES {
        match attempt().await {
            Err(Error::Unavailable { source: Some(source), .. }) if source.is::<Undone>() => {}
            done => return done,
        }
    }
    attempt().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tries(error: fn() -> Error) -> u32 {
        let mut tries = 0;
        let failed: Result<()> = retried(|| {
            tries += 1;
            std::future::ready(Err(error()))
        })
        .await;
        assert_eq!(failed.unwrap_err().code(), error().code());
        tries
    }

    #[tokio::test]
    async fn what_was_undone_is_tried_so_often_and_what_may_be_done_only_once() {
        let undone = || Error::unavailable("in the way", Some(Undone("40P01".to_owned()).into()));
        assert_eq!(tries(undone).await, TRIES);
        let lost = || Error::unavailable("the connection to the database is lost", None);
        assert_eq!(tries(lost).await, 1);
    }
}
