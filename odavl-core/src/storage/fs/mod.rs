//! Storage in a local folder.
//!
//! ```text
//! objects/<key>/<etag>~bytes   the bytes, as they are: any tool can read them
//! objects/<key>/~meta          names the bytes and says what is known of them; its rename is the commit
//! multiparts/<id>/             `~meta`, one file a part, and `~lock`: held by who puts them together or drops them
//! staging/                     what is being written, and what says which key to tidy after a crash
//! lock                         held shared by every process that uses the folder
//! ```
//!
//! A key's segment never holds `~`, so a key may be the beginning of another. Bytes and what is known of them are
//! flushed before the one link or rename that makes them visible, and the folder after it; so neither a kill nor a
//! power cut leaves half an object. What a crash left is swept when the folder is next opened and nobody else uses it.

mod layout;
mod list;
mod parts;
mod publish;
mod read;
mod staged;
mod sweep;

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;

use std::{
    fs::File,
    hash::Hash,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::task::JoinError;

use self::{layout::Layout, publish::Record, read::FileBody, staged::Staged};
use super::{
    Arrival, ArrivedPart, BoxBody, ByteRange, Checksum, DirectUrls, Expected, KeyPrefix, MediaType,
    Multipart, Object, ObjectMeta, OpenMultipart, Part, Presign, PresignedRequest, PutMode, PutOptions,
    Storage, StoreKey, Stored, assemble, check_number, not_open,
    turns::{Turns, slot},
};
use crate::{
    Clock,
    error::{Error, Result},
    life::Life,
    page::{Page, PageQuery},
};

/// How many changes can be made at once.
const TURNS: usize = 256;

/// Objects in a folder of this machine; any number of processes may use it at once.
#[derive(Debug, Clone)]
pub struct FsStorage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    layout: Layout,
    clock: Arc<dyn Clock>,
    urls: DirectUrls,
    /// Changes to one key take turns; keys share them by hash.
    turns: [Mutex<()>; TURNS],
    /// Who puts the parts of one upload together waits here, without a thread, for who does it already.
    joins: Turns,
    /// Says to other processes that this one is alive.
    _alive: File,
    /// What this belongs to is open until the last work on its files is done; so it is last.
    _life: Life,
}

impl FsStorage {
    /// Opens the folder, making it where it is not there, and presigns with `urls`.
    pub async fn open(root: &Path, clock: Arc<dyn Clock>, urls: DirectUrls) -> Result<Self> {
        Self::open_within(&Life::new(), root, clock, urls).await
    }

    /// The same, as a part of what lives that long.
    pub(crate) async fn open_within(
        life: &Life,
        root: &Path,
        clock: Arc<dyn Clock>,
        urls: DirectUrls,
    ) -> Result<Self> {
        let (root, life) = (root.to_owned(), life.clone());
        blocking((), move |()| {
            let layout = Layout::open(&root)?;
            let alive = sweep::join(&layout)?;
            let turns = [const { Mutex::new(()) }; TURNS];
            let joins = Turns::new();
            Ok(Self(Arc::new(Inner { layout, clock, urls, turns, joins, _alive: alive, _life: life })))
        })
        .await
    }

    /// Begins at once what waits for the disk, where it holds up nobody. It is done also where nobody waits for it, and
    /// keeps the folder open until it is.
    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> {
        blocking(self.0.clone(), |inner| work(inner))
    }
}

