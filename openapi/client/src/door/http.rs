//! The one way to speak HTTP to a server.

use std::{error::Error as StdError, sync::OnceLock, time::Duration};

use odavl_core::{Error, Result};
use reqwest::{Client, ClientBuilder, redirect};
use rustls::{ClientConfig, RootCertStore, client::Resumption};
use rustls_platform_verifier::ConfigVerifierExt as _;

use super::origin::Origin;

const CONNECT: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_mins(1);
const STILL: Duration = Duration::from_mins(1);

/// A server, and how a program speaks to it.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where it is.
    pub origin: Origin,
    /// Whether somebody said that plain http may go to another machine.
    pub allow_http: bool,
    /// The name that the server's log knows the program by.
    pub agent: &'static str,
}

impl Server {
    /// A client whose calls are short.
    ///
    /// # Errors
    /// `invalid_input` for http to another machine.
    pub fn client(&self) -> Result<ClientBuilder> {
        Ok(self.to(&self.origin)?.timeout(TOTAL))
    }

    /// A client whose answers may be long, but may not stand still.
    ///
    /// # Errors
    /// `invalid_input` for http to another machine.
    pub fn for_bytes(&self) -> Result<ClientBuilder> {
        Ok(self.to(&self.origin)?.read_timeout(STILL))
    }

    /// A client for `origin`, which the server names: it follows no redirect, asks no proxy about this machine, and
    /// speaks plain http to another machine only where somebody said so.
    ///
    /// # Errors
    /// `invalid_input` for http to another machine; `internal` where this machine has no certificates, say.
    pub fn to(&self, origin: &Origin) -> Result<ClientBuilder> {
        if !origin.is_https() && !origin.is_loopback() && !self.allow_http {
            return Err(Error::invalid_with(
                format!("{origin} is another machine, and http shows what is sent to the network"),
                "use https, or allow http: --allow-http, or allow_http=True in Python",
            ));
        }
        // A second call finds the provider that the first one installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(self.agent)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT);
        let builder = if origin.is_loopback() { builder.no_proxy() } else { builder };
        Ok(builder.tls_backend_preconfigured(if origin.is_https() { tls()? } else { no_tls() }))
    }
}

/// How https is spoken. The machine's 150 certificates are read once: that takes longer than a call.
fn tls() -> Result<ClientConfig> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    let made = match TLS.get() {
        Some(known) => known.clone(),
        None => ClientConfig::with_platform_verifier().map_err(|error| unmade(error.into()))?,
    };
    let mut tls = TLS.get_or_init(|| made).clone();
    // What is remembered of servers is each client's own: a process that was forked may find it locked for ever.
    tls.resumption = Resumption::default();
    Ok(tls)
}

/// Where there is no https to speak, they are not read at all.
fn no_tls() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

/// The client that `builder` describes.
///
/// # Errors
/// `internal` where it cannot be made.
pub fn build(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(|error| unmade(error.into()))
}

fn unmade(why: Box<dyn StdError + Send + Sync>) -> Error {
    Error::internal("the HTTP client cannot be made", Some(why))
}
