//! The port of uploads' rows.

use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use super::upload::{Begun, Stored, Upload};
use crate::{
    error::Result,
    ids::{OrgId, ProjectId, UploadId},
    page::{Page, PageQuery},
    storage::Product,
};

/// Which uploads are asked for.
#[derive(Debug, Clone)]
pub struct UploadQuery {
    /// Of which products.
    pub products: Vec<Product>,
    /// Of which project; `None`: of all.
    pub project: Option<ProjectId>,
    /// Which part of the list.
    pub page: PageQuery,
}

/// Keeps the rows of uploads.
///
/// # Behavior
/// - An upload begins once; begun again with the same content, the last try counts and the one before is answered.
/// - Another content under the same run is a `conflict`, whatever became of the first.
/// - Only the try that counts is stored; stored again by the same, it answers the same.
/// - Only the try that counts is discarded, and only while it is pending; then the run is free.
/// - What is stored begins no more: beginning it answers it.
/// - Deleting leaves a mark: the run is not taken again.
/// - A list has what is stored, the newest first, of the products and the project that are asked for; its pages miss
///   and repeat nothing.
/// - Expired are tries that are pending, the oldest first.
/// - Another organisation's uploads are absent, and nothing that is done to them happens.
#[async_trait]
pub trait UploadRows: Debug + Send + Sync + 'static {
    /// Begins an upload, which is pending.
    async fn begin(&self, org: OrgId, upload: &Upload) -> Result<Begun>;

    /// Makes the upload stored by that try; false where the try does not count.
    async fn store(&self, org: OrgId, id: UploadId, attempt: UploadId, stored: &Stored) -> Result<bool>;

    /// Forgets an upload that is pending by that try; false where it is not.
    async fn discard(&self, org: OrgId, id: UploadId, attempt: UploadId) -> Result<bool>;

    /// Marks a stored upload as deleted; false where there is none.
    async fn delete(&self, org: OrgId, id: UploadId) -> Result<bool>;

    /// An upload, however far it is.
    async fn upload(&self, org: OrgId, id: UploadId) -> Result<Option<Upload>>;

    /// A page of stored uploads.
    async fn list(&self, org: OrgId, query: &UploadQuery) -> Result<Page<Upload>>;

    /// Up to `most` pending uploads whose try had expired by `now`.
    async fn expired(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Upload)>>;
}

/// Where a list goes on: the time and id of the last item.
pub(super) type After = Option<(i64, UploadId)>;

impl UploadQuery {
    /// Where the page begins.
    pub(super) fn after(&self) -> Result<After> {
        let Some(cursor) = self.page.after::<String>()? else { return Ok(None) };
        let parsed = cursor.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
        parsed.map(Some).ok_or_else(|| {
            crate::Error::invalid_with("that cursor is not one of ours", "use `next_cursor` as it came")
        })
    }

    /// The page of what was read for it.
    pub(super) fn cut(&self, uploads: Vec<Upload>) -> Page<Upload> {
        Page::cut(uploads, self.page.limit, |upload| {
            let at = upload.stored().map_or(0, |stored| stored.at.as_microsecond());
            format!("{at}.{}", upload.id)
        })
    }
}
