//! Errors on their way to Python: one class for each code of the table, whichever door they came through.

use std::time::Duration;

use jiff::Timestamp;
use odavl_client::{door::failure::Failure as Why, types::Problem};
use odavl_core::{Chain, Error, ErrorCode, metering::Standing};
use pyo3::{prelude::*, sync::PyOnceLock, types::PyModule as Module};

/// An error as every door tells it.
#[derive(Debug)]
pub(crate) struct Failure(Box<Told>);

#[derive(Debug)]
struct Told {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    reason: Option<String>,
    retry_after: Option<Duration>,
    request_id: Option<String>,
    limit: Option<Limit>,
}

/// A limit that refused.
#[derive(Debug)]
struct Limit {
    meter: String,
    units: u64,
    most: Option<u64>,
    used: u64,
    resets_at: Option<Timestamp>,
}

impl Failure {
    fn new(code: ErrorCode, message: String, hint: Option<String>) -> Self {
        let (reason, retry_after, request_id, limit) = (None, None, None, None);
        Self(Box::new(Told { code, message, hint, reason, retry_after, request_id, limit }))
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

    /// What cannot be done here, and what can.
    pub(crate) fn unsupported(message: String, hint: &str) -> Self {
        Self::new(ErrorCode::Unsupported, message, Some(hint.to_owned()))
    }

    /// What a service refused.
    fn refused(code: ErrorCode, problem: Problem, wait: Option<Duration>) -> Self {
        let limit = problem.meter.map(|meter| Limit {
            meter,
            units: problem.units.unwrap_or_default(),
            most: problem.limit,
            used: problem.used.unwrap_or_default(),
            resets_at: problem.resets_at,
        });
        Self(Box::new(Told {
            code,
            message: problem.detail,
            hint: problem.hint,
            reason: problem.reason,
            retry_after: wait,
            request_id: Some(problem.request_id),
            limit,
        }))
    }

    pub(crate) fn code(&self) -> ErrorCode {
        self.0.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// What the operating system refused.
    pub(crate) fn of_io(what: &str, error: &std::io::Error) -> Self {
        Self::new(ErrorCode::Unavailable, format!("{what}: {error}"), None)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        // Who embeds odavl runs it: what a cause says is theirs to read.
        Self(Box::new(Told {
            code: error.code(),
            message: Chain(&error).to_string(),
            hint: error.hint(),
            reason: error.reason().map(|reason| reason.as_str().to_owned()),
            retry_after: error.retry_after(),
            request_id: None,
            limit: error.refusal().map(|refusal| refusal.standing.clone().into()),
        }))
    }
}

impl From<Standing> for Limit {
    fn from(standing: Standing) -> Self {
        let Standing { units, limit, used, resets_at, .. } = standing;
        Self { meter: standing.meter.to_string(), units, most: limit, used, resets_at }
    }
}

impl From<Why> for Failure {
    fn from(why: Why) -> Self {
        let code = why.code();
        match why {
            Why::Own(error) => error.into(),
            Why::Refused(problem, wait) => Self::refused(code, *problem, wait),
            Why::Stuck(code, message, hint) => Self::new(code, message, Some(hint)),
            other => {
                let hint =
                    "check the network, and that the URL is that of odavl: `odavl doctor --server URL`";
                Self::new(code, Chain(&other).to_string(), Some(hint.to_owned()))
            }
        }
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
        error.setattr("request_id", self.request_id)?;
        if let Some(limit) = self.limit {
            error.setattr("meter", limit.meter)?;
            error.setattr("units", limit.units)?;
            error.setattr("limit", limit.most)?;
            error.setattr("used", limit.used)?;
            error.setattr("resets_at", limit.resets_at)?;
        }
        Ok(PyErr::from_value(error))
    }
}

/// What a use case answers.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;
