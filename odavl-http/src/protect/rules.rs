//! What a request needs to get through, whichever server it came to, and how it is answered where it does not.

use std::net::IpAddr;

use bytes::Bytes;
use jiff::Timestamp;
use odavl_core::{
    Error, ErrorCode, Reason, Result,
    auth::{Environment, Scopes},
    gateway::{Identity, Verdict, VerifyRequest},
    metering::MeterName,
    secret::Secret,
};
use poem::{
    Response,
    http::{self, HeaderMap, HeaderName, HeaderValue, header},
};

use crate::{address, caller::request_id, limits, problem};

/// What a refusal asks for where the key has a header of its own (RFC 9110, 11.6.1).
const ASKS_FOR_KEY: HeaderValue = HeaderValue::from_static("ApiKey realm=\"odavl\"");

/// What a request needs to get through: what [`Protect`](super::Protect) holds to, for a server that is not one of its.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The scopes that the key must have.
    pub scope: Scopes,
    /// What a request costs besides what it costs already.
    pub charges: Vec<(MeterName, u64)>,
    /// The environment that the key must be of.
    pub environment: Option<Environment>,
    /// The header that the key is in; in `Authorization` it is the bearer (RFC 6750).
    pub key_header: HeaderName,
    /// The peers whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            scope: Scopes::none(),
            charges: Vec::new(),
            environment: None,
            key_header: header::AUTHORIZATION,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Rules {
    /// What is to be decided about a request with these headers, from that peer.
    ///
    /// # Errors
    /// `unauthenticated` where they hold no key, or what is none.
    pub fn question(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Result<VerifyRequest> {
        let lists = headers.get_all("x-forwarded-for").into_iter();
        let lists = lists.map(|list| list.to_str().unwrap_or_default());
        Ok(VerifyRequest {
            scope: self.scope.clone(),
            charges: self.charges.clone(),
            environment: self.environment,
            ip: peer.and_then(|peer| address::client(peer, &self.trusted_proxies, lists)),
            // No idempotency key: one of the caller's own choice would make all their requests one.
            ..VerifyRequest::new(self.key(headers)?)
        })
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

    /// The answer to a request that may not pass, a problem document; the request's id is in its headers, or is made.
    pub async fn refusal(
        &self,
        error: &Error,
        headers: &HeaderMap,
        upgrade_url: Option<&str>,
        now: Timestamp,
    ) -> http::Response<Bytes> {
        of_poem(self.refused(error, headers, upgrade_url, now)).await
    }

    pub(super) fn refused(
        &self,
        error: &Error,
        headers: &HeaderMap,
        upgrade_url: Option<&str>,
        now: Timestamp,
    ) -> Response {
        let request_id = request_id(headers);
        problem::log(error, &request_id);
        let mut response = problem::of_error(error, &request_id, upgrade_url);
        let headers = response.headers_mut();
        if self.key_header != header::AUTHORIZATION && headers.contains_key(header::WWW_AUTHENTICATE) {
            headers.insert(header::WWW_AUTHENTICATE, ASKS_FOR_KEY);
        }
        if let Some(refusal) = error.refusal() {
            limits::announce(headers, limits::values(std::slice::from_ref(&refusal.standing), now));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(request_id) = HeaderValue::from_str(&request_id) {
            headers.insert(HeaderName::from_static("x-request-id"), request_id);
        }
        response
    }
}

/// Whose request it is that was decided about.
///
/// # Errors
/// Why it may not pass; `unavailable` or `internal` where nothing was decided.
pub fn identity(decision: Result<Verdict>) -> Result<Identity> {
    match decision {
        Ok(Verdict::Valid(identity)) => Ok(*identity),
        Ok(Verdict::Invalid(error)) => Err(error),
        Err(error) if error.code() == ErrorCode::Unavailable => Err(error),
        // That is nothing that the caller did.
        Err(error) => Err(Error::internal("the gateway did not decide", Some(error.into()))),
    }
}

/// What the answer to a request that passed says besides: where the limits stand that were charged.
pub fn announced(identity: &Identity, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    limits::announce(&mut headers, limits::values(&identity.limits, now));
    headers
}

/// A refusal as another framework's answer.
pub(super) async fn of_poem<R: From<Bytes>>(refused: Response) -> http::Response<R> {
    let (parts, body) = refused.into_parts();
    // It is in memory: reading it cannot fail.
    let mut response = http::Response::new(body.into_bytes().await.unwrap_or_default().into());
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response
}
