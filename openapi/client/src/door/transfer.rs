//! Presigned requests: bytes to and from the store that the server names. No credential goes along: the URL is one.

use std::{ops::Range, time::Duration};

use bytes::Bytes;
use odavl_core::{Error, Result as Own};
use reqwest::{Body, Client, Response, StatusCode, Url, header::RANGE};
use tokio::time::timeout;

use super::{
    failure::{Failure, Result},
    http::{Server, build},
    origin::Origin,
};
use crate::types::PresignedRequest;

/// How long sending a body may take: no URL lives longer.
const SENDING: Duration = Duration::from_hours(1);
/// How long an answer may stand still.
const PATIENCE: Duration = Duration::from_mins(1);

/// The way to a store; copies share its connections.
#[derive(Debug, Clone)]
pub struct Transfer {
    origin: Origin,
    http: Client,
}

impl Transfer {
    /// The way to the store that `request` goes to: the server itself, or another that it names.
    ///
    /// # Errors
    /// `invalid_input` for http to another machine, and for a distant server that points at this machine.
    pub fn to(request: &PresignedRequest, server: &Server) -> Result<Self> {
        let origin = origin(&request.url)?;
        if origin.is_loopback() && !server.origin.is_loopback() {
            return Err(Error::invalid_with(
                format!("{} says that its store is this machine's own {origin}", server.origin),
                "tell the server's operator: its public URL or its store's is wrong",
            )
            .into());
        }
        let http = build(server.to(&origin)?)?;
        Ok(Self { origin, http })
    }

    /// Whether it leads where `request` goes.
    pub fn leads_to(&self, request: &PresignedRequest) -> bool {
        origin(&request.url).is_ok_and(|origin| origin == self.origin)
    }

    /// Sends bytes.
    pub async fn put(&self, request: &PresignedRequest, body: Body) -> Result<()> {
        let mut sending = self.http.put(self.url(request)?).timeout(SENDING).body(body);
        for header in &request.headers {
            sending = sending.header(&header.name, &header.value);
        }
        self.well(sending.send().await).await.map(drop)
    }

    /// Asks for the bytes of `range`, out of `size`.
    pub async fn get(&self, request: &PresignedRequest, range: &Range<u64>, size: u64) -> Result<Response> {
        let whole = *range == (0..size);
        let mut asking = self.http.get(self.url(request)?);
        if !whole {
            asking = asking.header(RANGE, format!("bytes={}-{}", range.start, range.end - 1));
        }
        let answer = timeout(PATIENCE, asking.send()).await.map_err(|_| self.still())?;
        let response = self.well(answer).await?;
        let expected = if whole { StatusCode::OK } else { StatusCode::PARTIAL_CONTENT };
        match response.status() {
            status if status == expected => Ok(response),
            other => Err(Failure::Foreign(self.origin.clone(), Some(other.as_u16()))),
        }
    }

    /// The bytes that come next.
    pub async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>> {
        let piece = timeout(PATIENCE, response.chunk()).await.map_err(|_| self.still())?;
        piece.map_err(|error| self.broken(error))
    }

    async fn well(&self, answer: reqwest::Result<Response>) -> Result<Response> {
        let response = answer.map_err(|error| self.broken(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(match Failure::answered(&self.origin, response).await {
            Failure::Foreign(origin, Some(status)) => Failure::Store(origin, status),
            refused => refused,
        })
    }

    fn broken(&self, error: reqwest::Error) -> Failure {
        Failure::Unreachable(self.origin.clone(), error.without_url())
    }

    fn still(&self) -> Failure {
        Failure::Still(self.origin.clone())
    }

    /// Where the request goes; never to another store than this one.
    fn url(&self, request: &PresignedRequest) -> Own<Url> {
        if self.leads_to(request) {
            return parse(&request.url);
        }
        Err(Error::invalid("the server names two stores for one object"))
    }
}

fn parse(url: &str) -> Own<Url> {
    // The URL is a credential: it is not repeated.
    url.parse().map_err(|_| Error::invalid("the server named its store by what is no URL"))
}

fn origin(url: &str) -> Own<Origin> {
    parse(url)?.origin().ascii_serialization().parse()
}
