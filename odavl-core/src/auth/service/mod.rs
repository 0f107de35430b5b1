//! The use cases of Auth, each through the gate.

mod keys;
mod me;
mod orgs;
mod projects;

pub use keys::{KeyUpdate, Keys, NewKey, NewKeyRequest};
pub use me::Me;
pub use orgs::{Members, NewOrg, OrgUpdate, Orgs};
pub use projects::Projects;
