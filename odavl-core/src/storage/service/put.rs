//! Storing through odavl: the bytes stream past, and hold no more than they have come to.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};

use super::{MARGIN, Objects, check_name, creator, later};
use crate::{
    action::Action,
    error::{Error, ErrorCode, Result},
    hold::Hold,
    ids::{ObjectId, OrgId, ReservationId, UploadId},
    odavl::Core,
    session::{Ask, Permit, Session, Usage},
    storage::{
        Arrival, Arrived, Body, BoxBody, Completion, Expected, MediaType, ObjectName, ObjectRow, Product,
        PutMode, PutOptions, Sha256, StoreKey, Upload, UploadState,
    },
};

/// What is held at a time for a stream of unknown length.
const STEP: u64 = 8 << 20;
/// How long a stream may stand still before the sweeper ends it.
pub(crate) const IDLE: SignedDuration = SignedDuration::from_hours(1);
/// How often a stream says that it goes on.
const BEAT: SignedDuration = SignedDuration::from_mins(15);

/// An object that is stored through odavl.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// Its name.
    pub name: ObjectName,
    /// What its bytes are.
    pub content_type: MediaType,
    /// Whether an object of that name may be replaced.
    pub mode: PutMode,
    /// How many bytes it has, where that is known.
    pub size: Option<u64>,
    /// Their digest, where it is known.
    pub sha256: Option<Sha256>,
}

impl NewObject {
    /// An object of that name, in place of any before, of which nothing else is known.
    pub fn new(name: ObjectName) -> Self {
        Self { name, content_type: MediaType::bytes(), mode: PutMode::Overwrite, size: None, sha256: None }
    }
}

impl Objects<'_> {
    /// Stores bytes as they come. They are the object of that name when this answers; where it fails, nothing is
    /// stored and nothing charged.
    pub async fn put(&self, wish: NewObject, body: BoxBody) -> Result<ObjectRow> {
        check_name(&wish.name)?;
        let core = &self.0.core;
        let id = UploadId::new(core.clock.now())?;
        let reservation = ReservationId::of_upload(id);
        let units = core.stored(wish.size.unwrap_or(STEP))?;
        let ask = Ask::new(Action::StoragePut).hold(reservation, units, IDLE.saturating_add(MARGIN));
        self.0
            .metered(ask, async |permit| {
                self.refuse_taken(permit, &wish).await?;
                let upload = core.objects.begin_upload(permit.org()?, &streamed(permit, &wish, id)?).await?;
                let object = match self.receive(permit, &wish, &upload, body).await {
                    Ok(object) => object,
                    Err(error) => {
                        core.drop_stream(permit, &upload, &error).await.unwrap_or(None).ok_or(error)?
                    }
                };
                // It is an object, whatever happens now: what cannot be settled here, the sweeper settles.
                let _ = core.settle_upload(permit.org()?, &upload, object.size).await;
                Ok((object, Usage::Held))
            })
            .await
    }

    async fn refuse_taken(&self, permit: &Permit, wish: &NewObject) -> Result<()> {
        let taken = wish.mode == PutMode::Create
            && self.0.core.objects.object_named(permit.org()?, &wish.name).await?.is_some();
        if taken {
            return Err(Error::PreconditionFailed(format!("there is an object `{}` already", wish.name)));
        }
        Ok(())
    }

    async fn receive(
        &self,
        permit: &Permit,
        wish: &NewObject,
        upload: &Upload,
        body: BoxBody,
    ) -> Result<ObjectRow> {
        let (core, org) = (&self.0.core, permit.org()?);
        let options = PutOptions {
            mode: PutMode::Create,
            content_type: wish.content_type.clone(),
            expected: Expected { length: wish.size, sha256: wish.sha256 },
            until: None,
        };
        let body = Capped::new(self.0, permit, upload.id, wish.size, body)?;
        let meta = core.storage.put(&upload.key, Box::new(body), options).await?;
        let at = core.clock.now();
        let checksum = match meta.checksum {
            Some(checksum) => checksum,
            None => core.hash(upload).await?,
        };
        let arrived = Arrived { size: meta.size, checksum, at };
        let completed = core.objects.complete_upload(org, upload.id, &arrived).await?;
        let Completion { object, .. } = completed.ok_or_else(|| upload.was_abandoned())?;
        Ok(object)
    }
}

