//! Bytes in a map.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;

#[cfg(feature = "direct")]
use crate::storage::DirectUrls;
use crate::{
    Clock,
    error::{Error, Result},
    page::{Page, PageQuery},
    storage::{
        Arrival, ArrivedPart, BoxBody, ByteRange, Checked, Checksum, Expected, KeyPrefix, MediaType,
        Multipart, MultipartId, Object, ObjectMeta, OpenMultipart, Part, Presign, PresignedRequest, PutMode,
        PutOptions, Storage, StoreKey, Stored, assemble, check_number, full, not_arrived, not_open,
    },
};

/// Objects that live as long as the process.
#[derive(Debug)]
pub struct MemoryStorage {
    clock: Arc<dyn Clock>,
    #[cfg(feature = "direct")]
    direct: Option<DirectUrls>,
    shelves: Mutex<Shelves>,
}

#[derive(Debug, Default)]
struct Shelves {
    /// Makes etags and upload ids: none is ever used again.
    last: u64,
    objects: BTreeMap<StoreKey, (ObjectMeta, Bytes)>,
    multiparts: BTreeMap<Multipart, OpenParts>,
}

#[derive(Debug)]
struct OpenParts {
    begun: Timestamp,
    content_type: MediaType,
    parts: BTreeMap<u32, (Part, Bytes)>,
}

impl MemoryStorage {
    /// An empty store that cannot presign.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            #[cfg(feature = "direct")]
            direct: None,
            shelves: Mutex::default(),
        }
    }

    /// The same store, presigning requests that odavl's HTTP door serves.
    #[cfg(feature = "direct")]
    #[must_use]
    pub fn presigning(self, urls: DirectUrls) -> Self {
        Self { direct: Some(urls), ..self }
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn fresh(&mut self) -> String {
        self.last += 1;
        self.last.to_string()
    }

    fn place(&mut self, key: &StoreKey, mode: PutMode, placed: (ObjectMeta, Bytes)) -> Result<ObjectMeta> {
        if mode == PutMode::Create && self.objects.contains_key(key) {
            return Err(Error::PreconditionFailed(format!("there are bytes under `{key}` already")));
        }
        let meta = ObjectMeta { etag: self.fresh(), ..placed.0 };
        self.objects.insert(key.clone(), (meta.clone(), placed.1));
        Ok(meta)
    }

    fn open(&mut self, multipart: &Multipart) -> Result<&mut OpenParts> {
        self.multiparts.get_mut(multipart).ok_or_else(|| not_open(multipart))
    }
}

/// All bytes of a body, proved to be what was expected.
async fn take(body: BoxBody, expected: Expected) -> Result<(Bytes, Checksum)> {
    let mut body = Checked::new(body, expected);
    let mut bytes = BytesMut::new();
    while let Some(piece) = body.next().await? {
        bytes.extend_from_slice(&piece);
    }
    let (_, sha256) = body.finish()?;
    Ok((bytes.freeze(), Checksum::Whole(sha256)))
}

