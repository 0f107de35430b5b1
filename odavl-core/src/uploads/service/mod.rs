//! The use cases of uploads, each through the gate.

mod create;
mod delete;
mod finish;
mod read;
mod receiving;
mod tee;

pub use create::{NewResults, Uploaded};
pub use read::{Content, Filter};
pub(crate) use receiving::Receiving;

use jiff::Timestamp;

use super::upload::Upload;
use crate::{
    auth::{Access, Slug},
    caller::Caller,
    error::{Error, Reason, Result},
    ids::{ProjectId, UploadId},
    metering::MeterName,
    odavl::Core,
    session::{Permit, Session},
    storage::{ObjectName, Product, service::OWN},
};

/// The use cases of uploads.
#[derive(Debug)]
pub struct Uploads<'a>(&'a Session);

impl Session {
    /// The organisation's uploads of products' results.
    pub fn uploads(&self) -> Uploads<'_> {
        Uploads(self)
    }
}

impl Uploads<'_> {
    /// The names of the products whose results are taken.
    fn products(&self) -> impl Iterator<Item = &str> {
        self.0.core.settings.catalog.uploads.keys().map(String::as_str)
    }

    async fn project(&self, permit: &Permit, slug: &Slug) -> Result<ProjectId> {
        let found = self.0.core.auth.project(permit.org()?, slug).await?;
        found.map(|project| project.id).ok_or_else(|| Error::not_found("project", slug))
    }

    /// A stored upload of the organisation, of a product that the caller may do this with.
    async fn own(&self, permit: &Permit, id: UploadId, access: Access) -> Result<Upload> {
        let found = self.0.core.uploads.upload(permit.org()?, id).await?;
        let upload = found.filter(|upload| upload.stored().is_some());
        let upload = upload.ok_or_else(|| Error::not_found("upload", &id))?;
        if may(&permit.caller, &upload.product, access) {
            return Ok(upload);
        }
        let detail = format!("this needs the scope {}:{}", upload.product, access.as_str());
        Err(Error::forbidden(Reason::InsufficientScope, detail))
    }
}

/// Whether the caller has that access to a product's uploads.
fn may(caller: &Caller, product: &Product, access: Access) -> bool {
    caller.scopes.allow(product.as_str(), access) || caller.scopes.allow("uploads", access)
}

impl Core {
    /// What the results of a run are charged as: their bytes, and a unit of the product's meter.
    fn results<N: TryFrom<u64> + From<u8>>(
        &self,
        product: &Product,
        bytes: u64,
    ) -> Result<Vec<(MeterName, N)>> {
        let mut units = self.stored(bytes)?;
        let meter = self.settings.catalog.uploads.get(product.as_str()).cloned();
        units.extend(meter.map(|meter| (meter, N::from(1))));
        Ok(units)
    }
}

/// The name of an upload's object, among odavl's own.
fn object_name(id: UploadId) -> Result<ObjectName> {
    format!("{OWN}/uploads/{id}").parse()
}

/// The upload whose object has that name.
pub(crate) fn owner(name: &ObjectName) -> Option<UploadId> {
    name.as_str().strip_prefix(OWN)?.strip_prefix("/uploads/")?.parse().ok()
}

fn later(at: Timestamp, by: impl Into<jiff::TimestampArithmetic>) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
