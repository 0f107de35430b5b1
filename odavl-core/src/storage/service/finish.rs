//! How an upload ends: proved and made an object, or dropped; each step can be taken again, by anyone, after any stop.

use std::sync::Arc;

use jiff::Timestamp;

use super::{MARGIN, later};
use crate::{
    action::Action,
    caller::Caller,
    error::{Error, Result},
    hold::Hold,
    ids::OrgId,
    metering::{Charge, Entry, Idempotency, Limit, MeterName, Op, Period, Scope},
    odavl::Core,
    secret::Digest,
    session::{Session, decided},
    storage::{
        Arrival, Arrived, Checksum, Completion, Creator, Hasher, Multipart, ObjectMeta, ObjectRow, Part,
        PutMode, Upload, UploadState,
    },
};

/// What the store says of an upload's bytes.
#[derive(Debug)]
pub(crate) enum Proof {
    /// They are there, as announced.
    Arrived(Arrived),
    /// They are not there, or not all.
    Missing,
    /// Others are there.
    Wrong(String),
}

impl Upload {
    /// The action that began it, and was charged.
    fn action(&self) -> Action {
        match self.arrival {
            Arrival::Streamed => Action::StoragePut,
            Arrival::Whole { .. } | Arrival::Parts { .. } => Action::StorageUploadUrl,
        }
    }

    /// How many bytes were announced.
    fn announced(&self) -> u64 {
        match self.arrival {
            Arrival::Streamed => 0,
            Arrival::Whole { size, .. } | Arrival::Parts { size, .. } => size,
        }
    }
}

impl Session {
    /// What an upload of the session's organisation holds.
    pub(super) fn hold_of(&self, caller: &Caller, upload: &Upload) -> Result<Hold> {
        let units = self.core.stored(upload.announced())?;
        Hold::again(self, caller, upload.reservation, upload.action(), units)
    }

    /// Makes an object of an upload whose bytes have arrived, and settles what it held. Whoever comes second is
    /// answered the same.
    pub(super) async fn finish_upload(
        &self,
        caller: &Caller,
        upload: &Upload,
        at: Timestamp,
    ) -> Result<ObjectRow> {
        match self.try_finish_upload(caller, upload, at).await {
            Err(error @ (Error::Conflict(_) | Error::NotFound { .. })) => {
                self.core.finished(caller.org_id()?, upload).await?.ok_or(error)
            }
            finished => finished,
        }
    }

    async fn try_finish_upload(&self, caller: &Caller, upload: &Upload, at: Timestamp) -> Result<ObjectRow> {
        let (core, org) = (&self.core, caller.org_id()?);
        if let UploadState::Completed(arrived) = &upload.state {
            // Whoever completed it may have been stopped before they settled.
            core.settle_upload(org, upload, arrived.size).await?;
            return Ok(upload.object(arrived));
        }
        if upload.state == UploadState::Abandoned {
            return Err(upload.was_abandoned());
        }
        // What is stored without its units being held would be stored for nothing.
        let until = later(at, MARGIN).max(upload.expires_at);
        self.hold_of(caller, upload)?.keep(later(until, MARGIN)).await?;
        let arrived = match core.put_together(org, upload, at).await? {
            Proof::Arrived(arrived) => arrived,
            Proof::Missing => {
                return Err(Error::Conflict(format!(
                    "the bytes of upload `{}` have not all arrived",
                    upload.id
                )));
            }
            Proof::Wrong(what) => return Err(Error::Conflict(what)),
        };
        let completed = core.objects.complete_upload(org, upload.id, &arrived).await?;
        let Completion { object, .. } = completed.ok_or_else(|| Error::not_found("upload", &upload.id))?;
        core.settle_upload(org, upload, object.size).await?;
        Ok(object)
    }
}

impl Core {
    /// The object that someone else has made of an upload meanwhile.
    async fn finished(&self, org: OrgId, upload: &Upload) -> Result<Option<ObjectRow>> {
        match self.objects.upload(org, upload.id).await? {
            Some(Upload { state: UploadState::Completed(arrived), .. }) => {
                self.settle_upload(org, upload, arrived.size).await?;
                Ok(Some(upload.object(&arrived)))
            }
            Some(_) => Ok(None),
            None => self.objects.object(org, upload.object).await,
        }
    }

    /// Lets the store put the parts together where they come so, and proves what is there.
    async fn put_together(&self, org: OrgId, upload: &Upload, at: Timestamp) -> Result<Proof> {
        let Some(multipart) = upload.multipart() else { return self.prove(org, upload, at).await };
        let parts = self.objects.signed_parts(org, upload.id).await?;
        if self.storage.parts(&multipart).await?.is_some() {
            if !all_signed(upload, &parts) {
                return Ok(Proof::Missing);
            }
            self.complete_multipart(&multipart, &parts).await?;
        }
        self.prove(org, upload, at).await
    }

