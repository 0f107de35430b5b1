//! Why a command failed: odavl itself, the server that was asked, or the way there.

use std::{
    error::Error as StdError,
    fmt,
    io::{self, ErrorKind},
};

use odavl_client::{
    Error as ApiError,
    types::{OAuthError, Problem},
};
use odavl_core::{Error, ErrorCode};

use crate::origin::Origin;

/// What commands return.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Odavl in this process said no.
    Own(Error),
    /// What this command cannot do, and the way out: a code, a sentence, a hint.
    Stuck(ErrorCode, String, String),
    /// The server said no.
    Refused(Box<Problem>),
    /// The server's sign-in said no (RFC 6749, 5.2).
    Denied(Origin, Box<OAuthError>),
    /// The server did not answer.
    Unreachable(Origin, reqwest::Error),
    /// The server began to answer and said no more.
    Still(Origin),
    /// The server answered with that status, in no form that odavl speaks.
    Foreign(Origin, u16),
    /// The store that the server names answered with that status, in its own form.
    Store(Origin, u16),
}

impl Failure {
    /// What became of a call that did not succeed; `refused` says what a refusal is.
    pub(crate) async fn of_call<E>(
        origin: &Origin,
        error: ApiError<E>,
        refused: impl FnOnce(E) -> Self,
    ) -> Self {
        match error {
            ApiError::ErrorResponse(refusal) => refused(refusal.into_inner()),
            ApiError::CommunicationError(error)
            | ApiError::ResponseBodyError(error)
            | ApiError::InvalidUpgrade(error) => Self::Unreachable(origin.clone(), error.without_url()),
            ApiError::UnexpectedResponse(response) => Self::answered(origin, response).await,
            // Whether the body was an answer or a refusal is lost; neither was odavl's.
            ApiError::InvalidResponsePayload(..) => Self::Foreign(origin.clone(), 502),
            ApiError::InvalidRequest(why) | ApiError::Custom(why) => Error::invalid(why).into(),
        }
    }

    /// What a server's answer says, where it is none that was asked for.
    pub(crate) async fn answered(origin: &Origin, response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        match response.json().await {
            Ok(problem) => Self::Refused(Box::new(problem)),
            Err(_) => Self::Foreign(origin.clone(), status),
        }
    }

    /// What no server that is odavl says.
    pub(crate) fn nonsense(detail: impl Into<String>) -> Self {
        let hint = "check that the server is odavl: `odavl doctor`".to_owned();
        Self::Stuck(ErrorCode::Internal, detail.into(), hint)
    }

    /// The code, the same on every door.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Own(error) => error.code(),
            Self::Stuck(code, ..) => *code,
            Self::Refused(problem) => {
                ErrorCode::parse(&problem.code).unwrap_or_else(|| of_status(problem.status))
            }
            Self::Denied(_, refusal) => of_word(&refusal.error),
            Self::Unreachable(..) | Self::Still(_) | Self::Store(_, 500) => ErrorCode::Unavailable,
            Self::Foreign(_, status) | Self::Store(_, status) => of_status(*status),
        }
    }

    /// The ways out, a line each.
    pub(crate) fn hints(&self) -> Vec<String> {
        let mut hints = self.own_hints();
        if hints.is_empty() {
            hints.extend(usual(self.code()).map(str::to_owned));
        }
        hints
    }

    fn own_hints(&self) -> Vec<String> {
        match self {
            Self::Own(error) => way_out(error).into_iter().collect(),
            Self::Stuck(_, _, hint) => vec![hint.clone()],
            Self::Refused(problem) => refused_hints(problem),
            Self::Denied(..) if self.code() == ErrorCode::Unauthenticated => {
                vec!["sign in with `odavl login`".to_owned()]
            }
            Self::Denied(..) => Vec::new(),
            Self::Unreachable(origin, _) if origin.is_loopback() => {
                vec!["start it with `odavl serve`, or name another server with --server".to_owned()]
            }
            Self::Unreachable(..) | Self::Still(_) => {
                vec![
                    "check the network and the server's name; `odavl doctor` says where it came from"
                        .to_owned(),
                ]
            }
            Self::Foreign(..) => vec!["check that the server is odavl: `odavl doctor`".to_owned()],
            Self::Store(..) => {
                vec!["try again; whoever runs the server can ask the store with `odavl doctor`".to_owned()]
            }
        }
    }
}

