//! What every request goes through: its id, its address, its bounds, its one line in the log.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use odavl_core::{Chain, Error, Odavl, metering::Refusal, storage::DIRECT_PATH};
use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response,
    error::{MethodNotAllowedError, ReadBodyError, ResponseError},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority},
};
use poem_openapi::OperationId;

use crate::{
    Settings, address,
    allow::Methods,
    caller::{AUTHORIZE, Origin},
    cors::Cors,
    face::Face,
    limits,
    problem::{Failure, library_error},
    stream::{self, Cut, Patience},
    throttle::Throttle,
};

/// The headers that say who asks for what.
const SAID_ONCE: [&str; 12] = [
    "authorization",
    "content-encoding",
    "content-type",
    "host",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-range",
    "odavl-content-sha256",
    "odavl-gateway-key",
    "odavl-organization",
    "range",
];

/// How much longer a request may take than its body.
const LEEWAY: Duration = Duration::from_secs(1);

/// What carries results, and streams.
const UPLOADS: &str = "/api/v1/uploads";

/// The outermost layer.
#[derive(Debug, Clone)]
pub(crate) struct Transport(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    odavl: Odavl,
    settings: Settings,
    throttle: Throttle,
    cors: Cors,
    methods: Methods,
    host: String,
}

impl Transport {
    pub(crate) fn new(odavl: Odavl, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            throttle: Throttle::new(settings.anonymous_per_minute),
            cors: Cors::new(&settings.cors_origins),
            methods: Methods::read(),
            host: authority(&odavl.settings().public_url),
            settings,
            odavl,
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
        let origin = Origin::new(transport.address(&request), &request);
        let face = Face::of(request.uri().path());
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let reader = transport.cors.allowed(&request).filter(|_| face.is_for_programs());
        request.extensions_mut().insert(origin.clone());

        let preflight = reader.as_ref().and_then(|_| Cors::preflight(&request));
        let result = match preflight {
            // A browser shows no credential with it, and asks before every call: it is not counted.
            Some(answer) => transport.hosts(&request).map(|()| answer),
            None => match transport.admit(&request, &origin) {
                Ok(()) => transport.throttled(self.bounded(request).await, &origin),
                Err(refused) => Err(refused),
            },
        };
        let operation = operation(&result, &path);
        let mut response = transport.finish(result, face, &origin, &path);
        if face.is_for_programs() {
            transport.cors.open(&mut response, reader);
        }
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

impl<E: Endpoint> Layer<E> {
    /// The inner endpoint, with a bound on the body and on the time.
    async fn bounded(&self, mut request: Request) -> poem::Result<Response> {
        let settings = &self.transport.settings;
        refuse_muddled(&request)?;
        refuse_packed(&request)?;
        if is_streamed(&request) {
            return self.inner.call(request).await.map(IntoResponse::into_response);
        }
        bound_body(&mut request, settings)?;
        // The body's own bound ends first, so that a caller who is slow hears that it is them.
        let answer = self.inner.call(request);
        match tokio::time::timeout(settings.timeout + LEEWAY, answer).await {
            Ok(result) => result.map(IntoResponse::into_response).map_err(cut_off),
            Err(_) => Err(Refused(StatusCode::GATEWAY_TIMEOUT, "it took too long").into()),
        }
    }
}

impl Inner {
    /// Refuses what the transport can refuse by itself.
    fn admit(&self, request: &Request, origin: &Origin) -> poem::Result<()> {
        let path = request.uri().path();
        if path.starts_with("/api/health") || path.starts_with("/.well-known/") {
            return Ok(());
        }
        self.hosts(request)?;
        if origin.shows_credential { Ok(()) } else { self.count(origin) }
    }

    /// Refuses what is for another host: by its `Host`, or by its target, which may name one too (RFC 9112, 3.2.2).
    fn hosts(&self, request: &Request) -> poem::Result<()> {
        let target = request.original_uri().authority().map(Authority::as_str);
        let said = request.header(header::HOST).unwrap_or_default();
        if [target.unwrap_or(said), said].iter().all(|host| host.eq_ignore_ascii_case(&self.host)) {
            return Ok(());
        }
        let why = "this service does not answer for that host";
        Err(Refused(StatusCode::MISDIRECTED_REQUEST, why).into())
    }

    /// A credential that did not hold, or that nobody looked at, counts as none.
    fn throttled(&self, result: poem::Result<Response>, origin: &Origin) -> poem::Result<Response> {
        if origin.shows_credential && !origin.is_somebody() { self.count(origin).and(result) } else { result }
    }

    fn count(&self, origin: &Origin) -> poem::Result<()> {
        let now = self.odavl.now();
        match origin.address.and_then(|address| self.throttle.refuse(address, now)) {
            Some(until) => Err(too_many(self.settings.anonymous_per_minute, until, now)),
            None => Ok(()),
        }
    }

    fn address(&self, request: &Request) -> Option<std::net::IpAddr> {
        let peer = request.remote_addr().as_socket_addr()?.ip();
        let lists = request.headers().get_all("x-forwarded-for").into_iter();
        address::client(
            peer,
            &self.settings.trusted_proxies,
            lists.map(|list| list.to_str().unwrap_or_default()),
        )
    }

    /// The answer, whatever happened, with the headers that every answer has.
    fn finish(&self, result: poem::Result<Response>, face: Face, origin: &Origin, path: &str) -> Response {
        let mut standings = origin.standings();
        let mut response = result.unwrap_or_else(|error| {
            log_cause(&error, origin);
            if let Some(refusal) = library_error(&error).and_then(Error::refusal) {
                standings = vec![refusal.standing.clone()];
            }
            let mut response = face.render(&error, &origin.request_id, &self.odavl);
            if error.is::<MethodNotAllowedError>()
                && let Some(allowed) = self.methods.of(path)
            {
                response.headers_mut().insert(header::ALLOW, allowed);
            }
            response
        });
        limits::announce(&mut response, &standings, self.odavl.now());
        face.dress(&mut response, &self.odavl.settings().public_url);
        if let Ok(value) = HeaderValue::from_str(&origin.request_id) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
        }
        response
    }
}

/// Packed bodies are taken where the document says so, and nowhere else. What a proxy asks about has a body that stays
/// with the proxy.
fn refuse_packed(request: &Request) -> poem::Result<()> {
    let packed = request
        .header(header::CONTENT_ENCODING)
        .is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity"));
    if packed && ![UPLOADS, AUTHORIZE].contains(&request.uri().path()) {
        let why = "this takes no `Content-Encoding`";
        return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into());
    }
    Ok(())
}

