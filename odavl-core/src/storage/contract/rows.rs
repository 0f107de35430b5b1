//! The rows that cases begin with.

use std::{pin::Pin, task::Poll};

use jiff::{SignedDuration, Timestamp};

use crate::{
    error::Result,
    ids::{KeyId, ObjectId, OrgId, ReservationId, UploadId, UserId},
    storage::{
        Arrival, Arrived, Catalog, Checksum, Completion, Creator, PutMode, Sha256, StoreKey, Upload,
        UploadState,
    },
};

pub(crate) const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

pub(crate) fn later(minutes: i64) -> Timestamp {
    NOW + SignedDuration::from_mins(minutes)
}

pub(crate) fn org() -> Result<OrgId> {
    OrgId::new(NOW)
}

/// An upload of 5 bytes in one request, which expires in an hour.
pub(crate) fn upload(org: OrgId, name: &str) -> Result<Upload> {
    let (object, by) = (ObjectId::new(NOW)?, Creator::Key(KeyId::new(NOW)?));
    Ok(Upload {
        id: UploadId::new(NOW)?,
        reservation: ReservationId::new(NOW)?,
        object,
        key: StoreKey::object(org, &"storage".parse()?, by, object),
        name: name.parse()?,
        mode: PutMode::Overwrite,
        content_type: "text/plain; charset=utf-8".parse()?,
        arrival: Arrival::Whole { size: 5, sha256: Sha256::of(b"hello") },
        by,
        begun_at: NOW,
        expires_at: later(60),
        state: UploadState::Open,
    })
}

pub(crate) fn in_parts(org: OrgId) -> Result<Upload> {
    let arrival = Arrival::Parts { size: 12, part_size: 5, multipart: None };
    Ok(Upload { arrival, by: Creator::User(UserId::new(NOW)?), ..upload(org, "parts")? })
}

pub(crate) fn arrived(size: u64) -> Arrived {
    Arrived { size, checksum: Checksum::Whole(Sha256::of(b"hello")), at: later(1) }
}

/// Stores an object of `size` bytes.
pub async fn store(catalog: &dyn Catalog, org: OrgId, name: &str, size: u64) -> Result<Completion> {
    let upload = upload(org, name)?;
    catalog.begin_upload(org, &upload).await?;
    let done = catalog.complete_upload(org, upload.id, &arrived(size)).await?;
    done.ok_or_else(|| crate::Error::internal("an upload that was begun is absent", None))
}

/// Waits for all futures at once.
pub(crate) async fn all<T>(mut futures: Vec<Pin<Box<dyn Future<Output = T> + Send + '_>>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done).filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
