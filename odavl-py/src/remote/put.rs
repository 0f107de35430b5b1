//! Storing: what is small in one presigned request, what is large in parts.

use std::{num::NonZeroU32, ops::Range};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use odavl_client::{
    door::{failure::Failure as Why, retry::Tries, transfer::Transfer},
    types::{ObjectUpload, Part, PartsRequest, PresignedRequest, SignedPart, UploadUrlRequest},
};
use odavl_core::{
    Error, random_id,
    storage::{Expected, NewObject, PARTS_MOST, PutMode, Sha256, WHOLE_MOST},
};

use super::{Remote, source::Source};
use crate::{body::Data, failure::Result, storage::StoredObject};

/// How many parts are sent at a time.
const AT_ONCE: usize = 3;
/// How many parts are signed at a time: what is signed is to be sent within minutes.
const SIGNED: usize = 8;

impl Remote {
    pub(crate) async fn put(&self, wish: NewObject, data: Data) -> Result<StoredObject> {
        let source = Source::read(data, Expected { length: wish.size, sha256: wish.sha256 }).await?;
        // The service says so when all has come; this spares sending it.
        if wish.mode == PutMode::Create && self.find(&wish.name).await?.is_some() {
            let detail = format!("there is an object `{}` already", wish.name);
            return Err(Error::PreconditionFailed(detail).into());
        }
        let request = UploadUrlRequest {
            name: wish.name.to_string(),
            size: source.size,
            sha256: (source.size <= WHOLE_MOST).then(|| source.sha256.to_string()),
            content_type: Some(wish.content_type.to_string()),
            overwrite: (wish.mode == PutMode::Create).then_some(false),
        };
        let once = random_id();
        let ticket = self.call(|api| api.storage_upload_url(Some(&once), &request)).await?;
        if let Some(object) = ticket.upload.object {
            return Ok(object.into());
        }
        let sent = match &ticket.request {
            Some(request) => self.send(&source, request, 0..source.size).await,
            None => self.send_parts(&source, &ticket.upload).await,
        };
        let id = &ticket.upload.id;
        match (sent, self.call(|api| api.storage_complete(id)).await) {
            // Perhaps the bytes arrived and the answer was lost.
            (_, Ok(object)) => Ok(object.into()),
            (Err(failure), _) | (Ok(()), Err(failure)) => Err(failure),
        }
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
        let transfer = Transfer::to(request, &self.server)?;
        let mut tries = Tries::default();
        loop {
            match transfer.put(request, source.body(range.clone())).await {
                Ok(()) => return Ok(()),
                Err(why) => tries.after(why).await?,
            }
        }
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
