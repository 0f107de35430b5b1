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

mod rules;

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use odavl_core::{
    Result,
    auth::{Environment, Scopes},
    gateway::{Identity, check_charges},
    metering::MeterName,
    session::Session,
};
use poem::{
    Endpoint, IntoResponse, Middleware, Request, Response,
    http::{self, Extensions, HeaderMap, HeaderName},
};
use tower_layer::Layer;
use tower_service::Service;

use self::rules::of_poem;
pub use self::rules::{Rules, announced, identity};
use crate::limits;

/// What a request needs to get through: an API key, and what it must be allowed and can pay.
///
/// Each request is one decision, durable before the route is called; a refused one charges nothing and is answered with a
/// problem document (RFC 9457). The key goes no further than the decision; the route finds whose request it is as
/// [`Identity`] in the request's extensions: in poem as `Data<&Identity>`, in axum as `Extension<Identity>`. Every answer
/// says by `RateLimit-Policy` and `RateLimit` where the limits that were charged stand.
#[derive(Debug, Clone)]
pub struct Protect {
    gateway: Arc<Session>,
    rules: Rules,
    peer: fn(&Extensions) -> Option<IpAddr>,
}

impl Protect {
    /// Lets through whoever has a valid API key. `gateway` decides: a session with `gateway:write`, such as
    /// [`Odavl::system`](odavl_core::Odavl::system) of the operator's organisation.
    pub fn new(gateway: Session) -> Self {
        Self { gateway: Arc::new(gateway), rules: Rules::default(), peer: |_| None }
    }

    /// The scopes that the key must have.
    #[must_use]
    pub fn scope(mut self, scope: Scopes) -> Self {
        self.rules.scope = scope;
        self
    }

    /// What a request costs besides what it costs already: all of it is charged, or none.
    ///
    /// # Errors
    /// `invalid_input` for what no decision could charge, as [`check_charges`] says.
    pub fn charge(mut self, meter: MeterName, units: u64) -> Result<Self> {
        self.rules.charges.push((meter, units));
        check_charges(&self.gateway.odavl().settings().catalog, &self.rules.charges)?;
        Ok(self)
    }

    /// The environment that the key must be of; any unless it is said.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.rules.environment = Some(environment);
        self
    }

    /// The header that the key is in, as it is; unless it is said, it is the bearer in `Authorization` (RFC 6750).
    #[must_use]
    pub fn key_header(mut self, name: HeaderName) -> Self {
        self.rules.key_header = name;
        self
    }

    /// The peers whose `X-Forwarded-For` counts, for the allow-lists of keys.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: Vec<IpAddr>) -> Self {
        self.rules.trusted_proxies = proxies;
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
        let odavl = self.gateway.odavl();
        let upgrade_url = odavl.settings().upgrade_url.as_deref();
        self.ask(headers, peer)
            .await
            .map_err(|error| self.rules.refused(&error, headers, upgrade_url, odavl.now()))
    }

    async fn ask(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<Passed> {
        let request = self.rules.question(headers, peer)?;
        let identity = identity(self.gateway.gateway().verify(request).await)?;
        let limits = limits::values(&identity.limits, self.gateway.odavl().now());
        Ok(Passed { identity, limits })
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
        request.headers_mut().remove(&self.protect.rules.key_header);
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
            request.headers_mut().remove(&protect.rules.key_header);
            request.extensions_mut().insert(identity);
            let mut response = inner.call(request).await?;
            limits::announce(response.headers_mut(), limits);
            Ok(response)
        })
    }
}
