//! Errors as RFC 9457 problem documents: one shape for every operation and every status.

use odavl_core::{Chain, Error, ErrorCode, Reason, metering::RefusalKind};
use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object,
    payload::{Json, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry},
};

use crate::{limits, oauth::OAuthFailure, schema::Time};

/// What problem documents are.
const PROBLEM: &str = "application/problem+json";

/// The problem type of a refused limit (IETF draft-ietf-httpapi-ratelimit-headers).
const QUOTA_TYPE: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// Why a request was refused, or failed (RFC 9457).
#[derive(Debug, Object)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
pub(crate) struct Problem {
    /// A URI that names the kind of problem; `about:blank` where the code says it all.
    #[oai(rename = "type")]
    kind: String,
    /// The kind of problem in words, the same for every occurrence.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The code, the same on every door: `invalid_input`, `quota_exceeded`, ...
    code: String,
    /// What happened this time.
    detail: String,
    /// The way out, where there is one.
    hint: Option<String>,
    /// Why a credential was refused: `malformed`, `expired`, `revoked`, ...
    reason: Option<String>,
    /// The request's id, for the log.
    request_id: String,
    /// The meter whose limit refused.
    meter: Option<String>,
    /// How many units were asked for.
    units: Option<u64>,
    /// That limit.
    limit: Option<u64>,
    /// What of it is used.
    used: Option<u64>,
    /// When it starts anew.
    resets_at: Option<Time>,
    /// Where to get more.
    upgrade_url: Option<String>,
    /// The names of the limits that refused, as in `RateLimit-Policy`.
    #[oai(rename = "violated-policies")]
    violated_policies: Option<Vec<String>>,
}

/// An error on its way out; rendered by the transport, which knows the request's id.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct Failure(pub(crate) Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl ResponseError for Failure {
    fn status(&self) -> StatusCode {
        status(self.0.code())
    }
}

/// Why a body was not taken whose length must be said ahead.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyFailure {
    /// It was not said (RFC 9110, 15.5.12).
    #[error("say the length ahead, with `Content-Length`")]
    LengthRequired,
    /// An error of the library.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl ResponseError for BodyFailure {
    fn status(&self) -> StatusCode {
        match self {
            Self::LengthRequired => StatusCode::LENGTH_REQUIRED,
            Self::Failed(error) => status(error.code()),
        }
    }
}

/// The statuses that every operation may answer with.
const STATUSES: [(u16, &str); 15] = [
    (400, "The input is not valid."),
    (401, "No valid credential was given."),
    (403, "The credential does not allow this."),
    (404, "There is no such thing, or it is another organisation's."),
    (408, "The body did not come in time."),
    (409, "It exists already, or the request contradicts what is there."),
    (412, "A condition does not hold."),
    (413, "Too large."),
    (415, "The body is of another type, or packed."),
    (421, "The service does not answer for that host."),
    (429, "A quota or a rate is used up; nothing was charged."),
    (500, "A fault of the service."),
    (501, "Not supported here."),
    (503, "Not available now; nothing was counted."),
    (504, "It took too long."),
];

