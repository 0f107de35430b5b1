//! Errors on their way to Python: one class for each code of the table, whichever door they came through.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use odavl_core::{Error, ErrorCode, metering::Standing};
use pyo3::{prelude::*, sync::PyOnceLock, types::PyModule as Module};

/// An error as every door tells it.
#[derive(Debug)]
pub(crate) struct Failure(Box<Told>);

#[derive(Debug)]
struct Told {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    reason: Option<&'static str>,
    retry_after: Option<Duration>,
    limit: Option<Standing>,
}

impl Failure {
    fn new(code: ErrorCode, message: String, hint: Option<String>) -> Self {
        Self(Box::new(Told { code, message, hint, reason: None, retry_after: None, limit: None }))
    }

    /// An input that cannot be accepted.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message.into(), None)
    }

    /// An input that cannot be accepted, and how to mend it.
    pub(crate) fn invalid_with(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidInput, message.into(), Some(hint.into()))
    }

    /// The handle was closed.
    pub(crate) fn closed() -> Self {
        Self::invalid_with("it is closed", "open it again, or use it before it is closed")
    }

    /// The handle came from the process that this one was forked from.
    pub(crate) fn forked() -> Self {
        let hint = "open it in the child, after the fork";
        let message = "it was opened before this process was forked from another";
        Self::new(ErrorCode::Unsupported, message.to_owned(), Some(hint.to_owned()))
    }

    /// What the operating system refused.
    pub(crate) fn of_io(what: &str, error: &std::io::Error) -> Self {
        Self::new(ErrorCode::Unavailable, format!("{what}: {error}"), None)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // Who embeds odavl runs it: what a cause says is theirs to read.
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let _ = write!(message, ": {cause}");
            source = cause.source();
        }
        Self(Box::new(Told {
            code: error.code(),
            message,
            hint: error.hint(),
            reason: error.reason().map(odavl_core::Reason::as_str),
            retry_after: error.retry_after(),
            limit: error.refusal().map(|refusal| refusal.standing.clone()),
        }))
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        Python::attach(|py| failure.0.raise(py).unwrap_or_else(|error| error))
    }
}

impl Told {
    fn raise(self, py: Python<'_>) -> PyResult<PyErr> {
        static ERRORS: PyOnceLock<Py<Module>> = PyOnceLock::new();
        let errors = ERRORS.get_or_try_init(py, || py.import("odavl.errors").map(Bound::unbind))?.bind(py);
        let error = errors.getattr(self.code.python_class())?.call1((self.message,))?;
        error.setattr("hint", self.hint)?;
        if let Some(reason) = self.reason {
            error.setattr("reason", reason)?;
        }
        error.setattr("retry_after", self.retry_after.map(|wait| wait.as_secs_f64()))?;
        if let Some(limit) = self.limit {
            error.setattr("meter", limit.meter.as_str())?;
            error.setattr("units", limit.units)?;
            error.setattr("limit", limit.limit)?;
            error.setattr("used", limit.used)?;
            error.setattr("resets_at", limit.resets_at)?;
        }
        Ok(PyErr::from_value(error))
    }
}

/// What a use case answers.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;