/// Whether the body is streamed: its handler bounds it, by what was reserved for it, and by how long it stands still.
fn is_streamed(request: &Request) -> bool {
    let path = request.uri().path();
    path.starts_with(DIRECT_PATH) || (request.method() == Method::POST && path == UPLOADS)
}

/// A length that is said is checked before anything is read; the rest while it comes, by whoever reads it.
fn bound_body(request: &mut Request, settings: &Settings) -> poem::Result<()> {
    let most = settings.body_most;
    if let Some(length) = request.header(header::CONTENT_LENGTH)
        && !length.parse::<usize>().is_ok_and(|length| length <= most)
    {
        return Err(ReadBodyError::PayloadTooLarge.into());
    }
    if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
        .iter()
        .any(|name| request.headers().contains_key(name))
    {
        let body = stream::bounded(request.take_body(), most, Patience(settings.timeout));
        request.set_body(body);
    }
    Ok(())
}

/// Tells a body that was cut off from one that is wrong.
fn cut_off(error: poem::Error) -> poem::Error {
    match error.downcast_ref().and_then(|error: &ReadBodyError| Cut::behind(error)) {
        Some(Cut::TooLarge) => ReadBodyError::PayloadTooLarge.into(),
        Some(Cut::Late) => Refused(StatusCode::REQUEST_TIMEOUT, "the body did not come in time").into(),
        None => error,
    }
}

/// What says who asks for what is there once and is text: one that is not would be passed over, and something else
/// be done than was asked.
fn refuse_muddled(request: &Request) -> poem::Result<()> {
    for name in SAID_ONCE {
        let mut said = request.headers().get_all(name).iter();
        let first = said.next();
        if said.next().is_some() || first.is_some_and(|value| !is_text(name, value)) {
            let error =
                Error::invalid_with(format!("`{name}` is there twice, or is no text"), "send it once");
            return Err(Failure(error).into());
        }
    }
    Ok(())
}

/// A team's own ids for organisations are UTF-8; all else is ASCII.
fn is_text(name: &str, value: &HeaderValue) -> bool {
    value.to_str().is_ok() || (name == "odavl-organization" && std::str::from_utf8(value.as_bytes()).is_ok())
}

/// Host and port of a URL, in lower case and without the scheme's own port: as browsers write `Host`.
fn authority(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
    let own = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    authority.strip_suffix(own).unwrap_or(&authority).to_owned()
}

/// The refusal of an address that called too often, in the form of every other limit.
fn too_many(most: Option<u32>, until: Timestamp, at: Timestamp) -> poem::Error {
    let used = most.map(u64::from).unwrap_or_default();
    let refused = Refusal::rate("anonymous_requests", used, until, at);
    let refused = refused.map(|refusal| Error::RateLimited(Box::new(refusal)));
    Failure(refused.unwrap_or_else(|error| error)).into()
}

/// What the log calls the request: its operation, or the page's path; never what a stranger made up.
fn operation(result: &poem::Result<Response>, path: &str) -> &'static str {
    let found = match result {
        Ok(response) => response.data::<OperationId>(),
        Err(error) => error.data::<OperationId>(),
    };
    let page = || crate::dashboard::PATHS.into_iter().map(|(known, _)| known).find(|known| *known == path);
    let direct = || path.starts_with(DIRECT_PATH).then_some("storage_direct");
    found.map(|id| id.0).or_else(page).or_else(direct).unwrap_or("-")
}

/// What failed inside is written here, once.
fn log_cause(error: &poem::Error, origin: &Origin) {
    let Some(error) = library_error(error).filter(|error| error.code().http_status() >= 500) else { return };
    let code = error.code().as_str();
    tracing::error!(request_id = origin.request_id, code, error = %Chain(error), "failed");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_as_browsers_write_it() {
        let hosts = [
            ("https://Odavl.example", "odavl.example"),
            ("https://odavl.example:443/", "odavl.example"),
            ("http://127.0.0.1:8787", "127.0.0.1:8787"),
            ("http://[::1]:8787/base", "[::1]:8787"),
            ("http://odavl.example:443", "odavl.example:443"),
        ];
        for (url, host) in hosts {
            assert_eq!(authority(url), host, "{url}");
        }
    }
}
