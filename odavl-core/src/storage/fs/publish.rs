//! Making staged bytes an object, and an object nothing: each by one rename.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Inner,
    layout::{META, Temporary, bytes_name, flush_folder, io_error, nonce, write_new},
    staged::Staged,
};
use crate::{
    error::{Error, Result},
    storage::{Checksum, MediaType, ObjectMeta, PutMode, PutOptions, Sha256, StoreKey},
};

/// What `~meta` holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) key: StoreKey,
    /// Also names the bytes.
    pub(super) etag: String,
    pub(super) size: u64,
    pub(super) checksum: Checksum,
    /// Of all bytes, also where the checksum is a composite: reading proves it.
    pub(super) sha256: Sha256,
    pub(super) content_type: MediaType,
    pub(super) modified: Timestamp,
}

impl Record {
    pub(super) fn meta(&self) -> ObjectMeta {
        ObjectMeta {
            size: self.size,
            checksum: Some(self.checksum),
            content_type: self.content_type.clone(),
            etag: self.etag.clone(),
            modified: self.modified,
        }
    }
}

/// The error of a create whose key is taken.
pub(super) fn taken(key: &StoreKey) -> Error {
    Error::PreconditionFailed(format!("there are bytes under `{key}` already"))
}

impl Inner {
    /// Makes staged bytes the object that `record` describes.
    pub(super) fn publish(
        &self,
        staged: &Staged,
        record: &Record,
        options: &PutOptions,
    ) -> Result<ObjectMeta> {
        // From here to the end this file tells a sweep which key to tidy.
        let intent = self.layout.staging(&format!("{}{META}", record.etag));
        let _tidied = Temporary::new(intent.clone());
        let content = serde_json::to_vec(record)
            .map_err(|error| Error::internal("an object's record cannot be written", Some(error.into())))?;
        write_new(&intent, &content)?;
        let _turn = self.turn(&record.key);
        options.check_time(self.clock.now())?;
        let bytes = self.move_in(staged, record)?;
        let placed = Temporary::new(bytes.clone());
        let visible = bytes.with_file_name(META);
        match options.mode {
            PutMode::Create => Self::link(&intent, &visible, &record.key)?,
            PutMode::Overwrite => self.replace(&intent, &visible, &record.key)?,
        }
        placed.keep();
        Ok(record.meta())
    }

    /// Moves the bytes into the key's folder, where nothing names them yet.
    fn move_in(&self, staged: &Staged, record: &Record) -> Result<PathBuf> {
        let mut tries = 0;
        loop {
            let folder = self.layout.ensure_folder(&record.key)?;
            let path = folder.join(bytes_name(&record.etag));
            match fs::rename(&staged.path, &path) {
                Ok(()) => return flush_folder(&folder).map(|()| path),
                // Deleting a neighbour may prune a folder that was just made.
                Err(error) if error.kind() == ErrorKind::NotFound && tries < 16 => tries += 1,
                Err(error) => return Err(io_error(&path, error)),
            }
        }
    }

    /// Of many links of one name exactly one is made.
    fn link(intent: &Path, visible: &Path, key: &StoreKey) -> Result<()> {
        match fs::hard_link(intent, visible) {
            Ok(()) => flush_parent(visible),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(taken(key)),
            Err(error) => Err(io_error(visible, error)),
        }
    }

    fn replace(&self, intent: &Path, visible: &Path, key: &StoreKey) -> Result<()> {
        let replaced = self.layout.record(key)?;
        let swap = intent.with_extension("swap");
        let fail = |error| io_error(visible, error);
        fs::hard_link(intent, &swap).map_err(fail)?;
        fs::rename(&swap, visible).map_err(fail)?;
        flush_parent(visible)?;
        if let Some(old) = replaced {
            drop(Temporary::new(visible.with_file_name(bytes_name(&old.etag))));
        }
        Ok(())
    }

    /// Takes an object away: moving its record to the staging folder is the commit, and says what to tidy.
    pub(super) fn remove(&self, key: &StoreKey) -> Result<()> {
        let _turn = self.turn(key);
        let Some(folder) = self.layout.folder(key)? else { return Ok(()) };
        let intent = self.layout.staging(&format!("{}{META}", nonce()?));
        match fs::rename(folder.join(META), &intent) {
            Ok(()) => flush_folder(&folder)?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error(&folder, error)),
        }
        let _tidied = Temporary::new(intent.clone());
        if let Some(record) = super::read::record_at(&intent)? {
            drop(Temporary::new(folder.join(bytes_name(&record.etag))));
        }
        self.layout.prune(key);
        Ok(())
    }
}

fn flush_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), flush_folder)
}
