//! Rows as the domain's types; what makes no sense is `corrupted`.

use crate::{
    db::Row,
    error::Result,
    storage::{Arrival, Arrived, Garbage, MultipartId, ObjectRow, Part, PutMode, Upload, UploadState},
};

pub(super) fn object(row: &Row) -> Result<ObjectRow> {
    Ok(ObjectRow {
        id: row.parse("storage_objects.id")?,
        name: row.parse("storage_objects.name")?,
        key: row.parse("storage_objects.store_key")?,
        size: row.read("storage_objects.size")?,
        checksum: row.parse("storage_objects.checksum")?,
        content_type: row.parse("storage_objects.content_type")?,
        created_at: row.read("storage_objects.created_at")?,
        created_by: row.parse("storage_objects.created_by")?,
        urls_until: row.read("storage_objects.urls_until")?,
    })
}

pub(super) fn garbage(row: &Row) -> Result<Garbage> {
    let multipart: Option<String> = row.read("storage_garbage.multipart")?;
    Ok(Garbage {
        object: row.parse("storage_garbage.object")?,
        key: row.parse("storage_garbage.store_key")?,
        multipart: multipart.map(MultipartId),
        size: row.read("storage_garbage.size")?,
        due_at: row.read("storage_garbage.due_at")?,
    })
}

pub(super) fn part(row: &Row) -> Result<Part> {
    Ok(Part {
        number: row.read("storage_parts.number")?,
        size: row.read("storage_parts.size")?,
        sha256: row.parse("storage_parts.sha256")?,
    })
}

pub(super) fn upload(row: &Row) -> Result<Upload> {
    Ok(Upload {
        id: row.parse("storage_uploads.id")?,
        reservation: row.parse("storage_uploads.reservation")?,
        object: row.parse("storage_uploads.object")?,
        key: row.parse("storage_uploads.store_key")?,
        name: row.parse("storage_uploads.name")?,
        mode: mode(row)?,
        content_type: row.parse("storage_uploads.content_type")?,
        arrival: arrival(row)?,
        by: row.parse("storage_uploads.created_by")?,
        begun_at: row.read("storage_uploads.begun_at")?,
        expires_at: row.read("storage_uploads.expires_at")?,
        state: state(row)?,
    })
}

fn mode(row: &Row) -> Result<PutMode> {
    match row.read::<String>("storage_uploads.mode")?.as_str() {
        "create" => Ok(PutMode::Create),
        "overwrite" => Ok(PutMode::Overwrite),
        _ => Err(row.nonsense("storage_uploads.mode", None)),
    }
}

fn arrival(row: &Row) -> Result<Arrival> {
    let size = || row.read("storage_uploads.size");
    match row.read::<String>("storage_uploads.arrival")?.as_str() {
        "streamed" => Ok(Arrival::Streamed),
        "whole" => Ok(Arrival::Whole { size: size()?, sha256: row.parse("storage_uploads.sha256")? }),
        "parts" => Ok(Arrival::Parts {
            size: size()?,
            part_size: row.read("storage_uploads.part_size")?,
            multipart: row.read::<Option<String>>("storage_uploads.multipart")?.map(MultipartId),
        }),
        _ => Err(row.nonsense("storage_uploads.arrival", None)),
    }
}

fn state(row: &Row) -> Result<UploadState> {
    match row.read::<String>("storage_uploads.state")?.as_str() {
        "open" => Ok(UploadState::Open),
        "abandoned" => Ok(UploadState::Abandoned),
        "completed" => Ok(UploadState::Completed(Arrived {
            size: row.read("storage_uploads.arrived_size")?,
            checksum: row.parse("storage_uploads.arrived_checksum")?,
            at: row.read("storage_uploads.arrived_at")?,
        })),
        _ => Err(row.nonsense("storage_uploads.state", None)),
    }
}
