//! Who is calling: extractors that give a session, so that no handler compiles without saying who may call it.

use std::{
    net::IpAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use odavl_core::{
    ErrorCode, Odavl,
    metering::Standing,
    random_id,
    secret::Secret,
    session::{Context, Session, Standings},
    storage::DIRECT_PATH,
};
use poem::{
    FromRequest, Request, RequestBody,
    http::{HeaderMap, header::AUTHORIZATION},
};
use poem_openapi::{
    SecurityScheme,
    auth::{ApiKey, Bearer},
};

use crate::problem::Failure;

/// The one path of OAuth that asks for a bearer.
const INTROSPECT: &str = "/api/auth/introspect";

/// Where a proxy asks whether a request may pass. The request's own credential is the bearer; the proxy's is this.
pub(crate) const AUTHORIZE: &str = "/api/v1/gateway/authorize";
const GATEWAY_KEY: &str = "odavl-gateway-key";

/// Where a request comes from, as the transport found it; and where its charges stand, for the answer's headers.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) address: Option<IpAddr>,
    pub(crate) request_id: String,
    /// Whether the request shows a credential where one is looked at; a presigned one is its own.
    pub(crate) shows_credential: bool,
    is_somebody: Arc<AtomicBool>,
    standings: Arc<OnceLock<Standings>>,
}

impl Origin {
    pub(crate) fn new(address: Option<IpAddr>, request: &Request) -> Self {
        let path = request.uri().path();
        let presigned = path.starts_with(DIRECT_PATH);
        // Elsewhere nobody looks at it, so it proves nothing.
        let looked_at = path.starts_with("/api/v1/") || path == INTROSPECT;
        let shown = if path == AUTHORIZE { GATEWAY_KEY } else { AUTHORIZATION.as_str() };
        Self {
            address,
            request_id: request_id(request.headers()),
            shows_credential: presigned || (looked_at && request.headers().contains_key(shown)),
            is_somebody: Arc::default(),
            standings: Arc::default(),
        }
    }

    /// Whether the credential was looked at and not refused.
    pub(crate) fn is_somebody(&self) -> bool {
        self.is_somebody.load(Ordering::Relaxed)
    }

    /// Where the limits stood after the request's last charge.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        self.standings.get().map(Standings::read).unwrap_or_default()
    }
}

/// The caller's id where it is harmless to log, else a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|id| id.to_str().ok()).filter(|id| {
        (8..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    given.map_or_else(random_id, str::to_owned)
}

/// Someone with an API key or an access token: `Authorization: Bearer ...`.
#[derive(SecurityScheme)]
#[oai(
    ty = "bearer",
    key_name = "bearer",
    bearer_format = "API key or access token",
    checker = "authenticate"
)]
pub(crate) struct Caller(pub(crate) Session);

async fn authenticate(request: &Request, bearer: Bearer) -> poem::Result<Session> {
    let session = holder(request, &bearer.token, context(request)).await?;
    if let Some(origin) = request.data::<Origin>() {
        let _ = origin.standings.set(session.standings());
    }
    Ok(session)
}

async fn holder(request: &Request, secret: &str, context: Context) -> poem::Result<Session> {
    let odavl = installation(request)?;
    let found = match odavl.credential(secret) {
        Ok(credential) => odavl.authenticate(credential, context).await,
        Err(error) => Err(error),
    };
    note(request, &found, ErrorCode::Unauthenticated);
    found.map_err(|error| Failure(error).into())
}

/// Notes that the request's credential was looked at, and that its holder is somebody unless it was `refused`.
pub(crate) fn note<T>(request: &Request, found: &odavl_core::Result<T>, refused: ErrorCode) {
    let holds = found.as_ref().err().is_none_or(|error| error.code() != refused);
    if let Some(origin) = request.data::<Origin>().filter(|_| holds) {
        origin.is_somebody.store(true, Ordering::Relaxed);
    }
}

/// A proxy that asks about a request: its API key is in a header of its own. What else is in the headers is whose
/// request it is, and chooses no organisation.
#[derive(SecurityScheme)]
#[oai(
    ty = "api_key",
    key_in = "header",
    key_name = "Odavl-Gateway-Key",
    rename = "gateway_key",
    checker = "proxy"
)]
pub(crate) struct Proxy(pub(crate) Session);

async fn proxy(request: &Request, key: ApiKey) -> poem::Result<Session> {
    holder(request, &key.key, Context { organization: None, ..context(request) }).await
}

/// The credential that a request shows as its bearer (RFC 6750); `None` where it shows none.
pub(crate) struct Shown(pub(crate) Option<Secret<String>>);

impl<'a> FromRequest<'a> for Shown {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        let header = request.header(AUTHORIZATION);
        Ok(Self(header.map(|header| {
            let (scheme, secret) = header.split_once(' ').unwrap_or_default();
            let secret = if scheme.eq_ignore_ascii_case("bearer") { secret.trim() } else { "" };
            Secret::new(secret.to_owned())
        })))
    }
}

/// Anyone: what needs no credential.
pub(crate) struct Visitor(pub(crate) Session);

impl<'a> FromRequest<'a> for Visitor {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Ok(Self(installation(request)?.visitor(context(request))))
    }
}

pub(crate) fn installation(request: &Request) -> poem::Result<&Odavl> {
    request.data::<Odavl>().ok_or_else(|| {
        poem::Error::from(Failure(odavl_core::Error::internal(
            "the door was opened without an installation",
            None,
        )))
    })
}

/// Where the request comes from, for the session.
pub(crate) fn context(request: &Request) -> Context {
    let origin = request.data::<Origin>();
    Context {
        address: origin.and_then(|origin| origin.address),
        request_id: origin.map(|origin| origin.request_id.clone()).unwrap_or_default(),
        // What is not UTF-8 was refused by the transport.
        organization: request
            .headers()
            .get("odavl-organization")
            .map(|name| String::from_utf8_lossy(name.as_bytes()).into_owned()),
    }
}
