//! Auth: people, organisations and roles, API keys, sign-in, and the record of who did what.

mod audit;
mod device;
mod key;
mod login;
mod opaque;
mod org;
#[cfg(feature = "sign-in")]
mod password;
mod port;
mod scope;
mod service;
mod user;

pub use audit::{Actor, AuditDraft, AuditEntry, AuditHead, AuditSeal};
pub use device::{DeviceGrant, DeviceState, UserCode};
pub use key::{ApiKey, Environment, KeyPrefix, KeyToken};
pub use login::{Login, LoginKind, SetupLink, SigningKey};
pub use org::{Membership, OrgRef, Organization, Project, Role, Slug};
#[cfg(feature = "sign-in")]
pub use password::Passwords;
pub use port::{Auth, Change, Write};
pub use scope::{Access, RESOURCES, Scopes};
pub use service::{KeyUpdate, Keys, Me, Members, NewKey, NewKeyRequest, NewOrg, OrgUpdate, Orgs, Projects};
pub use user::{Email, User};
