//! Making readable again: the threads that turn parts into a dump's bytes, and prove them.

use std::io::{self, Read};

use async_trait::async_trait;
use bytes::{Buf, Bytes};
use flate2::read::MultiGzDecoder;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::{AbortHandle, spawn_blocking},
};

use super::{
    super::{
        cipher::{Identities, stopped},
        manifest::{Compression, Digester, Digests},
    },
    download::Download,
};
use crate::{
    error::{Error, Result},
    storage::{Body, BoxBody, PIECE},
};

/// What comes out; where the queue ends before [`Out::End`] came, whoever filled it has stopped.
enum Out {
    Bytes(Bytes),
    End,
}

type Part = Result<Option<Bytes>>;

/// The bytes that were dumped. It ends in an error unless all of them are what `plain` says; `identities` are for what is
/// encrypted, and `None` where nothing is.
pub(in crate::backup) fn unpack(
    download: Download,
    (compression, identities): (Compression, Option<Identities>),
    plain: Digests,
) -> BoxBody {
    let (fetched, parts) = channel(1);
    let (decoded, unproved) = channel(4);
    let (out, came) = channel(4);
    let fetching = tokio::spawn(fetch(download, fetched)).abort_handle();
    spawn_blocking(move || {
        let unpacked = decode(Parts::new(parts), (compression, identities), &decoded);
        let _ = decoded.blocking_send(unpacked.map(|()| Out::End));
    });
    spawn_blocking(move || prove(unproved, &plain, &out));
    Box::new(Unpacked { came, fetching })
}

async fn fetch(mut download: Download, to: Sender<Part>) {
    loop {
        let part = download.next().await;
        let more = matches!(part, Ok(Some(_)));
        if to.send(part).await.is_err() || !more {
            return;
        }
    }
}

fn decode(
    parts: Parts,
    (compression, identities): (Compression, Option<Identities>),
    out: &Sender<Result<Out>>,
) -> Result<()> {
    match identities {
        None => decompress(parts, compression, out),
        Some(identities) => decompress(identities.decrypt(parts)?, compression, out),
    }
}

fn decompress(from: impl Read, compression: Compression, out: &Sender<Result<Out>>) -> Result<()> {
    match compression {
        Compression::Zstd => give(zstd::stream::read::Decoder::new(from).map_err(stopped)?, out),
        Compression::Gzip => give(MultiGzDecoder::new(from), out),
    }
}

/// Gives out what is read.
fn give(mut from: impl Read, out: &Sender<Result<Out>>) -> Result<()> {
    loop {
        let mut piece = vec![0; PIECE];
        let length = fill(&mut from, &mut piece).map_err(stopped)?;
        piece.truncate(length);
        if length == 0 || out.blocking_send(Ok(Out::Bytes(piece.into()))).is_err() {
            return Ok(());
        }
    }
}

/// Hands on what comes, and proves at the end that it is what was dumped.
fn prove(mut from: Receiver<Result<Out>>, plain: &Digests, to: &Sender<Result<Out>>) {
    let mut digester = Digester::default();
    while let Some(came) = from.blocking_recv() {
        let proved = match came {
            Ok(Out::Bytes(bytes)) => {
                digester.update(&bytes);
                let longer = || Error::corrupted("the dump is longer than it was", None);
                if digester.size() > plain.size { Err(longer()) } else { Ok(Out::Bytes(bytes)) }
            }
            Ok(Out::End) => {
                let is_it = std::mem::take(&mut digester).finish() == *plain;
                let other = || Error::corrupted("the dump is not the one that was made", None);
                is_it.then_some(Out::End).ok_or_else(other)
            }
            Err(error) => Err(error),
        };
        let ends = !matches!(proved, Ok(Out::Bytes(_)));
        if to.blocking_send(proved).is_err() || ends {
            return;
        }
    }
}

/// Fills `piece` as far as there is something.
fn fill(from: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < piece.len() {
        match from.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Parts as they come, read as one stream. It ends only where the download said that all of them were proved.
struct Parts {
    from: Receiver<Part>,
    part: Bytes,
    ended: bool,
}

impl Parts {
    fn new(from: Receiver<Part>) -> Self {
        Self { from, part: Bytes::new(), ended: false }
    }
}

impl Read for Parts {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.part.is_empty() && !self.ended {
            match self.from.blocking_recv() {
                Some(Ok(Some(part))) => self.part = part,
                Some(Ok(None)) => self.ended = true,
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Err(io::Error::other(Error::internal("the download stopped", None))),
            }
        }
        let length = self.part.len().min(to.len());
        self.part.copy_to_slice(&mut to[..length]);
        Ok(length)
    }
}

struct Unpacked {
    came: Receiver<Result<Out>>,
    fetching: AbortHandle,
}

#[async_trait]
impl Body for Unpacked {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        match self.came.recv().await {
            Some(Ok(Out::Bytes(bytes))) => Ok(Some(bytes)),
            Some(Ok(Out::End)) => Ok(None),
            Some(Err(error)) => Err(error),
            None => Err(Error::internal("the backup stopped on its way out of the store", None)),
        }
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        self.fetching.abort();
    }
}
