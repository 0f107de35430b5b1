//! Taking results: held, checked while they are stored, noted, charged; and the same run is taken once.

use std::sync::OnceLock;

use super::{
    Uploads, later, object_name, owner,
    receiving::Turn,
    tee::{Said, Tee},
};
use crate::{
    action::Action,
    auth::Slug,
    error::{Error, Result},
    ids::{ObjectId, OrgId, ReservationId, UploadId},
    metering::{Charge, Op},
    session::{Ask, Permit, Usage, decided},
    storage::{
        Arrival, BoxBody, Expected, MediaType, Product, PutMode, PutOptions, Sha256, StoreKey,
        Upload as ObjectUpload, UploadState,
        service::{Capped, IDLE, MARGIN, creator},
    },
    uploads::{Attempt, Begun, Caps, Encoding, RunId, State, Stored, Upload},
};

/// The results of a run, as the client announces them.
#[derive(Debug, Clone)]
pub struct NewResults {
    /// The product, such as `insight`.
    pub product: Product,
    /// The project.
    pub project: Slug,
    /// The run; the client makes its id.
    pub run: RunId,
    /// The SHA-256 of the unpacked document.
    pub sha256: Sha256,
    /// How many bytes are sent.
    pub length: u64,
    /// How they are packed.
    pub encoding: Encoding,
}

/// An upload that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Uploaded {
    /// The upload.
    pub upload: Upload,
    /// Whether it was there before: this is a retry, and charged nothing.
    pub replayed: bool,
}

