//! Uploads in progress: what happens to one in a transaction.

use jiff::Timestamp;

use super::{
    OBJECT_NAMED, discard,
    rows::{object, upload},
    take_object,
};
use crate::{
    db::{Lock, Tx, Value},
    error::{Error, Result},
    ids::{OrgId, UploadId},
    storage::{Arrival, Arrived, Completion, MultipartId, ObjectRow, Part, PutMode, Upload, UploadState},
};

/// An upload of an organisation.
type Which = (OrgId, UploadId);

macro_rules! upload_columns {
    () => {
        "id, reservation, object, store_key, name, mode, content_type, arrival, size, sha256, part_size, multipart, \
         created_by, begun_at, expires_at, state, arrived_size, arrived_checksum, arrived_at"
    };
}

pub(super) const UPLOAD: &str =
    concat!("SELECT ", upload_columns!(), " FROM storage_uploads WHERE org = $1 AND id = $2");
pub(super) const UPLOAD_OF: &str =
    concat!("SELECT ", upload_columns!(), " FROM storage_uploads WHERE org = $1 AND object = $2");
pub(super) const EXPIRED: &str = concat!(
    "SELECT ",
    upload_columns!(),
    ", org FROM storage_uploads WHERE expires_at <= $1 ORDER BY expires_at, org, id LIMIT $2"
);
pub(super) const PARTS: &str =
    "SELECT number, size, sha256 FROM storage_parts WHERE org = $1 AND upload = $2 ORDER BY number";
const BEGIN: &str = concat!(
    "INSERT INTO storage_uploads (",
    upload_columns!(),
    ", org) VALUES ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 'open', NULL, NULL, NULL, $1)
    ON CONFLICT (org, id) DO NOTHING"
);
const EXTEND: &str =
    "UPDATE storage_uploads SET expires_at = $3 WHERE org = $1 AND id = $2 AND expires_at < $3";
const SIGN: &str = "INSERT INTO storage_parts (org, upload, number, size, sha256) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (org, upload, number) DO UPDATE SET size = excluded.size, sha256 = excluded.sha256";
const ATTACH: &str = "UPDATE storage_uploads SET multipart = $3 WHERE org = $1 AND id = $2";
const ABANDON: &str = "UPDATE storage_uploads SET state = 'abandoned' WHERE org = $1 AND id = $2";
const COMPLETE: &str = "UPDATE storage_uploads
    SET state = 'completed', arrived_size = $3, arrived_checksum = $4, arrived_at = $5
    WHERE org = $1 AND id = $2";
