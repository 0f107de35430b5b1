//! Everything between a team's product and its production: sign-in and API keys, exact usage quotas, and object
//! storage with direct uploads.

mod action;
mod ask;
pub mod auth;
mod caller;
mod causes;
mod clock;
pub mod config;
#[cfg(feature = "sql")]
pub mod db;
mod denied;
#[cfg(all(feature = "sqlite", feature = "fs", feature = "config", feature = "uploads"))]
mod embedded;
mod error;
mod feed;
pub mod gateway;
mod hold;
pub mod ids;
pub mod metering;
mod network;
mod node;
mod odavl;
pub mod page;
mod random;
pub mod seal;
pub mod secret;
pub mod session;
pub mod storage;
mod sweep;
mod text;
#[cfg(feature = "uploads")]
pub mod uploads;
mod view;
pub mod webhooks;

pub use action::{Action, ActionRow, Needs};
pub use causes::{Chain, causes};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::Settings;
#[cfg(all(feature = "sqlite", feature = "fs", feature = "config", feature = "uploads"))]
pub use embedded::copy_to_bucket;
pub use error::{Cause, Error, ErrorCode, Reason, Result};
pub use network::{is_public, network};
pub use odavl::{Builder, Odavl};
pub use random::id as random_id;
