//! Uploads, read back: in figures, in lists, and as the bytes that were sent.

use super::{Uploads, may};
use crate::{
    action::Action,
    auth::{Access, Slug},
    error::{Error, Result},
    ids::UploadId,
    page::{Page, PageQuery},
    session::{Ask, Permit, Usage},
    storage::{ByteRange, Object, Product},
    uploads::{Upload, UploadQuery},
};

/// Which uploads a list is of.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of one product; `None`: of all that the caller may read.
    pub product: Option<Product>,
    /// Of one project.
    pub project: Option<Slug>,
}

/// An upload's bytes, as they were sent.
#[derive(Debug)]
pub struct Content {
    /// The upload.
    pub upload: Upload,
    /// The bytes.
    pub bytes: Object,
}

impl Uploads<'_> {
    /// A page of the organisation's uploads, the newest first.
    pub async fn list(&self, filter: &Filter, page: &PageQuery) -> Result<Page<Upload>> {
        let named = filter.product.as_ref().map(Product::as_str);
        let ask = match named {
            Some(product) => Ask::new(Action::UploadList).products([product]),
            None => Ask::new(Action::UploadList).products(self.products()),
        };
        self.0
            .metered(ask, async |permit| {
                let query = self.query(permit, filter, page).await?;
                Ok((self.0.core.uploads.list(permit.org()?, &query).await?, Usage::Settled))
            })
            .await
    }

    async fn query(&self, permit: &Permit, filter: &Filter, page: &PageQuery) -> Result<UploadQuery> {
        let all = self.products().map(str::parse).collect::<Result<Vec<Product>>>()?;
        let asked = |product: &Product| filter.product.as_ref().is_none_or(|named| named == product);
        let readable = |product: &Product| may(&permit.caller, product, Access::Read);
        let project = match &filter.project {
            Some(slug) => Some(self.project(permit, slug).await?),
            None => None,
        };
        let products = all.into_iter().filter(|product| asked(product) && readable(product)).collect();
        Ok(UploadQuery { products, project, page: page.clone() })
    }

    /// One of the organisation's uploads.
    pub async fn read(&self, id: UploadId) -> Result<Upload> {
        self.0
            .metered(Ask::new(Action::UploadGet).products(self.products()), async |permit| {
                Ok((self.own(permit, id, Access::Read).await?, Usage::Settled))
            })
            .await
    }

    /// An upload's bytes, as they were sent, or a range of them.
    pub async fn content(&self, id: UploadId, range: Option<ByteRange>) -> Result<Content> {
        self.0
            .metered(Ask::new(Action::UploadGet).products(self.products()), async |permit| {
                let upload = self.own(permit, id, Access::Read).await?;
                let absent = || Error::not_found("upload", &id);
                let stored = upload.stored().ok_or_else(absent)?;
                let bytes = self.0.core.storage.get(&stored.key, range).await?;
                Ok((Content { bytes: bytes.ok_or_else(absent)?, upload }, Usage::Settled))
            })
            .await
    }
}
