//! Bytes that have arrived and are not visible yet.

use std::{fs::File, io::Write, path::PathBuf};

use bytes::Bytes;

use super::{
    FsStorage,
    layout::{Layout, Temporary, bytes_name, io_error, new_file, nonce, write_new},
};
use crate::{
    error::Result,
    storage::{BoxBody, Checked, Expected, Sha256},
};

/// Flushed bytes in the staging folder; they go when this is dropped, unless they were moved away.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) nonce: String,
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    _temporary: Temporary,
}

impl Staged {
    /// Receives a body, piece by piece, and proves that it is what was expected.
    pub(super) async fn receive(store: &FsStorage, body: BoxBody, expected: Expected) -> Result<Self> {
        let mut body = Checked::new(body, expected);
        let mut arriving = store.run(|inner| Arriving::new(&inner.layout)).await?;
        let mut next = body.next().await?;
        while let Some(piece) = next {
            let written = store.run(move |_| arriving.write(&piece));
            // The next one arrives meanwhile.
            next = body.next().await?;
            arriving = written.await?;
        }
        let (size, sha256) = body.finish()?;
        let (nonce, path, temporary) = store.run(move |_| arriving.flush()).await?;
        Ok(Self { nonce, path, size, sha256, _temporary: temporary })
    }

    /// Bytes that `write` writes to the path it is given, flushes and measures.
    pub(super) fn write(
        layout: &Layout,
        write: impl FnOnce(&std::path::Path) -> Result<(u64, Sha256)>,
    ) -> Result<Self> {
        let (nonce, path, temporary) = place(layout)?;
        let (size, sha256) = write(&path)?;
        Ok(Self { nonce, path, size, sha256, _temporary: temporary })
    }
}

/// Bytes while they arrive: whoever writes has it, so that it goes when both are done with it.
struct Arriving {
    file: File,
    nonce: String,
    path: PathBuf,
    temporary: Temporary,
}

impl Arriving {
    fn new(layout: &Layout) -> Result<Self> {
        let (nonce, path, temporary) = place(layout)?;
        let file = new_file().open(&path).map_err(|error| io_error(&path, error))?;
        Ok(Self { file, nonce, path, temporary })
    }

    fn write(mut self, piece: &Bytes) -> Result<Self> {
        self.file.write_all(piece).map_err(|error| io_error(&self.path, error))?;
        Ok(self)
    }

    fn flush(self) -> Result<(String, PathBuf, Temporary)> {
        self.file.sync_all().map_err(|error| io_error(&self.path, error))?;
        Ok((self.nonce, self.path, self.temporary))
    }
}

fn place(layout: &Layout) -> Result<(String, PathBuf, Temporary)> {
    let nonce = nonce()?;
    let path = layout.staging(&bytes_name(&nonce));
    Ok((nonce, path.clone(), Temporary::new(path)))
}

/// Writes and removes a file.
pub(super) fn probe(layout: &Layout) -> Result<()> {
    let (_, path, _temporary) = place(layout)?;
    write_new(&path, b"ready?")
}
