//! A service that is asked over HTTP, as a session: the same use cases, with the same answers and errors.

mod backups;
mod get;
mod keys;
mod put;
mod runs;
mod source;
mod usage;
mod values;
mod verdict;

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use odavl_client::{
    Client, Error as ApiError, ResponseValue,
    door::{
        failure::Failure as Why,
        http::{Server, build},
        origin::Origin,
        retry::Tries,
        transfer::Transfer,
    },
    types::{PresignedRequest, Problem},
};
use odavl_core::{Error, Reason, page::PageQuery, random_id, secret::Secret};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::failure::Result;

/// The name that the server's log knows this package by.
const AGENT: &str = concat!("odavl-py/", env!("CARGO_PKG_VERSION"));
/// How long a call may take, besides its bytes.
const TOTAL: Duration = Duration::from_mins(1);
/// How many bytes a second a slow connection sends.
const SLOW: usize = 64 << 10;

/// What a generated method gives.
type Answer<T> = std::result::Result<ResponseValue<T>, ApiError<Problem>>;

/// A service, and who asks it; copies share its connections.
#[derive(Clone)]
pub(crate) struct Remote {
    server: Server,
    key: Secret<String>,
    client: Client,
    /// The last way to a store.
    way: Arc<Mutex<Option<Transfer>>>,
}

impl Remote {
    /// The service at `origin`, asked with `key`.
    pub(crate) fn at(
        origin: Origin,
        key: String,
        allow_http: bool,
        organization: Option<&str>,
    ) -> Result<Self> {
        let server = Server { origin, allow_http, agent: AGENT };
        let key = Secret::new(key);
        let client = speaking(&server, &key, organization)?;
        Ok(Self { server, key, client, way: Arc::default() })
    }

    /// The same caller, acting on another organisation.
    pub(crate) fn acting_on(&self, organization: &str) -> Result<Self> {
        let client = speaking(&self.server, &self.key, Some(organization))?;
        Ok(Self { client, ..self.clone() })
    }

    /// The way to the store that `request` goes to: the last one, while it leads there.
    fn way(&self, request: &PresignedRequest) -> Result<Transfer> {
        let mut last = self.way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = last.as_ref().filter(|way| way.leads_to(request)) {
            return Ok(way.clone());
        }
        Ok(last.insert(Transfer::to(request, &self.server)?).clone())
    }

    /// Makes a call that may be made twice: one that reads, or that the service knows again.
    async fn call<'a, T, W>(&'a self, call: impl Fn(&'a Client) -> W) -> Result<T>
    where
        W: Future<Output = Answer<T>>,
    {
        self.call_with(0, call).await
    }

    /// The same, of a call that sends so many bytes.
    async fn call_with<'a, T, W>(&'a self, bytes: usize, call: impl Fn(&'a Client) -> W) -> Result<T>
    where
        W: Future<Output = Answer<T>>,
    {
        let total = TOTAL + Duration::from_secs((bytes / SLOW) as u64);
        let mut tries = Tries::default();
        loop {
            match self.asked(total, call(&self.client)).await {
                Ok(answer) => return Ok(answer),
                // It has had its time.
                Err(why @ Why::Still(_)) => return Err(why.into()),
                Err(why) => tries.after(why).await?,
            }
        }
    }

    /// Makes a call that must not be made twice.
    async fn once<'a, T, W>(&'a self, call: impl FnOnce(&'a Client) -> W) -> Result<T>
    where
        W: Future<Output = Answer<T>>,
    {
        Ok(self.asked(TOTAL, call(&self.client)).await?)
    }

    async fn asked<T>(&self, total: Duration, call: impl Future<Output = Answer<T>>) -> Result<T, Why> {
        let origin = &self.server.origin;
        let answer = tokio::time::timeout(total, call).await;
        match answer.map_err(|_| Why::Still(origin.clone()))? {
            Ok(answer) => Ok(answer.into_inner()),
            Err(error) => {
                let refused = |problem, wait| Why::Refused(Box::new(problem), wait);
                Err(Why::of_call(origin, error, refused).await)
            }
        }
    }
}

/// A client that shows `key` with each call, and names the organisation.
fn speaking(server: &Server, key: &Secret<String>, organization: Option<&str>) -> Result<Client> {
    let mut headers = HeaderMap::new();
    let shown = Some(format!("Bearer {}", key.reveal())).filter(|text| text.is_ascii());
    let mut shown = shown.and_then(|text| HeaderValue::from_str(&text).ok()).ok_or_else(|| {
        Error::unauthenticated(Reason::Malformed, "the credential holds what no header may")
    })?;
    shown.set_sensitive(true);
    headers.insert(AUTHORIZATION, shown);
    if let Some(organization) = organization {
        let name = HeaderValue::from_str(organization)
            .map_err(|_| Error::invalid("the organisation's name holds what no header may"))?;
        headers.insert(HeaderName::from_static("odavl-organization"), name);
    }
    let http = build(server.for_bytes()?.default_headers(headers))?;
    Ok(Client::new_with_client(server.origin.as_str(), http))
}

/// The caller's key for a call, else one of our own, so that the call may be made again when its answer is lost.
fn known_by(said: Option<String>) -> String {
    said.unwrap_or_else(random_id)
}

/// Where a page starts, and how many items it has.
fn part(page: &PageQuery) -> (Option<&str>, Option<NonZeroU32>) {
    (page.cursor.as_deref(), NonZeroU32::new(page.limit))
}
