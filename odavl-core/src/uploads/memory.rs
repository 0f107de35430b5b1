//! Uploads' rows in maps.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{
    port::{UploadQuery, UploadRows},
    upload::{Begun, State, Stored, Upload},
};
use crate::{
    error::Result,
    ids::{OrgId, UploadId},
    page::Page,
};

/// Uploads' rows that live as long as the process.
#[derive(Debug, Default)]
pub struct MemoryUploads(Mutex<BTreeMap<(OrgId, UploadId), Upload>>);

impl MemoryUploads {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<(OrgId, UploadId), Upload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl UploadRows for MemoryUploads {
    async fn begin(&self, org: OrgId, upload: &Upload) -> Result<Begun> {
        let mut rows = self.rows();
        let begun = match rows.get(&(org, upload.id)) {
            Some(known) => known.begin_again(upload)?,
            None => Begun::New(None),
        };
        if matches!(begun, Begun::New(_)) {
            rows.insert((org, upload.id), Upload { state: State::Pending, ..upload.clone() });
        }
        Ok(begun)
    }

    async fn store(&self, org: OrgId, id: UploadId, attempt: UploadId, stored: &Stored) -> Result<bool> {
        let mut rows = self.rows();
        let Some(row) = rows.get_mut(&(org, id)).filter(|row| row.attempt.id == attempt) else {
            return Ok(false);
        };
        if row.state == State::Pending {
            row.state = State::Stored(Box::new(stored.clone()));
        }
        Ok(row.state != State::Deleted)
    }

    async fn discard(&self, org: OrgId, id: UploadId, attempt: UploadId) -> Result<bool> {
        let mut rows = self.rows();
        let pending =
            rows.get(&(org, id)).is_some_and(|row| row.attempt.id == attempt && row.state == State::Pending);
        if pending {
            rows.remove(&(org, id));
        }
        Ok(pending)
    }

    async fn delete(&self, org: OrgId, id: UploadId) -> Result<bool> {
        let mut rows = self.rows();
        let Some(row) = rows.get_mut(&(org, id)).filter(|row| row.stored().is_some()) else {
            return Ok(false);
        };
        row.state = State::Deleted;
        Ok(true)
    }

    async fn upload(&self, org: OrgId, id: UploadId) -> Result<Option<Upload>> {
        Ok(self.rows().get(&(org, id)).cloned())
    }

    async fn list(&self, org: OrgId, query: &UploadQuery) -> Result<Page<Upload>> {
        let after = query.after()?;
        let place = |upload: &Upload| Some((upload.stored()?.at.as_microsecond(), upload.id));
        let asked = |upload: &Upload| {
            query.products.contains(&upload.product)
                && query.project.is_none_or(|project| project == upload.project)
                && place(upload).is_some_and(|place| after.is_none_or(|after| place < after))
        };
        let rows = self.rows();
        let own = rows.iter().filter(|((of, _), _)| *of == org).map(|(_, upload)| upload);
        let mut found: Vec<_> = own.filter(|upload| asked(upload)).cloned().collect();
        found.sort_by_key(|upload| Reverse(place(upload)));
        Ok(query.cut(found))
    }

    async fn expired(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Upload)>> {
        let rows = self.rows();
        let due = |upload: &&Upload| upload.state == State::Pending && upload.attempt.expires_at <= now;
        let mut expired: Vec<_> =
            rows.iter().map(|((org, _), upload)| (*org, upload)).filter(|(_, upload)| due(upload)).collect();
        expired.sort_by_key(|(org, upload)| (upload.attempt.expires_at, *org, upload.id));
        Ok(expired.into_iter().take(most as usize).map(|(org, upload)| (org, upload.clone())).collect())
    }
}
