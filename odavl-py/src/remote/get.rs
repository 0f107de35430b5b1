//! Lists, and reading: an object's bytes come by a presigned request, and on from where they broke off.

use std::{num::NonZeroU32, ops::Range};

use async_trait::async_trait;
use bytes::Bytes;
use odavl_client::{
    Client,
    door::{
        digests::Digests,
        failure::Failure as Why,
        retry::{Tries, may_help},
        transfer::Transfer,
    },
    types::{self, DownloadUrlRequest, PresignedRequest},
};
use odavl_core::{
    Error,
    storage::{Body, ByteRange, Checksum, Depth, ObjectName},
};
use reqwest::Response;

use super::{Remote, part};
use crate::{
    failure::Result,
    storage::{DeletedObject, Found, ObjectEntry, Presigned, StorageStats, Wanted},
    values::Page,
};

/// How often an object is looked up again that is being replaced.
const TRIES: usize = 3;

impl Remote {
    /// The object's bytes, of one version: the one that has the name before the URL is made, and after.
    pub(crate) async fn get(&self, name: &ObjectName, range: Option<ByteRange>) -> Result<Found> {
        for _ in 0..TRIES {
            let object = self.find(name).await?.ok_or_else(|| Error::not_found("object", name))?;
            let size = object.size;
            let range = range.map_or(Ok(0..size), |range| range.resolve(size))?;
            let request = self.signed(name).await?;
            if self.find(name).await?.is_some_and(|now| now.id == object.id) {
                let fetched = Fetched::new(self, request, &object, range.clone())?;
                return Ok(Found {
                    object: object.into(),
                    size: range.end - range.start,
                    body: Box::new(fetched),
                });
            }
        }
        Err(Error::Conflict(format!("{name} is being replaced; get it again")).into())
    }

    /// The object of that name: of all names that begin with it, it is the first.
    pub(super) async fn find(&self, name: &ObjectName) -> Result<Option<types::StoredObject>> {
        let one = NonZeroU32::new(1);
        let page = self.call(|api| api.storage_list(None, None, one, Some(name.as_str()))).await?;
        let found = page.items.into_iter().find_map(|entry| entry.object);
        Ok(found.filter(|object| object.name == name.as_str()))
    }

    async fn signed(&self, name: &ObjectName) -> Result<PresignedRequest> {
        let wish = DownloadUrlRequest { name: name.to_string() };
        self.call(|api| api.storage_download_url(&wish)).await
    }

    pub(crate) async fn download_url(&self, name: &ObjectName) -> Result<Presigned> {
        Ok(self.signed(name).await?.into())
    }

    pub(crate) async fn list(&self, wanted: Wanted) -> Result<Page<ObjectEntry>> {
        let (cursor, limit) = part(&wanted.page);
        let delimiter = (wanted.depth == Depth::Folders).then_some("/");
        let prefix = Some(wanted.prefix.as_str()).filter(|prefix| !prefix.is_empty());
        let found = self.call(|api| api.storage_list(cursor, delimiter, limit, prefix)).await?;
        Ok(Page::from_wire(found.items, found.next_cursor))
    }

    pub(crate) async fn delete(&self, name: &ObjectName) -> Result<DeletedObject> {
        Ok(self.once(|api| api.storage_delete(name.as_str())).await?.into())
    }

    pub(crate) async fn stats(&self) -> Result<StorageStats> {
        Ok(self.call(Client::storage_stats).await?.into())
    }
}

/// Bytes that are being fetched. All of an object is held to its checksum.
struct Fetched {
    transfer: Transfer,
    request: PresignedRequest,
    response: Option<Response>,
    left: Range<u64>,
    size: u64,
    proof: Option<(Digests, Checksum)>,
}

impl Fetched {
    fn new(
        remote: &Remote,
        request: PresignedRequest,
        object: &types::StoredObject,
        left: Range<u64>,
    ) -> Result<Self> {
        let (size, checksum) = (object.size, object.checksum.parse::<Checksum>()?);
        let is_whole = left == (0..size);
        let proof = is_whole.then(|| Digests::to_prove(checksum, size)).transpose()?;
        let proof = proof.map(|digests| (digests, checksum));
        Ok(Self { transfer: remote.way(&request)?, request, response: None, left, size, proof })
    }

    /// The next bytes that come; `None` where the answer ends.
    async fn piece(&mut self) -> Result<Option<Bytes>, Why> {
        let mut tries = Tries::default();
        let response = loop {
            if let Some(response) = &mut self.response {
                break response;
            }
            match self.transfer.get(&self.request, &self.left, self.size).await {
                Ok(response) => self.response = Some(response),
                Err(why) => tries.after(why).await?,
            }
        };
        self.transfer.piece(response).await
    }

    fn take(&mut self, piece: Bytes) -> odavl_core::Result<Bytes> {
        self.left.start += piece.len() as u64;
        if self.left.start > self.left.end {
            return Err(Error::corrupted("more bytes came than were stored", None));
        }
        if let Some((digests, _)) = &mut self.proof {
            digests.update(&piece);
        }
        if !self.left.is_empty() {
            return Ok(piece);
        }
        let is_wrong = |(digests, checksum): (Digests, Checksum)| digests.checksum() != checksum;
        if self.proof.take().is_some_and(is_wrong) {
            return Err(Error::corrupted("the bytes are not those that were stored", None));
        }
        Ok(piece)
    }
}

#[async_trait]
impl Body for Fetched {
    async fn next(&mut self) -> odavl_core::Result<Option<Bytes>> {
        let mut again = true;
        while !self.left.is_empty() {
            match self.piece().await {
                Ok(Some(piece)) => return self.take(piece).map(Some),
                // It broke off: the rest is asked for once, and again while more comes.
                Ok(None) if again => {}
                Err(why) if again && may_help(&why) => {}
                Ok(None) => return Err(Error::unavailable("the store breaks off before the end", None)),
                Err(Why::Own(error)) => return Err(error),
                Err(why) => return Err(Error::unavailable(why.to_string(), None)),
            }
            (again, self.response) = (false, None);
        }
        Ok(None)
    }
}
