//! Reading: bytes, URLs that fetch them, lists, statistics, and what presigned requests do.

use super::{Objects, URL_LIVES, check_name, later, url_lives};
use crate::{
    action::Action,
    error::{Error, Result},
    page::Page,
    session::{Ask, Permit, Usage},
    storage::{
        ByteRange, ListQuery, Listed, Object, ObjectName, ObjectRow, Presign, PresignedRequest, StorageStats,
    },
};

/// An object that is being read.
#[derive(Debug)]
pub struct Download {
    /// The object.
    pub object: ObjectRow,
    /// Its bytes.
    pub bytes: Object,
}

impl Objects<'_> {
    /// Reads the object of that name, or a range of it.
    pub async fn read(&self, name: &ObjectName, range: Option<ByteRange>) -> Result<Download> {
        check_name(name)?;
        self.0
            .metered(Ask::new(Action::StorageGet), async |permit| {
                let object = self.named(permit, name).await?;
                let bytes = self.0.core.storage.get(&object.key, range).await?;
                let bytes = match bytes {
                    Some(bytes) => bytes,
                    // Deleted or replaced meanwhile, or lost.
                    None if self.0.core.objects.object(permit.org()?, object.id).await?.is_none() => {
                        return Err(Error::not_found("object", name));
                    }
                    None => {
                        return Err(Error::corrupted(
                            format!("the bytes of object `{}` are lost", object.id),
                            None,
                        ));
                    }
                };
                Ok((Download { object, bytes }, Usage::Settled))
            })
            .await
    }

    /// A request that fetches the object of that name, to be saved under it, for a quarter of an hour. It outlives
    /// the revocation of the credential that asked, but not its end.
    pub async fn download_url(&self, name: &ObjectName) -> Result<PresignedRequest> {
        check_name(name)?;
        self.0
            .metered(Ask::new(Action::StorageDownloadUrl), async |permit| {
                let core = &self.0.core;
                let object = self.named(permit, name).await?;
                let lives = url_lives(permit, URL_LIVES)?;
                let until = later(permit.at, lives);
                if !core.objects.lend_object(permit.org()?, object.id, until).await? {
                    return Err(Error::not_found("object", name));
                }
                let record = self.0.record(permit, &object.id)?;
                core.write(Vec::new(), Vec::new(), vec![record]).await?;
                let what = Presign::Get { attachment: object.name.attachment() };
                Ok((core.storage.presign(&object.key, &what, lives).await?, Usage::Settled))
            })
            .await
    }

    /// A page of the organisation's objects.
    pub async fn list(&self, query: &ListQuery) -> Result<Page<Listed>> {
        self.0
            .metered(Ask::new(Action::StorageList), async |permit| {
                Ok((self.0.core.objects.list(permit.org()?, query).await?, Usage::Settled))
            })
            .await
    }

    /// What the organisation has stored, exactly.
    pub async fn stats(&self) -> Result<StorageStats> {
        self.0
            .metered(Ask::new(Action::StorageStats), async |permit| {
                Ok((self.0.core.objects.stats(permit.org()?).await?, Usage::Settled))
            })
            .await
    }

    async fn named(&self, permit: &Permit, name: &ObjectName) -> Result<ObjectRow> {
        let found = self.0.core.objects.object_named(permit.org()?, name).await?;
        found.ok_or_else(|| Error::not_found("object", name))
    }
}
