//! Who a credential stands for now, and what they may do.

use std::{net::IpAddr, sync::Arc};

use jiff::Timestamp;

use crate::{
    auth::{Access, Actor, KeyToken, Membership, OrgRef, Role, Scopes, User},
    error::{Error, Reason, Result},
    ids::{KeyId, OrgId, UserId},
    metering::{Limit, MeterName},
    odavl::Core,
    secret::Digest,
    session::Context,
    view::{KeyView, OrgView},
};
#[cfg(feature = "sign-in")]
use crate::{
    auth::{
        AccessClaims, Login, LoginKind,
        signin::{CookieToken, FRESH_SIGN_IN},
    },
    ids::SessionId,
    view::LoginView,
};

/// Where a session's authority comes from; looked up anew at every use.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Key(KeyToken),
    #[cfg(feature = "sign-in")]
    Token(Box<AccessClaims>),
    #[cfg(feature = "sign-in")]
    Cookie(CookieToken),
    System(OrgId),
    Visitor,
}

impl Source {
    /// The holder's name, for what a retry is told by: that of the key, of the person behind a token, of a browser's
    /// sign-in.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Key(token) => token.id.to_string(),
            #[cfg(feature = "sign-in")]
            Self::Token(claims) => claims.sub.to_string(),
            #[cfg(feature = "sign-in")]
            Self::Cookie(cookie) => cookie.login.to_string(),
            Self::System(_) => "system".to_owned(),
            Self::Visitor => "visitor".to_owned(),
        }
    }

    /// The sign-in behind it, where there is one.
    #[cfg(feature = "sign-in")]
    pub(crate) fn login(&self) -> Option<SessionId> {
        match self {
            Self::Token(claims) => Some(claims.sid),
            Self::Cookie(cookie) => Some(cookie.login),
            Self::Key(_) | Self::System(_) | Self::Visitor => None,
        }
    }
}

/// A caller as they stand now.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) actor: Actor,
    pub(crate) scopes: Scopes,
    pub(crate) subject: Arc<str>,
    /// When the credential ends, as far as that is known ahead: what it gives out lives no longer.
    pub(crate) ends_at: Option<Timestamp>,
    org: Option<Arc<OrgView>>,
    key: Option<Arc<KeyView>>,
}

impl Caller {
    pub(crate) fn org(&self) -> Result<&Arc<OrgView>> {
        self.org.as_ref().ok_or_else(|| {
            Error::invalid_with("this is done for an organisation", "name one with `Odavl-Organization`")
        })
    }

    pub(crate) fn org_id(&self) -> Result<OrgId> {
        self.org().map(|view| view.org.id)
    }

    pub(crate) fn key(&self) -> Option<&Arc<KeyView>> {
        self.key.as_ref()
    }

    /// Every limit that bounds the caller's use of `meter`.
    pub(crate) fn limits(&self, meter: &MeterName) -> Result<Arc<[Limit]>> {
        let org = self.org()?;
        let own = self.key.as_ref().filter(|view| view.org.org.id == org.org.id);
        own.map_or(&org.limits, |view| &view.limits)
            .get(meter)
            .cloned()
            .ok_or_else(|| Error::internal(format!("the meter {meter} has no limits"), None))
    }

    pub(crate) fn check_address(&self, address: Option<IpAddr>) -> Result<()> {
        self.key.as_ref().map_or(Ok(()), |view| view.key.check_address(address))
    }
}

impl Core {
    /// Who `source` stands for now. A credential that is refused is noted for the audit.
    pub(crate) async fn resolve(&self, source: &Source, context: &Context) -> Result<Caller> {
        let found = self.find(source, context).await;
        if let Err(error) = &found {
            self.note_refused(source, context, error);
        }
        found
    }

