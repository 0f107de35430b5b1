//! The one error type, and the one table of codes that every door maps to its own form.

use std::{error::Error as StdError, time::Duration};

use serde::{Deserialize, Serialize};

use crate::metering::Refusal;

/// A boxed cause, kept so that the log can name it.
pub type Cause = Box<dyn StdError + Send + Sync>;

/// What the crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every way in which odavl says no, or fails.
///
/// `Display` names what failed and never repeats its source. [`Error::code`] is stable and the same on every
/// door; [`Error::hint`] says the way out where there is one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input cannot be accepted as it is.
    #[error("{detail}")]
    InvalidInput {
        /// What is wrong with which part of the input.
        detail: String,
        /// How to mend it.
        hint: Option<String>,
    },
    /// No credential, or one that does not hold.
    #[error("{detail}")]
    Unauthenticated {
        /// Why the credential was refused.
        reason: Reason,
        /// What was refused; never the credential itself.
        detail: String,
    },
    /// The credential holds but does not allow this.
    #[error("{detail}")]
    Forbidden {
        /// Why the credential was refused.
        reason: Reason,
        /// What is missing.
        detail: String,
    },
    /// There is no such thing, or it is another organisation's.
    #[error("no {}", named("such ", kind, name))]
    NotFound {
        /// What was looked for, in one word.
        kind: &'static str,
        /// The id or name that was asked for; empty where it has none to be shown.
        name: String,
    },
    /// Something of that name exists.
    #[error("{} already exists", named("such a ", kind, name))]
    AlreadyExists {
        /// What exists, in one word.
        kind: &'static str,
        /// Its id or name; empty where it has none to be shown.
        name: String,
    },
    /// The request contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// A condition that the caller set does not hold.
    #[error("{0}")]
    PreconditionFailed(String),
    /// More bytes than are accepted here.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is too large.
        what: String,
        /// The most that is accepted, in bytes.
        limit: u64,
    },
    /// A quota over a period, or of what is held, is used up. Nothing was charged.
    #[error("{0}")]
    QuotaExceeded(Box<Refusal>),
    /// A rate over a short window is used up. Nothing was charged.
    #[error("{0}")]
    RateLimited(Box<Refusal>),
    /// Something that odavl needs does not answer now; nothing was counted.
    #[error("{what}")]
    Unavailable {
        /// What does not answer.
        what: String,
        /// When a retry may help.
        retry_after: Option<Duration>,
        /// What it said.
        #[source]
        source: Option<Cause>,
    },
    /// This build or this adapter cannot do that.
    #[error("{0}")]
    Unsupported(String),
    /// Stored data that makes no sense.
    #[error("{what}")]
    Corrupted {
        /// Where: table, column and row, or object and offset.
        what: String,
        /// What reading it said.
        #[source]
        source: Option<Cause>,
    },
    /// A fault of odavl itself.
    #[error("{what}")]
    Internal {
        /// What failed.
        what: String,
        /// Why.
        #[source]
        source: Option<Cause>,
    },
}

/// Why a credential was refused; refines [`ErrorCode::Unauthenticated`] and [`ErrorCode::Forbidden`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// None was given.
    Missing,
    /// It is not of the form of a credential; a typing mistake ends here.
    Malformed,
    /// Nobody was ever given it, or it is gone.
    Unknown,
    /// Its time has passed.
    Expired,
    /// It was revoked.
    Revoked,
    /// It, its owner or its organisation is disabled.
    Disabled,
    /// A key of one environment was used where the other is asked for.
    WrongEnvironment,
    /// It lacks the scope or the role.
    InsufficientScope,
    /// The caller's address is not in the key's allow-list, or not known.
    AddressDenied,
}

impl Reason {
    /// The reason as it is written on every door.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Disabled => "disabled",
            Self::WrongEnvironment => "wrong_environment",
            Self::InsufficientScope => "insufficient_scope",
            Self::AddressDenied => "address_denied",
        }
    }
}

/// One row of the error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is the code of the `Error` variant of that name")]
pub enum ErrorCode {
    InvalidInput,
    Unauthenticated,
    Forbidden,
    NotFound,
    AlreadyExists,
    Conflict,
    PreconditionFailed,
    TooLarge,
    QuotaExceeded,
    RateLimited,
    Unavailable,
    Unsupported,
    Corrupted,
    Internal,
}

/// What each code is on each door: name, HTTP status, exit code, Python class, title.
type Row = (&'static str, u16, u8, &'static str, &'static str);

impl ErrorCode {
    /// Every code, in the order of the table.
    pub const ALL: [Self; 14] = [
        Self::InvalidInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::QuotaExceeded,
        Self::RateLimited,
        Self::Unavailable,
        Self::Unsupported,
        Self::Corrupted,
        Self::Internal,
    ];

    const fn row(self) -> Row {
        match self {
            Self::InvalidInput => ("invalid_input", 400, 2, "InvalidInputError", "The input is not valid"),
            Self::Unauthenticated => {
                ("unauthenticated", 401, 4, "UnauthenticatedError", "No valid credential was given")
            }
            Self::Forbidden => ("forbidden", 403, 4, "ForbiddenError", "The credential does not allow this"),
            Self::NotFound => ("not_found", 404, 3, "NotFoundError", "There is no such thing"),
            Self::AlreadyExists => ("already_exists", 409, 5, "AlreadyExistsError", "It already exists"),
            Self::Conflict => ("conflict", 409, 5, "ConflictError", "The request contradicts what is there"),
            Self::PreconditionFailed => {
                ("precondition_failed", 412, 5, "PreconditionFailedError", "A condition does not hold")
            }
            Self::TooLarge => ("too_large", 413, 6, "TooLargeError", "Too large"),
            Self::QuotaExceeded => ("quota_exceeded", 429, 6, "QuotaExceededError", "The quota is used up"),
            Self::RateLimited => ("rate_limited", 429, 7, "RateLimitedError", "Too many requests"),
            Self::Unavailable => ("unavailable", 503, 7, "UnavailableError", "Not available now"),
            Self::Unsupported => ("unsupported", 501, 70, "UnsupportedError", "Not supported here"),
            Self::Corrupted => ("corrupted", 500, 8, "CorruptedError", "Stored data makes no sense"),
            Self::Internal => ("internal", 500, 70, "InternalError", "Internal error"),
        }
    }

    /// The code as it is written on every door.
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }
    /// The HTTP status.
    pub const fn http_status(self) -> u16 {
        self.row().1
    }
    /// The command line's exit code.
    pub const fn exit_code(self) -> u8 {
        self.row().2
    }
    /// The Python exception class.
    pub const fn python_class(self) -> &'static str {
        self.row().3
    }
    /// The problem document's title.
    pub const fn title(self) -> &'static str {
        self.row().4
    }
    /// The code of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

