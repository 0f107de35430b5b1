//! The HTTP door to odavl: transport on the outside, one file a resource within, and nothing decided here.
//!
//! [`Door::serve`] serves it; [`Door::endpoint`] is a poem endpoint, to nest in an application of your own;
//! [`protect`] puts the gateway before routes of your own.

mod address;
mod allow;
mod api;
mod caller;
mod cors;
mod dashboard;
mod direct;
mod docs;
mod face;
mod limits;
mod metrics;
mod oauth;
mod problem;
pub mod protect;
mod schema;
mod serve;
mod shape;
mod stream;
mod throttle;
mod transport;

use std::{net::IpAddr, sync::Arc, time::Duration};

use odavl_core::{Odavl, storage::DIRECT_PATH};
use poem::{Endpoint, EndpointExt, IntoEndpoint, get};

pub use api::document;
pub use metrics::metrics;
pub use serve::serve;

/// What the HTTP door needs to know besides the installation itself.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The peers whose `Forwarded-For` headers count.
    pub trusted_proxies: Vec<IpAddr>,
    /// The origins that browsers may call from.
    pub cors_origins: Vec<String>,
    /// How many requests a minute an address may make without a valid credential; `None`: any number.
    pub anonymous_per_minute: Option<u32>,
    /// The most bytes of a JSON body.
    pub body_most: usize,
    /// How long a request may take, and its body to come.
    pub timeout: Duration,
    /// How long a connection may take to do anything: to send a request's head, and to take 64 KiB of an answer, or what
    /// is left of it.
    pub idle: Duration,
    /// How many connections there are at once; who comes later waits.
    pub connections: usize,
    /// How long requests that are under way may take once the service is told to stop.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            anonymous_per_minute: Some(100),
            body_most: 1 << 20,
            timeout: Duration::from_secs(30),
            idle: Duration::from_mins(1),
            connections: 10_000,
            grace: Duration::from_secs(20),
        }
    }
}

/// The HTTP door of an installation.
#[derive(Debug, Clone)]
pub struct Door {
    odavl: Odavl,
    settings: Settings,
}

impl Door {
    /// The door of `odavl`.
    pub fn new(odavl: Odavl, settings: Settings) -> Self {
        Self { odavl, settings }
    }

    /// Every path of the door.
    pub fn endpoint(self) -> impl Endpoint<Output = poem::Response> {
        let document = document();
        let json = poem::endpoint::make_sync(move |_| {
            poem::Response::builder().content_type("application/json").body(document.clone())
        });
        let api = Arc::new(api::service().into_endpoint());
        dashboard::routes()
            .at("/api/docs", get(docs::endpoint()))
            .at("/api/openapi.json", get(json))
            .at(format!("{DIRECT_PATH}*key"), direct::endpoint)
            .nest_no_strip("/api", api.clone())
            .nest_no_strip("/.well-known", api)
            .data(stream::Patience(self.settings.timeout))
            .data(self.odavl.clone())
            .with(transport::Transport::new(self.odavl, self.settings))
    }
}
