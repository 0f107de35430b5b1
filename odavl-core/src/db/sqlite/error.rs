//! What SQLite's errors mean: the one place that says so.

use rusqlite::ffi::{
    self, ErrorCode, SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID,
    SQLITE_CONSTRAINT_UNIQUE,
};

use crate::{
    db::{DbError, Violation},
    error::Error,
};

impl DbError {
    /// What an error of SQLite means.
    pub(super) fn of(error: rusqlite::Error) -> Self {
        let violation = match &error {
            rusqlite::Error::SqliteFailure(failure, _) => violation(failure.extended_code),
            _ => None,
        };
        Self { violation, error: sqlite_error(error) }
    }
}

fn violation(extended_code: i32) -> Option<Violation> {
    match extended_code {
        SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_ROWID => {
            Some(Violation::Unique)
        }
        SQLITE_CONSTRAINT_FOREIGNKEY => Some(Violation::ForeignKey),
        _ => None,
    }
}

/// What an error of SQLite means: whether a retry may help, and whether the file still makes sense.
pub(crate) fn sqlite_error(error: rusqlite::Error) -> Error {
    let code = match &error {
        rusqlite::Error::SqliteFailure(ffi::Error { code, .. }, _) => *code,
        // Text that is not UTF-8, or a value of another type than the column's.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..) => {
            return Error::corrupted("a row of the database makes no sense", Some(error.into()));
        }
        _ => return Error::internal("a statement failed", Some(error.into())),
    };
    let source = Some(error.into());
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed => {
            Error::unavailable("the database is locked by another process", source)
        }
        ErrorCode::DiskFull => Error::unavailable("the database's disk is full", source),
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::PermissionDenied
        | ErrorCode::ReadOnly => Error::unavailable("the database's file cannot be read or written", source),
        ErrorCode::OutOfMemory => Error::unavailable("the database has no memory left", source),
        ErrorCode::OperationInterrupted | ErrorCode::OperationAborted => {
            Error::unavailable("the statement was interrupted", source)
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            Error::corrupted("the database's file makes no sense", source)
        }
        ErrorCode::ConstraintViolation => Error::internal("a statement broke a rule of its table", source),
        _ => Error::internal("a statement failed", source),
    }
}
