//! Webhooks: whoever wants to know when a limit is nearly used up is told, signed as Standard Webhooks says.
//!
//! A threshold that is reached is written in the batch that reaches it. From there it is put into the post, once for each
//! endpoint of its organisation; a delivery is tried until it arrives or is given up after three days, under the same
//! `webhook-id`, so that a receiver can tell what it has seen. Several nodes may do all this at once: a delivery that one
//! of them has taken is left alone by the others for a minute. Endpoints take turns, and each has a few messages under way
//! at most, so that one that does not answer delays no other.
//!
//! Source: the Standard Webhooks specification, 1.0.0.

#[cfg(feature = "contract")]
pub mod contract;
mod delivery;
mod endpoint;
mod memory;
mod port;
mod sender;
mod service;
#[cfg(feature = "sql")]
mod sql;

pub use delivery::{Attempt, Delivery, DeliveryState, Letter};
pub use endpoint::{ENDPOINTS_MOST, Endpoint};
pub use memory::MemoryWebhooks;
pub use port::{Claim, Courier, WebhookRows};
pub use sender::Sender;
pub use service::{NewEndpoint, NewWebhook, Webhooks};
#[cfg(feature = "sql")]
pub use sql::SqlWebhooks;