    async fn find(&self, source: &Source, context: &Context) -> Result<Caller> {
        let caller = match source {
            Source::Key(token) => {
                let view = self.authentic(token).await?;
                Caller {
                    actor: Actor::Key(view.key.id),
                    scopes: view.scopes.clone(),
                    subject: view.subject.clone(),
                    ends_at: view.key.ends_at(token),
                    org: Some(view.org.clone()),
                    key: Some(view),
                }
            }
            #[cfg(feature = "sign-in")]
            Source::Token(claims) => {
                let view = self.signed_in(claims).await?;
                Caller {
                    actor: Actor::User(view.user.id),
                    scopes: view.scopes.cut(&claims.scope),
                    subject: view.subject.clone(),
                    ends_at: Timestamp::from_second(claims.exp).ok(),
                    org: Some(view.org.clone()),
                    key: None,
                }
            }
            #[cfg(feature = "sign-in")]
            Source::Cookie(cookie) => self.browsing(cookie).await?,
            Source::System(org) => Caller {
                actor: Actor::System,
                scopes: self.every_scope(),
                subject: "system".into(),
                ends_at: None,
                org: Some(self.org_view(*org).await?),
                key: None,
            },
            Source::Visitor => Caller {
                actor: Actor::Visitor,
                scopes: Scopes::none(),
                subject: "".into(),
                ends_at: None,
                org: None,
                key: None,
            },
        };
        match context.organization.as_deref() {
            Some(name) => self.act_on(caller, name).await,
            None => Ok(caller),
        }
    }

    /// The same caller, acting on another organisation, where they may.
    async fn act_on(&self, mut caller: Caller, name: &str) -> Result<Caller> {
        let hidden = || Error::not_found("organization", &name.escape_default());
        let org = self.auth.org(&name.parse::<OrgRef>()?).await?.ok_or_else(hidden)?;
        if caller.org.as_ref().is_some_and(|own| own.org.id == org.id) {
            return Ok(caller);
        }
        let view = self.org_view(org.id).await?;
        if let Actor::User(id) = caller.actor
            && let Some(member) = self.auth.membership(org.id, id).await?
        {
            let user = self.auth.user(id).await?.ok_or_else(hidden)?;
            caller.scopes = caller.scopes.cut(&self.granted(&view, &user, &member));
        } else if !caller.scopes.allow("instance", Access::Write) {
            // Whoever decides for others may do that for any organisation, and nothing else.
            if !caller.scopes.allow("gateway", Access::Write) {
                return Err(hidden());
            }
            caller.scopes = Scopes::none().with("gateway", Access::Write);
        }
        if view.org.suspended && !caller.scopes.allow("instance", Access::Write) {
            return Err(Error::unauthenticated(Reason::Disabled, "the organisation is suspended"));
        }
        caller.org = Some(view);
        Ok(caller)
    }

    /// The key that `token` proves to be, as it stands now.
    pub(crate) async fn authentic(&self, token: &KeyToken) -> Result<Arc<KeyView>> {
        let Some(view) = self.key_view(token.id).await? else {
            // The same work as for a key that there is.
            std::hint::black_box(token.digest() == Digest::from_bytes([0; 32]));
            return Err(Error::unauthenticated(Reason::Unknown, "that API key is not known"));
        };
        let now = self.clock.now();
        view.key.check(token, now)?;
        if view.suspended {
            let detail = format!("the owner of the API key {} is no longer a member", view.key.id);
            return Err(Error::unauthenticated(Reason::Disabled, detail));
        }
        if view.org.org.suspended {
            return Err(Error::unauthenticated(Reason::Disabled, "the organisation is suspended"));
        }
        self.views.touch(&view.key, now);
        Ok(view)
    }

    async fn key_view(&self, id: KeyId) -> Result<Option<Arc<KeyView>>> {
        if let Some(view) = self.views.key(id) {
            let org = self.org_view(view.org.org.id).await?;
            if org.org.epoch == view.org.org.epoch {
                return Ok(Some(view));
            }
        }
        let Some(key) = self.auth.key(id).await? else { return Ok(None) };
        // The organisation, with its epoch, is read before the rest: what changes meanwhile makes it stale.
        let org = self.org_view(key.org).await?;
        let Some(key) = self.auth.key(id).await? else { return Ok(None) };
        let scopes = self.key_scopes(&org, &key.scopes, key.owner).await?;
        let view = Arc::new(KeyView::new(key, org, scopes, &self.settings.catalog));
        self.views.keep_key(&view);
        Ok(Some(view))
    }

    /// A key's scopes, cut by what its owner may do now; `None` where the owner is gone.
    pub(crate) async fn key_scopes(
        &self,
        org: &OrgView,
        scopes: &Scopes,
        owner: Option<UserId>,
    ) -> Result<Option<Scopes>> {
        let Some(owner) = owner else {
            let all = if org.org.operator { self.every_scope() } else { self.org_scopes() };
            return Ok(Some(scopes.cut(&all)));
        };
        let user = self.auth.user(owner).await?.filter(|user| !user.disabled);
        let membership = self.auth.membership(org.org.id, owner).await?;
        Ok(user.zip(membership).map(|(user, membership)| scopes.cut(&self.granted(org, &user, &membership))))
    }

