//! What a statement that failed says to an adapter, whatever the engine.

use crate::error::Error;

/// A rule of the tables that a statement broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Violation {
    /// A row with that key is there.
    Unique,
    /// The row that it points to is not there, or others point to it.
    ForeignKey,
}

/// A statement that failed. It becomes an [`Error`] by `?`; an adapter that expects a [`Violation`] looks first.
#[derive(Debug)]
pub struct DbError {
    pub(super) violation: Option<Violation>,
    pub(super) error: Error,
}

impl DbError {
    /// The rule that was broken, where it was one that adapters expect.
    pub const fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// `already_exists` where a row with that key is there, else the error as it is.
    pub fn or_exists(self, kind: &'static str, name: &(impl ToString + ?Sized)) -> Error {
        match self.violation {
            Some(Violation::Unique) => Error::AlreadyExists { kind, name: name.to_string() },
            _ => self.error,
        }
    }

    /// A statement that this crate wrote wrongly.
    pub(super) fn misuse(what: &str, sql: &str) -> Self {
        Error::internal(format!("{what}: {sql}"), None).into()
    }
}

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        Self { violation: None, error }
    }
}

impl From<DbError> for Error {
    fn from(failed: DbError) -> Self {
        failed.error
    }
}
