//! Why a call failed: this process, the server that was asked, or the way there.

use std::{error::Error as StdError, fmt, time::Duration};

use odavl_core::{Error, ErrorCode};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::origin::Origin;
use crate::{
    Error as ApiError,
    types::{OAuthError, Problem},
};

/// What calls return.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a call failed.
#[derive(Debug)]
pub enum Failure {
    /// Odavl in this process said no.
    Own(Error),
    /// What cannot be done, and the way out: a code, a sentence, a hint.
    Stuck(ErrorCode, String, String),
    /// The server said no, and perhaps when to come again.
    Refused(Box<Problem>, Option<Duration>),
    /// The server's sign-in said no (RFC 6749, 5.2).
    Denied(Origin, Box<OAuthError>),
    /// The server did not answer.
    Unreachable(Origin, reqwest::Error),
    /// The server began to answer and said no more.
    Still(Origin),
    /// The server answered, perhaps with that status, in no form that odavl speaks.
    Foreign(Origin, Option<u16>),
    /// The store that the server names answered with that status, in its own form.
    Store(Origin, u16),
}

impl Failure {
    /// What became of a call that did not succeed; `refused` says what a refusal is.
    pub async fn of_call<E>(
        origin: &Origin,
        error: ApiError<E>,
        refused: impl FnOnce(E, Option<Duration>) -> Self,
    ) -> Self {
        match error {
            ApiError::ErrorResponse(refusal) => {
                let wait = wait(refusal.headers());
                refused(refusal.into_inner(), wait)
            }
            ApiError::CommunicationError(error)
            | ApiError::ResponseBodyError(error)
            | ApiError::InvalidUpgrade(error) => Self::Unreachable(origin.clone(), error.without_url()),
            ApiError::UnexpectedResponse(response) => Self::answered(origin, response).await,
            // With which status is lost.
            ApiError::InvalidResponsePayload(..) => Self::Foreign(origin.clone(), None),
            ApiError::InvalidRequest(why) | ApiError::Custom(why) => Error::invalid(why).into(),
        }
    }

    /// What a server's answer says, where it is none that was asked for.
    pub async fn answered(origin: &Origin, response: reqwest::Response) -> Self {
        let (status, wait) = (response.status().as_u16(), wait(response.headers()));
        match response.json().await {
            Ok(problem) => Self::Refused(Box::new(problem), wait),
            Err(_) => Self::Foreign(origin.clone(), Some(status)),
        }
    }

    /// What no server that is odavl says.
    pub fn nonsense(detail: impl Into<String>) -> Self {
        let hint = "check that the server is odavl: `odavl doctor`".to_owned();
        Self::Stuck(ErrorCode::Internal, detail.into(), hint)
    }

    /// The code, the same on every door.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Own(error) => error.code(),
            Self::Stuck(code, ..) => *code,
            Self::Refused(problem, _) => {
                ErrorCode::parse(&problem.code).unwrap_or_else(|| of_status(problem.status))
            }
            Self::Denied(_, refusal) => of_word(&refusal.error),
            Self::Unreachable(..) | Self::Still(_) | Self::Foreign(_, None) | Self::Store(_, 500) => {
                ErrorCode::Unavailable
            }
            Self::Foreign(_, Some(status)) | Self::Store(_, status) => of_status(*status),
        }
    }
}

/// When to come again, as an answer says it: odavl says seconds (RFC 9110, 10.2.3).
fn wait(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(error) => error.fmt(f),
            Self::Stuck(_, detail, _) => f.write_str(detail),
            Self::Refused(problem, _) => f.write_str(&problem.detail),
            Self::Denied(origin, refusal) => match refusal.error.as_str() {
                "access_denied" => f.write_str("the sign-in was refused in the browser"),
                "expired_token" => f.write_str("nobody approved the sign-in in time"),
                "invalid_grant" => write!(f, "the sign-in to {origin} has ended"),
                _ => f.write_str(&refusal.error_description),
            },
            Self::Unreachable(origin, _) => write!(f, "{origin} cannot be reached"),
            Self::Still(origin) => write!(f, "{origin} has stopped sending"),
            Self::Foreign(origin, Some(status)) => {
                write!(f, "{origin} answered {status} as odavl never does")
            }
            Self::Foreign(origin, None) => write!(f, "what {origin} answered is not odavl's"),
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
            | Self::Refused(..)
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