fn streamed(permit: &Permit, wish: &NewObject, id: UploadId) -> Result<Upload> {
    let (object, by) = (ObjectId::new(permit.at)?, creator(permit));
    let product: Product = "storage".parse()?;
    Ok(Upload {
        id,
        reservation: ReservationId::of_upload(id),
        object,
        key: StoreKey::object(permit.org()?, &product, by, object),
        name: wish.name.clone(),
        mode: wish.mode,
        content_type: wish.content_type.clone(),
        arrival: Arrival::Streamed,
        by,
        begun_at: permit.at,
        expires_at: later(permit.at, IDLE),
        state: UploadState::Open,
    })
}

impl Core {
    /// Drops a stream that failed with `why`; the gate gives back what it held. Nobody else could have sent its bytes.
    /// Answers the object where it was complete after all.
    pub(crate) async fn drop_stream(
        &self,
        permit: &Permit,
        upload: &Upload,
        why: &Error,
    ) -> Result<Option<ObjectRow>> {
        let dropped = self.try_drop_stream(permit.org()?, upload, why).await;
        if dropped.is_err() {
            // The sweeper finds out what became of it.
            permit.keep_hold();
        }
        dropped
    }

    async fn try_drop_stream(&self, org: OrgId, upload: &Upload, why: &Error) -> Result<Option<ObjectRow>> {
        let ended = self.objects.abandon_upload(org, upload.id, Timestamp::MAX, self.clock.now()).await?;
        if let Some(Upload { state: UploadState::Completed(arrived), .. }) = ended {
            return Ok(Some(upload.object(&arrived)));
        }
        self.storage.delete(&upload.key).await?;
        // Where the store was silent, its bytes may land yet: the row stays, and the sweeper removes them once more.
        if why.code() != ErrorCode::Unavailable {
            self.objects.drop_garbage(org, upload.object).await?;
            self.objects.forget_upload(org, upload.id).await?;
        }
        Ok(None)
    }
}

/// A body that ends in an error before it outgrows what is held for it, and that shows that it goes on.
pub(crate) struct Capped {
    core: Arc<Core>,
    org: OrgId,
    upload: UploadId,
    hold: Option<Hold>,
    body: BoxBody,
    /// Whether more may be held as more comes.
    grows: bool,
    held: u64,
    came: u64,
    beat_at: Timestamp,
}

impl Capped {
    /// `body`, of that size where it is known, within what `permit` holds.
    pub(crate) fn new(
        session: &Session,
        permit: &Permit,
        upload: UploadId,
        size: Option<u64>,
        body: BoxBody,
    ) -> Result<Self> {
        Ok(Self {
            core: session.core.clone(),
            org: permit.org()?,
            upload,
            hold: Hold::of(session, permit)?,
            body,
            grows: size.is_none(),
            held: size.unwrap_or(STEP),
            came: 0,
            beat_at: later(permit.at, BEAT),
        })
    }

    async fn make_room(&mut self) -> Result<()> {
        while self.came > self.held {
            if !self.grows {
                let detail = format!("the body is longer than the {} bytes that were declared", self.held);
                return Err(Error::invalid(detail));
            }
            if let Some(hold) =
                self.hold.as_ref().filter(|_| self.core.settings.catalog.stored_bytes.is_some())
            {
                hold.grow(STEP).await?;
            }
            self.held += STEP;
        }
        Ok(())
    }

    /// Puts off the end of the upload and of what it holds.
    async fn beat(&mut self) -> Result<()> {
        let now = self.core.clock.now();
        if now < self.beat_at {
            return Ok(());
        }
        self.beat_at = later(now, BEAT);
        let until = later(now, IDLE);
        if let Some(hold) = &self.hold {
            hold.keep(later(until, MARGIN)).await?;
        }
        let kept = self.core.objects.sign_parts(self.org, self.upload, &[], until).await?;
        if kept.is_some_and(|upload| upload.state == UploadState::Open) {
            return Ok(());
        }
        Err(Error::Conflict("the upload stood still for too long and was ended".to_owned()))
    }
}

#[async_trait]
impl Body for Capped {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = self.body.next().await?;
        if let Some(piece) = &piece {
            self.came = self.came.saturating_add(piece.len() as u64);
            self.make_room().await?;
        }
        // At the end, too: the bytes have yet to be made durable, and visible.
        self.beat().await?;
        Ok(piece)
    }
}
