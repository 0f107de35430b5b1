//! Bytes that are to be sent: all of them are known before the first is, since their digest is sent ahead.

use std::{
    fs::File,
    io::{self, Write as _},
    ops::Range,
    os::unix::fs::FileExt as _,
    sync::Arc,
};

use bytes::Bytes;
use futures_util::stream;
use odavl_client::door::digests::Digests;
use odavl_core::{
    Error,
    storage::{Checked, Expected, PIECE, Sha256, full},
};
use reqwest::Body;
use tokio::task::spawn_blocking;

use crate::{
    body::{Data, Opened},
    failure::Result,
};

/// Bytes in memory, or in a file.
#[derive(Clone)]
enum At {
    Memory(Bytes),
    File(Arc<File>),
}

/// Bytes whose number and digest are known.
pub(super) struct Source {
    at: At,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
}

impl Source {
    /// Reads all of `data` once, and holds it to what was said of it. What comes in pieces is kept in a temporary file
    /// that nobody else can open.
    pub(super) async fn read(data: Data, expected: Expected) -> Result<Self> {
        let (at, read) = match data {
            Data::Bytes(bytes) => {
                (At::Memory(bytes.clone()), whole(Checked::new(full(bytes), expected)).await?)
            }
            Data::File(path) => {
                let opened = Opened::read(path).await?;
                let file = At::File(Arc::new(opened.file().await?));
                (file, whole(Checked::new(Box::new(opened), expected)).await?)
            }
            Data::Pieces(body) => {
                let (file, read) = kept(Checked::new(body, expected)).await?;
                (At::File(Arc::new(file)), read)
            }
        };
        Ok(Self { at, size: read.0, sha256: read.1 })
    }

    /// The digests of parts of that size.
    pub(super) async fn parts(&self, part_size: u64) -> Result<Vec<Sha256>> {
        let (at, size) = (self.at.clone(), self.size);
        let digested = spawn_blocking(move || {
            let mut digests = Digests::of_parts(part_size);
            let mut left = 0..size;
            while !left.is_empty() {
                let piece = at.piece(&left)?;
                digests.update(&piece);
                left.start += piece.len() as u64;
            }
            Ok(digests.finish())
        });
        Ok(digested.await.map_err(stopped)?.map_err(unreadable)?)
    }

    /// Some of them as a request's body, which reads them as they go.
    pub(super) fn body(&self, range: Range<u64>) -> Body {
        let at = self.at.clone();
        Body::wrap_stream(stream::try_unfold((at, range), |(at, left)| async move {
            if left.is_empty() {
                return Ok(None);
            }
            let reading = (at.clone(), left.clone());
            let piece =
                spawn_blocking(move || reading.0.piece(&reading.1)).await.map_err(io::Error::other)??;
            let rest = left.start + piece.len() as u64..left.end;
            Ok::<_, io::Error>(Some((piece, (at, rest))))
        }))
    }
}

impl At {
    /// The first bytes of a range that is not empty.
    fn piece(&self, range: &Range<u64>) -> io::Result<Bytes> {
        let most = usize::try_from(range.end - range.start).unwrap_or(PIECE).min(PIECE);
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(start..start + most.min(bytes.len() - start)))
            }
            Self::File(file) => {
                let mut piece = vec![0; most];
                let read = file.read_at(&mut piece, range.start)?;
                if read == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                piece.truncate(read);
                Ok(piece.into())
            }
        }
    }
}

async fn whole(mut body: Checked) -> Result<(u64, Sha256)> {
    while body.next().await?.is_some() {}
    Ok(body.finish()?)
}

/// The bytes in a file.
async fn kept(mut body: Checked) -> Result<(File, (u64, Sha256))> {
    let unkept = |error: io::Error| {
        Error::unavailable("the data cannot be kept in a temporary file", Some(error.into()))
    };
    let mut file = spawn_blocking(tempfile::tempfile).await.map_err(stopped)?.map_err(unkept)?;
    while let Some(piece) = body.next().await? {
        let written = spawn_blocking(move || file.write_all(&piece).map(|()| file));
        file = written.await.map_err(stopped)?.map_err(unkept)?;
    }
    Ok((file, body.finish()?))
}

fn stopped(error: tokio::task::JoinError) -> Error {
    Error::internal("reading stopped", Some(error.into()))
}

fn unreadable(error: io::Error) -> Error {
    Error::unavailable("the data cannot be read again", Some(error.into()))
}
