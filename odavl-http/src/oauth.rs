//! Errors as RFC 6749, 5.2 writes them, for the paths under `/api/auth/`: so any OAuth client understands them.

use odavl_core::{Error, ErrorCode, auth::TokenRefusal};
use poem::{Response, error::ResponseError, http::StatusCode};
use poem_openapi::{
    ApiResponse, Object,
    payload::{Json, Payload},
    registry::{MetaResponses, Registry},
};

use crate::problem::{self, refusals};

/// Why a client was refused (RFC 6749, 5.2).
#[derive(Debug, Object)]
#[oai(rename = "OAuthError")]
pub(crate) struct OAuthErrorBody {
    /// `invalid_request`, `invalid_client`, `invalid_grant`, `invalid_scope`, `unsupported_grant_type`,
    /// `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_token`, ...
    error: String,
    /// What happened this time, in words.
    error_description: String,
}

/// A refusal of the OAuth paths.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OAuthFailure {
    /// A refusal that OAuth has a word for.
    #[error("{error}: {description}")]
    Refused {
        /// The word.
        error: &'static str,
        /// What happened, for whoever reads it.
        description: String,
    },
    /// An error of the library.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl OAuthFailure {
    /// A refusal with the word that OAuth has for it.
    pub(crate) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self::Refused { error, description: description.into() }
    }

    /// A parameter that must be there and is not.
    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new("invalid_request", format!("the parameter `{parameter}` is missing"))
    }
}

impl From<TokenRefusal> for OAuthFailure {
    fn from(refusal: TokenRefusal) -> Self {
        let description = match refusal {
            TokenRefusal::InvalidClient => "no client of that id is registered",
            TokenRefusal::AuthorizationPending => "nobody has answered yet",
            TokenRefusal::SlowDown => "wait five seconds longer between requests",
            TokenRefusal::AccessDenied => "the request was denied",
            TokenRefusal::ExpiredToken => "the codes are too old: start again",
            TokenRefusal::InvalidGrant => "the code or token is wrong, used, revoked or another client's",
        };
        Self::new(refusal.as_str(), description)
    }
}

impl ResponseError for OAuthFailure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Refused { error: "invalid_client", .. } => StatusCode::UNAUTHORIZED,
            Self::Refused { .. } => StatusCode::BAD_REQUEST,
            Self::Failed(error) => problem::status(error.code()),
        }
    }
}

/// The statuses that the OAuth paths may answer with.
const STATUSES: [(u16, &str); 12] = [
    (400, "The request, grant, client or scope is refused."),
    (401, "The client or the credential is refused."),
    (403, "The credential does not allow this."),
    (404, "There is no such organization."),
    (408, "The body did not come in time."),
    (413, "Too large."),
    (415, "The body is no form."),
    (421, "The service does not answer for that host."),
    (429, "Too many requests."),
    (500, "A fault of the service."),
    (503, "Not available now."),
    (504, "It took too long."),
];

impl ApiResponse for OAuthFailure {
    fn meta() -> MetaResponses {
        refusals(&STATUSES, "application/json", Json::<OAuthErrorBody>::schema_ref)
    }

    fn register(registry: &mut Registry) {
        <Json<OAuthErrorBody> as Payload>::register(registry);
    }
}

/// The answer to a request under `/api/auth/` that failed.
pub(crate) fn render(error: &poem::Error) -> Response {
    let (code, description) = match (error.downcast_ref(), problem::library_error(error)) {
        (Some(OAuthFailure::Refused { error, description }), _) => (*error, description.clone()),
        (_, Some(error)) => (word(error.code()), problem::detail(error)),
        (_, None) => of_transport(error),
    };
    let body = OAuthErrorBody { error: code.to_owned(), error_description: plain(&description) };
    let mut response = Response::builder()
        .status(error.status())
        .content_type("application/json")
        .body(poem_openapi::types::ToJSON::to_json_string(&body));
    if let Some(error) = problem::library_error(error) {
        problem::wait(&mut response, error);
    }
    if error.status() == StatusCode::UNAUTHORIZED {
        problem::challenge(&mut response, code == "invalid_token");
    }
    response
}

/// The word for an error of the library (RFC 6749, 4.1.2.1 and 5.2; RFC 6750, 3.1; RFC 8628, 3.5).
fn word(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Unauthenticated => "invalid_token",
        ErrorCode::Forbidden => "insufficient_scope",
        ErrorCode::RateLimited | ErrorCode::QuotaExceeded => "slow_down",
        ErrorCode::Unavailable => "temporarily_unavailable",
        ErrorCode::Internal | ErrorCode::Corrupted => "server_error",
        _ => "invalid_request",
    }
}

/// A body that is no form, a parameter that is there twice, another method: what the transport refused.
fn of_transport(error: &poem::Error) -> (&'static str, String) {
    match error.status() {
        // No credential was shown where one is needed.
        StatusCode::UNAUTHORIZED => ("invalid_client", "this needs a credential".to_owned()),
        status if status.is_client_error() => ("invalid_request", problem::said(error)),
        _ => ("server_error", "the service failed; its log knows why".to_owned()),
    }
}

/// RFC 6749, 5.2: printable ASCII without quotes and backslashes.
fn plain(text: &str) -> String {
    let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    text.chars().map(|c| if allowed(c) { c } else { '?' }).collect()
}
