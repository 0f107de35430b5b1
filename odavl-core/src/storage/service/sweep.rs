//! Sweeping: what stopped is finished or undone.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Proof;
use crate::{
    caller::Source,
    error::{Error, ErrorCode, Result},
    ids::OrgId,
    odavl::Core,
    page::PageQuery,
    session::{Context, Session},
    storage::{KeyPrefix, Upload, UploadState},
    sweep::Pass,
};

/// No upload is older; a multipart upload that is belongs to none.
const STALE: SignedDuration = SignedDuration::from_hours(9 * 24);

impl Core {
    /// Removes the bytes that nothing names any more, once no URL for them works.
    pub(crate) async fn sweep_garbage(&self, now: Timestamp) -> Result<()> {
        let mut pass = Pass::new();
        while let Some(most) = pass.most() {
            let due = self.objects.due_garbage(now, most).await?;
            for (org, garbage) in pass.fresh(due, |(org, garbage)| (*org, garbage.object)) {
                if !pass.took(self.remove_garbage(org, &garbage).await) {
                    break;
                }
            }
        }
        pass.end()
    }

    /// Ends an upload of Storage's own that expired.
    pub(crate) async fn sweep_upload(
        self: &Arc<Self>,
        org: OrgId,
        upload: &Upload,
        now: Timestamp,
    ) -> Result<()> {
        match &upload.state {
            UploadState::Completed(arrived) => {
                self.settle_upload(org, upload, arrived.size).await?;
                self.objects.forget_upload(org, upload.id).await
            }
            UploadState::Abandoned => self.drop_upload(org, upload).await,
            UploadState::Open if self.arrived(org, upload, now).await? => Ok(()),
            UploadState::Open => {
                let ended = self.objects.abandon_upload(org, upload.id, now, now).await?;
                match ended {
                    Some(upload) if upload.state == UploadState::Abandoned => {
                        self.drop_upload(org, &upload).await
                    }
                    // Completed or put off a moment ago: the next sweep settles it, or a later one ends it.
                    _ => Ok(()),
                }
            }
        }
    }

    /// Makes an object of an expired upload whose bytes did arrive, though nobody said so. What streamed through odavl
    /// is dropped instead: its sender knows that it failed.
    async fn arrived(self: &Arc<Self>, org: OrgId, upload: &Upload, now: Timestamp) -> Result<bool> {
        if !matches!(self.prove(org, upload, now).await?, Proof::Arrived(_)) {
            return Ok(false);
        }
        let system = Session::new(self.clone(), Source::System(org), Context::default());
        let caller = self.resolve(&system.source, &system.context).await?;
        match system.finish_upload(&caller, upload, now).await {
            Ok(_) => self.objects.forget_upload(org, upload.id).await.map(|()| true),
            Err(error) if is_fault(&error) => Err(error),
            // Its name is taken, or its units are held no longer and do not fit.
            Err(_) => Ok(false),
        }
    }

    /// Aborts multipart uploads that no upload knows any more, and once more those of which a part landed when they were
    /// aborted: a store lists them again, with the time when they were begun.
    pub(crate) async fn abort_stale_multiparts(&self) -> Result<()> {
        let before = self.clock.now().checked_sub(STALE).unwrap_or(Timestamp::MIN);
        let prefix = KeyPrefix::orgs();
        let mut page = PageQuery::default();
        loop {
            let open = match self.storage.open_multiparts(&prefix, &page).await {
                Err(Error::Unsupported(_)) => return Ok(()),
                open => open?,
            };
            for stale in open.items.iter().filter(|open| open.begun < before) {
                self.storage.abort_multipart(&stale.multipart).await?;
            }
            if open.next_cursor.is_none() {
                return Ok(());
            }
            page.cursor = open.next_cursor;
        }
    }
}

/// Whether trying again may help.
fn is_fault(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::Corrupted)
}
