//! Deleting an upload: its bytes go, and the mark of its run stays.

use super::Uploads;
use crate::{
    action::Action,
    auth::Access,
    error::Result,
    ids::UploadId,
    session::{Ask, Usage},
    uploads::Upload,
};

impl Uploads<'_> {
    /// Deletes an upload and gives its bytes back; the run it counted stays counted, and is not taken again.
    pub async fn delete(&self, id: UploadId) -> Result<Upload> {
        self.0
            .metered(Ask::new(Action::UploadDelete).products(self.products()), async |permit| {
                let (org, core) = (permit.org()?, &self.0.core);
                let upload = self.own(permit, id, Access::Admin).await?;
                if let Some(object) = core.objects.upload(org, upload.attempt.id).await? {
                    // Whoever stored it may have been stopped before they came to its end.
                    core.finish_results(org, &object).await?;
                    core.settle_results(org, &object).await?;
                }
                if let Some(stored) = upload.stored()
                    && let Some(row) = core.objects.delete_object(org, stored.object, permit.at).await?
                {
                    let garbage = row.garbage(permit.at);
                    if garbage.due_at <= permit.at {
                        // The object is deleted; where its bytes cannot be removed now, the sweeper does it.
                        let _ = core.remove_garbage(org, &garbage).await;
                    }
                }
                core.uploads.delete(org, id).await?;
                Ok((upload, Usage::Settled))
            })
            .await
    }
}