fn meta(bytes: &Bytes, checksum: Checksum, content_type: MediaType, modified: Timestamp) -> ObjectMeta {
    let size = bytes.len() as u64;
    ObjectMeta { size, checksum: Some(checksum), content_type, etag: String::new(), modified }
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn ready(&self) -> Result<()> {
        Ok(())
    }

    async fn put(&self, key: &StoreKey, body: BoxBody, options: PutOptions) -> Result<ObjectMeta> {
        let (bytes, checksum) = take(body, options.expected).await?;
        let mut shelves = self.shelves();
        let now = self.clock.now();
        options.check_time(now)?;
        shelves.place(key, options.mode, (meta(&bytes, checksum, options.content_type, now), bytes))
    }

    async fn get(&self, key: &StoreKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        let Some((meta, bytes)) = self.shelves().objects.get(key).cloned() else { return Ok(None) };
        let range = range.map_or(Ok(0..meta.size), |range| range.resolve(meta.size))?;
        let within = |at: u64| usize::try_from(at).unwrap_or(bytes.len()).min(bytes.len());
        let body = full(bytes.slice(within(range.start)..within(range.end)));
        Ok(Some(Object { meta, range, body }))
    }

    async fn head(&self, key: &StoreKey) -> Result<Option<ObjectMeta>> {
        Ok(self.shelves().objects.get(key).map(|(meta, _)| meta.clone()))
    }

    async fn delete(&self, key: &StoreKey) -> Result<()> {
        self.shelves().objects.remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<Stored>> {
        let after = page.cursor.as_deref().unwrap_or_default();
        let shelves = self.shelves();
        let stored = shelves
            .objects
            .iter()
            .filter(|(key, _)| key.as_str().starts_with(prefix.as_str()) && key.as_str() > after)
            .map(|(key, (meta, _))| Stored { key: key.clone(), size: meta.size, modified: meta.modified });
        let one_more = stored.take(page.limit as usize + 1).collect();
        Ok(Page::cut(one_more, page.limit, |stored| stored.key.to_string()))
    }

    async fn begin_multipart(&self, key: &StoreKey, content_type: &MediaType) -> Result<Multipart> {
        let mut shelves = self.shelves();
        let multipart = Multipart { key: key.clone(), id: MultipartId(shelves.fresh()) };
        let (begun, content_type) = (self.clock.now(), content_type.clone());
        let open = OpenParts { begun, content_type, parts: BTreeMap::new() };
        shelves.multiparts.insert(multipart.clone(), open);
        Ok(multipart)
    }

    async fn put_part(&self, multipart: &Multipart, part: Part, body: BoxBody) -> Result<()> {
        check_number(part.number)?;
        self.shelves().open(multipart)?;
        let (bytes, _) = take(body, Expected::exactly(part.size, part.sha256)).await?;
        self.shelves().open(multipart)?.parts.insert(part.number, (part, bytes));
        Ok(())
    }

    async fn parts(&self, multipart: &Multipart) -> Result<Option<Vec<ArrivedPart>>> {
        let arrived = |(part, _): &(Part, Bytes)| ArrivedPart {
            number: part.number,
            size: part.size,
            sha256: Some(part.sha256),
        };
        let shelves = self.shelves();
        Ok(shelves.multiparts.get(multipart).map(|open| open.parts.values().map(arrived).collect()))
    }

    async fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: &[Part],
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        let now = self.clock.now();
        let mut shelves = self.shelves();
        let open = shelves.open(multipart)?;
        let (_, checksum) = assemble(parts)?;
        let mut bytes = BytesMut::new();
        for part in parts {
            let arrived = open.parts.get(&part.number).filter(|(arrived, _)| arrived == part);
            bytes.extend_from_slice(&arrived.ok_or_else(|| not_arrived(*part))?.1);
        }
        let bytes = bytes.freeze();
        let meta = meta(&bytes, checksum, open.content_type.clone(), now);
        let meta = shelves.place(&multipart.key, mode, (meta, bytes))?;
        shelves.multiparts.remove(multipart);
        Ok(meta)
    }

    async fn abort_multipart(&self, multipart: &Multipart) -> Result<()> {
        self.shelves().multiparts.remove(multipart);
        Ok(())
    }

    async fn open_multiparts(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<OpenMultipart>> {
        let shelves = self.shelves();
        let open = shelves
            .multiparts
            .iter()
            .map(|(multipart, open)| OpenMultipart { multipart: multipart.clone(), begun: open.begun });
        Ok(OpenMultipart::page(open, prefix, page))
    }

    async fn can_receive(&self, arrival: &Arrival) -> Result<()> {
        #[cfg(feature = "direct")]
        if self.direct.is_some() {
            return Ok(());
        }
        match arrival {
            Arrival::Streamed => Ok(()),
            Arrival::Whole { .. } | Arrival::Parts { .. } => Err(cannot_presign()),
        }
    }

    async fn can_give_up(&self, _: &Arrival) -> Result<()> {
        Ok(())
    }

    async fn presign(&self, key: &StoreKey, what: &Presign, lives: Duration) -> Result<PresignedRequest> {
        #[cfg(feature = "direct")]
        if let Some(urls) = &self.direct {
            return urls.presign(key, what, self.clock.now(), lives);
        }
        let _ = (key, what, lives);
        Err(cannot_presign())
    }
}

fn cannot_presign() -> Error {
    Error::Unsupported("this store was made without a public URL, so it cannot presign".to_owned())
}
