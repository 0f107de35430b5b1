//! Auth: people, organisations and roles, API keys, sign-in, and the record of who did what.

mod audit;
mod device;
mod key;
mod login;
mod opaque;
mod org;
mod port;
mod scope;
mod user;

pub use audit::{Actor, AuditDraft, AuditEntry, AuditHead, AuditSeal};
pub use device::{DeviceGrant, DeviceState, UserCode};
pub use key::{ApiKey, Environment, KeyPrefix, KeyToken};
pub use login::{Login, LoginKind, SetupLink, SigningKey};
pub use org::{Membership, OrgRef, Organization, Project, Role, Slug};
pub use port::{Auth, Change, Write};
pub use scope::{Access, RESOURCES, Scopes};
pub use user::{Email, User};
