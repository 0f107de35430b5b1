//! Uploads in progress: what was announced, and what becomes of it.

use jiff::Timestamp;

use super::{
    catalog::{Garbage, ObjectRow},
    digest::{Checksum, Sha256},
    key::{Creator, StoreKey},
    media::MediaType,
    multipart::{Multipart, MultipartId},
    object::ObjectName,
    port::PutMode,
};
use crate::{
    error::{Error, Result},
    ids::{ObjectId, ReservationId, UploadId},
};

/// An object that is being stored: bytes are reserved for it, and its key is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// What holds its bytes in Metering until it is settled.
    pub reservation: ReservationId,
    /// The id that the object will have.
    pub object: ObjectId,
    /// Where its bytes go.
    pub key: StoreKey,
    /// The name that the object will have.
    pub name: ObjectName,
    /// Whether an object of that name may be replaced.
    pub mode: PutMode,
    /// What the bytes are.
    pub content_type: MediaType,
    /// How they come.
    pub arrival: Arrival,
    /// Who stores them.
    pub by: Creator,
    /// When it began.
    pub begun_at: Timestamp,
    /// When the sweeper ends it; no URL for its bytes works longer.
    pub expires_at: Timestamp,
    /// What has become of it.
    pub state: UploadState,
}

/// How an upload's bytes come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// Through odavl: what they are is known at the end.
    Streamed,
    /// In one presigned request.
    Whole {
        /// How many.
        size: u64,
        /// Their digest.
        sha256: Sha256,
    },
    /// In presigned parts.
    Parts {
        /// How many bytes in all.
        size: u64,
        /// How many bytes each part but the last has.
        part_size: u64,
        /// The store's name for the upload, once it gave one.
        multipart: Option<MultipartId>,
    },
}

/// What has become of an upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadState {
    /// Its bytes may still come.
    Open,
    /// It is an object.
    Completed(Arrived),
    /// It will never be one.
    Abandoned,
}

/// What arrived, as the store proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// How many bytes.
    pub size: u64,
    /// Their checksum.
    pub checksum: Checksum,
    /// When that was found.
    pub at: Timestamp,
}

/// What completing an upload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The object that it made.
    pub object: ObjectRow,
    /// The object that had the name before; its bytes are garbage now. `None` in a replay.
    pub displaced: Option<ObjectRow>,
    /// Whether the upload was complete before.
    pub replayed: bool,
}

impl Upload {
    /// Whether `other` announces the same, so that beginning it is a retry.
    pub fn announces_as(&self, other: &Self) -> bool {
        let announced = |upload: &Self| {
            let arrival = upload.arrival.clone().without_multipart();
            (upload.reservation, upload.object, upload.key.clone(), upload.name.clone(), upload.mode, arrival)
        };
        self.id == other.id && self.content_type == other.content_type && announced(self) == announced(other)
    }

    /// The object that these bytes make of it. Its bytes stay at least until the last URL that could write them has
    /// expired: a store may take them again until then. For what came through odavl there was none.
    pub fn object(&self, arrived: &Arrived) -> ObjectRow {
        ObjectRow {
            id: self.object,
            name: self.name.clone(),
            key: self.key.clone(),
            size: arrived.size,
            checksum: arrived.checksum,
            content_type: self.content_type.clone(),
            created_at: arrived.at,
            created_by: self.by,
            urls_until: match self.arrival {
                Arrival::Streamed => arrived.at,
                Arrival::Whole { .. } | Arrival::Parts { .. } => self.expires_at,
            },
        }
    }

    /// What is left to remove where it is abandoned.
    pub fn garbage(&self, now: Timestamp) -> Garbage {
        let multipart = self.multipart().map(|multipart| multipart.id);
        let due_at = now.max(self.expires_at);
        Garbage { object: self.object, key: self.key.clone(), multipart, size: 0, due_at }
    }

    /// The store's name for it, where it comes in parts and has one.
    pub fn multipart(&self) -> Option<Multipart> {
        match &self.arrival {
            Arrival::Parts { multipart: Some(id), .. } => {
                Some(Multipart { key: self.key.clone(), id: id.clone() })
            }
            Arrival::Parts { .. } | Arrival::Streamed | Arrival::Whole { .. } => None,
        }
    }

    /// The error of an upload that came to nothing.
    pub fn was_abandoned(&self) -> Error {
        Error::Conflict(format!("upload `{}` ended before its bytes were complete", self.id))
    }

    /// The error of an upload that began differently.
    pub fn differs(&self) -> Error {
        Error::Conflict(format!("upload `{}` was begun as another one", self.id))
    }

    /// Refuses a name that is taken, unless it may be replaced.
    pub fn may_take(&self, taken_by: Option<&ObjectRow>) -> Result<()> {
        if self.mode == PutMode::Create && taken_by.is_some() {
            return Err(Error::PreconditionFailed(format!("there is an object `{}` already", self.name)));
        }
        Ok(())
    }
}

impl Arrival {
    pub(crate) fn without_multipart(mut self) -> Self {
        if let Self::Parts { multipart, .. } = &mut self {
            *multipart = None;
        }
        self
    }
}
