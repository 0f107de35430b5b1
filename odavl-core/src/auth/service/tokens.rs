//! Tokens: handed out, refreshed, revoked, looked at.

use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use crate::{
    action::Action,
    auth::{
        ACCESS_TOKEN_LIFE, AccessClaims, Change, Issuer, Jwks, KeyToken, Keyring, Login, Refresh,
        RefreshToken, Scopes, SigningKey,
    },
    error::{Error, ErrorCode, Result},
    ids::OrgId,
    odavl::{Core, Odavl},
    secret::Secret,
    session::{Ask, Permit, Session, Usage},
};

/// What a client gets.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// For the API.
    pub access_token: Secret<String>,
    /// How many seconds it holds.
    pub expires_in: i64,
    /// For the next access token; replaced each time.
    pub refresh_token: Secret<String>,
    /// What was granted.
    pub scopes: Scopes,
}

/// Why a client gets no token (RFC 6749, 5.2; RFC 8628, 3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// No such client is registered.
    InvalidClient,
    /// Nobody has answered yet.
    AuthorizationPending,
    /// The same, and the client asks too often: five seconds more between polls.
    SlowDown,
    /// The person said no.
    AccessDenied,
    /// The codes are too old.
    ExpiredToken,
    /// The code or token is wrong, used, revoked, or another client's.
    InvalidGrant,
}

impl TokenRefusal {
    /// The `error` as RFC 6749 and RFC 8628 write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::InvalidGrant => "invalid_grant",
        }
    }
}

/// What is said about a token (RFC 7662): of one that does not hold, or is another organisation's, nothing.
#[derive(Debug, Clone)]
pub struct Introspection {
    /// What it allows now.
    pub scopes: Scopes,
    /// Whose it is: the id of a person or a key.
    pub subject: String,
    /// When it ends; `None`: never.
    pub expires_at: Option<Timestamp>,
}

impl Odavl {
    /// The public keys that access tokens are signed with.
    pub async fn jwks(&self) -> Result<Jwks> {
        let core = self.core();
        Ok(core.keyring().await?.jwks(core.clock.now()))
    }
}

impl Session {
    /// Exchanges an approved device code for tokens.
    pub async fn device_token(
        &self,
        client_id: &str,
        code: &Secret<String>,
    ) -> Result<Result<Tokens, TokenRefusal>> {
        self.metered(Ask::new(Action::Token), async |permit| {
            if !self.core.settings.knows_client(client_id) {
                return Ok((Err(TokenRefusal::InvalidClient), Usage::Settled));
            }
            Ok((self.devices().poll(permit, client_id, code).await?, Usage::Settled))
        })
        .await
    }

    /// Exchanges a refresh token for new tokens. One that was used before revokes the family, but for a retry within
    /// 30 seconds by the same client, which gets the same answer.
    pub async fn refresh(
        &self,
        client_id: &str,
        token: &Secret<String>,
    ) -> Result<Result<Tokens, TokenRefusal>> {
        self.metered(Ask::new(Action::Token), async |permit| {
            if !self.core.settings.knows_client(client_id) {
                return Ok((Err(TokenRefusal::InvalidClient), Usage::Settled));
            }
            let Ok(token) = RefreshToken::parse(&self.core.settings.key_prefix, token.reveal()) else {
                return Ok((Err(TokenRefusal::InvalidGrant), Usage::Settled));
            };
            // Of two who present the same token at once, the slower one finds the faster one's answer.
            let mut answer = self.rotate(permit, client_id, &token).await;
            if matches!(answer, Err(Error::Conflict(_))) {
                answer = self.rotate(permit, client_id, &token).await;
            }
            Ok((answer?, Usage::Settled))
        })
        .await
    }

    async fn rotate(
        &self,
        permit: &Permit,
        client_id: &str,
        token: &RefreshToken,
    ) -> Result<Result<Tokens, TokenRefusal>> {
        let core = &self.core;
        let refused = Ok(Err(TokenRefusal::InvalidGrant));
        let Some(login) = core.auth.login(token.login).await? else { return refused };
        let Some(org) = login.org else { return refused };
        match core.sign_in.refresh.refresh(&login, token, client_id, permit.at) {
            Ok(Refresh::Rotated(login, next)) => {
                core.write(vec![Change::SetLogin(login.clone())], Vec::new(), Vec::new()).await?;
                core.tokens(&login, next, permit.at).await.map(Ok)
            }
            Ok(Refresh::Repeated(login, next)) => {
                let record = self.noted(permit, org, &login, "a lost answer was asked for again")?;
                core.write(vec![Change::SetLogin(login.clone())], Vec::new(), vec![record]).await?;
                core.tokens(&login, next, permit.at).await.map(Ok)
            }
            Ok(Refresh::Reused) => {
                let record =
                    self.noted(permit, org, &login, "a used token was presented: the sign-in is revoked")?;
                let revoked = Login { revoked_at: Some(permit.at), ..login };
                core.write(vec![Change::SetLogin(Box::new(revoked))], vec![org], vec![record]).await?;
                refused
            }
            Err(error) if error.code() == ErrorCode::Unauthenticated => refused,
            Err(error) => Err(error),
        }
    }

