//! The use cases of Auth, each through the gate.

#[cfg(feature = "sign-in")]
mod account;
mod audit;
#[cfg(feature = "sign-in")]
mod device;
mod heads;
mod keys;
mod me;
pub(crate) mod once;
mod orgs;
#[cfg(feature = "sign-in")]
mod people;
mod projects;
#[cfg(feature = "sign-in")]
mod setup;
#[cfg(feature = "sign-in")]
pub(crate) mod signin;
#[cfg(feature = "sign-in")]
mod tokens;

#[cfg(feature = "sign-in")]
pub use account::SignIn;
pub use audit::{AuditCheck, AuditFault};
#[cfg(feature = "sign-in")]
pub use device::{DeviceCodes, DeviceRequest, Devices};
pub(crate) use heads::Heads;
pub use keys::{KeyUpdate, Keys, NewKey, NewKeyRequest};
pub use me::Me;
pub use orgs::{Members, NewOrg, OrgUpdate, Orgs};
#[cfg(feature = "sign-in")]
pub use people::{NewUser, UserUpdate, Users};
pub use projects::Projects;
#[cfg(feature = "sign-in")]
pub use setup::{OPERATOR, SetUp};
#[cfg(feature = "sign-in")]
pub use signin::BrowserLogin;
#[cfg(feature = "sign-in")]
pub use tokens::{Introspection, TokenRefusal, Tokens};