/// A thing by its name, or else as one of those that were meant.
fn named(such: &str, kind: &str, name: &str) -> String {
    if name.is_empty() { format!("{such}{kind}") } else { format!("{kind} `{name}`") }
}

impl Error {
    /// The code, the same on every door.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidInput { .. } => ErrorCode::InvalidInput,
            Self::Unauthenticated { .. } => ErrorCode::Unauthenticated,
            Self::Forbidden { .. } => ErrorCode::Forbidden,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::AlreadyExists { .. } => ErrorCode::AlreadyExists,
            Self::Conflict(_) => ErrorCode::Conflict,
            Self::PreconditionFailed(_) => ErrorCode::PreconditionFailed,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::QuotaExceeded(_) => ErrorCode::QuotaExceeded,
            Self::RateLimited(_) => ErrorCode::RateLimited,
            Self::Unavailable { .. } => ErrorCode::Unavailable,
            Self::Unsupported(_) => ErrorCode::Unsupported,
            Self::Corrupted { .. } => ErrorCode::Corrupted,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// Why a credential was refused, where one was.
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Unauthenticated { reason, .. } | Self::Forbidden { reason, .. } => Some(*reason),
            _ => None,
        }
    }

    /// The limit that refused, where one did.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::QuotaExceeded(refusal) | Self::RateLimited(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// How long to wait before a retry can help; `None` where it cannot, or where nobody knows.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            Self::QuotaExceeded(refusal) | Self::RateLimited(refusal) => refusal.retry_after(),
            _ => None,
        }
    }

    /// The way out, written for the person who reads it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InvalidInput { hint, .. } => hint.clone(),
            Self::Unauthenticated { reason, .. } | Self::Forbidden { reason, .. } => {
                Some(reason.hint().to_owned())
            }
            Self::QuotaExceeded(refusal) => Some(refusal.hint()),
            Self::RateLimited(_) | Self::Unavailable { .. } => Some("try again later".to_owned()),
            _ => None,
        }
    }

    /// An input that cannot be accepted.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::InvalidInput { detail: detail.into(), hint: None }
    }

    /// An input that cannot be accepted, and how to mend it.
    pub fn invalid_with(detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::InvalidInput { detail: detail.into(), hint: Some(hint.into()) }
    }

    /// A thing that is not there, or is another organisation's.
    pub fn not_found(kind: &'static str, name: &(impl ToString + ?Sized)) -> Self {
        Self::NotFound { kind, name: name.to_string() }
    }

    /// A refused credential.
    pub fn unauthenticated(reason: Reason, detail: impl Into<String>) -> Self {
        Self::Unauthenticated { reason, detail: detail.into() }
    }

    /// A missing permission.
    pub fn forbidden(reason: Reason, detail: impl Into<String>) -> Self {
        Self::Forbidden { reason, detail: detail.into() }
    }

    /// A service that does not answer now; a retry in a second may help.
    pub fn unavailable(what: impl Into<String>, source: impl Into<Option<Cause>>) -> Self {
        Self::Unavailable {
            what: what.into(),
            retry_after: Some(Duration::from_secs(1)),
            source: source.into(),
        }
    }

    /// A fault of odavl itself.
    pub fn internal(what: impl Into<String>, source: impl Into<Option<Cause>>) -> Self {
        Self::Internal { what: what.into(), source: source.into() }
    }

    /// Stored data that makes no sense: say where.
    pub fn corrupted(what: impl Into<String>, source: impl Into<Option<Cause>>) -> Self {
        Self::Corrupted { what: what.into(), source: source.into() }
    }
}

impl Reason {
    const fn hint(self) -> &'static str {
        match self {
            Self::Missing => "sign in with `odavl login`, or set ODAVL_API_KEY",
            Self::Malformed => "check that the key was copied whole; a key is shown once, when it is made",
            Self::Unknown | Self::Revoked | Self::Expired => "sign in again, or ask for a new key",
            Self::Disabled => "ask an administrator of the organisation to enable it",
            Self::WrongEnvironment => "use a key of the environment that is asked for",
            Self::InsufficientScope => "ask for a key or a role with that scope",
            Self::AddressDenied => "call from an address in the key's allow-list",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_name_and_parses_back() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn what_has_no_name_to_be_shown_is_named_by_its_kind() {
        let taken = |name: &str| Error::AlreadyExists { kind: "project", name: name.to_owned() };
        assert_eq!(Error::not_found("project", "web").to_string(), "no project `web`");
        assert_eq!(Error::not_found("project", "").to_string(), "no such project");
        assert_eq!(taken("web").to_string(), "project `web` already exists");
        assert_eq!(taken("").to_string(), "such a project already exists");
    }
}