/// The way out of a failure of odavl's own.
pub(crate) fn way_out(error: &Error) -> Option<String> {
    let known = match error {
        Error::NotFound { kind, .. } => list_of(kind),
        Error::Unavailable { source: Some(cause), .. } => cause.downcast_ref().and_then(of_file),
        _ => None,
    };
    let usual = || usual(error.code()).map(str::to_owned);
    known.map(str::to_owned).or_else(|| error.hint()).or_else(usual)
}

/// The way out where a file cannot be read or written; waiting is none for most.
fn of_file(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Some("make room there, or write elsewhere")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("check what you may do there, or name another place")
        }
        ErrorKind::InvalidInput => Some("move it away"),
        ErrorKind::IsADirectory | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            Some("check the path")
        }
        _ => None,
    }
}

/// The way out that failures of that code mostly have.
fn usual(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::NotFound => {
            Some("what another organisation has is not found either: `odavl whoami` shows yours")
        }
        ErrorCode::InvalidInput => Some("--help shows what the command takes"),
        ErrorCode::AlreadyExists => Some("choose another name, or change what is there"),
        ErrorCode::Unsupported => Some("a newer odavl may support it"),
        ErrorCode::Corrupted => {
            Some("it cannot be mended here: bring back a copy, or ask whoever runs the server")
        }
        _ => None,
    }
}

/// Where one finds the right name of what this command did not find by itself.
fn list_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "file" => "check the path, and that its folder is there",
        "meter" => "`odavl usage` lists the meters",
        "object" => "`odavl storage list` lists the objects",
        "organization" => "`odavl admin org list` lists the organisations",
        "upload" => "`odavl uploads list` lists the uploads",
        "user" => "`odavl admin user list` lists the people",
        _ => return None,
    })
}

/// The code that comes nearest to a status of the transport's own.
fn of_status(status: u16) -> ErrorCode {
    match status {
        401 => ErrorCode::Unauthenticated,
        403 => ErrorCode::Forbidden,
        404 => ErrorCode::NotFound,
        409 => ErrorCode::Conflict,
        412 => ErrorCode::PreconditionFailed,
        413 => ErrorCode::TooLarge,
        429 => ErrorCode::RateLimited,
        408 | 502..=504 => ErrorCode::Unavailable,
        400..=499 => ErrorCode::InvalidInput,
        _ => ErrorCode::Internal,
    }
}

/// The code that comes nearest to a word of OAuth.
fn of_word(word: &str) -> ErrorCode {
    match word {
        "temporarily_unavailable" => ErrorCode::Unavailable,
        "slow_down" => ErrorCode::RateLimited,
        "server_error" => ErrorCode::Internal,
        "invalid_request" | "invalid_scope" | "unsupported_grant_type" => ErrorCode::InvalidInput,
        _ => ErrorCode::Unauthenticated,
    }
}

fn refused_hints(problem: &Problem) -> Vec<String> {
    let mut hints: Vec<_> = problem.hint.clone().into_iter().collect();
    if let Some(at) = problem.resets_at.map(|at| at.to_string())
        && !hints.iter().any(|hint| hint.contains(&at))
    {
        hints.push(format!("it resets at {at}"));
    }
    hints.extend(problem.upgrade_url.as_ref().map(|url| format!("get more at {url}")));
    if problem.status >= 500 {
        hints.push(format!("the server's log has the cause under request {}", problem.request_id));
    }
    hints
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(error) => error.fmt(f),
            Self::Stuck(_, detail, _) => f.write_str(detail),
            Self::Refused(problem) => f.write_str(&problem.detail),
            Self::Denied(origin, refusal) => match refusal.error.as_str() {
                "access_denied" => f.write_str("the sign-in was refused in the browser"),
                "expired_token" => f.write_str("nobody approved the sign-in in time"),
                "invalid_grant" => write!(f, "the sign-in to {origin} has ended"),
                _ => f.write_str(&refusal.error_description),
            },
            Self::Unreachable(origin, _) => write!(f, "{origin} cannot be reached"),
            Self::Still(origin) => write!(f, "{origin} has stopped sending"),
            Self::Foreign(origin, status) => write!(f, "{origin} answered {status} as odavl never does"),
            Self::Store(origin, status) => write!(f, "the store {origin} answered {status}"),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Own(error) => error.source(),
            Self::Unreachable(_, error) => error.source(),
            Self::Stuck(..)
            | Self::Refused(_)
            | Self::Denied(..)
            | Self::Still(_)
            | Self::Foreign(..)
            | Self::Store(..) => None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Own(error)
    }
}
