//! Signing in on a device (RFC 8628), renewing tokens (RFC 6749) and revoking them (RFC 7009).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use odavl_client::{
    Client as Api, Error as ApiError, ResponseValue,
    types::{self, DeviceCode, DeviceCodeRequest, OAuthError, TokenForm, TokenRequest},
};
use odavl_core::{Clock, SystemClock, secret::Secret};
use tokio::time::{Instant, sleep};

use crate::{
    credentials::Tokens,
    failure::{Failure, Result},
    http,
    origin::Origin,
    retry,
    settings::Settings,
};

/// The name that this program is registered by.
const CLIENT_ID: &str = "odavl-cli";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What `slow_down` adds to the interval, and a connection that fails (RFC 8628, 3.5).
const STEP: Duration = Duration::from_secs(5);

/// The least distance of two polls, and the most time that anybody waits, whatever the server says.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_hours(1);

/// A server's sign-in.
#[derive(Debug)]
pub(crate) struct OAuth {
    api: Api,
    origin: Origin,
}

impl OAuth {
    /// The sign-in of the server that the settings name.
    pub(crate) fn new(settings: &Settings) -> Result<Self> {
        let origin = settings.server.value.clone();
        let http = http::build(settings.remote().client()?)?;
        Ok(Self { api: Api::new_with_client(origin.as_str(), http), origin })
    }

    /// Asks to be signed in.
    pub(crate) async fn device(&self) -> Result<DeviceCode> {
        let form = DeviceCodeRequest { client_id: CLIENT_ID.to_owned(), scope: None };
        self.answer(self.api.device_code(&form).await).await
    }

    /// Waits until the person has answered.
    pub(crate) async fn wait(&self, device: &DeviceCode) -> Result<Tokens> {
        let code = Some(device.device_code.clone());
        let form = TokenRequest { device_code: code, ..token_request(DEVICE_CODE) };
        let life = life(device);
        let deadline = Instant::now() + life;
        let mut interval = Duration::from_secs(device.interval.into()).clamp(LEAST, life.max(LEAST));
        loop {
            sleep(interval).await;
            match self.tokens(&form).await {
                Err(failure) if Instant::now() < deadline => interval += pause(failure)?,
                answer => return answer,
            }
        }
    }

    /// Exchanges a refresh token for new tokens. A lost answer may be asked for again at once.
    pub(crate) async fn refresh(&self, token: &Secret<String>) -> Result<Tokens> {
        let token = Some(token.reveal().clone());
        let form = TokenRequest { refresh_token: token, ..token_request("refresh_token") };
        retry::call(async || self.tokens(&form).await).await
    }

    /// Ends the sign-in that the token belongs to.
    pub(crate) async fn revoke(&self, token: &Secret<String>) -> Result<()> {
        let form = TokenForm { token: token.reveal().clone(), token_type_hint: None };
        retry::call(async || self.answer(self.api.token_revoke(&form).await).await).await
    }

    async fn tokens(&self, form: &TokenRequest) -> Result<Tokens> {
        let asked_at = SystemClock.now();
        Ok(kept(self.answer(self.api.token(form).await).await?, asked_at))
    }

    async fn answer<T>(&self, answer: Result<ResponseValue<T>, ApiError<OAuthError>>) -> Result<T> {
        match answer {
            Ok(answer) => Ok(answer.into_inner()),
            Err(error) => {
                let refused = |refusal, _| Failure::Denied(self.origin.clone(), Box::new(refusal));
                Err(Failure::of_call(&self.origin, error, refused).await)
            }
        }
    }
}

/// How long the code can be approved, as far as anybody would wait.
fn life(device: &DeviceCode) -> Duration {
    Duration::from_secs(u64::try_from(device.expires_in).unwrap_or_default()).min(MOST)
}

fn token_request(grant_type: &str) -> TokenRequest {
    TokenRequest {
        grant_type: grant_type.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        device_code: None,
        refresh_token: None,
        scope: None,
    }
}

/// The tokens with the instant of their end, counted from before they were asked for.
fn kept(tokens: types::Tokens, asked_at: Timestamp) -> Tokens {
    let life = SignedDuration::from_secs(tokens.expires_in);
    Tokens {
        access_token: Secret::new(tokens.access_token),
        refresh_token: Secret::new(tokens.refresh_token),
        expires_at: asked_at.checked_add(life).unwrap_or(Timestamp::MAX),
    }
}

/// By how much longer to wait before the next poll; the failure, where none will help.
fn pause(failure: Failure) -> Result<Duration> {
    match &failure {
        Failure::Denied(_, refusal) if refusal.error == "authorization_pending" => Ok(Duration::ZERO),
        Failure::Denied(_, refusal) if refusal.error == "slow_down" => Ok(STEP),
        failure if retry::may_help(failure) => Ok(STEP),
        _ => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_longer_than_an_hour_whatever_the_server_says() {
        for (expires_in, seconds) in [(i64::MIN, 0), (0, 0), (900, 900), (i64::MAX, 3600)] {
            let device = DeviceCode {
                device_code: String::new(),
                expires_in,
                interval: u32::MAX,
                user_code: String::new(),
                verification_uri: String::new(),
                verification_uri_complete: String::new(),
            };
            assert_eq!(life(&device), Duration::from_secs(seconds));
        }
    }

    fn denied(error: &str) -> Failure {
        let refusal = OAuthError { error: error.to_owned(), error_description: String::new() };
        Failure::Denied(Origin::local(), Box::new(refusal))
    }

    #[test]
    fn a_poll_that_comes_too_early_slows_the_next_ones_down() {
        assert_eq!(pause(denied("authorization_pending")).unwrap(), Duration::ZERO);
        assert_eq!(pause(denied("slow_down")).unwrap(), STEP);
        assert_eq!(pause(Failure::Foreign(Origin::local(), Some(503))).unwrap(), STEP);
    }

    #[test]
    fn an_answer_that_will_not_change_ends_the_polling() {
        for error in ["access_denied", "expired_token", "invalid_grant", "invalid_client"] {
            assert!(pause(denied(error)).is_err(), "{error}");
        }
    }
}
