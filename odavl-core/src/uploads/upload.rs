//! Uploads as rows: what a run of an analysis tool sent, and how far it came.

use jiff::Timestamp;

use super::{Encoding, RunId, sarif::Summary};
use crate::{
    auth::Slug,
    error::{Error, Result},
    ids::{ObjectId, ProjectId, ReservationId, UploadId},
    storage::{Creator, Product, Sha256, StoreKey},
};

/// The results of one run: of a product, for a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Upload {
    /// Its id, which follows from product, project and run: the same run has the same.
    pub id: UploadId,
    /// The product, such as `insight`.
    pub product: Product,
    /// The project.
    pub project: ProjectId,
    /// The project's slug.
    pub slug: Slug,
    /// The run, as the client named it.
    pub run: RunId,
    /// The SHA-256 of the unpacked bytes, as the client said it ahead.
    pub sha256: Sha256,
    /// Who sent it.
    pub by: Creator,
    /// When it was first tried, as far as is known.
    pub begun_at: Timestamp,
    /// The try that counts.
    pub attempt: Attempt,
    /// How far it is.
    pub state: State,
}

/// One try at sending an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Its own id, which is also that of its object's upload in Storage.
    pub id: UploadId,
    /// What holds its units.
    pub reservation: ReservationId,
    /// When the sweeper may end it.
    pub expires_at: Timestamp,
}

/// How far an upload is.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// It is being sent, or was when something stopped.
    Pending,
    /// It is there.
    Stored(Box<Stored>),
    /// It was there. The mark stays: the same run is not taken again.
    Deleted,
}

/// What is known of an upload that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Since when.
    pub at: Timestamp,
    /// The object of its bytes.
    pub object: ObjectId,
    /// Where they are.
    pub key: StoreKey,
    /// How many, as they were sent.
    pub size: u64,
    /// How they are packed.
    pub encoding: Encoding,
    /// How many there are unpacked.
    pub unpacked: u64,
    /// What they say.
    pub summary: Summary,
}

/// What beginning an upload came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// It is begun; the try before it, if there was one, counts no more.
    New(Option<Attempt>),
    /// The same is there already.
    Stored(Box<Upload>),
}

impl Upload {
    /// The id of a run's upload.
    pub fn id_of(product: &Product, project: ProjectId, run: RunId) -> UploadId {
        let parts = [product.as_str(), &project.to_string(), &run.to_string()];
        UploadId::derive(&[b"uploads", parts[0].as_bytes(), parts[1].as_bytes(), parts[2].as_bytes()])
    }

    /// What is stored, where it is there.
    pub fn stored(&self) -> Option<&Stored> {
        match &self.state {
            State::Stored(stored) => Some(stored),
            State::Pending | State::Deleted => None,
        }
    }

    /// What beginning `next` comes to where this upload of its run is known.
    pub fn begin_again(&self, next: &Self) -> Result<Begun> {
        match &self.state {
            State::Deleted => Err(Error::Conflict(format!(
                "run `{}` was uploaded and deleted; a new run has a new id",
                self.run
            ))),
            _ if self.sha256 != next.sha256 => Err(Error::Conflict(format!(
                "run `{}` has another content; a new run has a new id",
                self.run
            ))),
            State::Stored(_) => Ok(Begun::Stored(Box::new(self.clone()))),
            State::Pending => Ok(Begun::New(Some(self.attempt))),
        }
    }
}
