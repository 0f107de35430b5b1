//! How a connection is encrypted: rustls with ring, as everywhere in odavl.

use std::{future::poll_fn, path::Path, sync::Arc};

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::settings::Trust;
use crate::{
    causes::Chain,
    error::{Error, Result},
};

/// Makes connections.
#[derive(Clone)]
pub(super) enum Connector {
    Plain,
    Encrypted(MakeRustlsConnect),
}

impl Connector {
    /// A connection; `told` is called with each notification that comes on it, and dropped when it has ended.
    pub(super) async fn connect(
        &self,
        config: &Config,
        told: impl Fn() + Send + 'static,
    ) -> Result<Client, tokio_postgres::Error> {
        match self {
            Self::Plain => connect(config, NoTls, told).await,
            Self::Encrypted(tls) => connect(config, tls.clone(), told).await,
        }
    }
}

async fn connect<T>(
    config: &Config,
    tls: T,
    told: impl Fn() + Send + 'static,
) -> Result<Client, tokio_postgres::Error>
where
    T: MakeTlsConnect<tokio_postgres::Socket, Stream: Send + 'static>,
{
    let (client, mut connection) = config.connect(tls).await?;
    tokio::spawn(async move {
        loop {
            match poll_fn(|task| connection.poll_message(task)).await {
                Some(Ok(AsyncMessage::Notification(_))) => told(),
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return tracing::debug!(error = %Chain(&error), "a connection to the database ended");
                }
                None => return,
            }
        }
    });
    Ok(client)
}

pub(super) fn connector(trust: &Trust) -> Result<Connector> {
    let provider = Arc::new(ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Error::internal("TLS cannot be set up", Some(error.into())))?;
    let config = match trust {
        Trust::Plain => return Ok(Connector::Plain),
        Trust::Anybody => config.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider))),
        Trust::Named(Some(file)) => config.with_root_certificates(read(file)?),
        Trust::Named(None) => config.with_root_certificates(of_the_system()?),
    };
    Ok(Connector::Encrypted(MakeRustlsConnect::new(config.with_no_client_auth())))
}

fn read(file: &Path) -> Result<RootCertStore> {
    let wrong = || {
        Error::invalid_with(
            format!("{} holds no certificate that can be read", file.display()),
            "`sslrootcert` names a PEM file with the authority's certificate",
        )
    };
    let found = CertificateDer::pem_file_iter(file).map_err(|_| wrong())?;
    let found: Vec<_> = found.collect::<Result<_, _>>().map_err(|_| wrong())?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found);
    if added == 0 { Err(wrong()) } else { Ok(roots) }
}

fn of_the_system() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if added > 0 {
        return Ok(roots);
    }
    Err(Error::invalid_with(
        "this system knows no authority that a database's certificate could be held to",
        "install the package ca-certificates, or name the authority by `sslrootcert`",
    ))
}

/// Takes any certificate, as `sslmode=require` says: nobody listens in, but who answers is not known.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
