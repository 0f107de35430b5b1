//! Everything between a team's product and its production: sign-in and API keys, exact usage quotas, object
//! storage with direct uploads, and database backups that have proved they restore.
//!
//! [`Odavl`] holds the ports and hands out [`session::Session`]s; every use case is a method of one, and goes through the
//! one gate that checks credential, scope, address, rate and quota. What was answered is durable.
//!
//! ```
//! use odavl_core::{
//!     ErrorCode, Odavl, Settings,
//!     auth::{NewKeyRequest, SetUp},
//!     gateway::{Verdict, VerifyRequest},
//!     metering::Consume,
//!     secret::Secret,
//!     session::Context,
//!     storage::{NewObject, collect, full},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! // One folder, and no other service; settings that name a database and a bucket make it a node of many.
//! let odavl = Odavl::open(folder.path(), Settings::preset("http://127.0.0.1:8787")?).await?;
//! odavl
//!     .set_up(SetUp {
//!         email: "ada@example.com".parse()?,
//!         name: "Ada".into(),
//!         password: Secret::new("correct horse battery".into()),
//!         organization: "acme".parse()?,
//!     })
//!     .await?;
//!
//! // A key for a customer, whose secret is shown this once.
//! let acme = odavl.system(&"acme".parse()?, Context::default()).await?;
//! let scopes = "insight:write usage:write storage:write".parse()?;
//! let new = acme.keys().create(NewKeyRequest::new("customer", scopes)).await?;
//! let secret = new.token.ok_or("a new key has a secret")?.secret().clone();
//!
//! // Somebody's request to an API of your own: one decision about key, scope and quota.
//! let gateway = odavl.system(&"operator".parse()?, Context::default()).await?;
//! let mut request = VerifyRequest::new(secret.clone());
//! request.scope = "insight:write".parse()?;
//! request.charges.push(("insight_analyses".parse()?, 10));
//! let Verdict::Valid(identity) = gateway.gateway().verify(request.clone()).await? else { panic!() };
//! assert_eq!(identity.limits[0].remaining, Some(0));
//! let Verdict::Invalid(refused) = gateway.gateway().verify(request).await? else { panic!() };
//! assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
//!
//! // The customer's own session.
//! let me = odavl.authenticate(odavl.credential(secret.reveal())?, Context::default()).await?;
//! let answer = me.usage().consume(Consume::new("guardian_tests".parse()?, 1)).await?;
//! assert_eq!(answer.standings[0].used, 1);
//! let report = me.storage().put(NewObject::new("report.txt".parse()?), full("all is well")).await?;
//! let read = me.storage().read(&report.name, None).await?;
//! assert_eq!(collect(read.bytes.body, 1024).await?, "all is well");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```
//!
//! The wings are [`auth`], [`metering`], [`storage`] and what stands on them: [`gateway`], [`uploads`], [`webhooks`];
//! and `backup`, with the feature of that name. Each has a port of its own, whose `# Behavior` an adapter of yours is held to
//! by the contract suite (feature `contract`).
//!
//! | feature | brings |
//! |---|---|
//! | `sqlite`, `fs` | rows and objects in one folder |
//! | `postgres`, `s3` | rows on PostgreSQL, objects in a bucket: any number of nodes |
//! | `sign-in` | passwords, access tokens, the device flow |
//! | `uploads` | results of analysis tools: SARIF |
//! | `backup` | backups that have proved they restore |
//! | `config` | `odavl.toml` |
//! | `contract` | the contract suites, for adapters of your own |

mod action;
mod ask;
pub mod auth;
#[cfg(feature = "backup")]
pub mod backup;
mod caller;
mod causes;
mod clock;
mod closing;
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
#[cfg(any(feature = "sql", feature = "fs"))]
mod life;
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
mod upkeep;
#[cfg(feature = "uploads")]
pub mod uploads;
mod view;
pub mod webhooks;

pub use action::{Action, ActionRow, Needs};
pub use causes::{Chain, causes};
pub use clock::{Clock, ManualClock, SystemClock};
pub use closing::WeakSession;
pub use config::Settings;
#[cfg(all(feature = "sqlite", feature = "fs", feature = "config", feature = "uploads"))]
pub use embedded::copy_to_bucket;
pub use error::{Cause, Error, ErrorCode, Reason, Result};
pub use network::{is_public, network};
pub use odavl::{Builder, Odavl};
pub use random::id as random_id;
