//! Signing in on a device (RFC 8628), renewing tokens (RFC 6749) and revoking them (RFC 7009).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use odavl_core::{Clock, Error, Reason, SystemClock, secret::Secret};
use reqwest::{Client, Response};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    credentials::Tokens,
    failure::{Failure, Result},
    origin::Origin,
    retry,
};

/// The name that this program is registered by.
const CLIENT_ID: &str = "odavl-cli";
/// The interval where the server says none (RFC 8628, 3.2), and what `slow_down` adds (3.5).
const STEP: Duration = Duration::from_secs(5);

/// A server's OAuth endpoints.
#[derive(Debug)]
pub(crate) struct OAuth<'a> {
    http: &'a Client,
    origin: &'a Origin,
}

/// What to show the person, and what to poll with.
#[derive(Debug, Deserialize)]
pub(crate) struct Device {
    #[serde(rename = "device_code")]
    secret: Secret<String>,
    /// What they type.
    pub(crate) user_code: String,
    /// Where they type it.
    pub(crate) verification_uri: String,
    /// The same with the code in it.
    pub(crate) verification_uri_complete: Option<String>,
    expires_in: u32,
    interval: Option<u32>,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret<String>,
    refresh_token: Secret<String>,
    expires_in: u32,
}

impl Granted {
    fn tokens(self, asked_at: Timestamp) -> Tokens {
        let life = SignedDuration::from_secs(i64::from(self.expires_in));
        Tokens {
            access_token: self.access_token,
            refresh_token: self.refresh_token,
            expires_at: asked_at.checked_add(life).unwrap_or(Timestamp::MAX),
        }
    }
}

/// A refusal (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

enum Answer<T> {
    Granted(T),
    Refused(Refusal),
}

impl<'a> OAuth<'a> {
    pub(crate) fn new(http: &'a Client, origin: &'a Origin) -> Self {
        Self { http, origin }
    }

    /// Asks to be signed in.
    pub(crate) async fn device(&self) -> Result<Device> {
        match self.post("device/code", &[("client_id", CLIENT_ID)]).await? {
            Answer::Granted(device) => Ok(device),
            Answer::Refused(refusal) => Err(self.refused(&refusal)),
        }
    }

    /// Waits until the person has answered.
    pub(crate) async fn wait(&self, device: &Device) -> Result<Tokens> {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", device.secret.reveal()),
            ("client_id", CLIENT_ID),
        ];
        let mut interval = device.interval.map_or(STEP, |seconds| Duration::from_secs(seconds.into()));
        let deadline = tokio::time::Instant::now() + Duration::from_secs(device.expires_in.into());
        loop {
            tokio::time::sleep(interval).await;
            let asked_at = SystemClock.now();
            match self.post::<Granted>("token", &form).await {
                Ok(Answer::Granted(granted)) => return Ok(granted.tokens(asked_at)),
                Ok(Answer::Refused(refusal)) => match refusal.error.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => interval += STEP,
                    _ => return Err(self.refused(&refusal)),
                },
                // A connection that fails is tried again more slowly (RFC 8628, 3.5).
                Err(failure) if retry::may_help(&failure) => interval += STEP,
                Err(failure) => return Err(failure),
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(expired().into());
            }
        }
    }

    /// Exchanges a refresh token for new tokens. A lost answer may be asked for again at once.
    pub(crate) async fn refresh(&self, token: &Secret<String>) -> Result<Tokens> {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.reveal().as_str()),
            ("client_id", CLIENT_ID),
        ];
        let asked_at = SystemClock.now();
        match retry::call(async || self.post::<Granted>("token", &form).await).await? {
            Answer::Granted(granted) => Ok(granted.tokens(asked_at)),
            Answer::Refused(refusal) => Err(self.refused(&refusal)),
        }
    }

    /// Ends the sign-in that the token belongs to.
    pub(crate) async fn revoke(&self, token: &Secret<String>) -> Result<()> {
        let form = [("token", token.reveal().as_str()), ("client_id", CLIENT_ID)];
        let response = retry::call(async || self.send("revoke", &form).await).await?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(Failure::answered(self.origin, response).await)
    }

    async fn send(&self, path: &str, form: &[(&str, &str)]) -> Result<Response> {
        let url = format!("{}/api/auth/{path}", self.origin);
        let sent = self.http.post(url).form(form).send().await;
        let response = sent.map_err(|error| self.unreachable(error))?;
        if response.status().as_u16() == 429 || response.status().is_server_error() {
            return Err(Failure::answered(self.origin, response).await);
        }
        Ok(response)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, form: &[(&str, &str)]) -> Result<Answer<T>> {
        let response = self.send(path, form).await?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.unreachable(error))?;
        let answer = if status.is_success() {
            serde_json::from_slice(&body).map(Answer::Granted)
        } else {
            serde_json::from_slice(&body).map(Answer::Refused)
        };
        answer.map_err(|_| Failure::Foreign(self.origin.clone(), status.as_u16()))
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        Failure::Unreachable(self.origin.clone(), error.without_url())
    }

    fn refused(&self, refusal: &Refusal) -> Failure {
        let error = match refusal.error.as_str() {
            "access_denied" => {
                Error::unauthenticated(Reason::Missing, "the sign-in was refused in the browser")
            }
            "expired_token" => expired(),
            "invalid_grant" => {
                Error::unauthenticated(Reason::Expired, format!("the sign-in to {} has ended", self.origin))
            }
            name => {
                let detail = refusal.error_description.as_deref().unwrap_or(name);
                Error::unauthenticated(Reason::Unknown, format!("{} refused: {detail}", self.origin))
            }
        };
        error.into()
    }
}

fn expired() -> Error {
    Error::unauthenticated(Reason::Expired, "nobody entered the code in time")
}
