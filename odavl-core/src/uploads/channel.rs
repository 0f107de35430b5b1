//! A bridge from an async body to a blocking reader.

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// A reader for a thread that may block, and the sender that feeds it from async code.
///
/// At most `chunks` chunks wait between the two (at least 1); then the sender waits, and so does the client.
pub fn channel(chunks: usize) -> (ChunkSender, ChannelReader) {
    let (sender, receiver) = mpsc::channel(chunks.max(1));
    (ChunkSender(sender), ChannelReader { receiver, current: Bytes::new(), ended: false })
}

enum Chunk {
    Data(Bytes),
    End,
}

/// The async end of [`channel`]. Dropped without [`ChunkSender::finish`] it makes the reader fail, so that a body
/// that broke off never passes for a short one.
#[derive(Debug)]
pub struct ChunkSender(mpsc::Sender<Chunk>);

impl ChunkSender {
    /// Hands over the next bytes; waits while the reader is behind.
    ///
    /// # Errors
    /// `conflict` when the reader is gone: it has refused the document and knows why.
    pub async fn send(&self, data: Bytes) -> Result<()> {
        self.put(Chunk::Data(data)).await
    }

    /// Says that the body has ended as it should.
    ///
    /// # Errors
    /// As [`ChunkSender::send`].
    pub async fn finish(self) -> Result<()> {
        self.put(Chunk::End).await
    }

    async fn put(&self, chunk: Chunk) -> Result<()> {
        let gone = |_| Error::Conflict("the upload was refused before its end".to_owned());
        self.0.send(chunk).await.map_err(gone)
    }
}

/// The blocking end of [`channel`]. It must not be read on an async runtime's own threads.
#[derive(Debug)]
pub struct ChannelReader {
    receiver: mpsc::Receiver<Chunk>,
    current: Bytes,
    ended: bool,
}

impl Read for ChannelReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.receiver.blocking_recv() {
                Some(Chunk::Data(data)) => self.current = data,
                Some(Chunk::End) => self.ended = true,
                None => return Err(io::Error::other(broke_off())),
            }
        }
        let taken = buf.len().min(self.current.len());
        self.current.copy_to_slice(&mut buf[..taken]);
        Ok(taken)
    }
}

fn broke_off() -> Error {
    Error::invalid_with(
        "the upload broke off before its end",
        "send it again; the same run id is charged once",
    )
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Data(data) => write!(f, "Data({} bytes)", data.len()),
            Self::End => f.write_str("End"),
        }
    }
}
