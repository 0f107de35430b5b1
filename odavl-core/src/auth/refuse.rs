//! What the adapters answer where a rule of the port says no: the same words whatever the engine.

use crate::error::Error;

/// The row was changed since it was read.
pub(super) fn stale(kind: &str, name: &impl ToString) -> Error {
    Error::Conflict(format!("{kind} `{}` was changed in the meantime: read it again", name.to_string()))
}

/// An organisation would be left without an owner.
pub(super) fn last_owner() -> Error {
    Error::Conflict("the last owner of an organization stays: make someone else an owner first".into())
}

/// Another node does this work now.
pub(super) fn lease_is_lost(name: &str) -> Error {
    Error::Conflict(format!("another node has taken over `{name}`"))
}

/// The installation would be left without an administrator.
pub(super) fn last_administrator() -> Error {
    Error::Conflict("the last administrator stays: give someone else `instance:admin` first".into())
}

/// The plan's number of keys is reached.
pub(super) fn too_many_keys(most: u64) -> Error {
    Error::PreconditionFailed(format!("the organization already has {most} active API keys"))
}

/// There is a person, so nobody may come in by the set-up link.
pub(super) fn is_set_up() -> Error {
    Error::Conflict("this installation is set up already".into())
}

/// No set-up link of that digest is open.
pub(super) fn no_setup_link() -> Error {
    Error::not_found("set-up link", "")
}

/// Something of that name is there.
pub(super) fn taken(kind: &'static str, name: &(impl ToString + ?Sized)) -> Error {
    Error::AlreadyExists { kind, name: name.to_string() }
}

/// No device request has that code.
pub(super) fn no_device() -> Error {
    Error::not_found("device request", "")
}

/// The device request was answered or claimed in the meantime.
pub(super) fn stale_device() -> Error {
    Error::Conflict("the device request was answered in the meantime".into())
}

/// That idempotency key was used before.
pub(super) fn reply_taken() -> Error {
    taken("note", "")
}

/// One of the codes was drawn before.
pub(super) fn device_taken() -> Error {
    taken("device request", "")
}
