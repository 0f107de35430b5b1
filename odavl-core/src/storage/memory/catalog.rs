//! Object rows in maps.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    error::Result,
    ids::{ObjectId, OrgId, UploadId},
    page::Page,
    storage::{
        Arrival, Arrived, Catalog, Completion, Garbage, ListQuery, Listed, Listing, MultipartId, ObjectName,
        ObjectRow, Part, StorageStats, StoreMark, StoreWalk, Upload, UploadState,
    },
};

/// Object rows that live as long as the process.
#[derive(Debug, Default)]
pub struct MemoryCatalog {
    orgs: Mutex<BTreeMap<OrgId, Rows>>,
    store: Mutex<OfStore>,
}

#[derive(Debug, Default)]
struct OfStore {
    mark: Option<StoreMark>,
    walk: Option<StoreWalk>,
}

#[derive(Debug, Default)]
struct Rows {
    objects: BTreeMap<ObjectName, ObjectRow>,
    uploads: BTreeMap<UploadId, Upload>,
    parts: BTreeMap<(UploadId, u32), Part>,
    garbage: BTreeMap<ObjectId, Garbage>,
}

impl MemoryCatalog {
    fn orgs(&self) -> MutexGuard<'_, BTreeMap<OrgId, Rows>> {
        self.orgs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, OfStore> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, org: OrgId, act: impl FnOnce(&mut Rows) -> T) -> T {
        act(self.orgs().entry(org).or_default())
    }
}

impl Rows {
    fn object(&self, id: ObjectId) -> Option<&ObjectRow> {
        self.objects.values().find(|object| object.id == id)
    }

    /// The garbage that no object has.
    fn unwanted(&self) -> impl Iterator<Item = &Garbage> {
        self.garbage.values().filter(|garbage| self.object(garbage.object).is_none())
    }

    fn names(&self, id: ObjectId) -> bool {
        self.object(id).is_some()
            || self.garbage.contains_key(&id)
            || self.uploads.values().any(|upload| upload.object == id)
    }

    fn discard(&mut self, garbage: &Garbage) {
        let known = self.garbage.entry(garbage.object).or_insert_with(|| garbage.clone());
        (known.size, known.due_at) = (known.size.max(garbage.size), known.due_at.max(garbage.due_at));
    }

    fn begin(&mut self, upload: &Upload) -> Result<Upload> {
        let known = self.uploads.entry(upload.id).or_insert_with(|| upload.clone());
        if known.announces_as(upload) { Ok(known.clone()) } else { Err(known.differs()) }
    }

    fn complete(&mut self, id: UploadId, arrived: &Arrived) -> Result<Option<Completion>> {
        let Some(upload) = self.uploads.get_mut(&id) else { return Ok(None) };
        match &upload.state {
            UploadState::Abandoned => return Err(upload.was_abandoned()),
            UploadState::Completed(arrived) => {
                let object = upload.object(arrived);
                return Ok(Some(Completion { object, displaced: None, replayed: true }));
            }
            UploadState::Open => upload.may_take(self.objects.get(&upload.name))?,
        }
        upload.state = UploadState::Completed(arrived.clone());
        let object = upload.object(arrived);
        let displaced = self.objects.insert(object.name.clone(), object.clone());
        if let Some(displaced) = &displaced {
            self.discard(&displaced.garbage(arrived.at));
        }
        Ok(Some(Completion { object, displaced, replayed: false }))
    }

    fn abandon(&mut self, id: UploadId, by: Timestamp, now: Timestamp) -> Option<Upload> {
        let upload = self.uploads.get_mut(&id)?;
        if upload.state != UploadState::Open || upload.expires_at > by {
            return Some(upload.clone());
        }
        upload.state = UploadState::Abandoned;
        let upload = upload.clone();
        self.discard(&upload.garbage(now));
        Some(upload)
    }

