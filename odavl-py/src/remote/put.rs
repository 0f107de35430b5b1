//! Storing: what is small in one presigned request, what is large in parts.

use std::{num::NonZeroU32, ops::Range};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use odavl_client::{
    door::{failure::Failure as Why, retry::Tries},
    types::{ObjectUpload, Part, PartsRequest, PresignedRequest, SignedPart, UploadTicket, UploadUrlRequest},
};
use odavl_core::{
    Error, random_id,
    storage::{Expected, NewObject, PARTS_MOST, PutMode, Sha256, WHOLE_MOST},
};
use tokio::{runtime::Handle, task::JoinHandle};

use super::{Remote, source::Source};
use crate::{body::Data, failure::Result, storage::StoredObject};

/// How many parts are sent at a time.
const AT_ONCE: usize = 3;
/// How many parts are signed at a time: what is signed is to be sent within minutes.
const SIGNED: usize = 8;

impl Remote {
    pub(crate) async fn put(&self, wish: NewObject, data: Data) -> Result<StoredObject> {
        let mut begun = Begun { remote: self.clone(), runtime: Handle::current(), upload: None };
        let put = self.put_as(&mut begun, wish, data).await;
        if let Some(given_up) = begun.give_up() {
            // Whoever tries again finds the space free.
            let _ = given_up.await;
        }
        put
    }

    async fn put_as(&self, begun: &mut Begun, wish: NewObject, data: Data) -> Result<StoredObject> {
        // The service says so when all has come; this spares sending it.
        if wish.mode == PutMode::Create && self.find(&wish.name).await?.is_some() {
            let detail = format!("there is an object `{}` already", wish.name);
            return Err(Error::PreconditionFailed(detail).into());
        }
        // What comes in parts is announced without a digest.
        let large = wish.size.filter(|size| *size > WHOLE_MOST);
        let early = match large {
            Some(size) => Some(self.announce(begun, &wish, size, None).await?),
            None => None,
        };
        let source = Source::read(data, Expected { length: wish.size, sha256: wish.sha256 }).await?;
        let ticket = match early {
            Some(ticket) => ticket,
            None => self.announce(begun, &wish, source.size, Some(source.sha256)).await?,
        };
        let sent = match &ticket.request {
            Some(request) => self.send(&source, request, 0..source.size).await,
            None => self.send_parts(&source, &ticket.upload).await,
        };
        // From here on it may be an object, whoever hears of it.
        begun.upload = None;
        let id = &ticket.upload.id;
        match (sent, self.call(|api| api.storage_complete(id)).await) {
            // Perhaps the bytes arrived and the answer was lost.
            (_, Ok(object)) => Ok(object.into()),
            (sent, Err(failure)) => {
                if failure.code().http_status() < 500 {
                    begun.upload = Some(ticket.upload.id);
                }
                Err(sent.err().unwrap_or(failure))
            }
        }
    }

    /// Holds the space for so many bytes.
    async fn announce(
        &self,
        begun: &mut Begun,
        wish: &NewObject,
        size: u64,
        sha256: Option<Sha256>,
    ) -> Result<UploadTicket> {
        let request = UploadUrlRequest {
            name: wish.name.to_string(),
            size,
            sha256: sha256.filter(|_| size <= WHOLE_MOST).map(|sha256| sha256.to_string()),
            content_type: Some(wish.content_type.to_string()),
            overwrite: (wish.mode == PutMode::Create).then_some(false),
        };
        let once = random_id();
        let ticket = self.call(|api| api.storage_upload_url(Some(&once), &request)).await?;
        begun.upload = Some(ticket.upload.id.clone());
        Ok(ticket)
    }

    /// Sends the parts that are missing, some at a time.
    async fn send_parts(&self, source: &Source, upload: &ObjectUpload) -> Result<()> {
        let part_size = part_size(upload, source.size)?;
        let digests = source.parts(part_size).await?;
        for numbers in upload.missing.as_deref().unwrap_or_default().chunks(SIGNED) {
            let signed = self.sign(&upload.id, &digests, numbers).await?;
            let send = |part: SignedPart| async move {
                let start =
                    u64::from(part.number.saturating_sub(1)).saturating_mul(part_size).min(source.size);
                let end = start.saturating_add(part_size).min(source.size);
                self.send(source, &part.request, start..end).await
            };
            stream::iter(signed).map(send).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        }
        Ok(())
    }

    async fn sign(&self, upload: &str, digests: &[Sha256], numbers: &[u32]) -> Result<Vec<SignedPart>> {
        let part = |number: &u32| {
            let asked = NonZeroU32::new(*number);
            let index = asked.and_then(|number| usize::try_from(number.get() - 1).ok());
            match (asked, index.and_then(|index| digests.get(index))) {
                (Some(number), Some(sha256)) => Ok(Part { number, sha256: sha256.to_string() }),
                _ => Err(Why::nonsense(format!("the server asks for part {number}"))),
            }
        };
        let wish = PartsRequest { parts: numbers.iter().map(part).collect::<Result<_, _>>()? };
        Ok(self.call(|api| api.storage_sign_parts(upload, &wish)).await?.items)
    }

    async fn send(&self, source: &Source, request: &PresignedRequest, range: Range<u64>) -> Result<()> {
        let way = self.way(request)?;
        let mut tries = Tries::default();
        loop {
            match way.put(request, source.body(range.clone())).await {
                Ok(()) => return Ok(()),
                Err(why) => tries.after(why).await?,
            }
        }
    }
}

/// An upload that has begun: unless it may be an object, it is given up when nobody waits for it any more.
struct Begun {
    remote: Remote,
    runtime: Handle,
    upload: Option<String>,
}

impl Begun {
    fn give_up(&mut self) -> Option<JoinHandle<()>> {
        let (id, remote) = (self.upload.take()?, self.remote.clone());
        Some(self.runtime.spawn(async move {
            // What cannot be told now ends by itself.
            let _ = remote.call(|api| api.storage_abandon(&id)).await;
        }))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        drop(self.give_up());
    }
}

/// The size of the parts that bytes are sent in, which is not for us to choose; nothing else is taken for one.
fn part_size(upload: &ObjectUpload, size: u64) -> Result<u64, Why> {
    let said = upload.part_size.unwrap_or_default();
    if said > 0 && size.div_ceil(said) <= u64::from(PARTS_MOST) {
        return Ok(said);
    }
    Err(Why::nonsense("the server says neither where to send the bytes nor in which parts"))
}
