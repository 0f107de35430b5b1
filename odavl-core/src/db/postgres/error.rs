//! What PostgreSQL's errors mean: the one place that says so.
//!
//! Of what the server says, the code and the message are kept; its details may hold what is in a row.

use std::{error::Error as _, io};

use tokio_postgres::{
    Error as PgError,
    error::{DbError as Told, SqlState},
};

use super::settings::Settings;
use crate::{
    causes::causes,
    db::{DbError, Violation, retry::Undone},
    error::{Cause, Error},
};

/// The oldest server that is taken: older ones are no longer mended.
const OLDEST: u32 = 140_000;

impl DbError {
    /// What an error of a statement means.
    pub(super) fn of_postgres(error: PgError) -> Self {
        let violation = match error.code() {
            Some(&SqlState::UNIQUE_VIOLATION) => Some(Violation::Unique),
            Some(&SqlState::FOREIGN_KEY_VIOLATION) => Some(Violation::ForeignKey),
            _ => None,
        };
        Self { violation, error: postgres_error(error) }
    }
}

fn postgres_error(error: PgError) -> Error {
    let Some(told) = error.as_db_error() else {
        let lost = error.is_closed() || io_error(&error).is_some();
        return if lost {
            Error::unavailable("the connection to the database is lost", Some(error.into()))
        } else {
            Error::internal("a statement failed", Some(error.into()))
        };
    };
    let what = match told.code().code() {
        "22021" => return Error::invalid("text must not contain a NUL character"),
        "40001" | "40P01" => {
            let undone = Undone(cause(told).to_string());
            return Error::unavailable("another transaction was in the way", Some(undone.into()));
        }
        "55P03" => "another transaction holds what this one needs",
        "57014" => "the statement took too long",
        "25P03" => "the transaction was left open too long",
        // A standby says it of a transaction that is to write.
        "25006" | "0A000" => "the database can only be read",
        "53100" => "the database's disk is full",
        "53200" => "the database has no memory left",
        "53300" | "53400" => "the database has no connection left",
        code if code.starts_with("58") => "the database's machine failed it",
        code if code.starts_with("57P") => "the database is starting or stopping",
        code if code.starts_with("08") => "the connection to the database is lost",
        "XX001" | "XX002" => {
            return Error::corrupted("the database's files make no sense", Some(cause(told)));
        }
        "42501" => return Error::internal("the database does not let its user do that", Some(cause(told))),
        "26000" | "42P05" => {
            let what = "a pooler before the database mixes up prepared statements: let it keep them, as PgBouncer does \
                        from 1.21 on with `max_prepared_statements`, or give each client a session of its own";
            return Error::internal(what, Some(cause(told)));
        }
        code if code.starts_with("23") => {
            return Error::internal("a statement broke a rule of its table", Some(cause(told)));
        }
        _ => return Error::internal("a statement failed", Some(cause(told))),
    };
    Error::unavailable(what, Some(cause(told)))
}

/// Code and message alone: the details name values.
fn cause(told: &Told) -> Cause {
    format!("{}: {}", told.code().code(), told.message()).into()
}

/// Why there is no connection, for whoever set the URL.
pub(super) fn connect_error(error: &PgError, settings: &Settings) -> Error {
    let place = settings.place();
    if let Some(told) = error.as_db_error() {
        return refused(told, place);
    }
    if let Some(why) = certificate(error) {
        return Error::invalid_with(
            format!("the certificate of PostgreSQL at {place} does not hold: {why}"),
            "name the host as its certificate does, and say by `sslrootcert` which authority made it",
        );
    }
    let what = || format!("PostgreSQL at {place} does not answer");
    if let Some(io) = io_error(error) {
        return Error::unavailable(what(), Some(io.to_string().into()));
    }
    if error.is_closed() {
        // It ended, or the network did, before we were signed in: nothing is wrong with how we do it.
        return Error::unavailable(what(), Some(error.to_string().into()));
    }
    let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    Error::invalid_with(
        format!("there is no way to sign in to PostgreSQL at {place}: {error}{why}"),
        "check `sslmode` and the password in the database URL, and how the server lets users in",
    )
}

fn refused(told: &Told, place: &str) -> Error {
    match told.code().code() {
        "28P01" | "28000" => Error::invalid_with(
            format!("PostgreSQL at {place} refuses the user or the password"),
            "check both in the database URL; in a URL, `@`, `:`, `/` and `%` of a password are percent-encoded",
        ),
        "3D000" => Error::invalid_with(
            format!("there is no such database at {place}"),
            "make it by `createdb`, or name another one in the database URL",
        ),
        "42501" => Error::invalid_with(
            format!("PostgreSQL at {place} does not let the user connect"),
            "grant it CONNECT on the database",
        ),
        _ => Error::unavailable(format!("PostgreSQL at {place} refuses the connection"), Some(cause(told))),
    }
}

/// The refusal of a server that is too old.
pub(super) fn is_too_old(version: u32) -> Option<Error> {
    (version < OLDEST).then(|| {
        let (ours, theirs) = (OLDEST / 10_000, version / 10_000);
        Error::Unsupported(format!("PostgreSQL {theirs} is too old: use {ours} or newer"))
    })
}

fn io_error(error: &PgError) -> Option<&io::Error> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// What is wrong with the server's certificate.
fn certificate(error: &PgError) -> Option<&rustls::Error> {
    io_error(error)?.get_ref()?.downcast_ref()
}