    fn forget(&mut self, id: UploadId) {
        if self.uploads.get(&id).is_some_and(|upload| upload.state != UploadState::Open) {
            self.uploads.remove(&id);
            self.parts.retain(|(upload, _), _| *upload != id);
        }
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn begin_upload(&self, org: OrgId, upload: &Upload) -> Result<Upload> {
        self.with(org, |rows| rows.begin(upload))
    }

    async fn upload(&self, org: OrgId, id: UploadId) -> Result<Option<Upload>> {
        Ok(self.with(org, |rows| rows.uploads.get(&id).cloned()))
    }

    async fn upload_of(&self, org: OrgId, object: ObjectId) -> Result<Option<Upload>> {
        Ok(self.with(org, |rows| rows.uploads.values().find(|upload| upload.object == object).cloned()))
    }

    async fn sign_parts(
        &self,
        org: OrgId,
        id: UploadId,
        parts: &[Part],
        until: Timestamp,
    ) -> Result<Option<Upload>> {
        Ok(self.with(org, |rows| {
            let upload = rows.uploads.get_mut(&id)?;
            if upload.state == UploadState::Open {
                upload.expires_at = upload.expires_at.max(until);
                rows.parts.extend(parts.iter().map(|part| ((id, part.number), *part)));
            }
            Some(upload.clone())
        }))
    }

    async fn signed_parts(&self, org: OrgId, id: UploadId) -> Result<Vec<Part>> {
        Ok(self.with(org, |rows| rows.parts.range((id, 0)..=(id, u32::MAX)).map(|(_, part)| *part).collect()))
    }

    async fn attach_multipart(
        &self,
        org: OrgId,
        id: UploadId,
        name: &MultipartId,
    ) -> Result<Option<MultipartId>> {
        Ok(self.with(org, |rows| {
            let upload = rows.uploads.get_mut(&id).filter(|upload| upload.state == UploadState::Open)?;
            match &mut upload.arrival {
                Arrival::Parts { multipart, .. } => {
                    Some(multipart.get_or_insert_with(|| name.clone()).clone())
                }
                Arrival::Streamed | Arrival::Whole { .. } => None,
            }
        }))
    }

    async fn complete_upload(
        &self,
        org: OrgId,
        id: UploadId,
        arrived: &Arrived,
    ) -> Result<Option<Completion>> {
        self.with(org, |rows| rows.complete(id, arrived))
    }

    async fn abandon_upload(
        &self,
        org: OrgId,
        id: UploadId,
        by: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Upload>> {
        Ok(self.with(org, |rows| rows.abandon(id, by, now)))
    }

    async fn forget_upload(&self, org: OrgId, id: UploadId) -> Result<()> {
        self.with(org, |rows| rows.forget(id));
        Ok(())
    }

    async fn expired_uploads(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Upload)>> {
        let orgs = self.orgs();
        let all =
            orgs.iter().flat_map(|(org, rows)| rows.uploads.values().map(|upload| (*org, upload.clone())));
        let mut expired: Vec<_> = all.filter(|(_, upload)| upload.expires_at <= now).collect();
        expired.sort_by_key(|(org, upload)| (upload.expires_at, *org, upload.id));
        expired.truncate(most as usize);
        Ok(expired)
    }

    async fn object(&self, org: OrgId, id: ObjectId) -> Result<Option<ObjectRow>> {
        Ok(self.with(org, |rows| rows.object(id).cloned()))
    }

    async fn object_named(&self, org: OrgId, name: &ObjectName) -> Result<Option<ObjectRow>> {
        Ok(self.with(org, |rows| rows.objects.get(name).cloned()))
    }

    async fn lend_object(&self, org: OrgId, id: ObjectId, until: Timestamp) -> Result<bool> {
        Ok(self.with(org, |rows| match rows.objects.values_mut().find(|object| object.id == id) {
            Some(object) => {
                object.urls_until = object.urls_until.max(until);
                true
            }
            None => false,
        }))
    }

    async fn delete_object(&self, org: OrgId, id: ObjectId, now: Timestamp) -> Result<Option<ObjectRow>> {
        Ok(self.with(org, |rows| {
            let name = rows.object(id)?.name.clone();
            let deleted = rows.objects.remove(&name)?;
            rows.discard(&deleted.garbage(now));
            Some(deleted)
        }))
    }

    async fn list(&self, org: OrgId, query: &ListQuery) -> Result<Page<Listed>> {
        Ok(self.with(org, |rows| {
            let mut listing = Listing::new(query);
            let bounds = listing.bounds();
            let within = |name: &str| {
                let asked = |b: &crate::storage::Bounds| *b.from <= *name && *name < *b.to && *name != *b.but;
                bounds.as_ref().is_some_and(asked)
            };
            let asked = rows.objects.values().filter(|object| within(object.name.as_str()));
            asked.for_each(|object| listing.take(object.clone()));
            listing.finish()
        }))
    }

    async fn stats(&self, org: OrgId) -> Result<StorageStats> {
        Ok(self.with(org, |rows| StorageStats {
            objects: rows.objects.len() as u64,
            bytes: rows.objects.values().map(|object| object.size).sum(),
            garbage_bytes: rows.garbage.values().map(|garbage| garbage.size).sum(),
        }))
    }

    async fn due_garbage(&self, now: Timestamp, most: u32) -> Result<Vec<(OrgId, Garbage)>> {
        let orgs = self.orgs();
        let all = orgs.iter().flat_map(|(org, rows)| rows.unwanted().map(|garbage| (*org, garbage.clone())));
        let mut due: Vec<_> = all.filter(|(_, garbage)| garbage.due_at <= now).collect();
        due.sort_by_key(|(org, garbage)| (garbage.due_at, *org, garbage.object));
        due.truncate(most as usize);
        Ok(due)
    }

    async fn store_mark(&self) -> Result<Option<StoreMark>> {
        Ok(self.store().mark.clone())
    }

    async fn renew_store_mark(&self, from: Option<&str>, to: &str) -> Result<bool> {
        let mut store = self.store();
        let replaced = store.mark.as_ref().map(|known| known.mark.clone());
        let renews = replaced.as_deref() == from;
        if renews {
            store.mark = Some(StoreMark { mark: to.to_owned(), replaced });
        }
        Ok(renews)
    }

    async fn store_walk(&self) -> Result<Option<StoreWalk>> {
        Ok(self.store().walk.clone())
    }

    async fn keep_store_walk(&self, walk: &StoreWalk) -> Result<()> {
        self.store().walk = Some(walk.clone());
        Ok(())
    }

    async fn unnamed(&self, objects: &[(OrgId, ObjectId)]) -> Result<Vec<(OrgId, ObjectId)>> {
        let orgs = self.orgs();
        let is_named = |(org, id): &&(OrgId, ObjectId)| orgs.get(org).is_some_and(|rows| rows.names(*id));
        Ok(objects.iter().filter(|object| !is_named(object)).copied().collect())
    }

    async fn queue_garbage(&self, org: OrgId, garbage: &Garbage) -> Result<()> {
        self.with(org, |rows| rows.discard(garbage));
        Ok(())
    }

    async fn drop_garbage(&self, org: OrgId, object: ObjectId) -> Result<()> {
        self.with(org, |rows| rows.garbage.remove(&object));
        Ok(())
    }
}
