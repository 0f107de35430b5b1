//! Giving an upload up before it ends by itself.

use jiff::Timestamp;

use super::Objects;
use crate::{
    action::Action,
    error::{Error, Result},
    ids::UploadId,
    odavl::Core,
    session::{Ask, Usage},
    storage::{MediaType, PutOptions, Upload, UploadState, full},
};

impl Objects<'_> {
    /// Ends an upload that is to come to nothing. What it held is given back now, for no URL for its bytes works any
    /// more. Again, it does the same.
    ///
    /// # Errors
    /// `conflict` where it is an object already; `unsupported` where the store may take its bytes yet.
    pub async fn abandon(&self, id: UploadId) -> Result<()> {
        self.0
            .metered(Ask::new(Action::StorageAbandon), async |permit| {
                let (core, org) = (&self.0.core, permit.org()?);
                let upload = self.own_upload(permit, id).await?;
                core.storage.can_give_up(&upload.arrival).await?;
                let ended = core.objects.abandon_upload(org, id, Timestamp::MAX, permit.at).await?;
                let upload = ended.ok_or_else(|| Error::not_found("upload", &id))?;
                if upload.state != UploadState::Abandoned {
                    return Err(Error::Conflict(format!("upload `{id}` is an object already; delete that")));
                }
                core.take_key(&upload).await?;
                core.end_hold(org, &upload.by.to_string().into(), upload.reservation, None).await?;
                Ok(((), Usage::Settled))
            })
            .await
    }
}

impl Core {
    /// Puts nothing in the place of an upload's bytes: whoever sends them yet is refused, since their key is taken. The
    /// sweeper removes it once the last URL for them has expired.
    async fn take_key(&self, upload: &Upload) -> Result<()> {
        if let Some(multipart) = upload.multipart() {
            self.storage.abort_multipart(&multipart).await?;
        }
        let nothing = PutOptions::create(MediaType::bytes()).overwriting();
        self.storage.put(&upload.key, full(""), nothing).await.map(drop)
    }
}
