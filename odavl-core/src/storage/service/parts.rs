//! Large direct uploads: in parts, each with a URL that takes exactly its bytes.

use std::time::Duration;

use super::{Objects, later, upload::waits, url_lives};
use crate::{
    action::Action,
    error::{Error, Result},
    ids::UploadId,
    session::{Ask, Permit, Usage},
    storage::{Arrival, Multipart, Part, Presign, PresignedRequest, Sha256, Upload},
};

/// How long a URL for a part works.
const PART_URL_LIVES: Duration = Duration::from_hours(1);
/// How many parts are signed at once.
const SIGNED_MOST: usize = 1000;

/// A part, and the request that sends it.
#[derive(Debug, Clone)]
pub struct SignedPart {
    /// Its number.
    pub number: u32,
    /// The request.
    pub request: PresignedRequest,
}

/// How many parts an object has.
pub(super) fn count(size: u64, part_size: u64) -> u32 {
    u32::try_from(size.div_ceil(part_size.max(1))).unwrap_or(u32::MAX)
}

impl Objects<'_> {
    /// Makes the requests that send parts of these numbers and digests: at most 1,000 at once, and again when they
    /// have expired. The upload waits for a day from here.
    pub async fn sign_parts(&self, id: UploadId, wanted: &[(u32, Sha256)]) -> Result<Vec<SignedPart>> {
        if wanted.is_empty() || wanted.len() > SIGNED_MOST {
            return Err(Error::invalid(format!("1 to {SIGNED_MOST} parts are signed at once")));
        }
        self.0
            .metered(Ask::new(Action::StorageUploadUrl), async |permit| {
                let upload = self.own_upload(permit, id).await?;
                Ok((self.sign(permit, &upload, wanted).await?, Usage::Settled))
            })
            .await
    }

    async fn sign(
        &self,
        permit: &Permit,
        upload: &Upload,
        wanted: &[(u32, Sha256)],
    ) -> Result<Vec<SignedPart>> {
        let core = &self.0.core;
        let parts = wanted
            .iter()
            .map(|(number, sha256)| part(upload, *number, *sha256))
            .collect::<Result<Vec<_>>>()?;
        let multipart = self.multipart(permit, upload).await?;
        let lives = url_lives(permit, PART_URL_LIVES)?;
        let until = later(permit.at, super::upload::PARTS_IDLE.max(waits(lives)));
        self.renew(permit, upload, &parts, until).await?;
        let record = self.0.record(permit, &upload.object)?;
        core.write(Vec::new(), Vec::new(), vec![record]).await?;
        let mut requests = Vec::with_capacity(parts.len());
        for part in parts {
            let what = Presign::Part { multipart: multipart.clone(), part };
            let request = core.storage.presign(&upload.key, &what, lives).await?;
            requests.push(SignedPart { number: part.number, request });
        }
        Ok(requests)
    }

    /// The store's multipart upload, begun with the first parts.
    async fn multipart(&self, permit: &Permit, upload: &Upload) -> Result<Multipart> {
        let core = &self.0.core;
        if let Some(multipart) = upload.multipart() {
            return Ok(multipart);
        }
        let begun = core.storage.begin_multipart(&upload.key, &upload.content_type).await?;
        let counts = core.objects.attach_multipart(permit.org()?, upload.id, &begun.id).await?;
        if counts.as_ref() != Some(&begun.id) {
            core.storage.abort_multipart(&begun).await?;
        }
        let id = counts.ok_or_else(|| upload.was_abandoned())?;
        Ok(Multipart { key: upload.key.clone(), id })
    }

    /// The numbers of the parts that have not arrived.
    pub(super) async fn missing(&self, permit: &Permit, upload: &Upload, count: u32) -> Result<Vec<u32>> {
        let storage = &self.0.core.storage;
        let upload = match upload.multipart() {
            Some(_) => Some(upload.clone()),
            None => self.0.core.objects.upload(permit.org()?, upload.id).await?,
        };
        let Some(multipart) = upload.as_ref().and_then(Upload::multipart) else {
            return Ok((1..=count).collect());
        };
        let arrived = match storage.parts(&multipart).await? {
            Some(arrived) => arrived,
            // The store has put the parts together, and the upload was not completed: it needs nothing more.
            None if storage.head(&multipart.key).await?.is_some() => return Ok(Vec::new()),
            None => Vec::new(),
        };
        let has = |number| arrived.iter().any(|part| part.number == number);
        Ok((1..=count).filter(|number| !has(*number)).collect())
    }
}

/// The part of that number; its size follows from the upload's.
fn part(upload: &Upload, number: u32, sha256: Sha256) -> Result<Part> {
    let Arrival::Parts { size, part_size, .. } = upload.arrival else {
        return Err(Error::invalid_with(
            format!("upload `{}` comes in one request", upload.id),
            "ask for its URL again",
        ));
    };
    let count = count(size, part_size);
    if !(1..=count).contains(&number) {
        return Err(Error::invalid(format!("the parts are numbered from 1 to {count}, not {number}")));
    }
    let before = u64::from(number - 1).saturating_mul(part_size);
    Ok(Part { number, size: part_size.min(size.saturating_sub(before)), sha256 })
}
