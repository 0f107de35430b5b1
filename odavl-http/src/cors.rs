//! Which other origins' pages may call the API: those of the settings, and never with cookies.
//!
//! Our own few lines, because poem's middleware refuses requests of other origins by itself, the service's own pages
//! among them, where it is the browser that keeps the answer from them.

use poem::{
    Request, Response,
    http::{
        HeaderName, HeaderValue, Method, StatusCode,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
            ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
            VARY,
        },
    },
};

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, Content-Encoding, Idempotency-Key, If-Match, If-None-Match, \
                       If-Range, Odavl-Content-Sha256, Odavl-Organization, Range, X-Amz-Checksum-Sha256, X-Request-Id";
const EXPOSED: &str = "Content-Range, ETag, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, \
                       X-Request-Id";

/// The origins that may call; `*` is any.
#[derive(Debug)]
pub(crate) struct Cors(Vec<String>);

impl Cors {
    pub(crate) fn new(origins: &[String]) -> Self {
        Self(origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect())
    }

    /// The request's origin, where it is another one that may call.
    pub(crate) fn allowed(&self, request: &Request) -> Option<HeaderValue> {
        let origin = request.headers().get(ORIGIN)?;
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        self.0.iter().any(|known| known == "*" || *known == text).then(|| origin.clone())
    }

    /// The answer to a browser that asks before it calls; `None` where the request is none such.
    pub(crate) fn preflight(request: &Request) -> Option<Response> {
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        asks.then(|| {
            let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
            set(&mut response, ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            set(&mut response, ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            set(&mut response, ACCESS_CONTROL_MAX_AGE, "600");
            response
        })
    }

    /// Lets the origin read the answer, where it may; caches learn that the answer goes by the origin.
    pub(crate) fn open(&self, response: &mut Response, reader: Option<HeaderValue>) {
        if self.0.is_empty() {
            return;
        }
        response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = reader {
            response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            set(response, ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}