    fn noted(
        &self,
        permit: &Permit,
        org: OrgId,
        login: &Login,
        note: &str,
    ) -> Result<crate::auth::AuditDraft> {
        let mut record = self.record_in(permit, org, &login.id)?;
        record.detail.insert("note".to_owned(), note.to_owned());
        Ok(record)
    }

    /// Ends the sign-in that a token belongs to (RFC 7009). Of a token that nobody has, nothing is said.
    pub async fn revoke_token(&self, token: &Secret<String>) -> Result<()> {
        self.metered(Ask::new(Action::Revoke), async |permit| {
            let core = &self.core;
            let login = match RefreshToken::parse(&core.settings.key_prefix, token.reveal()) {
                Ok(token) => core.auth.login(token.login).await?.filter(|login| {
                    let before = login.previous.is_some_and(|(digest, ..)| digest == token.digest());
                    login.digest == token.digest() || before
                }),
                Err(_) => match core.claims(token.reveal()).await {
                    Ok(claims) => core.auth.login(claims.sid).await?,
                    Err(_) => None,
                },
            };
            if let Some(login) = login {
                self.end_login(permit, login.id).await?;
            }
            Ok(((), Usage::Settled))
        })
        .await
    }

    /// What a token or key of the caller's own organisation is worth now; `None`: nothing.
    pub async fn introspect(&self, token: &Secret<String>) -> Result<Option<Introspection>> {
        self.metered(Ask::new(Action::Introspect), async |permit| {
            let answer = self.worth(permit, token).await?;
            Ok((answer, Usage::Settled))
        })
        .await
    }

    async fn worth(&self, permit: &Permit, token: &Secret<String>) -> Result<Option<Introspection>> {
        let core = &self.core;
        let own = permit.org()?;
        if let Ok(token) = KeyToken::parse(&core.settings.key_prefix, token.reveal()) {
            let view = known(core.authentic(&token).await)?.filter(|view| view.org.org.id == own);
            return Ok(view.map(|view| Introspection {
                scopes: view.scopes.clone(),
                subject: view.subject.to_string(),
                expires_at: view.key.expires_at,
            }));
        }
        let Some(claims) = known(core.claims(token.reveal()).await)?.filter(|claims| claims.org == own)
        else {
            return Ok(None);
        };
        let view = known(core.signed_in(&claims).await)?;
        Ok(view.map(|view| Introspection {
            scopes: view.scopes.cut(&claims.scope),
            subject: view.subject.to_string(),
            expires_at: Timestamp::from_second(claims.exp).ok(),
        }))
    }
}

/// A refused credential is an answer; what kept it from being looked at stays an error.
fn known<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.code(), ErrorCode::Unauthenticated | ErrorCode::Forbidden) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Core {
    pub(super) async fn tokens(&self, login: &Login, refresh: RefreshToken, at: Timestamp) -> Result<Tokens> {
        let claims = self.issuer().claims(login, at)?;
        Ok(Tokens {
            access_token: self.keyring().await?.sign(&claims)?,
            expires_in: ACCESS_TOKEN_LIFE.as_secs(),
            refresh_token: refresh.secret().clone(),
            scopes: login.scopes.clone(),
        })
    }

    fn issuer(&self) -> Issuer {
        let issuer = self.settings.public_url.clone();
        Issuer { audience: format!("{issuer}/api"), issuer }
    }

    /// What an access token says, where one of our keys signed it.
    pub(crate) async fn claims(&self, token: &str) -> Result<AccessClaims> {
        let mut keyring = self.keyring().await?;
        if !keyring.knows(token) {
            keyring = self.read_keyring().await?;
        }
        keyring.verify(token, &self.issuer(), self.clock.now())
    }

    /// The signing keys, with a new one where it is time.
    pub(crate) async fn keyring(&self) -> Result<Arc<Keyring>> {
        let remembered = self.sign_in.keyring.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let keyring = match remembered {
            Some(keyring) => keyring,
            None => self.read_keyring().await?,
        };
        let now = self.clock.now();
        let plan = keyring.rotation(now);
        let Some(active_from) = plan.add_from else { return Ok(keyring) };
        // Another node may have made it already.
        let plan = self.read_keyring().await?.rotation(now);
        if plan.add_from.is_none() {
            return self.read_keyring().await;
        }
        let mut changes =
            vec![Change::AddSigningKey(SigningKey::generate(&self.sign_in.master, active_from)?)];
        if plan.drop_retired {
            changes.push(Change::DropSigningKeys { at: now });
        }
        self.write(changes, Vec::new(), Vec::new()).await?;
        self.read_keyring().await
    }

    async fn read_keyring(&self) -> Result<Arc<Keyring>> {
        let keyring = Arc::new(Keyring::open(self.auth.signing_keys().await?, &self.sign_in.master));
        *self.sign_in.keyring.lock().unwrap_or_else(PoisonError::into_inner) = Some(keyring.clone());
        Ok(keyring)
    }
}
