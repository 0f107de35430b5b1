//! Bodies that are not held in memory: between what poem reads and writes and what the library does.

use std::{error::Error as StdError, io, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use odavl_core::{
    Chain, Error, Result,
    storage::{Body, BoxBody},
};
use tokio::time::Instant;

/// How long a body may stand still: [`crate::Settings::timeout`], for what has no bound as a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(pub(crate) Duration);

type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

struct Incoming {
    pieces: Pieces,
    patience: Duration,
}

#[async_trait::async_trait]
impl Body for Incoming {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = tokio::time::timeout(self.patience, self.pieces.next()).await;
        let stood_still =
            |_| Error::invalid_with("the body stood still for too long", "send it again, whole");
        let broke = |_| Error::invalid_with("the body broke off", "send it again, whole");
        piece.map_err(stood_still)?.transpose().map_err(broke)
    }
}

/// What a client sends, piece by piece.
pub(crate) fn incoming(body: poem::Body, Patience(patience): Patience) -> BoxBody {
    let pieces = body.into_bytes_stream().map(|piece| piece.map_err(io::Error::other));
    Box::new(Incoming { pieces: Box::pin(pieces), patience })
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
