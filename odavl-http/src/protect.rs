//! Key, scope, rate and quota before routes of your own: one poem middleware, which is a tower layer too.
//!
//! ```
//! use odavl_core::{Odavl, Settings, gateway::Identity, session::Context};
//! use odavl_http::protect::Protect;
//! use poem::{EndpointExt, Route, get, handler, web::Data};
//!
//! #[handler]
//! fn report(Data(identity): Data<&Identity>) -> String {
//!     format!("the report of {}", identity.organization)
//! }
//!
//! # async fn routes(odavl: Odavl) -> odavl_core::Result<()> {
//! let gateway = odavl.system(&"operator".parse()?, Context::default()).await?;
//! let protect = Protect::new(gateway).scope("insight:read".parse()?).charge("api_calls".parse()?, 1)?;
//! let routes = Route::new().at("/report", get(report)).with(protect);
//! # drop(routes);
//! # Ok(())
//! # }
//! ```

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use odavl_core::{
    Error, ErrorCode, Reason, Result,
    auth::{Environment, Scopes},
    gateway::{Identity, Verdict, VerifyRequest, check_charges},
    metering::MeterName,
    secret::Secret,
    session::Session,
};
use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response,
    http::{self, Extensions, HeaderMap, HeaderName, HeaderValue, header},
};
use tower_layer::Layer;
use tower_service::Service;

use crate::{address, caller::request_id, limits, problem};

/// What a refusal asks for where the key has a header of its own (RFC 9110, 11.6.1).
const ASKS_FOR_KEY: HeaderValue = HeaderValue::from_static("ApiKey realm=\"odavl\"");

/// What a request needs to get through: an API key, and what it must be allowed and can pay.
///
/// Each request is one decision, durable before the route is called; a refused one charges nothing and is answered with a
/// problem document (RFC 9457). The key goes no further than the decision; the route finds whose request it is as
/// [`Identity`] in the request's extensions: in poem as `Data<&Identity>`, in axum as `Extension<Identity>`. Every answer
/// says by `RateLimit-Policy` and `RateLimit` where the limits that were charged stand.
#[derive(Debug, Clone)]
pub struct Protect {
    gateway: Arc<Session>,
    scope: Scopes,
    charges: Vec<(MeterName, u64)>,
    environment: Option<Environment>,
    key_header: HeaderName,
    trusted_proxies: Vec<IpAddr>,
    peer: fn(&Extensions) -> Option<IpAddr>,
}

impl Protect {
    /// Lets through whoever has a valid API key. `gateway` decides: a session with `gateway:write`, such as
    /// [`Odavl::system`](odavl_core::Odavl::system) of the operator's organisation.
    pub fn new(gateway: Session) -> Self {
        Self {
            gateway: Arc::new(gateway),
            scope: Scopes::none(),
            charges: Vec::new(),
            environment: None,
            key_header: header::AUTHORIZATION,
            trusted_proxies: Vec::new(),
            peer: |_| None,
        }
    }

    /// The scopes that the key must have.
    #[must_use]
    pub fn scope(mut self, scope: Scopes) -> Self {
        self.scope = scope;
        self
    }

    /// What a request costs besides what it costs already: all of it is charged, or none.
    ///
    /// # Errors
    /// `invalid_input` for what no decision could charge, as [`check_charges`] says.
    pub fn charge(mut self, meter: MeterName, units: u64) -> Result<Self> {
        self.charges.push((meter, units));
        check_charges(&self.gateway.odavl().settings().catalog, &self.charges)?;
        Ok(self)
    }

    /// The environment that the key must be of; any unless it is said.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// The header that the key is in, as it is; unless it is said, it is the bearer in `Authorization` (RFC 6750).
    #[must_use]
    pub fn key_header(mut self, name: HeaderName) -> Self {
        self.key_header = name;
        self
    }

    /// The peers whose `X-Forwarded-For` counts, for the allow-lists of keys.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: Vec<IpAddr>) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// Where a tower service finds the peer's address: axum has it as `ConnectInfo` in the extensions. Where it is not
    /// known, a key with an allow-list is refused. poem says it by itself.
    #[must_use]
    pub fn peer(mut self, find: fn(&Extensions) -> Option<IpAddr>) -> Self {
        self.peer = find;
        self
    }