const FORGET: &str = "DELETE FROM storage_uploads WHERE org = $1 AND id = $2 AND state <> 'open'";
const FORGET_PARTS: &str = "DELETE FROM storage_parts WHERE org = $1 AND upload = $2";
const INSERT_OBJECT: &str = "INSERT INTO storage_objects
    (org, id, name, store_key, size, checksum, content_type, created_at, created_by, urls_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

pub(super) async fn begin(tx: &mut Tx, org: OrgId, begun: &Upload) -> Result<Upload> {
    lock(tx, (org, begun.id)).await?;
    tx.execute(BEGIN, &begin_params(org, begun)?).await?;
    let vanished = || Error::internal("an upload that was begun is absent", None);
    let known = find(tx, (org, begun.id)).await?.ok_or_else(vanished)?;
    if known.announces_as(begun) { Ok(known) } else { Err(known.differs()) }
}

pub(super) async fn sign(
    tx: &mut Tx,
    which: Which,
    parts: &[Part],
    until: Timestamp,
) -> Result<Option<Upload>> {
    lock(tx, which).await?;
    let Some(mut found) = find(tx, which).await? else { return Ok(None) };
    if found.state == UploadState::Open {
        tx.execute(EXTEND, &[which.0.into(), which.1.into(), until.into()]).await?;
        found.expires_at = found.expires_at.max(until);
        for part in parts {
            let (size, sha256) = (Value::count(part.size)?, Value::text(&part.sha256));
            tx.execute(SIGN, &[which.0.into(), which.1.into(), part.number.into(), size, sha256]).await?;
        }
    }
    Ok(Some(found))
}

pub(super) async fn attach(tx: &mut Tx, which: Which, name: &MultipartId) -> Result<Option<MultipartId>> {
    lock(tx, which).await?;
    let open = find(tx, which).await?.filter(|upload| upload.state == UploadState::Open);
    match open.map(|upload| upload.arrival) {
        Some(Arrival::Parts { multipart: Some(known), .. }) => Ok(Some(known)),
        Some(Arrival::Parts { multipart: None, .. }) => {
            tx.execute(ATTACH, &[which.0.into(), which.1.into(), (&name.0).into()]).await?;
            Ok(Some(name.clone()))
        }
        Some(Arrival::Streamed | Arrival::Whole { .. }) | None => Ok(None),
    }
}

/// Two things are decided, what became of the upload and what its name means; an upload's name never changes.
pub(super) async fn complete(tx: &mut Tx, which: Which, arrived: &Arrived) -> Result<Option<Completion>> {
    let Some(announced) = find(tx, which).await? else { return Ok(None) };
    let name = Lock::on("object", &format!("{}/{}", which.0, announced.name.as_str()));
    tx.lock([of_upload(which), name]).await?;
    let Some(found) = find(tx, which).await? else { return Ok(None) };
    match &found.state {
        UploadState::Abandoned => return Err(found.was_abandoned()),
        UploadState::Completed(arrived) => {
            let object = found.object(arrived);
            return Ok(Some(Completion { object, displaced: None, replayed: true }));
        }
        UploadState::Open => {}
    }
    let named = tx.query_one(OBJECT_NAMED, &[which.0.into(), found.name.as_str().into()]).await?;
    let named = named.as_ref().map(object).transpose()?;
    found.may_take(named.as_ref())?;
    let displaced = match named {
        Some(named) => take_object(tx, which.0, named.id, arrived.at).await?,
        None => None,
    };
    let made = found.object(arrived);
    tx.execute(INSERT_OBJECT, &object_params(which.0, &made)?).await?;
    let (size, checksum) = (Value::count(arrived.size)?, Value::text(&arrived.checksum));
    tx.execute(COMPLETE, &[which.0.into(), which.1.into(), size, checksum, arrived.at.into()]).await?;
    Ok(Some(Completion { object: made, displaced, replayed: false }))
}

pub(super) async fn abandon(
    tx: &mut Tx,
    which: Which,
    by: Timestamp,
    now: Timestamp,
) -> Result<Option<Upload>> {
    lock(tx, which).await?;
    let Some(found) = find(tx, which).await? else { return Ok(None) };
    if found.state != UploadState::Open || found.expires_at > by {
        return Ok(Some(found));
    }
    tx.execute(ABANDON, &[which.0.into(), which.1.into()]).await?;
    discard(tx, which.0, &found.garbage(now)).await?;
    Ok(Some(Upload { state: UploadState::Abandoned, ..found }))
}

pub(super) async fn forget(tx: &mut Tx, which: Which) -> Result<()> {
    lock(tx, which).await?;
    let params = [which.0.into(), which.1.into()];
    if tx.execute(FORGET, &params).await? > 0 {
        tx.execute(FORGET_PARTS, &params).await?;
    }
    Ok(())
}

async fn lock(tx: &mut Tx, which: Which) -> Result<()> {
    tx.lock([of_upload(which)]).await
}

fn of_upload((org, id): Which) -> Lock {
    Lock::on("upload", &format!("{org}/{id}"))
}

async fn find(tx: &mut Tx, which: Which) -> Result<Option<Upload>> {
    let found = tx.query_one(UPLOAD, &[which.0.into(), which.1.into()]).await?;
    found.as_ref().map(upload).transpose()
}

fn begin_params(org: OrgId, begun: &Upload) -> Result<[Value; 16]> {
    let mode = if begun.mode == PutMode::Create { "create" } else { "overwrite" };
    let (arrival, size, sha256, part_size, multipart) = match &begun.arrival {
        Arrival::Streamed => ("streamed", Value::Null, Value::Null, Value::Null, Value::Null),
        Arrival::Whole { size, sha256 } => {
            ("whole", Value::count(*size)?, Value::text(sha256), Value::Null, Value::Null)
        }
        Arrival::Parts { size, part_size, multipart } => {
            let named = multipart.as_ref().map(|multipart| multipart.0.clone());
            ("parts", Value::count(*size)?, Value::Null, Value::count(*part_size)?, named.into())
        }
    };
    Ok([
        org.into(),
        begun.id.into(),
        begun.reservation.into(),
        begun.object.into(),
        Value::text(&begun.key),
        begun.name.as_str().into(),
        mode.into(),
        begun.content_type.as_str().into(),
        arrival.into(),
        size,
        sha256,
        part_size,
        multipart,
        Value::text(&begun.by),
        begun.begun_at.into(),
        begun.expires_at.into(),
    ])
}

fn object_params(org: OrgId, object: &ObjectRow) -> Result<[Value; 10]> {
    Ok([
        org.into(),
        object.id.into(),
        object.name.as_str().into(),
        Value::text(&object.key),
        Value::count(object.size)?,
        Value::text(&object.checksum),
        object.content_type.as_str().into(),
        object.created_at.into(),
        Value::text(&object.created_by),
        object.urls_until.into(),
    ])
}
