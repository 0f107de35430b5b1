//! Direct uploads: space is held, the sender gets a URL that takes exactly what was announced, and `complete` proves
//! that it came.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{
    MARGIN, Objects, SENDING, URL_LIVES, WHOLE_MOST, check_name, creator, later, too_large, url_lives,
};
use crate::{
    action::Action,
    error::{Error, Result},
    hold::Hold,
    ids::{ObjectId, ReservationId, UploadId},
    metering::check_idempotency_key,
    session::{Ask, Permit, Usage},
    storage::{
        Arrival, MediaType, ObjectName, ObjectRow, PARTS_MOST, Part, Presign, PresignedRequest, Product,
        PutMode, Sha256, StoreKey, Upload, UploadState,
    },
};

/// The most bytes of an object.
const OBJECT_MOST: u64 = 5 << 40;
/// Parts are of this size, or as large as it takes for [`PARTS_MOST`] of them.
const PART_SIZE: u64 = 16 << 20;
/// How long an upload in parts waits for the next one.
pub(super) const PARTS_IDLE: SignedDuration = SignedDuration::from_hours(24);
/// How long a store may take to put parts together.
const JOINING: SignedDuration = SignedDuration::from_hours(6);
/// How long an upload can be renewed.
const UPLOAD_MOST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An object that is to be uploaded directly.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Its name.
    pub name: ObjectName,
    /// How many bytes it has.
    pub size: u64,
    /// Their digest: needed up to [`WHOLE_MOST`]; of larger objects each part's is given.
    pub sha256: Option<Sha256>,
    /// What they are.
    pub content_type: MediaType,
    /// Whether an object of that name may be replaced.
    pub mode: PutMode,
    /// Makes a retry, or another process, get the same upload.
    pub idempotency_key: Option<String>,
}

/// An upload, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadStatus {
    /// Its id.
    pub id: UploadId,
    /// The name that the object will have.
    pub name: ObjectName,
    /// When it ends unless it goes on.
    pub expires_at: Timestamp,
    /// How far it is.
    pub progress: Progress,
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Its bytes come in one request.
    Whole,
    /// Its bytes come in parts.
    Parts {
        /// How many bytes each part but the last has.
        part_size: u64,
        /// How many parts there are; they are numbered from 1.
        count: u32,
        /// The numbers of those that have not arrived.
        missing: Vec<u32>,
    },
    /// It is an object.
    Completed(Box<ObjectRow>),
    /// It came to nothing.
    Abandoned,
}

/// What the sender of an upload needs.
#[derive(Debug, Clone)]
pub struct UploadTicket {
    /// The upload.
    pub status: UploadStatus,
    /// The request that sends its bytes, where they come in one.
    pub request: Option<PresignedRequest>,
}

impl NewUpload {
    fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        check_idempotency_key(self.idempotency_key.as_deref())?;
        if self.size > OBJECT_MOST {
            return Err(too_large(OBJECT_MOST));
        }
        if self.size <= WHOLE_MOST && self.sha256.is_none() {
            let detail = format!("an object of up to {WHOLE_MOST} bytes is announced with its SHA-256");
            return Err(Error::invalid_with(detail, "send `sha256`"));
        }
        Ok(())
    }

    fn arrival(&self) -> Arrival {
        match self.sha256 {
            Some(sha256) if self.size <= WHOLE_MOST => Arrival::Whole { size: self.size, sha256 },
            _ => Arrival::Parts { size: self.size, part_size: part_size(self.size), multipart: None },
        }
    }

    /// How long the upload waits for bytes.
    fn waits(&self) -> SignedDuration {
        if self.size <= WHOLE_MOST { waits(URL_LIVES) } else { PARTS_IDLE }
    }

    fn upload(&self, permit: &Permit, (id, reservation): (UploadId, ReservationId)) -> Result<Upload> {
        let (object, by) = (ObjectId::new(permit.at)?, creator(permit));
        let product: Product = "storage".parse()?;
        Ok(Upload {
            id,
            reservation,
            object,
            key: StoreKey::object(permit.org()?, &product, by, object),
            name: self.name.clone(),
            mode: self.mode,
            content_type: self.content_type.clone(),
            arrival: self.arrival(),
            by,
            begun_at: permit.at,
            expires_at: later(permit.at, self.waits()),
            state: UploadState::Open,
        })
    }

    /// Whether `known` was begun by asking the same.
    fn is(&self, known: &Upload) -> bool {
        let arrival = known.arrival.clone().without_multipart();
        (&self.name, self.mode, &self.content_type, self.arrival())
            == (&known.name, known.mode, &known.content_type, arrival)
    }
}

