//! Sweeping what stands on the wings: each upload that expired is ended by whoever began it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{error::Result, ids::OrgId, odavl::Core, storage::Upload};

/// How many rows are read at once.
const BATCH: u32 = 100;

impl Core {
    /// Ends the uploads that expired and removes the bytes that are due. Another node may do the same at the same
    /// time: each step can be taken again.
    pub(crate) async fn sweep_storage(self: &Arc<Self>) -> Result<()> {
        let now = self.clock.now();
        loop {
            let expired = self.objects.expired_uploads(now, BATCH).await?;
            let full = expired.len() == BATCH as usize;
            let mut swept = Ok(());
            for (org, upload) in expired {
                swept = self.end_upload(org, &upload, now).await.and(swept);
            }
            // Whoever fails is tried again at the next sweep; the others are not held up.
            swept?;
            if !full {
                break;
            }
        }
        #[cfg(feature = "uploads")]
        self.sweep_uploads(now).await?;
        self.sweep_garbage(now).await
    }

    async fn end_upload(self: &Arc<Self>, org: OrgId, upload: &Upload, now: Timestamp) -> Result<()> {
        #[cfg(feature = "uploads")]
        if crate::uploads::owner(&upload.name).is_some() {
            return self.sweep_results(org, upload, now).await;
        }
        self.sweep_upload(org, upload, now).await
    }
}
