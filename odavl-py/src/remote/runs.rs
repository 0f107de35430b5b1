//! Results of runs.

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use odavl_client::{door::failure::Failure as Why, types::Encoding as Packed};
use odavl_core::{
    ids::UploadId,
    page::PageQuery,
    uploads::{Encoding, Filter, NewResults},
};

use super::{Remote, part};
use crate::{
    failure::Result,
    runs::{Results, UploadedResults},
    values::Page,
};

impl Remote {
    /// The same run again is known by its id.
    pub(crate) async fn run_create(&self, wish: NewResults, bytes: Bytes) -> Result<UploadedResults> {
        let (product, project, run) =
            (wish.product.to_string(), wish.project.to_string(), wish.run.to_string());
        let sha256 = wish.sha256.to_string();
        let encoding = match wish.encoding {
            Encoding::Identity => None,
            Encoding::Gzip => Some(Packed::Gzip),
            Encoding::Zstd => Some(Packed::Zstd),
        };
        let taken = self.call_with(bytes.len(), |api| {
            api.upload_create(&product, &project, &run, encoding, &sha256, bytes.clone())
        });
        Ok(taken.await?.into())
    }

    pub(crate) async fn run_list(&self, filter: Filter, page: PageQuery) -> Result<Page<Results>> {
        let (cursor, limit) = part(&page);
        let product = filter.product.map(|product| product.to_string());
        let project = filter.project.map(|project| project.to_string());
        let found = self.call(|api| api.upload_list(cursor, limit, product.as_deref(), project.as_deref()));
        let found = found.await?;
        Ok(Page::from_wire(found.items, found.next_cursor))
    }

    pub(crate) async fn run_read(&self, id: UploadId) -> Result<Results> {
        let id = id.to_string();
        Ok(self.call(|api| api.upload_read(&id)).await?.into())
    }

    pub(crate) async fn run_content(&self, id: UploadId) -> Result<Vec<Bytes>> {
        let id = id.to_string();
        let content = self.call(|api| api.upload_content(&id)).await?.into_inner();
        let broken =
            |error: reqwest::Error| Why::Unreachable(self.server.origin.clone(), error.without_url()).into();
        content.try_collect().await.map_err(broken)
    }

    pub(crate) async fn run_delete(&self, id: UploadId) -> Result<Results> {
        let id = id.to_string();
        Ok(self.once(|api| api.upload_delete(&id)).await?.into())
    }
}
