//! Bytes that have arrived and are not visible yet.

use std::path::PathBuf;

use tokio::{fs::OpenOptions, io::AsyncWriteExt};

use super::layout::{Layout, Temporary, bytes_name, io_error, nonce, write_new};
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
    pub(super) async fn receive(layout: &Layout, body: BoxBody, expected: Expected) -> Result<Self> {
        let (nonce, path, temporary) = place(layout)?;
        let fail = |error| io_error(&path, error);
        let mut file = OpenOptions::from(super::layout::new_file()).open(&path).await.map_err(fail)?;
        let mut body = Checked::new(body, expected);
        while let Some(piece) = body.next().await? {
            file.write_all(&piece).await.map_err(fail)?;
        }
        let (size, sha256) = body.finish()?;
        file.flush().await.map_err(fail)?;
        file.sync_all().await.map_err(fail)?;
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
