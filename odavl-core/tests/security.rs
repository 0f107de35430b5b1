//! The rules of security that are the library's, each with somebody who tries to break it. SECURITY.md lists them.

#![cfg(all(feature = "sqlite", feature = "fs", feature = "sign-in", feature = "uploads"))]

#[cfg(test)]
mod support;

#[cfg(test)]
#[path = "security/devices.rs"]
mod devices;

#[cfg(test)]
#[path = "security/keys.rs"]
mod keys;

#[cfg(test)]
#[path = "security/members.rs"]
mod members;

#[cfg(test)]
#[path = "security/operators.rs"]
mod operators;

#[cfg(test)]
#[path = "security/records.rs"]
mod records;

#[cfg(test)]
#[path = "security/secrets.rs"]
mod secrets;

#[cfg(test)]
#[path = "security/sign_in.rs"]
mod sign_in;

#[cfg(test)]
#[path = "security/urls.rs"]
mod urls;