/// How many bytes each part but the last has of an object of `size` bytes that comes in parts: so that whoever fetches
/// it can make the digest of the parts' digests as well.
pub fn part_size(size: u64) -> u64 {
    PART_SIZE.max(size.div_ceil(u64::from(PARTS_MOST)).next_multiple_of(1 << 20))
}

/// How long an upload waits whose last URL lives so long: the request may come late.
pub(super) fn waits(url: Duration) -> SignedDuration {
    SignedDuration::try_from(url).unwrap_or(SENDING).saturating_add(SENDING)
}

impl Objects<'_> {
    /// Holds the space for an object and answers the request that sends it, or the parts to ask URLs for. Asked again
    /// with the same idempotency key, by any process, it answers the same upload, and what of it is missing.
    ///
    /// # Errors
    /// `quota_exceeded` where the object would not fit; `conflict` for another upload under the same key.
    pub async fn upload_url(&self, wish: NewUpload) -> Result<UploadTicket> {
        wish.check()?;
        let core = &self.0.core;
        let ids = self.ids(&wish)?;
        let lifetime = wish.waits().saturating_add(MARGIN);
        let ask = Ask::new(Action::StorageUploadUrl).hold(ids.1, core.stored(wish.size)?, lifetime);
        let before = async |permit: &Permit| match wish.idempotency_key {
            Some(_) => self.begun(permit, &wish, ids.0).await,
            None => Ok(None),
        };
        let act = async |permit: &Permit| {
            self.refuse_ended(permit, ids.0).await?;
            core.storage.can_receive(&wish.arrival()).await?;
            let ticket = match core.objects.begin_upload(permit.org()?, &wish.upload(permit, ids)?).await {
                Ok(upload) => {
                    // The row is there from now on, and lives by what is held.
                    permit.keep_hold();
                    self.ticket(permit, upload).await?
                }
                // Another one was begun under the same key a moment ago, and lives by what is held.
                Err(error @ Error::Conflict(_)) => {
                    permit.keep_hold();
                    self.begun(permit, &wish, ids.0).await?.ok_or(error)?
                }
                Err(error) => return Err(error),
            };
            Ok((ticket, Usage::Held))
        };
        self.0.metered_once(ask, before, act).await
    }

    /// The upload of that id, where it was begun by asking the same.
    async fn begun(&self, permit: &Permit, wish: &NewUpload, id: UploadId) -> Result<Option<UploadTicket>> {
        match self.0.core.objects.upload(permit.org()?, id).await? {
            Some(known) if wish.is(&known) => self.ticket(permit, known).await.map(Some),
            Some(known) => Err(known.differs()),
            None => Ok(None),
        }
    }

    /// How far an upload is.
    pub async fn upload(&self, id: UploadId) -> Result<UploadStatus> {
        self.0
            .metered(Ask::new(Action::StorageUploadGet), async |permit| {
                let upload = self.own_upload(permit, id).await?;
                Ok((self.status(permit, &upload).await?, Usage::Settled))
            })
            .await
    }

    /// Ends an upload whose bytes have arrived: from now on they are the object of that name. Again, it answers the
    /// same.
    ///
    /// # Errors
    /// `conflict` where they have not arrived; `precondition_failed` where the name must be new and is taken.
    pub async fn complete(&self, id: UploadId) -> Result<ObjectRow> {
        self.0
            .metered(Ask::new(Action::StorageComplete), async |permit| {
                let upload = self.put_off(permit, self.own_upload(permit, id).await?).await?;
                Ok((self.0.finish_upload(&permit.caller, &upload, permit.at).await?, Usage::Settled))
            })
            .await
    }

    /// Lets an open upload, and what is held for it, live while it is completed: the sweeper would end it under the
    /// hands of the store.
    async fn put_off(&self, permit: &Permit, upload: Upload) -> Result<Upload> {
        let joining = match upload.arrival {
            Arrival::Parts { .. } => JOINING,
            Arrival::Streamed | Arrival::Whole { .. } => MARGIN,
        };
        let until =
            later(permit.at, joining).min(later(upload.begun_at, UPLOAD_MOST.saturating_add(joining)));
        if until <= upload.expires_at || upload.state != UploadState::Open {
            return Ok(upload);
        }
        self.0.hold_of(&permit.caller, &upload)?.keep(later(until, MARGIN)).await?;
        let put_off = self.0.core.objects.sign_parts(permit.org()?, upload.id, &[], until).await?;
        put_off.ok_or_else(|| Error::not_found("upload", &upload.id))
    }

    /// A direct upload of the organisation; what odavl itself is storing is none.
    pub(super) async fn own_upload(&self, permit: &Permit, id: UploadId) -> Result<Upload> {
        let found = self.0.core.objects.upload(permit.org()?, id).await?;
        found
            .filter(|upload| upload.arrival != Arrival::Streamed)
            .ok_or_else(|| Error::not_found("upload", &id))
    }

    /// The ids of a new upload; with an idempotency key always the same.
    fn ids(&self, wish: &NewUpload) -> Result<(UploadId, ReservationId)> {
        let caller = self.0.source.name();
        let id = match &wish.idempotency_key {
            Some(key) => UploadId::derive(&[b"storage.upload_url", caller.as_bytes(), key.as_bytes()]),
            None => UploadId::new(self.0.core.clock.now())?,
        };
        Ok((id, ReservationId::of_upload(id)))
    }

    /// Refuses to begin again what has ended and was forgotten: its reservation holds nothing any more.
    async fn refuse_ended(&self, permit: &Permit, id: UploadId) -> Result<()> {
        let hold = Hold::of(self.0, permit)?.filter(|_| permit.is_retry());
        match hold {
            Some(hold) if !hold.is_open().await? => Err(Error::Conflict(format!(
                "that idempotency key was used for the upload `{id}`, which has ended"
            ))),
            _ => Ok(()),
        }
    }

    async fn ticket(&self, permit: &Permit, upload: Upload) -> Result<UploadTicket> {
        let request = match (&upload.state, &upload.arrival) {
            (UploadState::Open, Arrival::Whole { .. }) => Some(self.whole(permit, &upload).await?),
            (UploadState::Abandoned, _) => return Err(upload.was_abandoned()),
            _ => None,
        };
        Ok(UploadTicket { status: self.status(permit, &upload).await?, request })
    }

    /// The request that sends an object in one.
    async fn whole(&self, permit: &Permit, upload: &Upload) -> Result<PresignedRequest> {
        let Arrival::Whole { size, sha256 } = upload.arrival else {
            return Err(Error::internal("an upload in parts was taken for a whole one", None));
        };
        let lives = url_lives(permit, URL_LIVES)?;
        self.renew(permit, upload, &[], later(permit.at, waits(lives))).await?;
        let put = Presign::Put {
            length: size,
            sha256,
            content_type: upload.content_type.clone(),
            mode: PutMode::Create,
        };
        let record = self.0.record(permit, &upload.object)?;
        self.0.core.write(Vec::new(), Vec::new(), vec![record]).await?;
        self.0.core.storage.presign(&upload.key, &put, lives).await
    }

    /// Lets an open upload, and what is held for it, live until then at least, and notes the parts that are signed.
    /// Nothing is signed for which nothing is held, whatever became of what was held when it was begun.
    pub(super) async fn renew(
        &self,
        permit: &Permit,
        upload: &Upload,
        parts: &[Part],
        until: Timestamp,
    ) -> Result<()> {
        if permit.at > later(upload.begun_at, UPLOAD_MOST) {
            return Err(Error::Conflict(format!("upload `{}` was begun more than 7 days ago", upload.id)));
        }
        let core = &self.0.core;
        let held_here = permit.held().is_some_and(|(id, _)| id == upload.reservation);
        if held_here && parts.is_empty() && until <= upload.expires_at {
            return Ok(());
        }
        let lives = until.max(upload.expires_at);
        self.0.hold_of(&permit.caller, upload)?.keep(later(lives, MARGIN)).await?;
        let renewed = core.objects.sign_parts(permit.org()?, upload.id, parts, until).await?;
        match renewed.map(|upload| upload.state) {
            Some(UploadState::Open) => Ok(()),
            _ => Err(upload.was_abandoned()),
        }
    }

    async fn status(&self, permit: &Permit, upload: &Upload) -> Result<UploadStatus> {
        let progress = match (&upload.state, &upload.arrival) {
            (UploadState::Completed(arrived), _) => Progress::Completed(Box::new(upload.object(arrived))),
            (UploadState::Abandoned, _) => Progress::Abandoned,
            (UploadState::Open, Arrival::Parts { size, part_size, .. }) => {
                let count = super::parts::count(*size, *part_size);
                let missing = self.missing(permit, upload, count).await?;
                Progress::Parts { part_size: *part_size, count, missing }
            }
            (UploadState::Open, _) => Progress::Whole,
        };
        Ok(UploadStatus { id: upload.id, name: upload.name.clone(), expires_at: upload.expires_at, progress })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_object_has_more_parts_than_a_store_takes() {
        for size in [WHOLE_MOST + 1, 160 << 30, OBJECT_MOST] {
            let part = part_size(size);
            assert!(size.div_ceil(part) <= u64::from(PARTS_MOST) && part <= 5 << 30, "{size}");
        }
        assert_eq!(part_size(WHOLE_MOST + 1), PART_SIZE);
    }
}
