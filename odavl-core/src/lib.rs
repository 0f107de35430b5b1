//! Everything between a team's product and its production: sign-in and API keys, exact usage quotas, object
//! storage with direct uploads, and database backups that have proved they restore.

pub mod clock;
#[cfg(feature = "sqlite")]
pub mod db;
pub mod error;
pub mod ids;
pub mod metering;
pub mod page;
mod random;
pub mod secret;
pub mod storage;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Error, ErrorCode, Reason, Result};