    /// What a person may do in an organisation now.
    pub(crate) fn granted(&self, org: &OrgView, user: &User, membership: &Membership) -> Scopes {
        let mut scopes = Scopes::of_role(membership.role, &self.settings.catalog.resources);
        if org.org.operator && membership.role >= Role::Admin {
            scopes = scopes.with("gateway", Access::Admin);
        }
        match user.instance {
            Some(access) => scopes.with("instance", access),
            None => scopes,
        }
    }

    /// The sign-in that an access token belongs to, as it stands now.
    #[cfg(feature = "sign-in")]
    pub(crate) async fn signed_in(&self, claims: &AccessClaims) -> Result<Arc<LoginView>> {
        let org = self.org_view(claims.org).await?;
        let remembered = self.views.login(claims.sid);
        let same =
            |view: &Arc<LoginView>| view.org.org.id == org.org.id && view.org.org.epoch == org.org.epoch;
        let view = match remembered.filter(same) {
            Some(view) => view,
            None => self.read_login(claims.sid, org).await?,
        };
        check_login(&view.login, self.clock.now())?;
        Ok(view)
    }

    #[cfg(feature = "sign-in")]
    async fn read_login(&self, id: SessionId, org: Arc<OrgView>) -> Result<Arc<LoginView>> {
        let login = self.auth.login(id).await?.ok_or_else(|| ended(Reason::Revoked))?;
        let user = self.auth.user(login.user).await?.filter(|user| !user.disabled);
        let membership = self.auth.membership(org.org.id, login.user).await?;
        let (Some(user), Some(membership), false) = (user, membership, org.org.suspended) else {
            let detail = "the person or the organisation is disabled, or they have parted";
            return Err(Error::unauthenticated(Reason::Disabled, detail));
        };
        let scopes = login.scopes.cut(&self.granted(&org, &user, &membership));
        let subject = user.id.to_string().into();
        let view = Arc::new(LoginView { login, user, org, scopes, subject });
        self.views.keep_login(&view);
        Ok(view)
    }

    /// Who a browser's cookie stands for: a person, in the first of their organisations that is not locked out; the
    /// operator's comes last.
    #[cfg(feature = "sign-in")]
    async fn browsing(&self, cookie: &CookieToken) -> Result<Caller> {
        let found = self.auth.login(cookie.login).await?;
        let login = found
            .filter(|login| login.kind == LoginKind::Browser && login.digest == cookie.digest)
            .ok_or_else(|| ended(Reason::Unknown))?;
        let now = self.clock.now();
        check_login(&login, now)?;
        let user = self.auth.user(login.user).await?.filter(|user| !user.disabled);
        let user = user.ok_or_else(|| ended(Reason::Disabled))?;
        let mut first = None;
        for member in self.auth.memberships(user.id).await? {
            let view = self.org_view(member.org).await?;
            if view.org.suspended {
                continue;
            }
            if first.as_ref().is_none_or(|(best, _): &(Arc<OrgView>, _)| best.org.operator) {
                first = Some((view, member));
            }
        }
        let mut scopes =
            first.as_ref().map_or(Scopes::none(), |(view, member)| self.granted(view, &user, member));
        if now.duration_since(login.authenticated_at) > FRESH_SIGN_IN {
            scopes = scopes.without("instance");
        }
        Ok(Caller {
            actor: Actor::User(user.id),
            scopes,
            subject: user.id.to_string().into(),
            ends_at: Some(login.expires_at.min(login.ends_at)),
            org: first.map(|(view, _)| view),
            key: None,
        })
    }

    fn org_scopes(&self) -> Scopes {
        Scopes::of_role(Role::Owner, &self.settings.catalog.resources)
    }

    fn every_scope(&self) -> Scopes {
        self.org_scopes().with("gateway", Access::Admin).with("instance", Access::Admin)
    }
}

#[cfg(feature = "sign-in")]
fn check_login(login: &Login, now: Timestamp) -> Result<()> {
    match login.revoked_at {
        Some(_) => Err(ended(Reason::Revoked)),
        None if login.is_open(now) => Ok(()),
        None => Err(ended(Reason::Expired)),
    }
}

#[cfg(feature = "sign-in")]
fn ended(reason: Reason) -> Error {
    Error::unauthenticated(reason, "the sign-in has ended")
}
