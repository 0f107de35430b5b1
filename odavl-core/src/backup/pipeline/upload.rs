//! Storing: parts are sent as they are filled, some at a time, and become visible all together or not at all.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::{JoinError, JoinSet, spawn_blocking},
};

use super::{
    super::{
        manifest::{StoredBytes, Volume},
        port::Dump,
        progress::Progress,
    },
    AT_ONCE, Packed, computed,
    pack::{Coding, Feed, Filled, digest, pack},
};
use crate::{
    error::{Error, Result},
    storage::{Body, KeyPrefix, MediaType, Multipart, PARTS_MOST, Part, PutMode, Storage, StoreKey},
};

/// Where the bytes of a backup go.
#[derive(Debug, Clone)]
pub(in crate::backup) struct Target {
    pub(in crate::backup) store: Arc<dyn Storage>,
    /// What the keys of the volumes begin with.
    pub(in crate::backup) folder: KeyPrefix,
    /// What the names of the volumes end in, as `.dump.zst.age`.
    pub(in crate::backup) ending: String,
    /// The size of a part.
    pub(in crate::backup) part: u64,
    /// How many parts a volume has at most.
    pub(in crate::backup) parts_most: u32,
    /// Who is told how much of the dump has come.
    pub(in crate::backup) progress: Arc<dyn Progress>,
}

impl Target {
    pub(in crate::backup) const PARTS_MOST: u32 = PARTS_MOST;

    fn name(&self, volume: usize) -> String {
        format!("data-{volume:03}{}", self.ending)
    }
}

/// Reads the dump to its end and sends what becomes of it. Nothing of it is visible before [`Upload::complete`]; dropped
/// before that, it leaves nothing.
pub(in crate::backup) async fn store(
    dump: &mut Dump,
    coding: Coding,
    target: Target,
) -> Result<(Packed, Upload)> {
    let (feed, queue) = channel(4);
    let (known, digested) = channel(4);
    let (filled, ready) = channel(1);
    let (part, progress) = (target.part, target.progress.clone());
    let mut upload = Upload { target, volumes: Vec::new(), left: false };
    let digesting = spawn_blocking(move || digest(queue, &known));
    let packing = spawn_blocking(move || pack(digested, filled, &coding, part));
    let ended = tokio::try_join!(
        feed_from(dump, feed, &*progress),
        upload.send_all(ready),
        async { computed(packing.await) },
        async { computed(digesting.await) },
    );
    match ended {
        Ok(((), volumes, digests, plain)) => {
            Ok((Packed { plain, stored: StoredBytes { digests, volumes } }, upload))
        }
        Err(error) => {
            upload.abort().await;
            Err(error)
        }
    }
}

async fn feed_from(dump: &mut Dump, to: Sender<Feed>, progress: &dyn Progress) -> Result<()> {
    while let Some(bytes) = dump.next().await? {
        progress.advance(bytes.len() as u64);
        if to.send(Feed::Bytes(bytes)).await.is_err() {
            // It has stopped, and says itself why.
            return Ok(());
        }
    }
    let _ = to.send(Feed::End).await;
    Ok(())
}

/// A backup's bytes on their way into the store.
#[derive(Debug)]
pub(in crate::backup) struct Upload {
    target: Target,
    volumes: Vec<Open>,
    left: bool,
}

/// A volume: it becomes visible when it is completed.
#[derive(Debug)]
struct Open {
    multipart: Multipart,
    parts: Vec<Part>,
    completed: bool,
}

impl Upload {
    async fn send_all(&mut self, mut ready: Receiver<Filled>) -> Result<Vec<Volume>> {
        let mut sending = JoinSet::new();
        while let Some(filled) = ready.recv().await {
            if sending.len() == AT_ONCE {
                sending.join_next().await.map_or(Ok(()), sent)?;
            }
            let (multipart, part) = self.next(&filled).await?;
            let store = self.target.store.clone();
            sending.spawn(async move {
                store.put_part(&multipart, part, Box::new(Pieces(filled.pieces.into_iter()))).await
            });
        }
        while let Some(ended) = sending.join_next().await {
            sent(ended)?;
        }
        let volume = |(place, open): (usize, &Open)| Volume {
            name: self.target.name(place + 1),
            parts: open.parts.iter().map(|part| (*part).into()).collect(),
        };
        Ok(self.volumes.iter().enumerate().map(volume).collect())
    }

    /// Which part of which volume the next one is.
    async fn next(&mut self, filled: &Filled) -> Result<(Multipart, Part)> {
        let most = self.target.parts_most as usize;
        if self.volumes.last().is_none_or(|volume| volume.parts.len() >= most) {
            let key: StoreKey =
                format!("{}{}", self.target.folder.as_str(), self.target.name(self.volumes.len() + 1))
                    .parse()?;
            let media: MediaType = "application/octet-stream".parse()?;
            let multipart = self.target.store.begin_multipart(&key, &media).await?;
            self.volumes.push(Open { multipart, parts: Vec::new(), completed: false });
        }
        let nowhere = || Error::internal("a part of a backup belongs nowhere", None);
        let volume = self.volumes.last_mut().ok_or_else(nowhere)?;
        let number = u32::try_from(volume.parts.len() + 1).map_err(|_| nowhere())?;
        let part = Part { number, size: filled.part.size, sha256: filled.part.sha256 };
        volume.parts.push(part);
        Ok((volume.multipart.clone(), part))
    }

    /// Makes the bytes visible. They are no backup yet: that they become with their manifest.
    pub(in crate::backup) async fn complete(&mut self) -> Result<()> {
        for volume in &mut self.volumes {
            // Where the answer is lost, it may be there all the same: then it is deleted rather than aborted.
            volume.completed = true;
            let done =
                self.target.store.complete_multipart(&volume.multipart, &volume.parts, PutMode::Create);
            done.await?;
        }
        Ok(())
    }

    /// Leaves the bytes where they are, unless it is aborted all the same.
    pub(in crate::backup) fn leave(&mut self) {
        self.left = true;
    }

    /// Removes all of it. What the store does not remove now, a later run finds.
    pub(in crate::backup) async fn abort(mut self) {
        remove(self.target.store.clone(), std::mem::take(&mut self.volumes)).await;
    }
}

async fn remove(store: Arc<dyn Storage>, volumes: Vec<Open>) {
    for volume in volumes {
        let _ = store.abort_multipart(&volume.multipart).await;
        if volume.completed {
            let _ = store.delete(&volume.multipart.key).await;
        }
    }
}

/// Nobody waits for it any more.
impl Drop for Upload {
    fn drop(&mut self) {
        let volumes = std::mem::take(&mut self.volumes);
        let store = self.target.store.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !self.left
            && !volumes.is_empty()
        {
            runtime.spawn(remove(store, volumes));
        }
    }
}

fn sent(joined: Result<Result<()>, JoinError>) -> Result<()> {
    joined.map_err(|error| Error::internal("a part stopped on its way to the store", Some(error.into())))?
}

/// A part's pieces, each let go once it is sent.
struct Pieces(std::vec::IntoIter<Bytes>);

#[async_trait]
impl Body for Pieces {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        Ok(self.0.next())
    }
}