impl Uploads<'_> {
    /// Takes the results of a run. The same run again is recognised before any limit is asked, answered the same, and
    /// charged once. Where anything fails, nothing is stored and nothing charged.
    ///
    /// # Errors
    /// `quota_exceeded` before any of the body is read; `conflict` for another content under the same run; `too_large`
    /// and `invalid_input` for what is not a SARIF document of that run, digest and length.
    pub async fn create(&self, wish: NewResults, body: BoxBody) -> Result<Uploaded> {
        self.check(&wish)?;
        let core = &self.0.core;
        let now = core.clock.now();
        let id = UploadId::new(now)?;
        let reservation = ReservationId::of_upload(id);
        let attempt = Attempt { id, reservation, expires_at: later(now, IDLE) };
        let begun = OnceLock::new();
        let ask = Ask::new(Action::UploadCreate).products([wish.product.as_str()]).hold(
            attempt.reservation,
            core.results(&wish.product, wish.length)?,
            IDLE.saturating_add(MARGIN),
        );
        let before = async |permit: &Permit| self.begin(permit, &wish, attempt, &begun).await;
        let act = async |permit: &Permit| {
            let Started { upload, .. } =
                begun.get().ok_or_else(|| Error::internal("results were not begun", None))?;
            let stored = self.take(permit, &wish, upload, body).await?;
            let upload = Upload { state: State::Stored(Box::new(stored)), ..upload.clone() };
            Ok((Uploaded { upload, replayed: false }, Usage::Held))
        };
        let result = self.0.metered_once(ask, before, act).await;
        if let (Err(_), Some(Started { org, upload, .. })) = (&result, begun.get()) {
            // The run is free for the next try at once; where this fails, the sweeper frees it.
            let _ = core.uploads.discard(*org, upload.id, attempt.id).await;
        }
        result
    }

    fn check(&self, wish: &NewResults) -> Result<()> {
        if !self.products().any(|product| product == wish.product.as_str()) {
            let known = self.products().collect::<Vec<_>>().join(", ");
            let detail = format!("there is no product `{}` whose results are taken", wish.product);
            return Err(Error::invalid_with(detail, format!("send one of {known}")));
        }
        let limit = self.0.core.settings.upload_most;
        if wish.length > limit {
            return Err(Error::TooLarge { what: "the upload".to_owned(), limit });
        }
        Ok(())
    }

    /// Finds what was uploaded before, else begins. A try that stopped on the way gives way to this one, and what it
    /// held to what this one will hold; a run that nobody tried is asked about first, so that a refusal writes nothing.
    async fn begin<'a>(
        &'a self,
        permit: &Permit,
        wish: &NewResults,
        attempt: Attempt,
        begun: &OnceLock<Started<'a>>,
    ) -> Result<Option<Uploaded>> {
        let (org, core) = (permit.org()?, &self.0.core);
        let next = self.announced(permit, wish, attempt).await?;
        match core.uploads.upload(org, next.id).await? {
            Some(known) => {
                if let Begun::Stored(upload) = known.begin_again(&next)? {
                    return Ok(Some(Uploaded { upload: *upload, replayed: true }));
                }
            }
            None => self.ask(permit, wish).await?,
        }
        let turn = core.receiving.turn(org)?;
        let before = match core.uploads.begin(org, &next).await? {
            Begun::Stored(upload) => return Ok(Some(Uploaded { upload: *upload, replayed: true })),
            Begun::New(before) => before,
        };
        let _ = begun.set(Started { org, upload: next, _turn: turn });
        if let Some(before) = before {
            core.end_hold(org, &permit.caller.subject, before.reservation, None).await?;
        }
        Ok(None)
    }

    async fn announced(&self, permit: &Permit, wish: &NewResults, attempt: Attempt) -> Result<Upload> {
        let project = self.project(permit, &wish.project).await?;
        Ok(Upload {
            id: Upload::id_of(&wish.product, project, wish.run),
            product: wish.product.clone(),
            project,
            slug: wish.project.clone(),
            run: wish.run,
            sha256: wish.sha256,
            by: creator(permit),
            begun_at: permit.at,
            attempt,
            state: State::Pending,
        })
    }

    /// Asks whether the results would be within the limits.
    async fn ask(&self, permit: &Permit, wish: &NewResults) -> Result<()> {
        let core = &self.0.core;
        let units =
            core.with_request(Action::UploadCreate, core.results::<i64>(&wish.product, wish.length)?, 1);
        let charge =
            |(meter, units)| Ok(Charge { limits: permit.caller.limits(&meter)?, meter, units, since: None });
        let op = Op::Probe(units.into_iter().map(charge).collect::<Result<_>>()?);
        let decision = core.decide(permit.org()?, u64::MAX, &permit.caller.subject, op).await?;
        decided(decision).map(drop)
    }

    /// Stores the results, and notes them.
    async fn take(
        &self,
        permit: &Permit,
        wish: &NewResults,
        upload: &Upload,
        body: BoxBody,
    ) -> Result<Stored> {
        let (org, core) = (permit.org()?, &self.0.core);
        let counts = core.uploads.upload(org, upload.id).await?;
        if counts.is_none_or(|known| known.attempt.id != upload.attempt.id) {
            return Err(taken_over(wish.run));
        }
        let object = object_upload(permit, upload, wish.encoding)?;
        core.objects.begin_upload(org, &object).await?;
        let said = Said { run: wish.run, sha256: wish.sha256, length: wish.length, encoding: wish.encoding };
        let received = self.receive(permit, said, &object, body).await;
        let stored = match received {
            Ok(stored) => Ok(stored),
            Err(error) => self.stored_after_all(permit, &object, error).await,
        }?;
        // They are stored, whatever happens now: what cannot be settled here, the sweeper settles.
        let _ = core.settle_results(org, &object).await;
        Ok(stored)
    }

    /// What came of a try that failed: once the row says that it is stored, it is, and what is left to do is done here
    /// or by the sweeper.
    async fn stored_after_all(&self, permit: &Permit, object: &ObjectUpload, error: Error) -> Result<Stored> {
        let core = &self.0.core;
        match core.finish_results(permit.org()?, object).await {
            Ok(Some(stored)) => Ok(stored),
            Ok(None) => {
                let _ = core.drop_stream(permit, object, &error).await;
                Err(error)
            }
            Err(_) => {
                permit.keep_hold();
                Err(error)
            }
        }
    }

    async fn receive(
        &self,
        permit: &Permit,
        said: Said,
        object: &ObjectUpload,
        body: BoxBody,
    ) -> Result<Stored> {
        let (org, core) = (permit.org()?, &self.0.core);
        let caps = Caps { unpacked: core.settings.upload_most, ..Caps::default() };
        let (body, found) = Tee::new(body, said, caps);
        let body = Capped::new(self.0, permit, object.id, Some(said.length), Box::new(body))?;
        let options = PutOptions {
            mode: PutMode::Create,
            content_type: object.content_type.clone(),
            expected: Expected { length: Some(said.length), sha256: None },
            until: None,
        };
        let meta = core.storage.put(&object.key, Box::new(body), options).await?;
        let inspected = found.get().ok_or_else(|| Error::internal("results were stored unchecked", None))?;
        let stored = Stored {
            at: core.clock.now(),
            object: object.object,
            key: object.key.clone(),
            size: meta.size,
            encoding: said.encoding,
            unpacked: inspected.unpacked_len,
            summary: inspected.summary.clone(),
        };
        let id = owner(&object.name).ok_or_else(|| Error::internal("results have a strange name", None))?;
        if !core.uploads.store(org, id, object.id, &stored).await? {
            return Err(taken_over(said.run));
        }
        core.complete_results(org, object).await?;
        Ok(stored)
    }
}

/// A try that was announced, while it is received.
struct Started<'a> {
    org: OrgId,
    upload: Upload,
    _turn: Turn<'a>,
}

fn taken_over(run: RunId) -> Error {
    Error::Conflict(format!("another try at uploading run `{run}` has taken over"))
}

/// The upload of the object that the results become.
fn object_upload(permit: &Permit, upload: &Upload, encoding: Encoding) -> Result<ObjectUpload> {
    let object = ObjectId::new(permit.at)?;
    Ok(ObjectUpload {
        id: upload.attempt.id,
        reservation: upload.attempt.reservation,
        object,
        key: StoreKey::object(permit.org()?, &upload.product, upload.by, object),
        name: object_name(upload.id)?,
        mode: PutMode::Overwrite,
        content_type: content_type(encoding)?,
        arrival: Arrival::Streamed,
        by: upload.by,
        begun_at: permit.at,
        expires_at: upload.attempt.expires_at,
        state: UploadState::Open,
    })
}

/// What the bytes are as they are stored.
fn content_type(encoding: Encoding) -> Result<MediaType> {
    let content_type = match encoding {
        Encoding::Identity => "application/sarif+json",
        Encoding::Gzip => "application/gzip",
        Encoding::Zstd => "application/zstd",
    };
    content_type.parse()
}
