//! The use cases of Storage, each through the gate, and what the sweeper does besides.

mod abandon;
mod delete;
#[cfg(feature = "direct")]
mod direct;
mod finish;
mod owner;
mod parts;
mod put;
mod read;
mod recount;
mod strays;
mod sweep;
mod upload;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use delete::Deleted;
use finish::Proof;
pub(crate) use owner::Ownership;
pub use parts::SignedPart;
pub use put::NewObject;
#[cfg(feature = "uploads")]
pub(crate) use put::{Capped, IDLE};
pub use read::Download;
pub use recount::Recount;
pub use upload::{NewUpload, Progress, UploadStatus, UploadTicket, part_size};

use super::{Creator, ObjectName};
use crate::{
    auth::Actor,
    error::{Error, Reason, Result},
    metering::MeterName,
    odavl::Core,
    session::{Permit, Session},
};

/// The most bytes that come in one presigned request; what is larger comes in parts.
pub const WHOLE_MOST: u64 = 64 << 20;
/// How long a URL for a whole object works.
const URL_LIVES: Duration = Duration::from_mins(15);
/// How long after its URL has expired an upload waits for a request that may still be sending: longer than the body of
/// one is taken.
const SENDING: SignedDuration = SignedDuration::from_mins(10);
/// How long an upload's units stay held after the sweeper should have ended it.
pub(crate) const MARGIN: SignedDuration = SignedDuration::from_mins(15);
/// What odavl itself stores lies under this name; it is read and deleted with what it belongs to.
pub(crate) const OWN: &str = ".odavl";

/// The use cases of stored objects.
#[derive(Debug)]
pub struct Objects<'a>(&'a Session);

impl Session {
    /// The organisation's stored objects.
    pub fn storage(&self) -> Objects<'_> {
        Objects(self)
    }
}

/// How long a URL that `permit` asks for lives: no longer than the credential behind it.
fn url_lives(permit: &Permit, most: Duration) -> Result<Duration> {
    let Some(ends_at) = permit.caller.ends_at else { return Ok(most) };
    let left = ends_at.duration_since(permit.at).as_secs();
    match u64::try_from(left) {
        Ok(left @ 1..) => Ok(most.min(Duration::from_secs(left))),
        _ => Err(Error::unauthenticated(Reason::Expired, "the credential ends before a URL could be used")),
    }
}

impl Core {
    /// What so many stored bytes are charged as: nothing where nothing counts them.
    pub(crate) fn stored<N: TryFrom<u64>>(&self, bytes: u64) -> Result<Vec<(MeterName, N)>> {
        let meter = self.settings.catalog.stored_bytes.clone().filter(|_| bytes > 0);
        let units = N::try_from(bytes).map_err(|_| too_large(i64::MAX.unsigned_abs()))?;
        Ok(meter.map(|meter| (meter, units)).into_iter().collect())
    }
}

fn too_large(limit: u64) -> Error {
    Error::TooLarge { what: "the object".to_owned(), limit }
}

/// Who stores what `permit` allows.
pub(crate) fn creator(permit: &Permit) -> Creator {
    match permit.caller.actor {
        Actor::User(id) => Creator::User(id),
        Actor::Key(id) => Creator::Key(id),
        Actor::System | Actor::Visitor => Creator::System,
    }
}

/// Refuses names that odavl keeps for itself.
fn check_name(name: &ObjectName) -> Result<()> {
    if name.as_str().split('/').next() != Some(OWN) {
        return Ok(());
    }
    Err(Error::invalid_with(
        format!("`{name}` is one of odavl's own names"),
        format!("what lies under `{OWN}/` is read and deleted with what it belongs to, such as an upload"),
    ))
}

fn later(at: Timestamp, by: impl Into<jiff::TimestampArithmetic>) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}
