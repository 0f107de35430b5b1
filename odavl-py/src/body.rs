//! Bytes on their way from Python into the store, in bounded memory, and how what is on its way is given up.

use std::{future::Future, path::PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use odavl_core::{
    Error,
    storage::{Body, BoxBody, full},
};
use tokio::{
    fs::File,
    io::AsyncReadExt as _,
    sync::{mpsc, oneshot},
};

use crate::failure::Result;

/// How much of a file is read at a time.
const READ: usize = 1 << 20;

/// What Python sends next.
pub(crate) enum Piece {
    Bytes(Bytes),
    End,
}

/// Bytes that come piece by piece; where they stop without an end, they broke off.
pub(crate) struct Pieces(pub(crate) mpsc::Receiver<Piece>);

#[async_trait]
impl Body for Pieces {
    async fn next(&mut self) -> odavl_core::Result<Option<Bytes>> {
        match self.0.recv().await {
            Some(Piece::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Piece::End) => Ok(None),
            None => Err(given_up()),
        }
    }
}

/// What is to be stored.
pub(crate) enum Data {
    Bytes(Bytes),
    File(PathBuf),
    /// Whoever sends them says when they end.
    Pieces(BoxBody),
}

impl Data {
    /// As bytes that come, and how many they are; of pieces nobody knows.
    pub(crate) async fn body(self) -> Result<(BoxBody, Option<u64>)> {
        Ok(match self {
            Self::Bytes(bytes) => {
                let size = bytes.len() as u64;
                (full(bytes), Some(size))
            }
            Self::File(path) => {
                let file = Opened::read(path).await?;
                let size = file.size;
                (Box::new(file), Some(size))
            }
            Self::Pieces(body) => (body, None),
        })
    }
}

/// The bytes of a file, and how many they are.
pub(crate) struct Opened {
    file: File,
    size: u64,
}

impl Opened {
    /// The file itself, to be read at any place.
    pub(crate) async fn file(&self) -> Result<std::fs::File> {
        let unread =
            |error: std::io::Error| Error::unavailable("the file cannot be read", Some(error.into()));
        Ok(self.file.try_clone().await.map_err(unread)?.into_std().await)
    }

    pub(crate) async fn read(path: PathBuf) -> Result<Self> {
        let shown = path.display().to_string();
        let refused = |error| Error::invalid(format!("{shown} cannot be read: {error}"));
        let file = File::open(path).await.map_err(refused)?;
        let known = file.metadata().await.map_err(refused)?;
        if known.is_dir() {
            return Err(Error::invalid(format!("{shown} is a folder")).into());
        }
        Ok(Self { file, size: known.len() })
    }
}

#[async_trait]
impl Body for Opened {
    async fn next(&mut self) -> odavl_core::Result<Option<Bytes>> {
        let mut piece = BytesMut::with_capacity(READ);
        let read = self.file.read_buf(&mut piece).await;
        let read = read.map_err(|error| Error::invalid(format!("the file cannot be read: {error}")))?;
        Ok((read > 0).then(|| piece.freeze()))
    }
}

/// A body that ends in an error once whoever waits for the answer has left.
struct Wanted {
    body: BoxBody,
    left: oneshot::Receiver<()>,
}

#[async_trait]
impl Body for Wanted {
    async fn next(&mut self) -> odavl_core::Result<Option<Bytes>> {
        match self.left.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => self.body.next().await,
            _ => Err(given_up()),
        }
    }
}

fn given_up() -> Error {
    Error::invalid_with("the body broke off", "send it again, whole")
}

/// Stores `body` in a task of its own, which is never dropped in its middle: whoever leaves ends the bytes, and then the
/// task gives back what it held and removes what it stored, or has stored all of it.
pub(crate) async fn stored<T, W>(body: BoxBody, store: impl FnOnce(BoxBody) -> W) -> Result<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T>> + Send + 'static,
{
    let (stays, left) = oneshot::channel::<()>();
    let task = tokio::spawn(store(Box::new(Wanted { body, left })));
    let done = task.await.map_err(|error| Error::internal("storing stopped", Some(error.into())))?;
    drop(stays);
    done
}