impl Inner {
    /// Waits for the turn to change what `of` names.
    fn turn(&self, of: &impl Hash) -> MutexGuard<'_, ()> {
        self.turns[slot(of, TURNS)].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins `work` where it holds up nobody. `held` is kept for longer than all that it has, and gives where nobody takes it.
fn blocking<H: Send + 'static, T: Send + 'static>(
    held: H,
    work: impl FnOnce(&H) -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> {
    let begun = tokio::task::spawn_blocking(move || (work(&held), held));
    async move {
        let stopped =
            |error: JoinError| Error::internal("work on the storage folder stopped", Some(error.into()));
        begun.await.map_err(stopped)?.0
    }
}

#[async_trait]
impl Storage for FsStorage {
    async fn ready(&self) -> Result<()> {
        self.run(|inner| staged::probe(&inner.layout)).await
    }

    async fn put(&self, key: &StoreKey, body: BoxBody, options: PutOptions) -> Result<ObjectMeta> {
        if options.mode == PutMode::Create && self.head(key).await?.is_some() {
            return Err(publish::taken(key));
        }
        let staged = Staged::receive(self, body, options.expected).await?;
        let record = Record {
            key: key.clone(),
            etag: staged.nonce.clone(),
            size: staged.size,
            checksum: Checksum::Whole(staged.sha256),
            sha256: staged.sha256,
            content_type: options.content_type.clone(),
            modified: self.0.clock.now(),
        };
        self.run(move |inner| inner.publish(&staged, &record, &options)).await
    }

    async fn get(&self, key: &StoreKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        let key = key.clone();
        let Some((record, file)) = self.run(move |inner| inner.layout.open_object(&key)).await? else {
            return Ok(None);
        };
        let range = range.map_or(Ok(0..record.size), |range| range.resolve(record.size))?;
        let body = FileBody::new(self, file, &record, &range);
        Ok(Some(Object { meta: record.meta(), range, body: Box::new(body) }))
    }

    async fn head(&self, key: &StoreKey) -> Result<Option<ObjectMeta>> {
        let key = key.clone();
        let found = self.run(move |inner| inner.layout.open_object(&key)).await?;
        Ok(found.map(|(record, _)| record.meta()))
    }

    async fn delete(&self, key: &StoreKey) -> Result<()> {
        let key = key.clone();
        self.run(move |inner| inner.remove(&key)).await
    }

    async fn list(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<Stored>> {
        let (prefix, page) = (prefix.clone(), page.clone());
        self.run(move |inner| list::list(&inner.layout, &prefix, &page)).await
    }

    async fn begin_multipart(&self, key: &StoreKey, content_type: &MediaType) -> Result<Multipart> {
        let (key, content_type) = (key.clone(), content_type.clone());
        self.run(move |inner| inner.begin_multipart(key, content_type)).await
    }

    async fn put_part(&self, multipart: &Multipart, part: Part, body: BoxBody) -> Result<()> {
        check_number(part.number)?;
        let multipart = multipart.clone();
        if self.parts(&multipart).await?.is_none() {
            return Err(not_open(&multipart));
        }
        let expected = Expected::exactly(part.size, part.sha256);
        let staged = Staged::receive(self, body, expected).await?;
        self.run(move |inner| inner.place_part(&multipart, part, &staged)).await
    }

    async fn parts(&self, multipart: &Multipart) -> Result<Option<Vec<ArrivedPart>>> {
        let multipart = multipart.clone();
        self.run(move |inner| inner.layout.parts(&multipart)).await
    }

    async fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: &[Part],
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        let (_, checksum) = assemble(parts)?;
        let _turn = self.0.joins.take(&multipart.id).await;
        let (multipart, parts) = (multipart.clone(), parts.to_vec());
        self.run(move |inner| inner.complete_multipart(&multipart, &parts, checksum, mode)).await
    }

    async fn abort_multipart(&self, multipart: &Multipart) -> Result<()> {
        let multipart = multipart.clone();
        self.run(move |inner| inner.drop_multipart(&multipart)).await
    }

    async fn open_multiparts(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<OpenMultipart>> {
        let all = self.run(|inner| inner.layout.open_multiparts()).await?;
        Ok(OpenMultipart::page(all.into_iter(), prefix, page))
    }

    async fn can_give_up(&self, _: &Arrival) -> Result<()> {
        Ok(())
    }

    async fn presign(&self, key: &StoreKey, what: &Presign, lives: Duration) -> Result<PresignedRequest> {
        self.0.urls.presign(key, what, self.0.clock.now(), lives)
    }
}
