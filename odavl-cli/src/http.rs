//! The one way to speak HTTP to a server.

use std::time::Duration;

use odavl_core::{Error, Result};
use reqwest::{Client, ClientBuilder, redirect};
use rustls::{ClientConfig, RootCertStore};

use crate::{origin::Origin, settings::Settings};

/// The name that the server's log knows this program by.
const AGENT: &str = concat!("odavl-cli/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(10);
const TOTAL: Duration = Duration::from_mins(1);
const STILL: Duration = Duration::from_mins(1);

/// A client for the server of `settings`, whose calls are short.
///
/// # Errors
/// `invalid_input` for http to another machine.
pub(crate) fn builder(settings: &Settings) -> Result<ClientBuilder> {
    Ok(to(&settings.server.value, settings)?.timeout(TOTAL))
}

/// A client for the server of `settings`, whose answers may be long, but may not stand still.
///
/// # Errors
/// `invalid_input` for http to another machine.
pub(crate) fn for_bytes(settings: &Settings) -> Result<ClientBuilder> {
    Ok(to(&settings.server.value, settings)?.read_timeout(STILL))
}

/// A client for `origin`: it follows no redirect, asks no proxy about this machine, and speaks plain http to another
/// machine only where somebody said so.
///
/// # Errors
/// `invalid_input` for http to another machine.
pub(crate) fn to(origin: &Origin, settings: &Settings) -> Result<ClientBuilder> {
    if !origin.is_https() && !origin.is_loopback() && !settings.allow_http {
        return Err(Error::invalid_with(
            format!("{origin} is another machine, and http shows what is sent to the network"),
            "use https, or say --allow-http",
        ));
    }
    // A second call finds the provider that the first one installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder =
        Client::builder().user_agent(AGENT).redirect(redirect::Policy::none()).connect_timeout(CONNECT);
    let builder = if origin.is_loopback() { builder.no_proxy() } else { builder };
    Ok(if origin.is_https() { builder } else { builder.tls_backend_preconfigured(no_tls()) })
}

/// Where there is no https to speak, the machine's 150 certificates are not read: that takes longer than the call.
fn no_tls() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

/// The client that `builder` describes.
pub(crate) fn build(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(|error| Error::internal("the HTTP client cannot be made", Some(error.into())))
}
