//! Reading objects, and proving that they are what was put.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    FsStorage, Inner, blocking,
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
    /// Kept open while a piece is read, and not between: who reads may never come back.
    store: Weak<Inner>,
    file: Arc<Mutex<File>>,
    key: StoreKey,
    left: Range<u64>,
    proof: Option<(Hasher, Sha256)>,
}

impl FileBody {
    pub(super) fn new(store: &FsStorage, file: File, record: &Record, range: &Range<u64>) -> Self {
        let is_whole = range.end - range.start == record.size;
        Self {
            store: Arc::downgrade(&store.0),
            file: Arc::new(Mutex::new(file)),
            key: record.key.clone(),
            left: range.clone(),
            proof: is_whole.then(|| (Hasher::default(), record.sha256)),
        }
    }

    fn prove(&mut self, piece: &[u8]) -> Result<()> {
        if let Some((hasher, _)) = &mut self.proof {
            hasher.update(piece);
        }
        if !self.left.is_empty() {
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
        if self.left.is_empty() {
            return Ok(None);
        }
        let most = usize::try_from(self.left.end - self.left.start).unwrap_or(PIECE).min(PIECE);
        let (file, from) = (self.file.clone(), self.left.start);
        let read = blocking(self.store.upgrade(), move |_| Ok(read_at(&file, from, most)));
        let piece = read.await?.map_err(|error| io_error(Path::new(self.key.as_str()), error))?;
        self.left.start += most as u64;
        self.prove(&piece)?;
        Ok(Some(piece))
    }
}

/// That many bytes from there on. Whoever was read for before and did not wait may still be at it.
fn read_at(file: &Mutex<File>, from: u64, length: usize) -> io::Result<Bytes> {
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.seek(SeekFrom::Start(from))?;
    let mut piece = vec![0; length];
    file.read_exact(&mut piece)?;
    Ok(piece.into())
}