/// What the document says of refusals that have one form.
pub(crate) fn refusals(
    statuses: &[(u16, &'static str)],
    content_type: &'static str,
    schema: fn() -> MetaSchemaRef,
) -> MetaResponses {
    let response = |&(status, description): &(u16, &'static str)| MetaResponse {
        description,
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType { content_type, schema: schema() }],
        headers: Vec::new(),
    };
    MetaResponses { responses: statuses.iter().map(response).collect() }
}

impl ApiResponse for BodyFailure {
    fn meta() -> MetaResponses {
        let length = [(411, "Say the length ahead, with `Content-Length`.")];
        refusals(&[&STATUSES[..], &length].concat(), PROBLEM, Json::<Problem>::schema_ref)
    }

    fn register(registry: &mut Registry) {
        Failure::register(registry);
    }
}

impl ApiResponse for Failure {
    fn meta() -> MetaResponses {
        refusals(&STATUSES, PROBLEM, Json::<Problem>::schema_ref)
    }

    fn register(registry: &mut Registry) {
        <Json<Problem> as Payload>::register(registry);
    }
}

pub(crate) fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What the outside learns: of what failed inside, only that the log knows it.
pub(crate) fn detail(error: &Error) -> String {
    match error.code() {
        ErrorCode::Internal | ErrorCode::Corrupted => "the service failed; its log knows why".to_owned(),
        _ => error.to_string(),
    }
}

/// The library's error behind an answer, where there is one.
pub(crate) fn library_error(error: &poem::Error) -> Option<&Error> {
    if let Some(Failure(error)) = error.downcast_ref() {
        return Some(error);
    }
    if let Some(BodyFailure::Failed(error)) = error.downcast_ref() {
        return Some(error);
    }
    match error.downcast_ref() {
        Some(OAuthFailure::Failed(error)) => Some(error),
        _ => None,
    }
}

/// The answer to a request that failed.
pub(crate) fn render(error: &poem::Error, request_id: &str, upgrade_url: Option<&str>) -> Response {
    match library_error(error) {
        Some(error) => of_error(error, request_id, upgrade_url),
        // No credential was shown where one is needed.
        None if error.status() == StatusCode::UNAUTHORIZED => {
            let missing = Error::unauthenticated(Reason::Missing, "this needs a credential");
            of_error(&missing, request_id, upgrade_url)
        }
        None => of_transport(error, request_id),
    }
}

/// What failed inside is written here, once.
pub(crate) fn log(error: &Error, request_id: &str) {
    if error.code().http_status() < 500 {
        return;
    }
    let code = error.code().as_str();
    tracing::error!(request_id, code, error = %Chain(error), "failed");
}

/// The answer to a request that the library refused, or failed at.
pub(crate) fn of_error(error: &Error, request_id: &str, upgrade_url: Option<&str>) -> Response {
    let code = error.code();
    let mut problem = blank(status(code), code.as_str(), code.title(), detail(error), request_id);
    problem.hint = error.hint();
    problem.reason = error.reason().map(|reason| reason.as_str().to_owned());
    if let Some(refusal) = error.refusal() {
        let standing = &refusal.standing;
        QUOTA_TYPE.clone_into(&mut problem.kind);
        problem.meter = Some(standing.meter.to_string());
        problem.units = Some(standing.units);
        problem.limit = standing.limit;
        problem.used = Some(standing.used);
        problem.resets_at = standing.resets_at.map(Time);
        problem.violated_policies = Some(vec![limits::policy(standing)]);
        if refusal.kind() == RefusalKind::Quota {
            problem.upgrade_url = upgrade_url.map(str::to_owned);
        }
    }
    let mut response = document(&problem);
    wait(&mut response, error);
    if code == ErrorCode::Unauthenticated {
        challenge(&mut response, error.reason() != Some(Reason::Missing));
    }
    response
}

/// 404, 405, 413, 415 and the like, in the same form.
fn of_transport(error: &poem::Error, request_id: &str) -> Response {
    let status = error.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let code = match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::NOT_ACCEPTABLE => "not_acceptable",
        StatusCode::REQUEST_TIMEOUT => "request_timeout",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::LENGTH_REQUIRED => "length_required",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::GATEWAY_TIMEOUT => "timeout",
        StatusCode::MISDIRECTED_REQUEST => "misdirected",
        status if status.is_client_error() => "invalid_input",
        _ => "internal",
    };
    let detail = if code == "internal" { title.to_owned() } else { said(error) };
    document(&blank(status, code, title, detail, request_id))
}

/// What the transport's error says, without what poem found where it expected something else: that may be a secret.
pub(crate) fn said(error: &poem::Error) -> String {
    let mut said = error.to_string();
    if let Some(found) = said.find(", found ") {
        said.truncate(found);
    }
    said
}

fn blank(status: StatusCode, code: &str, title: &str, detail: String, request_id: &str) -> Problem {
    Problem {
        kind: "about:blank".to_owned(),
        title: title.to_owned(),
        status: status.as_u16(),
        code: code.to_owned(),
        detail,
        hint: None,
        reason: None,
        request_id: request_id.to_owned(),
        meter: None,
        units: None,
        limit: None,
        used: None,
        resets_at: None,
        upgrade_url: None,
        violated_policies: None,
    }
}

fn document(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = poem_openapi::types::ToJSON::to_json_string(problem);
    Response::builder().status(status).content_type(PROBLEM).body(body).into_response()
}

/// Says how long to wait, where waiting helps.
pub(crate) fn wait(response: &mut Response, error: &Error) {
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
}

/// RFC 6750, 3: no error code where no credential was shown.
pub(crate) fn challenge(response: &mut Response, shown: bool) {
    let value =
        if shown { "Bearer realm=\"odavl\", error=\"invalid_token\"" } else { "Bearer realm=\"odavl\"" };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
}
