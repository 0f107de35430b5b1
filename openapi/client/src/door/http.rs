//! The one way to speak HTTP to a server.

use std::time::Duration;

use odavl_core::{Error, Result};
use reqwest::{Client, ClientBuilder, redirect};
use rustls::{ClientConfig, RootCertStore};

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
    /// `invalid_input` for http to another machine.
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
        Ok(if origin.is_https() { builder } else { builder.tls_backend_preconfigured(no_tls()) })
    }
}

/// Where there is no https to speak, the machine's 150 certificates are not read: that takes longer than the call.
fn no_tls() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

/// The client that `builder` describes.
///
/// # Errors
/// `internal` where this machine has no certificates, say.
pub fn build(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(|error| Error::internal("the HTTP client cannot be made", Some(error.into())))
}
