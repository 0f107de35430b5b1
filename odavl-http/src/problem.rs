//! Errors as RFC 9457 problem documents: one shape for every operation and every status.

use odavl_core::{
    Error, ErrorCode,
    metering::{RefusalKind, Standing},
};
use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object,
    payload::{Json, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
};

use crate::schema::Time;

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

/// The statuses that every operation may answer with.
const STATUSES: [(u16, &str); 11] = [
    (400, "The input is not valid."),
    (401, "No valid credential was given."),
    (403, "The credential does not allow this."),
    (404, "There is no such thing, or it is another organisation's."),
    (409, "It exists already, or the request contradicts what is there."),
    (412, "A condition does not hold."),
    (413, "Too large."),
    (429, "A quota or a rate is used up; nothing was charged."),
    (500, "A fault of the service."),
    (501, "Not supported here."),
    (503, "Not available now; nothing was counted."),
];

impl ApiResponse for Failure {
    fn meta() -> MetaResponses {
        let response = |(status, description): (u16, &'static str)| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: "application/problem+json",
                schema: Json::<Problem>::schema_ref(),
            }],
            headers: Vec::new(),
        };
        MetaResponses { responses: STATUSES.into_iter().map(response).collect() }
    }

    fn register(registry: &mut Registry) {
        <Json<Problem> as Payload>::register(registry);
    }
}

fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The answer to a request that failed.
pub(crate) fn render(error: &poem::Error, request_id: &str, upgrade_url: Option<&str>) -> Response {
    match error.downcast_ref::<Failure>() {
        Some(Failure(error)) => of_error(error, request_id, upgrade_url),
        None => of_transport(error, request_id),
    }
}

fn of_error(error: &Error, request_id: &str, upgrade_url: Option<&str>) -> Response {
    let code = error.code();
    // What failed inside is for the log; the outside learns the request's id.
    let hidden = matches!(code, ErrorCode::Internal | ErrorCode::Corrupted);
    let detail = if hidden { "the service failed; its log knows why".to_owned() } else { error.to_string() };
    let mut problem = blank(status(code), code.as_str(), code.title(), detail, request_id);
    problem.hint = error.hint();
    problem.reason = error.reason().map(|reason| reason.as_str().to_owned());
    if let Some(refusal) = error.refusal() {
        let standing = &refusal.standing;
        QUOTA_TYPE.clone_into(&mut problem.kind);
        problem.meter = Some(standing.meter.to_string());
        problem.limit = standing.limit;
        problem.used = Some(standing.used);
        problem.resets_at = standing.resets_at.map(Time);
        problem.violated_policies = Some(vec![policy(standing)]);
        if refusal.kind() == RefusalKind::Quota {
            problem.upgrade_url = upgrade_url.map(str::to_owned);
        }
    }
    let mut response = document(&problem);
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    if code == ErrorCode::Unauthenticated {
        challenge(&mut response, error.reason().is_some_and(|reason| reason.as_str() != "missing"));
    }
    response
}

/// 404, 405, 413, 415 and the like, in the same form.
fn of_transport(error: &poem::Error, request_id: &str) -> Response {
    let status = error.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let code = match status {
        StatusCode::UNAUTHORIZED => "unauthenticated",
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::NOT_ACCEPTABLE => "not_acceptable",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
        StatusCode::GATEWAY_TIMEOUT => "timeout",
        StatusCode::MISDIRECTED_REQUEST => "misdirected",
        status if status.is_client_error() => "invalid_input",
        _ => "internal",
    };
    let detail = if code == "internal" { title.to_owned() } else { error.to_string() };
    let mut problem = blank(status, code, title, detail, request_id);
    if status == StatusCode::UNAUTHORIZED {
        problem.reason = Some("missing".to_owned());
    }
    let mut response = document(&problem);
    if status == StatusCode::UNAUTHORIZED {
        challenge(&mut response, false);
    }
    response
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
    Response::builder().status(status).content_type("application/problem+json").body(body).into_response()
}

/// RFC 6750, 3: no error code where no credential was shown.
fn challenge(response: &mut Response, shown: bool) {
    let value =
        if shown { "Bearer realm=\"odavl\", error=\"invalid_token\"" } else { "Bearer realm=\"odavl\"" };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
}

/// The name of a limit in `RateLimit-Policy`: the meter, and the period where it is not the meter's natural one.
fn policy(standing: &Standing) -> String {
    let period = standing.period.to_string();
    let owner = if standing.key_id.is_some() { "key:" } else { "" };
    match period.as_str() {
        "month" | "held" => format!("{owner}{}", standing.meter),
        _ => format!("{owner}{}/{period}", standing.meter),
    }
}

/// `RateLimit-Policy` and `RateLimit` (IETF draft-ietf-httpapi-ratelimit-headers) of the limits that were charged.
pub(crate) fn limit_headers(response: &mut Response, standings: &[Standing]) {
    let now = odavl_core::Clock::now(&odavl_core::SystemClock);
    let limited: Vec<_> = standings.iter().filter_map(|s| Some((s, s.limit?, s.remaining?))).collect();
    if limited.is_empty() {
        return;
    }
    let policies: Vec<_> = limited
        .iter()
        .map(|(s, limit, _)| {
            let window = s.period.seconds(now).map(|w| format!(";w={w}")).unwrap_or_default();
            format!("\"{}\";q={limit}{window}", policy(s))
        })
        .collect();
    let rates: Vec<_> = limited
        .iter()
        .map(|(s, _, remaining)| {
            let reset = s.resets_at.map(|at| format!(";t={}", (at.as_second() - now.as_second()).max(0)));
            format!("\"{}\";r={remaining}{}", policy(s), reset.unwrap_or_default())
        })
        .collect();
    for (name, values) in [("ratelimit-policy", policies), ("ratelimit", rates)] {
        if let Ok(value) = HeaderValue::from_str(&values.join(", ")) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
}
