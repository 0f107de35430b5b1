//! Auth: people, organisations and roles, API keys, sign-in, and the record of who did what.

#[cfg(feature = "sign-in")]
pub(crate) mod attempts;
mod audit;
#[cfg(feature = "contract")]
pub mod contract;
mod device;
mod key;
mod lease;
mod login;
mod memory;
mod opaque;
mod org;
#[cfg(feature = "sign-in")]
mod password;
mod port;
mod refuse;
mod reply;
mod scope;
mod service;
#[cfg(feature = "sql")]
mod sql;
#[cfg(feature = "sign-in")]
mod token;
mod user;

pub use audit::{Actor, AuditDraft, AuditEntry, AuditHead, AuditSeal, SignedHead};
pub use device::{DeviceGrant, DeviceState, UserCode};
pub use key::{ApiKey, Environment, KeyPrefix, KeyToken};
pub use lease::{Lease, LeaseWish};
pub use login::{Login, LoginKind, SetupLink, SigningKey};
pub use memory::MemoryAuth;
pub use org::{Membership, OrgRef, Organization, Project, Role, Slug};
#[cfg(feature = "sign-in")]
pub use password::Passwords;
pub use port::{Auth, Bumps, Change, Place, Write};
pub use reply::Reply;
pub use scope::{Access, RESOURCES, Scopes};
#[cfg(feature = "sign-in")]
pub(crate) use service::signin;
pub use service::*;
pub(crate) use service::{Heads, once};
#[cfg(feature = "sql")]
pub use sql::SqlAuth;
#[cfg(feature = "sign-in")]
pub use token::{
    ACCESS_TOKEN_LIFE, AccessClaims, Issuer, Jwk, Jwks, Keyring, Refresh, RefreshSeal, RefreshToken, Rotation,
};
pub use user::{Email, User};
