//! Making small and secret: the threads that turn a dump's bytes into parts.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use flate2::write::GzEncoder;
use tokio::sync::mpsc::{Receiver, Sender};

use super::super::{
    cipher::{Encryption, stopped},
    manifest::{Compression, Digester, Digests, StoredPart},
};
use crate::{
    error::{Error, Result},
    storage::{Hasher, PIECE},
};

/// How bytes are stored.
#[derive(Debug, Clone)]
pub(in crate::backup) struct Coding {
    pub(in crate::backup) compression: Compression,
    pub(in crate::backup) encryption: Encryption,
}

/// What comes to a thread. Where the queue ends before [`Feed::End`] came, whoever fed it has stopped, and so does it.
pub(super) enum Feed {
    Bytes(Bytes),
    End,
}

/// A part, ready to be sent. Its pieces are let go one by one as they are.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) pieces: Vec<Bytes>,
    pub(super) part: StoredPart,
}

/// Hands on what comes; answers what it was.
pub(super) fn digest(mut from: Receiver<Feed>, to: &Sender<Feed>) -> Result<Digests> {
    let mut plain = Digester::default();
    loop {
        let came = from.blocking_recv().ok_or_else(gone)?;
        let ends = matches!(came, Feed::End);
        if let Feed::Bytes(bytes) = &came {
            plain.update(bytes);
        }
        // Where nobody takes it, whoever did says why.
        if to.blocking_send(came).is_err() || ends {
            return Ok(plain.finish());
        }
    }
}

/// Turns what comes into parts of `size`; answers what went.
pub(super) fn pack(
    mut from: Receiver<Feed>,
    to: Sender<Filled>,
    coding: &Coding,
    size: u64,
) -> Result<Digests> {
    let cutter = Cutter::new(to, size);
    let cutter = match &coding.encryption {
        Encryption::Nobody => compress(&mut from, cutter, coding.compression)?,
        Encryption::For(recipients) => {
            let encrypted = recipients.encrypt(cutter)?;
            compress(&mut from, encrypted, coding.compression)?.finish().map_err(stopped)?
        }
    };
    cutter.finish()
}

fn gone() -> Error {
    Error::internal("the dump stopped on its way to the store", None)
}

fn compress<W: Write>(from: &mut Receiver<Feed>, to: W, compression: Compression) -> Result<W> {
    let level = compression.level();
    match compression {
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(to, level).map_err(stopped)?;
            encoder.include_checksum(true).map_err(stopped)?;
            copy(from, &mut encoder)?;
            encoder.finish().map_err(stopped)
        }
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(to, flate2::Compression::new(level.cast_unsigned()));
            copy(from, &mut encoder)?;
            encoder.finish().map_err(stopped)
        }
    }
}

fn copy(from: &mut Receiver<Feed>, to: &mut impl Write) -> Result<()> {
    loop {
        match from.blocking_recv().ok_or_else(gone)? {
            Feed::Bytes(bytes) => to.write_all(&bytes).map_err(stopped)?,
            Feed::End => return Ok(()),
        }
    }
}

/// Cuts what is written into parts, and sends each as soon as it is full.
struct Cutter {
    to: Sender<Filled>,
    size: u64,
    piece: BytesMut,
    pieces: Vec<Bytes>,
    part: Hasher,
    filled: u64,
    whole: Digester,
}

impl Cutter {
    fn new(to: Sender<Filled>, size: u64) -> Self {
        Self {
            to,
            size,
            piece: BytesMut::new(),
            pieces: Vec::new(),
            part: Hasher::default(),
            filled: 0,
            whole: Digester::default(),
        }
    }

    fn end_piece(&mut self) {
        if !self.piece.is_empty() {
            let piece = std::mem::take(&mut self.piece).freeze();
            self.part.update(&piece);
            self.whole.update(&piece);
            self.pieces.push(piece);
        }
    }

    fn send(&mut self) -> Result<()> {
        self.end_piece();
        let part = StoredPart { size: self.filled, sha256: std::mem::take(&mut self.part).finish() };
        let filled = Filled { pieces: std::mem::take(&mut self.pieces), part };
        self.filled = 0;
        let gone = |_| Error::internal("nobody stores the backup any more", None);
        self.to.blocking_send(filled).map_err(gone)
    }

    fn finish(mut self) -> Result<Digests> {
        if self.filled > 0 {
            self.send()?;
        }
        Ok(self.whole.finish())
    }
}

impl Write for Cutter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.capacity() == 0 {
            self.piece.reserve(PIECE);
        }
        let left = usize::try_from(self.size - self.filled).unwrap_or(usize::MAX);
        let taken = bytes.len().min(left).min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..taken]);
        self.filled += taken as u64;
        if self.piece.len() == PIECE {
            self.end_piece();
        }
        if self.filled == self.size {
            self.send().map_err(io::Error::other)?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
