//! Bodies that are not held in memory: between what poem reads and writes and what the library does.

use std::{error::Error as StdError, io, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use odavl_core::{
    Chain, Error, Result,
    storage::{Body, BoxBody},
};
use tokio::time::Instant;

/// The least that comes of a body in the time that a client has, where there is more: some 2 KiB a second.
const LEAST: usize = 64 << 10;

/// How long a client has for the next [`LEAST`] of a body: [`crate::Settings::timeout`], for what has no bound as a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(pub(crate) Duration);

type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

struct Incoming {
    pieces: Pieces,
    patience: Duration,
    /// How long was waited for the client since it had sent its last [`LEAST`], and what came meanwhile. What whoever
    /// reads takes for it is not the client's.
    waited: Duration,
    came: usize,
}

#[async_trait::async_trait]
impl Body for Incoming {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let begun = Instant::now();
        let left = self.patience.saturating_sub(self.waited);
        let piece = tokio::time::timeout(left, self.pieces.next()).await;
        let too_slow = |_| Error::invalid_with("the body came too slowly", "send it again, whole");
        let broke = |_| Error::invalid_with("the body broke off", "send it again, whole");
        let piece = piece.map_err(too_slow)?.transpose().map_err(broke)?;
        self.waited += begun.elapsed();
        self.came += piece.as_ref().map_or(0, Bytes::len);
        if self.came >= LEAST {
            (self.waited, self.came) = (Duration::ZERO, 0);
        }
        Ok(piece)
    }
}

/// What a client sends, piece by piece.
pub(crate) fn incoming(body: poem::Body, Patience(patience): Patience) -> BoxBody {
    let pieces = body.into_bytes_stream().map(|piece| piece.map_err(io::Error::other));
    Box::new(Incoming { pieces: Box::pin(pieces), patience, waited: Duration::ZERO, came: 0 })
}

/// Why a body is not read to its end.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum Cut {
    /// It is larger than is taken here.
    #[error("the body is larger than is taken here")]
    TooLarge,
    /// It did not come in time.
    #[error("the body did not come in time")]
    Late,
}

impl Cut {
    /// Why a body was cut off, somewhere among the causes of an error.
    pub(crate) fn behind(error: &(dyn StdError + 'static)) -> Option<Self> {
        let found = error.downcast_ref().copied();
        // An error of input and output hides what it was made of from `source`.
        let inner = error.downcast_ref().and_then(io::Error::get_ref);
        let inner = inner.map(|inner| inner as &(dyn StdError + 'static));
        found.or_else(|| inner.or_else(|| error.source()).and_then(Self::behind))
    }
}

/// A body that is read whole: at most so much, in so much time.
pub(crate) fn bounded(body: poem::Body, most: usize, Patience(patience): Patience) -> poem::Body {
    let deadline = Instant::now() + patience;
    let pieces = body.into_bytes_stream();
    poem::Body::from_bytes_stream(stream::try_unfold((pieces, most), move |(mut pieces, left)| async move {
        let piece = tokio::time::timeout_at(deadline, pieces.next()).await;
        let Some(piece) = piece.map_err(|_| io::Error::other(Cut::Late))?.transpose()? else {
            return Ok(None);
        };
        let left = left.checked_sub(piece.len()).ok_or_else(|| io::Error::other(Cut::TooLarge))?;
        Ok::<_, io::Error>(Some((piece, (pieces, left))))
    }))
}

/// What is sent to a client, piece by piece.
pub(crate) fn outgoing(body: BoxBody) -> poem::Body {
    poem::Body::from_bytes_stream(stream::try_unfold(body, async |mut body: BoxBody| {
        match body.next().await {
            Ok(piece) => Ok(piece.map(|piece| (piece, body))),
            Err(error) => {
                // The head is sent: all that is left is to break off, so that nobody takes a part for the whole.
                tracing::error!(error = %Chain(&error), "a body broke off while it was sent");
                Err(io::Error::other(error))
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// What comes of a MiB that is sent in pieces of that size, with a pause before each and after each is read.
    async fn received(piece: usize, pause: Duration, rest: Duration) -> Result<usize> {
        let pieces = stream::iter(std::iter::repeat_n(Bytes::from(vec![0; piece]), (1 << 20) / piece));
        let pieces = pieces.then(move |piece| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, io::Error>(piece)
        });
        let mut body = incoming(poem::Body::from_bytes_stream(pieces), Patience(PATIENCE));
        let mut came = 0;
        while let Some(piece) = body.next().await? {
            came += piece.len();
            tokio::time::sleep(rest).await;
        }
        Ok(came)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_comes_at_a_least_speed_and_not_drop_by_drop() {
        let begun = Instant::now();
        let refused = received(16, Duration::from_secs(1), Duration::ZERO).await.unwrap_err();
        assert_eq!(refused.to_string(), "the body came too slowly");
        assert_eq!(begun.elapsed(), PATIENCE);
        assert_eq!(received(LEAST, PATIENCE / 2, Duration::ZERO).await.unwrap(), 1 << 20);
        // A store that is slow is no fault of the client's.
        assert_eq!(received(LEAST / 4, Duration::from_secs(1), PATIENCE).await.unwrap(), 1 << 20);
    }
}
