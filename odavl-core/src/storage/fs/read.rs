//! Reading objects, and proving that they are what was put.

use std::{
    fs::File,
    io::{ErrorKind, Read, SeekFrom},
    ops::Range,
    path::Path,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{
    layout::{Layout, META, bytes_name, io_error, open_file},
    publish::Record,
};
use crate::{
    error::{Error, Result},
    storage::{Body, Hasher, PIECE, Sha256, StoreKey},
};

/// The most bytes that a record has.
const RECORD_MOST: u64 = 16 * 1024;

impl Layout {
    /// What is known of the object under `key`.
    pub(super) fn record(&self, key: &StoreKey) -> Result<Option<Record>> {
        let Some(folder) = self.folder(key)? else { return Ok(None) };
        record_at(&folder.join(META))
    }

    /// The object under `key`, opened: what happens to the key afterwards does not touch it.
    pub(super) fn open_object(&self, key: &StoreKey) -> Result<Option<(Record, File)>> {
        let mut missing = None;
        loop {
            let Some(record) = self.record(key)? else { return Ok(None) };
            let Some(folder) = self.folder(key)? else { return Ok(None) };
            match open_file(&folder.join(bytes_name(&record.etag)))? {
                Some(file) => return measured(record, file).map(Some),
                // Replaced between the two looks: look again. The same twice is a loss.
                None if missing.as_ref() == Some(&record.etag) => {
                    return Err(Error::corrupted(format!("the bytes of `{key}` are gone"), None));
                }
                None => missing = Some(record.etag),
            }
        }
    }
}

fn measured(record: Record, file: File) -> Result<(Record, File)> {
    let length = file.metadata().map_err(|error| io_error(Path::new(record.key.as_str()), error))?.len();
    if length == record.size {
        return Ok((record, file));
    }
    let what = format!("`{}` has {length} bytes and should have {}", record.key, record.size);
    Err(Error::corrupted(what, None))
}

/// The record in the file at `path`, where it is there.
pub(super) fn record_at(path: &Path) -> Result<Option<Record>> {
    read_json(path)
}

/// What the JSON file at `path` says, where it is there.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(file) = open_file(path)? else { return Ok(None) };
    let mut content = Vec::new();
    file.take(RECORD_MOST).read_to_end(&mut content).map_err(|error| io_error(path, error))?;
    serde_json::from_slice(&content).map(Some).map_err(|error| {
        let what = format!("`{}` in the storage folder cannot be read", path.display());
        Error::corrupted(what, Some(error.into()))
    })
}

/// The bytes of an object, or of a range of it. Read whole, they are proved before the last of them is given.
pub(super) struct FileBody {
    file: tokio::fs::File,
    key: StoreKey,
    left: u64,
    proof: Option<(Hasher, Sha256)>,
}

impl FileBody {
    pub(super) async fn new(file: File, record: &Record, range: &Range<u64>) -> Result<Self> {
        let mut file = tokio::fs::File::from_std(file);
        if range.start > 0 {
            let at = file.seek(SeekFrom::Start(range.start)).await;
            at.map_err(|error| io_error(Path::new(record.key.as_str()), error))?;
        }
        let left = range.end - range.start;
        let proof = (left == record.size).then(|| (Hasher::default(), record.sha256));
        Ok(Self { file, key: record.key.clone(), left, proof })
    }

    fn prove(&mut self, piece: &[u8]) -> Result<()> {
        if let Some((hasher, _)) = &mut self.proof {
            hasher.update(piece);
        }
        if self.left > 0 {
            return Ok(());
        }
        let Some((hasher, sha256)) = self.proof.take() else { return Ok(()) };
        if hasher.finish() == sha256 {
            return Ok(());
        }
        Err(Error::corrupted(format!("the bytes of `{}` are not those that were put", self.key), None))
    }
}

#[async_trait]
impl Body for FileBody {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.left == 0 {
            return Ok(None);
        }
        let most = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        let mut piece = BytesMut::with_capacity(most);
        let read = (&mut self.file).take(most as u64).read_buf(&mut piece).await;
        match read {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            other => other,
        }
        .map_err(|error| io_error(Path::new(self.key.as_str()), error))?;
        self.left = self.left.saturating_sub(piece.len() as u64);
        self.prove(&piece)?;
        Ok(Some(piece.freeze()))
    }
}
