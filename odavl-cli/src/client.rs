//! The generated client, with the credential that belongs to the server it asks.

use jiff::SignedDuration;
use odavl_client::{Client as Api, Error as ApiError, ResponseValue, types::Problem};
use odavl_core::{Clock, Error, Reason, Result as Own, SystemClock, secret::Secret};
use reqwest::{
    ClientBuilder,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};

use crate::{
    credentials::{Holding, Store, Tokens},
    failure::{Failure, Result},
    http::{self, Server},
    oauth::OAuth,
    origin::Origin,
    pages, retry,
    settings::{Credential, Flags, Settings},
};

/// What a generated method gives.
type Answer<T> = std::result::Result<ResponseValue<T>, ApiError<Problem>>;

/// How long before its end an access token is renewed.
const EARLY: SignedDuration = SignedDuration::from_secs(60);

/// A server, and who asks it.
#[derive(Debug)]
pub(crate) struct Client {
    api: Api,
    pub(crate) settings: Settings,
}

impl Client {
    /// A client for the server that the settings name, with the credential for it.
    pub(crate) async fn open(flags: &Flags) -> Result<Self> {
        Self::speaking(flags, Server::client).await
    }

    /// The same, for answers that take as long as they take while more of them comes.
    pub(crate) async fn open_for_bytes(flags: &Flags) -> Result<Self> {
        Self::speaking(flags, Server::for_bytes).await
    }

    async fn speaking(flags: &Flags, http: fn(&Server) -> Own<ClientBuilder>) -> Result<Self> {
        let store = Store::open()?;
        let settings = Settings::find(flags, &store)?;
        let secret = bearer(&settings, &store).await?;
        Self::of(http(&settings.remote())?, settings, &secret)
    }

    /// A client that shows `secret`.
    pub(crate) fn with(settings: Settings, secret: &Secret<String>) -> Result<Self> {
        Self::of(settings.remote().client()?, settings, secret)
    }

    fn of(http: ClientBuilder, settings: Settings, secret: &Secret<String>) -> Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization(secret)?);
        if let Some(organization) = &settings.organization {
            let value = HeaderValue::from_str(&organization.value)
                .map_err(|_| Error::invalid("the organisation's name holds what no header may"))?;
            headers.insert(HeaderName::from_static("odavl-organization"), value);
        }
        let http = http::build(http.default_headers(headers))?;
        Ok(Self { api: Api::new_with_client(settings.server.value.as_str(), http), settings })
    }

    /// The server that is asked.
    pub(crate) fn origin(&self) -> &Origin {
        &self.settings.server.value
    }

    /// Makes a call that may be made twice: one that reads, or that carries an idempotency key.
    pub(crate) async fn call<T>(&self, call: impl AsyncFn(&Api) -> Answer<T>) -> Result<T> {
        retry::call(async || self.once(&call).await).await
    }

    /// Makes a call that must not be made twice.
    pub(crate) async fn once<T>(&self, call: impl AsyncFn(&Api) -> Answer<T>) -> Result<T> {
        match call(&self.api).await {
            Ok(answer) => Ok(answer.into_inner()),
            Err(error) => {
                let refused = |problem, wait| Failure::Refused(Box::new(problem), wait);
                Err(Failure::of_call(self.origin(), error, refused).await)
            }
        }
    }

    /// Every item of a list, page after page.
    pub(crate) async fn all<T>(
        &self,
        page: impl AsyncFn(&Self, Option<&str>) -> Result<(Vec<T>, Option<String>)>,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let take = |items| {
            all.extend(items);
            Ok(())
        };
        pages::each(async |cursor| page(self, cursor).await, take).await?;
        Ok(all)
    }
}

fn authorization(secret: &Secret<String>) -> Own<HeaderValue> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", secret.reveal()))
        .map_err(|_| Error::unauthenticated(Reason::Malformed, "the credential holds what no header may"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// What is shown to the server; an access token that is about to end is renewed first.
async fn bearer(settings: &Settings, store: &Store) -> Result<Secret<String>> {
    let held = match settings.needed_credential()? {
        Credential::ApiKey(key) => return Ok(key.clone()),
        Credential::Login(login) => &login.holding,
    };
    match held {
        Holding::ApiKey { key } => Ok(key.clone()),
        Holding::Session(tokens) if is_fresh(tokens) => Ok(tokens.access_token.clone()),
        Holding::Session(_) => renewed(settings, store).await,
    }
}

fn is_fresh(tokens: &Tokens) -> bool {
    tokens.expires_at.duration_since(SystemClock.now()) > EARLY
}

/// Renews the tokens, one process at a time: of two that start at once the second finds what the first one got, and
/// presents no token that was used before.
async fn renewed(settings: &Settings, store: &Store) -> Result<Secret<String>> {
    let origin = &settings.server.value;
    let locked = store.lock()?;
    let mut credentials = locked.read()?;
    let login = credentials.servers.get_mut(origin);
    let Some(Holding::Session(tokens)) = login.map(|login| &mut login.holding) else {
        let detail = format!("the sign-in to {origin} was ended meanwhile");
        return Err(Error::unauthenticated(Reason::Missing, detail).into());
    };
    if !is_fresh(tokens) {
        *tokens = OAuth::new(settings)?.refresh(&tokens.refresh_token).await?;
    }
    let access = tokens.access_token.clone();
    locked.write(&credentials)?;
    Ok(access)
}
