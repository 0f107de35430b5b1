//! Deleting: the row goes at once, the bytes once no URL for them works any more, and then they are given back.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Objects, check_name, finish::once};
use crate::{
    action::Action,
    error::{Error, Result},
    hold::open_limits,
    ids::OrgId,
    metering::{Charge, Entry, Op, Scope},
    odavl::Core,
    session::{Ask, Usage, decided},
    storage::{Creator, Garbage, Multipart, ObjectName, ObjectRow, StoreKey, Upload, UploadState},
};

/// What deleting an object did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// The object that was there.
    pub object: ObjectRow,
    /// When its bytes are removed and count no longer: now, or once the last URL for them has expired.
    pub freed_at: Timestamp,
}

impl Objects<'_> {
    /// Deletes the object of that name. Its bytes count until they are removed.
    pub async fn delete(&self, name: &ObjectName) -> Result<Deleted> {
        check_name(name)?;
        self.0
            .metered(Ask::new(Action::StorageDelete), async |permit| {
                let (org, core) = (permit.org()?, &self.0.core);
                let absent = || Error::not_found("object", name);
                let row = core.objects.object_named(org, name).await?.ok_or_else(absent)?;
                let row = core.objects.delete_object(org, row.id, permit.at).await?.ok_or_else(absent)?;
                let garbage = row.garbage(permit.at);
                if garbage.due_at <= permit.at {
                    // The object is deleted; where its bytes cannot be removed now, the sweeper does it.
                    let _ = core.remove_garbage(org, &garbage).await;
                }
                Ok((Deleted { object: row, freed_at: garbage.due_at }, Usage::Settled))
            })
            .await
    }
}

impl Core {
    /// Removes bytes that nothing names any more, and gives them back: in this order, so that what is stored is never
    /// less than what counts. What was not charged yet is charged first: nothing is given back of what never counted.
    pub(crate) async fn remove_garbage(&self, org: OrgId, garbage: &Garbage) -> Result<()> {
        if let Some(id) = &garbage.multipart {
            let multipart = Multipart { key: garbage.key.clone(), id: id.clone() };
            self.storage.abort_multipart(&multipart).await?;
        }
        if let Some(upload) = self.objects.upload_of(org, garbage.object).await? {
            self.settle_completed(org, &upload).await?;
        }
        self.storage.delete(&garbage.key).await?;
        self.give_back(org, garbage).await?;
        self.objects.drop_garbage(org, garbage.object).await
    }

    /// Charges what an upload stored, if it did; whoever completed it may have been stopped before.
    async fn settle_completed(&self, org: OrgId, upload: &Upload) -> Result<()> {
        let UploadState::Completed(arrived) = &upload.state else { return Ok(()) };
        #[cfg(feature = "uploads")]
        if crate::uploads::owner(&upload.name).is_some() {
            return self.settle_results(org, upload).await;
        }
        self.settle_upload(org, upload, arrived.size).await
    }

    async fn give_back(&self, org: OrgId, garbage: &Garbage) -> Result<()> {
        let by = creator_of(&garbage.key);
        let own = match by {
            Some(Creator::Key(key)) => Some(Scope::Key(key)),
            Some(Creator::User(_) | Creator::System) | None => None,
        };
        let limits = open_limits([Scope::Organization].into_iter().chain(own));
        let stored = self.stored::<i64>(garbage.size)?;
        let charges: Vec<_> = stored
            .into_iter()
            .map(|(meter, units)| Charge { meter, units: -units, limits: limits.clone(), since: None })
            .collect();
        if charges.is_empty() {
            return Ok(());
        }
        let entry = Entry {
            org,
            epoch: u64::MAX,
            subject: by.map(|by| by.to_string()).unwrap_or_default().into(),
            op: Op::Charge(charges),
            idempotency: Some(once("storage.give_back", &garbage.object.to_string())),
            tags: Arc::default(),
        };
        decided(self.combiner.decide(entry).await?).map(drop)
    }
}

/// Who stored the bytes under a key: whose own limit they count in, too.
fn creator_of(key: &StoreKey) -> Option<Creator> {
    key.segments().nth(2)?.parse().ok()
}
