//! Signing in with a password, in a browser; and out.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::{
    action::Action,
    auth::{
        Actor, Change, Email, KeyPrefix, Keyring, Login, LoginKind, Passwords, RefreshSeal, Scopes, User,
        attempts::Attempts, opaque,
    },
    error::{Error, Reason, Result},
    ids::{OrgId, SessionId, UserId},
    network::network,
    odavl::Core,
    seal::MasterKey,
    secret::{Digest, Secret},
    session::{Ask, Permit, Session, Usage},
};

/// How long a browser stays signed in.
const BROWSER_LIFE: SignedDuration = SignedDuration::from_hours(12);

/// Within what time of giving the password one may do what is dangerous.
pub(crate) const FRESH_SIGN_IN: SignedDuration = SignedDuration::from_mins(15);

/// What signing in stands on besides the ports.
pub(crate) struct SignIn {
    pub(crate) master: MasterKey,
    pub(crate) passwords: Passwords,
    pub(crate) attempts: Attempts,
    pub(crate) refresh: RefreshSeal,
    /// The signing keys as they were last read.
    pub(crate) keyring: Mutex<Option<Arc<Keyring>>>,
}

impl SignIn {
    pub(crate) fn new(master: MasterKey, prefix: KeyPrefix) -> Self {
        Self {
            refresh: RefreshSeal::new(&master, prefix),
            master,
            passwords: Passwords::default(),
            attempts: Attempts::default(),
            keyring: Mutex::new(None),
        }
    }
}

/// A browser's new session.
#[derive(Debug, Clone)]
pub struct BrowserLogin {
    /// What goes into the cookie.
    pub cookie: Secret<String>,
    /// Who signed in.
    pub user: UserId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A browser's cookie as it is presented.
#[derive(Debug, Clone)]
pub(crate) struct CookieToken {
    pub(crate) login: SessionId,
    pub(crate) digest: Digest,
}

impl CookieToken {
    pub(crate) fn parse(prefix: &str, text: &str) -> Result<Self> {
        let read = opaque::parts(text).and_then(|[found, kind, id, _]| {
            let login = SessionId::from_suffix(id)?;
            (found == prefix && kind == "ck").then(|| Self { login, digest: Digest::of(text.as_bytes()) })
        });
        read.ok_or_else(|| Error::unauthenticated(Reason::Malformed, "that is not a session of this service"))
    }
}

/// A sign-in row for a browser, and what its cookie holds.
pub(super) fn browser_login(
    core: &Core,
    user: UserId,
    address: Option<String>,
    at: Timestamp,
) -> Result<(Login, BrowserLogin)> {
    let id = SessionId::new(at)?;
    let prefix = core.settings.key_prefix.as_str();
    let cookie = opaque::with_crc(format!("{prefix}_ck_{}_{}", id.suffix(), opaque::secret()?));
    let expires_at = at + BROWSER_LIFE;
    let login = Login {
        id,
        user,
        org: None,
        kind: LoginKind::Browser,
        client_id: "browser".to_owned(),
        scopes: Scopes::none(),
        generation: 0,
        digest: Digest::of(cookie.reveal().as_bytes()),
        previous: None,
        address,
        authenticated_at: at,
        created_at: at,
        expires_at,
        ends_at: expires_at,
        revoked_at: None,
        rev: 0,
    };
    Ok((login, BrowserLogin { cookie, user, expires_at }))
}

impl Session {
    /// Signs a person in with their password, in a browser.
    ///
    /// # Errors
    /// `unauthenticated`, the same and after the same time for a wrong password, an unknown person and a disabled
    /// one; `rate_limited` after several failures of the account or from the address.
    pub async fn sign_in(&self, email: &Email, password: Secret<String>) -> Result<BrowserLogin> {
        self.metered(Ask::new(Action::SignIn), async |permit| {
            let names = [format!("account {email}"), self.attempts_name()];
            self.core.sign_in.attempts.check(&names, permit.at)?;
            let user = self.core.auth.user_by_email(email).await?;
            let hash = user.as_ref().and_then(|user| user.password.clone());
            let right = self.core.sign_in.passwords.verify(password, hash).await?;
            let Some(user) = user.filter(|user| right && !user.disabled) else {
                self.core.sign_in.attempts.failed(&names, permit.at);
                return Err(Error::unauthenticated(
                    Reason::Unknown,
                    "the e-mail address or the password is wrong",
                ));
            };
            self.core.sign_in.attempts.succeeded(&names[0]);
            let (login, browser) = browser_login(&self.core, user.id, self.address(), permit.at)?;
            self.add_login(permit, &user, login).await?;
            Ok((browser, Usage::Settled))
        })
        .await
    }

    async fn add_login(&self, permit: &Permit, user: &User, login: Login) -> Result<()> {
        let mut audit = Vec::new();
        // A sign-in is nobody's organisation's alone: it is recorded where the person has belonged longest.
        if let Some(member) = self.core.auth.memberships(user.id).await?.first() {
            let mut record = self.record_in(permit, member.org, &login.id)?;
            record.actor = Actor::User(user.id).to_string();
            audit.push(record);
        }
        self.core.write(vec![Change::AddLogin(Box::new(login))], Vec::new(), audit).await
    }

    /// Ends the session of a browser or a token.
    pub async fn sign_out(&self) -> Result<()> {
        self.metered(Ask::new(Action::SignOut), async |permit| {
            let id = self.source.login().ok_or_else(|| {
                Error::forbidden(Reason::InsufficientScope, "an API key is not signed out; it is revoked")
            })?;
            self.end_login(permit, id).await?;
            Ok(((), Usage::Settled))
        })
        .await
    }

    /// Revokes a sign-in; one that is gone already changes nothing.
    pub(super) async fn end_login(&self, permit: &Permit, id: SessionId) -> Result<()> {
        let Some(mut login) = self.core.auth.login(id).await?.filter(|login| login.revoked_at.is_none())
        else {
            return Ok(());
        };
        login.revoked_at = Some(permit.at);
        let orgs: Vec<OrgId> = match login.org {
            Some(org) => vec![org],
            None => self.core.auth.memberships(login.user).await?.iter().map(|member| member.org).collect(),
        };
        let record = orgs.first().map(|org| self.record_in(permit, *org, &id)).transpose()?;
        let change = Change::SetLogin(Box::new(login));
        self.core.write(vec![change], orgs, record.into_iter().collect()).await?;
        self.core.views.forget_login(id);
        Ok(())
    }

    pub(super) fn address(&self) -> Option<String> {
        self.context.address.map(|address| address.to_canonical().to_string())
    }

    /// What guesses from the caller's address are counted under.
    pub(super) fn attempts_name(&self) -> String {
        let from = self.context.address.map(|address| network(address).to_string());
        format!("address {}", from.unwrap_or_default())
    }
}
