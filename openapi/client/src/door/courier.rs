//! Carries webhooks: to the addresses of the internet alone, unless the operator lets them go further.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use odavl_core::{
    Error, Result, causes, is_public,
    webhooks::{Courier, Letter},
};
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::CONTENT_TYPE,
    redirect,
};
use url::Host;

/// The name that receivers know us by.
const AGENT: &str = concat!("odavl/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(5);
/// How long a receiver may take.
const TOTAL: Duration = Duration::from_secs(15);

/// A [`Courier`] by HTTP. It follows no redirect, asks no proxy, and reads no answer but its status.
#[derive(Debug)]
pub struct Post {
    client: Client,
    private: bool,
}

impl Post {
    /// One that goes to private addresses, and by http, only where `private` says so.
    pub fn new(private: bool) -> Result<Self> {
        // A second call finds the provider that the first one installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder().user_agent(AGENT).redirect(redirect::Policy::none()).no_proxy();
        let builder = builder.connect_timeout(CONNECT).timeout(TOTAL).https_only(!private);
        let builder = if private { builder } else { builder.dns_resolver(Arc::new(Public)) };
        let client = builder.build();
        let failed = |error: reqwest::Error| {
            Error::internal("the client for webhooks cannot be made", Some(error.into()))
        };
        Ok(Self { client: client.map_err(failed)?, private })
    }
}

#[async_trait]
impl Courier for Post {
    async fn send(&self, letter: &Letter) -> Result<u16> {
        let url: Url = letter.url.parse().map_err(|error| Error::invalid(format!("its URL: {error}")))?;
        // What is no name is asked of nobody, so the resolver does not see it.
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) | None => None,
        };
        if literal.is_some_and(|address| !self.private && !is_public(address)) {
            return Err(Error::invalid(NOT_PUBLIC));
        }
        let mut request = self.client.post(url).header(CONTENT_TYPE, "application/json");
        for (name, value) in &letter.headers {
            request = request.header(*name, value);
        }
        let answer = request.body(letter.body.clone()).send().await;
        answer.map(|answer| answer.status().as_u16()).map_err(|error| unsent(&error))
    }
}

const NOT_PUBLIC: &str = "its host has no address of the internet";

/// Why it could not be sent: what lies deepest says most.
fn unsent(error: &reqwest::Error) -> Error {
    if error.is_timeout() {
        return Error::unavailable("it did not answer in time", None);
    }
    let deepest = causes(error).last().unwrap_or(error);
    Error::unavailable(deepest.to_string(), None)
}

/// Names, looked up once for a message: what is connected to is what was checked.
#[derive(Debug)]
struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Nobody is told which names there are in the operator's own network.
            let found = tokio::net::lookup_host((name.as_str(), 0))
                .await
                .inspect_err(|error| tracing::debug!(%error, "a webhook's host has no address"));
            let found = found.map_err(|_| io::Error::other(NOT_PUBLIC))?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(io::Error::other(NOT_PUBLIC).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent(private: bool, url: &str) -> Result<u16> {
        let headers = vec![
            ("webhook-id", "evt_1".into()),
            ("webhook-timestamp", "1".into()),
            ("webhook-signature", "v1,x".into()),
        ];
        Post::new(private)?.send(&Letter { url: url.to_owned(), headers, body: "{}".to_owned() }).await
    }

    #[tokio::test]
    async fn nothing_goes_to_an_address_that_is_not_public() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in [
            "127.0.0.1",
            "localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "10.0.0.1",
            "169.254.169.254",
            "2130706433",
            "0x7f.1",
            // A name that is not there is told as one in the operator's own network is.
            "nowhere.invalid",
        ] {
            let refused = sent(false, &format!("https://{host}:{port}/")).await.unwrap_err();
            assert!(refused.to_string().contains(NOT_PUBLIC), "{host}: {refused}");
        }
        let heard = tokio::time::timeout(Duration::from_millis(1), listener.accept()).await;
        assert!(heard.is_err(), "somebody came");
        assert!(sent(false, "http://example.com/").await.is_err());
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_and_an_answer_is_its_status() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = vec![0; 4096];
            let mut end = 0;
            while !seen[..end].ends_with(b"{}") {
                end += stream.read(&mut seen[end..]).await.unwrap();
            }
            let answer = format!(
                "HTTP/1.1 307 Elsewhere\r\nLocation: http://{address}/b\r\nContent-Length: 0\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase()
        });
        assert_eq!(sent(true, &format!("http://{address}/a")).await.unwrap(), 307);
        let seen = serving.await.unwrap();
        for line in
            ["post /a http/1.1", "webhook-id: evt_1", "content-type: application/json", "user-agent: odavl/"]
        {
            assert!(seen.contains(line), "{seen}");
        }
    }
}
