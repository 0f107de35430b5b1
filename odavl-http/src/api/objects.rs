//! How objects, uploads and presigned requests look in the document.

use odavl_core::storage::{
    Listed, ObjectRow, PresignedRequest, Progress, SignedPart, UploadStatus, UploadTicket,
};
use poem_openapi::Object;

use crate::schema::Time;

/// A stored object.
#[derive(Object)]
#[oai(rename = "StoredObject")]
pub(super) struct ObjectBody {
    /// Its id: another one whenever the name gets other bytes.
    id: String,
    /// Its name.
    name: String,
    /// How many bytes.
    size: u64,
    /// `sha256:` and their digest; `sha256-<parts>:` and the digest of the parts' digests.
    checksum: String,
    /// What they are.
    content_type: String,
    /// When they were complete.
    created_at: Time,
    /// The person or the key that stored them.
    created_by: String,
}

impl From<ObjectRow> for ObjectBody {
    fn from(row: ObjectRow) -> Self {
        Self {
            id: row.id.to_string(),
            name: row.name.to_string(),
            size: row.size,
            checksum: row.checksum.to_string(),
            content_type: row.content_type.to_string(),
            created_at: Time(row.created_at),
            created_by: row.created_by.to_string(),
        }
    }
}

/// An entry of a list.
#[derive(Object)]
#[oai(rename = "ObjectEntry")]
pub(super) struct EntryBody {
    /// The object's name, or the folder's with its last `/`.
    name: String,
    /// The object; null for a folder.
    object: Option<ObjectBody>,
}

impl From<Listed> for EntryBody {
    fn from(listed: Listed) -> Self {
        match listed {
            Listed::Folder(name) => Self { name, object: None },
            Listed::Object(row) => Self { name: row.name.to_string(), object: Some((*row).into()) },
        }
    }
}

/// A header that must be sent as it is.
#[derive(Object)]
#[oai(rename = "RequestHeader")]
struct HeaderBody {
    /// Its name, in lower case.
    name: String,
    /// Its value.
    value: String,
}

/// A request that whoever holds it can send, without another credential, until it expires.
#[derive(Object)]
#[oai(rename = "PresignedRequest")]
pub(super) struct RequestBody {
    /// `GET` or `PUT`.
    method: String,
    /// Where to. It is a credential: keep it out of logs.
    url: String,
    /// The headers that must be sent as they are.
    headers: Vec<HeaderBody>,
    /// When it stops working.
    expires_at: Time,
}

impl From<PresignedRequest> for RequestBody {
    fn from(request: PresignedRequest) -> Self {
        let headers = request.headers.into_iter();
        Self {
            method: request.method.as_str().to_owned(),
            url: request.url,
            headers: headers.map(|(name, value)| HeaderBody { name, value }).collect(),
            expires_at: Time(request.expires_at),
        }
    }
}

/// A part, and the request that sends it.
#[derive(Object)]
#[oai(rename = "SignedPart")]
pub(super) struct SignedPartBody {
    /// Its number.
    number: u32,
    /// The request.
    request: RequestBody,
}

impl From<SignedPart> for SignedPartBody {
    fn from(part: SignedPart) -> Self {
        Self { number: part.number, request: part.request.into() }
    }
}

/// How far an upload is.
#[derive(Object)]
#[oai(rename = "ObjectUpload")]
pub(super) struct StatusBody {
    /// Its id.
    id: String,
    /// The name that the object will have.
    name: String,
    /// `open`, `completed`, or `abandoned` where it came to nothing.
    state: String,
    /// When it ends unless it goes on.
    expires_at: Time,
    /// How many bytes each part but the last has; null where the object comes in one request.
    part_size: Option<u64>,
    /// How many parts there are.
    parts: Option<u32>,
    /// The numbers of those that have not arrived.
    missing: Option<Vec<u32>>,
    /// The object, once it is complete.
    object: Option<ObjectBody>,
}

impl From<UploadStatus> for StatusBody {
    fn from(status: UploadStatus) -> Self {
        let mut body = Self {
            id: status.id.to_string(),
            name: status.name.to_string(),
            state: "open".to_owned(),
            expires_at: Time(status.expires_at),
            part_size: None,
            parts: None,
            missing: None,
            object: None,
        };
        match status.progress {
            Progress::Whole => {}
            Progress::Parts { part_size, count, missing } => {
                body.part_size = Some(part_size);
                body.parts = Some(count);
                body.missing = Some(missing);
            }
            Progress::Completed(object) => {
                "completed".clone_into(&mut body.state);
                body.object = Some((*object).into());
            }
            Progress::Abandoned => "abandoned".clone_into(&mut body.state),
        }
        body
    }
}

/// What the sender of an upload needs.
#[derive(Object)]
#[oai(rename = "UploadTicket")]
pub(super) struct TicketBody {
    /// The upload.
    upload: StatusBody,
    /// The request that sends its bytes; null where they come in parts, or have come.
    request: Option<RequestBody>,
}

impl From<UploadTicket> for TicketBody {
    fn from(ticket: UploadTicket) -> Self {
        Self { upload: ticket.status.into(), request: ticket.request.map(RequestBody::from) }
    }
}