    async fn complete_multipart(&self, multipart: &Multipart, parts: &[Part]) -> Result<()> {
        match self.storage.complete_multipart(multipart, parts, PutMode::Create).await {
            // Someone else completes the same upload at the same time; what is there is proved next.
            Ok(_) | Err(Error::PreconditionFailed(_) | Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Asks the store what it has of a direct upload. What streams through odavl is known to whoever streams it alone.
    pub(crate) async fn prove(&self, org: OrgId, upload: &Upload, at: Timestamp) -> Result<Proof> {
        let Some(meta) = self.storage.head(&upload.key).await? else { return Ok(Proof::Missing) };
        let signed = match &upload.arrival {
            Arrival::Parts { .. } => composite(&self.objects.signed_parts(org, upload.id).await?),
            Arrival::Whole { sha256, .. } => Checksum::Whole(*sha256),
            Arrival::Streamed => return Ok(Proof::Missing),
        };
        let checksum = match (&upload.arrival, meta.checksum) {
            (_, Some(found)) => found,
            // A store without checksums still took each part as it was signed.
            (Arrival::Parts { .. }, None) => signed,
            _ => self.hash(upload).await?,
        };
        let expected = (upload.announced(), signed);
        Ok(compare(upload, &meta, checksum, expected, at))
    }

    /// The digest of stored bytes, for stores that keep none.
    pub(crate) async fn hash(&self, upload: &Upload) -> Result<Checksum> {
        let mut hasher = Hasher::default();
        if let Some(mut object) = self.storage.get(&upload.key, None).await? {
            while let Some(piece) = object.body.next().await? {
                hasher.update(&piece);
            }
        }
        Ok(Checksum::Whole(hasher.finish()))
    }

    /// Charges what an upload stored, out of what it held.
    pub(crate) async fn settle_upload(&self, org: OrgId, upload: &Upload, size: u64) -> Result<()> {
        let actual = self.with_request(upload.action(), self.stored(size)?, 1);
        self.settle_stored(org, upload, actual).await
    }

    /// Charges `actual` out of what an upload held. The bytes are there: where nothing is held any more, they are
    /// counted all the same, once.
    pub(crate) async fn settle_stored(
        &self,
        org: OrgId,
        upload: &Upload,
        actual: Vec<(MeterName, u64)>,
    ) -> Result<()> {
        let subject = upload.by.to_string().into();
        let ended = self.end_hold(org, &subject, upload.reservation, Some(actual.clone())).await?;
        if ended || actual.is_empty() {
            return Ok(());
        }
        let view = self.org_view(org).await?;
        let open = |limit: &Limit| Limit { ceiling: None, ..limit.clone() };
        let stored = self.settings.catalog.stored_bytes.as_ref();
        let own = |meter: &MeterName| match upload.by {
            Creator::Key(key) if stored == Some(meter) => {
                Some(Limit::hard(Scope::Key(key), Period::Held, None))
            }
            _ => None,
        };
        let charge = |(meter, units): (MeterName, u64)| Charge {
            limits: view
                .limits
                .get(&meter)
                .into_iter()
                .flat_map(|limits| limits.iter().map(open))
                .chain(own(&meter))
                .collect(),
            units: i64::try_from(units).unwrap_or(i64::MAX),
            meter,
            since: None,
        };
        let entry = Entry {
            org,
            epoch: u64::MAX,
            subject,
            op: Op::Charge(actual.into_iter().map(charge).collect()),
            idempotency: Some(once("storage.settle", &upload.id.to_string())),
            tags: Arc::default(),
        };
        decided(self.combiner.decide(entry).await?).map(drop)
    }

    /// Drops what may have arrived of an upload that will never be an object, gives back what it held, and forgets
    /// it. No URL for its bytes works any more.
    pub(crate) async fn drop_upload(&self, org: OrgId, upload: &Upload) -> Result<()> {
        if let Some(multipart) = upload.multipart() {
            self.storage.abort_multipart(&multipart).await?;
        }
        self.storage.delete(&upload.key).await?;
        self.end_hold(org, &upload.by.to_string().into(), upload.reservation, None).await?;
        self.objects.drop_garbage(org, upload.object).await?;
        self.objects.forget_upload(org, upload.id).await
    }
}

/// What happens once, however often it is tried.
pub(super) fn once(what: &str, id: &str) -> Idempotency {
    Idempotency { key: Digest::of(format!("{what}\0{id}").as_bytes()), request: Digest::of(id.as_bytes()) }
}

/// Whether URLs were made for every part.
fn all_signed(upload: &Upload, signed: &[Part]) -> bool {
    match upload.arrival {
        Arrival::Parts { size, part_size, .. } => {
            signed.len() as u64 == u64::from(super::parts::count(size, part_size))
        }
        Arrival::Streamed | Arrival::Whole { .. } => true,
    }
}

fn composite(parts: &[Part]) -> Checksum {
    Checksum::composite(&parts.iter().map(|part| part.sha256).collect::<Vec<_>>())
}

fn compare(
    upload: &Upload,
    meta: &ObjectMeta,
    checksum: Checksum,
    expected: (u64, Checksum),
    at: Timestamp,
) -> Proof {
    if (meta.size, checksum) == expected {
        return Proof::Arrived(Arrived { size: meta.size, checksum, at });
    }
    Proof::Wrong(format!(
        "upload `{}` announced {} bytes of {}, and {} of {checksum} are there",
        upload.id, expected.0, expected.1, meta.size
    ))
}
