//! Fetching: a part at a time, and none is given out before it is proved.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::{
    super::manifest::{Digester, Manifest, StoredBytes, StoredPart},
    computed,
};
use crate::{
    error::{Error, Result},
    storage::{ByteRange, KeyPrefix, Sha256, Storage, StoreKey, collect},
};

/// The bytes of a backup on their way out of the store.
#[derive(Debug)]
pub(in crate::backup) struct Download {
    store: Arc<dyn Storage>,
    folder: KeyPrefix,
    stored: StoredBytes,
    /// The next part: which one of which volume, and where it begins.
    at: (usize, usize, u64),
    whole: Digester,
}

impl Download {
    /// All bytes of the backup whose volumes' keys begin with `folder`.
    pub(in crate::backup) fn new(store: Arc<dyn Storage>, folder: KeyPrefix, manifest: &Manifest) -> Self {
        let stored = manifest.stored.clone();
        Self { store, folder, stored, at: (0, 0, 0), whole: Digester::default() }
    }

    /// The next part's bytes; `None` once all of them were what was stored.
    ///
    /// # Errors
    /// `corrupted` where they are not, or are gone.
    pub(in crate::backup) async fn next(&mut self) -> Result<Option<Bytes>> {
        let (volume, place, from) = self.at;
        let Some(found) = self.stored.volumes.get(volume) else { return self.end() };
        let Some(part) = found.parts.get(place).copied() else {
            self.holds_no_more(&found.name, from).await?;
            self.at = (volume + 1, 0, 0);
            return Box::pin(self.next()).await;
        };
        let what = format!("part {} of {}", place + 1, found.name);
        let bytes = self.fetch(&found.name, &what, part, from).await?;
        let mut whole = std::mem::take(&mut self.whole);
        let proving = spawn_blocking(move || {
            let is_it = Sha256::of(&bytes) == part.sha256;
            whole.update(&bytes);
            Ok((is_it, bytes, whole))
        });
        let (is_it, bytes, whole) = computed(proving.await)?;
        if !is_it {
            return Err(Error::corrupted(format!("{what} is not what was stored"), None));
        }
        (self.whole, self.at) = (whole, (volume, place + 1, from + part.size));
        Ok(Some(bytes))
    }

    async fn fetch(&self, name: &str, what: &str, part: StoredPart, from: u64) -> Result<Bytes> {
        let gone = || Error::corrupted(format!("{what} is gone"), None);
        if part.size == 0 {
            return Err(Error::corrupted(format!("{what} has no bytes"), None));
        }
        let range = ByteRange::Within(from, from + part.size - 1);
        let object = match self.store.get(&self.key(name)?, Some(range)).await {
            // A range that takes nothing: the object is cut off before.
            Err(Error::InvalidInput { .. }) => return Err(gone()),
            object => object?.ok_or_else(gone)?,
        };
        let bytes = match collect(object.body, part.size).await {
            Err(Error::TooLarge { .. }) => return Err(gone()),
            bytes => bytes?,
        };
        if bytes.len() as u64 == part.size {
            return Ok(bytes);
        }
        Err(Error::corrupted(format!("{what} has {} of {} bytes", bytes.len(), part.size), None))
    }

    /// Refuses a volume that goes on after its last part.
    async fn holds_no_more(&self, name: &str, size: u64) -> Result<()> {
        let meta = self.store.head(&self.key(name)?).await?;
        if meta.is_some_and(|meta| meta.size == size) {
            return Ok(());
        }
        Err(Error::corrupted(format!("{name} is not of the length that was stored"), None))
    }

    fn end(&mut self) -> Result<Option<Bytes>> {
        let whole = std::mem::take(&mut self.whole).finish();
        if whole == self.stored.digests {
            return Ok(None);
        }
        Err(Error::corrupted("the stored bytes are not in the order in which they were stored", None))
    }

    fn key(&self, name: &str) -> Result<StoreKey> {
        format!("{}{name}", self.folder.as_str()).parse()
    }
}
