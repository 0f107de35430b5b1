//! How an upload ends when it was stopped on the way: what its row says is stored is finished, all else undone.

use std::sync::Arc;

use jiff::Timestamp;

use super::owner;
use crate::{
    action::Action,
    error::{Error, Result},
    ids::OrgId,
    odavl::Core,
    storage::{Arrived, Checksum, Product, Upload as ObjectUpload, UploadState},
    sweep::Pass,
    uploads::{Stored, Upload},
};

impl Core {
    /// Makes the stored results an object of the organisation: named, counted, found by a recount.
    pub(super) async fn complete_results(&self, org: OrgId, object: &ObjectUpload) -> Result<()> {
        let lost = || Error::corrupted(format!("the bytes of upload `{}` are lost", object.id), None);
        let meta = self.storage.head(&object.key).await?.ok_or_else(lost)?;
        let checksum: Checksum = match meta.checksum {
            Some(checksum) => checksum,
            None => self.hash(object).await?,
        };
        let arrived = Arrived { size: meta.size, checksum, at: self.clock.now() };
        let completed = self.objects.complete_upload(org, object.id, &arrived).await?;
        completed.map(drop).ok_or_else(|| Error::not_found("upload", &object.id))
    }

    /// Finishes results whose row says that they are stored by this try; `None` where it does not.
    pub(super) async fn finish_results(&self, org: OrgId, object: &ObjectUpload) -> Result<Option<Stored>> {
        let Some(stored) = self.stored_by(org, object).await? else { return Ok(None) };
        if object.state == UploadState::Open {
            self.complete_results(org, object).await?;
        }
        Ok(Some(stored))
    }

    async fn stored_by(&self, org: OrgId, object: &ObjectUpload) -> Result<Option<Stored>> {
        let Some(id) = owner(&object.name) else { return Ok(None) };
        let found = self.uploads.upload(org, id).await?;
        let counts = found.filter(|upload| upload.attempt.id == object.id);
        Ok(counts.as_ref().and_then(Upload::stored).cloned())
    }

    /// Ends the expired upload of an object that is results.
    pub(crate) async fn sweep_results(
        &self,
        org: OrgId,
        object: &ObjectUpload,
        now: Timestamp,
    ) -> Result<()> {
        let stored = self.finish_results(org, object).await?.is_some();
        if stored || matches!(object.state, UploadState::Completed(_)) {
            self.settle_results(org, object).await?;
            return self.objects.forget_upload(org, object.id).await;
        }
        if let Some(id) = owner(&object.name) {
            // From here on the try can no longer be stored; where it just was, the next sweep finishes it.
            self.uploads.discard(org, id, object.id).await?;
        }
        if self.stored_by(org, object).await?.is_some() {
            return Ok(());
        }
        match self.objects.abandon_upload(org, object.id, now, now).await? {
            Some(ended) if ended.state == UploadState::Abandoned => self.drop_upload(org, &ended).await,
            _ => Ok(()),
        }
    }

    /// Charges what was stored, out of what was held: again, it changes nothing.
    pub(crate) async fn settle_results(&self, org: OrgId, object: &ObjectUpload) -> Result<()> {
        let found = self.objects.upload(org, object.id).await?;
        let Some(ObjectUpload { state: UploadState::Completed(arrived), .. }) = found else { return Ok(()) };
        let product = object.key.segments().nth(1).map(str::parse::<Product>).transpose()?;
        let units = match product {
            Some(product) => self.results(&product, arrived.size)?,
            None => self.stored(arrived.size)?,
        };
        self.settle_stored(org, object, self.with_request(Action::UploadCreate, units, 1)).await
    }

    /// Frees the runs whose try stopped before its object was begun.
    pub(crate) async fn sweep_uploads(self: &Arc<Self>, now: Timestamp) -> Result<()> {
        let mut pass = Pass::new();
        while let Some(most) = pass.most() {
            let expired = self.uploads.expired(now, most).await?;
            for (org, upload) in pass.fresh(expired, |(org, upload)| (*org, upload.id)) {
                if !pass.took(self.end_results(org, &upload).await) {
                    break;
                }
            }
        }
        pass.end()
    }

    async fn end_results(self: &Arc<Self>, org: OrgId, upload: &Upload) -> Result<()> {
        let attempt = &upload.attempt;
        if self.objects.upload(org, attempt.id).await?.is_some() {
            // It may still be streaming; it ends with its object.
            return Ok(());
        }
        if self.uploads.discard(org, upload.id, attempt.id).await? {
            self.end_hold(org, &upload.by.to_string().into(), attempt.reservation, None).await?;
        }
        Ok(())
    }
}