    async fn decide(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Passed, Response> {
        match self.ask(headers, peer).await {
            Ok(passed) => Ok(passed),
            Err(error) => {
                let (odavl, request_id) = (self.gateway.odavl(), request_id(headers));
                problem::log(&error, &request_id);
                let mut response =
                    problem::of_error(&error, &request_id, odavl.settings().upgrade_url.as_deref());
                if let Some(refusal) = error.refusal() {
                    let limits = limits::values(std::slice::from_ref(&refusal.standing), odavl.now());
                    limits::announce(response.headers_mut(), limits);
                }
                let headers = response.headers_mut();
                if self.key_header != header::AUTHORIZATION && headers.contains_key(header::WWW_AUTHENTICATE)
                {
                    headers.insert(header::WWW_AUTHENTICATE, ASKS_FOR_KEY);
                }
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                if let Ok(request_id) = HeaderValue::from_str(&request_id) {
                    headers.insert(HeaderName::from_static("x-request-id"), request_id);
                }
                Err(response)
            }
        }
    }

    async fn ask(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Passed> {
        let lists = headers.get_all("x-forwarded-for").into_iter();
        let lists = lists.map(|list| list.to_str().unwrap_or_default());
        let request = VerifyRequest {
            scope: self.scope.clone(),
            charges: self.charges.clone(),
            environment: self.environment,
            ip: peer.and_then(|peer| address::client(peer, &self.trusted_proxies, lists)),
            // No idempotency key: one of the caller's own choice would make all their requests one.
            ..VerifyRequest::new(self.key(headers)?)
        };
        match self.gateway.gateway().verify(request).await {
            Ok(Verdict::Valid(identity)) => {
                let limits = limits::values(&identity.limits, self.gateway.odavl().now());
                Ok(Passed { identity: *identity, limits })
            }
            Ok(Verdict::Invalid(error)) => Err(error),
            Err(error) if error.code() == ErrorCode::Unavailable => Err(error),
            // That is nothing that the caller did.
            Err(error) => Err(Error::internal("the gateway did not decide", Some(error.into()))),
        }
    }

    fn key(&self, headers: &HeaderMap) -> Result<Secret<String>> {
        let mut said = headers.get_all(&self.key_header).into_iter();
        let missing = || Error::unauthenticated(Reason::Missing, "this needs an API key");
        let key = said.next().ok_or_else(missing)?;
        let malformed = || Error::unauthenticated(Reason::Malformed, "the API key is not one");
        let key = key.to_str().ok().filter(|_| said.next().is_none()).ok_or_else(malformed)?;
        if self.key_header != header::AUTHORIZATION {
            return Ok(Secret::new(key.to_owned()));
        }
        let (scheme, key) = key.split_once(' ').ok_or_else(malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(malformed());
        }
        Ok(Secret::new(key.trim().to_owned()))
    }
}

/// A request that may pass.
struct Passed {
    identity: Identity,
    limits: Option<[String; 2]>,
}

impl<E: Endpoint> Middleware<E> for Protect {
    type Output = Protected<E>;

    fn transform(&self, inner: E) -> Protected<E> {
        Protected { inner, protect: Arc::new(self.clone()) }
    }
}

impl<S> Layer<S> for Protect {
    type Service = Protected<S>;

    fn layer(&self, inner: S) -> Protected<S> {
        Protected { inner, protect: Arc::new(self.clone()) }
    }
}

/// Routes behind a [`Protect`]: a poem endpoint around one, a tower service around one.
#[derive(Debug, Clone)]
pub struct Protected<T> {
    inner: T,
    protect: Arc<Protect>,
}

impl<E: Endpoint> Endpoint for Protected<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let peer = request.remote_addr().as_socket_addr().map(std::net::SocketAddr::ip);
        let Passed { identity, limits } = match self.protect.decide(request.headers(), peer).await {
            Ok(passed) => passed,
            Err(refused) => return Ok(refused),
        };
        request.headers_mut().remove(&self.protect.key_header);
        request.extensions_mut().insert(identity);
        let answer = self.inner.call(request).await;
        let mut response = answer.map_or_else(poem::Error::into_response, IntoResponse::into_response);
        limits::announce(response.headers_mut(), limits);
        Ok(response)
    }
}

/// For axum and whatever else takes tower services; its bodies are made of bytes.
impl<S, B, R> Service<http::Request<B>> for Protected<S>
where
    S: Service<http::Request<B>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        // The one that is ready is called; its clone gets ready for the next.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let protect = self.protect.clone();
        Box::pin(async move {
            let peer = (protect.peer)(request.extensions());
            let Passed { identity, limits } = match protect.decide(request.headers(), peer).await {
                Ok(passed) => passed,
                Err(refused) => return Ok(of_poem(refused).await),
            };
            request.headers_mut().remove(&protect.key_header);
            request.extensions_mut().insert(identity);
            let mut response = inner.call(request).await?;
            limits::announce(response.headers_mut(), limits);
            Ok(response)
        })
    }
}

/// A refusal as another framework's answer.
async fn of_poem<R: From<Bytes>>(refused: Response) -> http::Response<R> {
    let (parts, body) = refused.into_parts();
    // It is in memory: reading it cannot fail.
    let mut response = http::Response::new(body.into_bytes().await.unwrap_or_default().into());
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
}
