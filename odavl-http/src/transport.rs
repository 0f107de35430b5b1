//! What every request goes through: its id, its address, its bounds, its one line in the log.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use odavl_core::{Clock, Error, Odavl, SystemClock, metering::Refusal, random_id};
use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response,
    error::ResponseError,
    http::{HeaderName, HeaderValue, StatusCode, header},
};
use poem_openapi::OperationId;

use crate::{
    Settings,
    caller::{Origin, shows_credential},
    problem::{self, Failure},
    throttle::Throttle,
};

/// The outermost layer.
#[derive(Debug, Clone)]
pub(crate) struct Transport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: Settings,
    throttle: Throttle,
    hosts: Vec<String>,
    upgrade_url: Option<String>,
}

impl Transport {
    pub(crate) fn new(odavl: Odavl, settings: Settings) -> Self {
        let public = odavl.settings().public_url.clone();
        let host = public.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
        Self(Arc::new(Inner {
            throttle: Throttle::new(settings.anonymous_per_minute),
            hosts: vec![host.to_ascii_lowercase()],
            upgrade_url: odavl.settings().upgrade_url.clone(),
            settings,
        }))
    }
}

impl<E: Endpoint> Middleware<E> for Transport {
    type Output = Layer<E>;
    fn transform(&self, inner: E) -> Layer<E> {
        Layer { inner, transport: self.0.clone() }
    }
}

/// An endpoint behind the transport.
pub(crate) struct Layer<E> {
    inner: E,
    transport: Arc<Inner>,
}

impl<E: Endpoint> Endpoint for Layer<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let start = Instant::now();
        let transport = &self.transport;
        let origin = Origin { address: transport.address(&request), request_id: request_id(&request) };
        let method = request.method().clone();
        request.extensions_mut().insert(origin.clone());
        let result = match transport.admit(&request, &origin) {
            Ok(()) => {
                let bounded = tokio::time::timeout(transport.settings.timeout, self.inner.call(request));
                bounded
                    .await
                    .unwrap_or_else(|_| Err(Refused(StatusCode::GATEWAY_TIMEOUT, "it took too long").into()))
            }
            Err(refused) => Err(refused),
        };
        let result = transport.throttled(result.map(IntoResponse::into_response), &origin);
        if let Err(error) = &result {
            log_cause(error, &origin);
        }
        let mut response = result.unwrap_or_else(|error| {
            problem::render(&error, &origin.request_id, transport.upgrade_url.as_deref())
        });
        dress(&mut response, &origin);
        let operation = response.data::<OperationId>().map_or("-", |id| id.0);
        tracing::info!(
            request_id = origin.request_id,
            %method,
            operation,
            status = response.status().as_u16(),
            ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
        Ok(response)
    }
}

impl Inner {
    /// Refuses what the transport can refuse by itself.
    fn admit(&self, request: &Request, origin: &Origin) -> poem::Result<()> {
        let path = request.uri().path();
        if path.starts_with("/api/health") || path.starts_with("/.well-known/") {
            return Ok(());
        }
        let host = request.header(header::HOST).unwrap_or_default().to_ascii_lowercase();
        if !self.hosts.contains(&host) {
            return Err(Refused(
                StatusCode::MISDIRECTED_REQUEST,
                "this service does not answer for that host",
            )
            .into());
        }
        match origin.address.filter(|_| !shows_credential(request)).and_then(|ip| self.throttle.refuse(ip)) {
            Some(wait) => Err(too_many(self.settings.anonymous_per_minute, wait)),
            None => Ok(()),
        }
    }

    /// A credential that did not hold counts as none.
    fn throttled(&self, result: poem::Result<Response>, origin: &Origin) -> poem::Result<Response> {
        let failed = matches!(&result, Err(error) if error.status() == StatusCode::UNAUTHORIZED);
        match origin.address.filter(|_| failed).and_then(|address| self.throttle.refuse(address)) {
            Some(wait) => Err(too_many(self.settings.anonymous_per_minute, wait)),
            None => result,
        }
    }

    /// The peer; behind trusted proxies, the rightmost address that is not one of them.
    fn address(&self, request: &Request) -> Option<IpAddr> {
        let peer = request.remote_addr().as_socket_addr()?.ip().to_canonical();
        let trusted = |address: &IpAddr| self.settings.trusted_proxies.contains(address);
        if !trusted(&peer) {
            return Some(peer);
        }
        let forwarded =
            request.headers().get_all("x-forwarded-for").into_iter().filter_map(|v| v.to_str().ok());
        let hops: Vec<_> = forwarded.flat_map(|list| list.split(',')).collect();
        for hop in hops.into_iter().rev() {
            // What does not read as an address hides everything before it.
            let address = hop.trim().parse::<IpAddr>().ok()?.to_canonical();
            if !trusted(&address) {
                return Some(address);
            }
        }
        Some(peer)
    }
}

/// The refusal of an address that called too often, in the form of every other limit.
fn too_many(most: Option<u32>, wait: Duration) -> poem::Error {
    let at = SystemClock.now();
    let until = at.checked_add(SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO)).unwrap_or(at);
    let used = most.map(u64::from).unwrap_or_default();
    let refused = Refusal::rate("anonymous_requests", used, until, at);
    let refused = refused.map(|refusal| Error::RateLimited(Box::new(refusal)));
    Failure(refused.unwrap_or_else(|error| error)).into()
}

/// The caller's id where it is harmless to log, else a new one.
fn request_id(request: &Request) -> String {
    let given = request.header("x-request-id").filter(|id| {
        (8..=64).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    given.map_or_else(random_id, str::to_owned)
}

/// What failed inside is written here, once.
fn log_cause(error: &poem::Error, origin: &Origin) {
    let Some(Failure(error)) = error.downcast_ref::<Failure>() else { return };
    if error.code().http_status() < 500 {
        return;
    }
    let mut causes = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    tracing::error!(request_id = origin.request_id, code = error.code().as_str(), error = %error, causes = causes.join(": "));
}

fn dress(response: &mut Response, origin: &Origin) {
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cache-control", "no-store"),
    ] {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(&origin.request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
}

/// A refusal of the transport itself.
#[derive(Debug, thiserror::Error)]
#[error("{1}")]
struct Refused(StatusCode, &'static str);

impl ResponseError for Refused {
    fn status(&self) -> StatusCode {
        self.0
    }
}
