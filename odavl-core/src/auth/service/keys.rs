//! API keys: made, listed, changed, rotated, revoked.

use std::collections::BTreeMap;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use super::once::Made;
use crate::{
    action::Action,
    auth::{Access, Actor, ApiKey, Change, Environment, KeyToken, Scopes},
    error::{Error, Reason, Result},
    ids::{KeyId, UserId},
    metering::{Allowances, Limit, MeterName, Period, Refusal, Scope, Standing},
    page::{Page, PageQuery},
    session::{Ask, Permit, Session, Usage},
    text,
};

/// The longest that a rotated key's old secret may go on working.
const GRACE_MOST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What a new key shall be.
#[derive(Debug, Clone)]
pub struct NewKeyRequest {
    /// What it is called: 1 to 100 characters.
    pub name: String,
    /// What it may do; never more than its maker.
    pub scopes: Scopes,
    /// What it is for.
    pub environment: Environment,
    /// The team's own notes: at most 16.
    pub metadata: BTreeMap<String, String>,
    /// Limits of its own, children of the organisation's.
    pub limits: Allowances,
    /// The addresses it may be used from; empty: any.
    pub allowed_ips: Vec<IpNet>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Makes a retry find the key that was made; without its secret.
    pub idempotency_key: Option<String>,
}

impl NewKeyRequest {
    /// A live key of that name and those scopes, with no other bound.
    pub fn new(name: impl Into<String>, scopes: Scopes) -> Self {
        Self {
            name: name.into(),
            scopes,
            environment: Environment::Live,
            metadata: BTreeMap::new(),
            limits: Allowances::new(),
            allowed_ips: Vec::new(),
            expires_at: None,
            idempotency_key: None,
        }
    }

    /// What a retry must ask for as well.
    fn content(&self) -> String {
        let bounds = (&self.metadata, &self.limits, &self.allowed_ips, self.expires_at);
        format!("{}\0{}\0{:?}\0{bounds:?}", self.name, self.scopes, self.environment)
    }
}

/// A key with its secret: shown now, and never again.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// The key's row.
    pub key: ApiKey,
    /// The key itself; `None` where a retry found the key made, for the secret is kept nowhere.
    pub token: Option<KeyToken>,
}

/// What shall change about a key; what is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct KeyUpdate {
    /// Its name.
    pub name: Option<String>,
    /// Whether it is switched off.
    pub disabled: Option<bool>,
    /// The team's own notes.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Its own limits.
    pub limits: Option<Allowances>,
    /// The addresses it may be used from.
    pub allowed_ips: Option<Vec<IpNet>>,
    /// Whether it becomes the caller's own: a key whose owner has left works again for whoever adopts it.
    pub adopt: bool,
}

/// The use cases of API keys.
#[derive(Debug)]
pub struct Keys<'a>(&'a Session);

impl Session {
    /// The organisation's API keys.
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }
}

impl Keys<'_> {
    /// Makes a key. The secret is in the answer and nowhere else.
    ///
    /// # Errors
    /// `forbidden` for scopes that the maker lacks, `quota_exceeded` where the plan has no more keys.
    pub async fn create(&self, wish: NewKeyRequest) -> Result<NewKey> {
        self.check(&wish)?;
        let once = self.0.once(Action::KeyCreate, wish.idempotency_key.as_deref(), &wish.content())?;
        self.0
            .metered(Ask::new(Action::KeyCreate), async |permit| {
                let core = &self.0.core;
                unbounded(permit)?;
                grantable(permit, &wish.scopes)?;
                if wish.expires_at.is_some_and(|end| end <= permit.at) {
                    return Err(Error::invalid("the key would end before it begins"));
                }
                let id = KeyId::new(permit.at)?;
                let token = KeyToken::new(&core.settings.key_prefix, wish.environment, id)?;
                let key = row(permit, &wish, &token)?;
                let most = permit.caller.org()?.api_keys;
                let change = Change::AddKey { key: Box::new(key.clone()), most };
                let record = self.0.record(permit, &id)?;
                let made = (key, vec![change], vec![record]);
                let new = match self.0.make_once(permit, once.as_ref(), &id, made).await {
                    Err(Error::PreconditionFailed(_)) => return Err(self.full(permit).await?),
                    Err(error) => return Err(error),
                    Ok(Made::Now(key)) => NewKey { key, token: Some(token) },
                    Ok(Made::Before(id)) => NewKey { key: self.own(permit, id.parse()?).await?, token: None },
                };
                Ok((new, Usage::Settled))
            })
            .await
    }

    /// The organisation's keys, in the order they were made.
    pub async fn list(&self, page: &PageQuery) -> Result<Page<ApiKey>> {
        self.0
            .metered(Ask::new(Action::KeyList), async |permit| {
                Ok((self.0.core.auth.keys(permit.org()?, page).await?, Usage::Settled))
            })
            .await
    }

    /// One of the organisation's keys.
    pub async fn read(&self, id: KeyId) -> Result<ApiKey> {
        self.0
            .metered(Ask::new(Action::KeyList), async |permit| {
                Ok((self.own(permit, id).await?, Usage::Settled))
            })
            .await
    }

    /// Changes a key.
    pub async fn update(&self, id: KeyId, update: KeyUpdate) -> Result<ApiKey> {
        update.name.as_deref().map_or(Ok(()), check_name)?;
        update.metadata.as_ref().map_or(Ok(()), check_metadata)?;
        update
            .limits
            .as_ref()
            .map_or(Ok(()), |limits| self.0.core.settings.catalog.check_allowances(limits))?;
        self.change(Action::KeyUpdate, id, |permit, mut key| {
            key.owner = if update.adopt { owner(permit) } else { key.owner };
            key.name = update.name.unwrap_or(key.name);
            key.disabled = update.disabled.unwrap_or(key.disabled);
            key.metadata = update.metadata.unwrap_or(key.metadata);
            key.limits = update.limits.unwrap_or(key.limits);
            key.allowed_ips = update.allowed_ips.unwrap_or(key.allowed_ips);
            Ok(key)
        })
        .await
    }

    /// Gives a key a new secret; the old one goes on working for `grace`. Both are one key with one quota.
    ///
    /// # Errors
    /// `conflict` where the key has ended, or while an earlier grace runs and this one has a grace too.
    pub async fn rotate(&self, id: KeyId, grace: SignedDuration) -> Result<NewKey> {
        if grace < SignedDuration::ZERO || grace > GRACE_MOST {
            return Err(Error::invalid("the grace period is 0 to 30 days"));
        }
        let mut token = None;
        let key = self
            .change(Action::KeyRotate, id, |permit, mut key| {
                if !key.is_active(permit.at) {
                    return Err(Error::Conflict(format!("the key {id} has ended; make a new one")));
                }
                if let Some((_, until)) =
                    key.previous.filter(|(_, until)| *until > permit.at && !grace.is_zero())
                {
                    return Err(still_changing(id, until));
                }
                let fresh = KeyToken::new(&self.0.core.settings.key_prefix, key.environment, id)?;
                let until = permit.at.checked_add(grace).unwrap_or(Timestamp::MAX);
                key.previous = (grace > SignedDuration::ZERO).then_some((key.digest, until));
                key.digest = fresh.digest();
                token = Some(fresh);
                Ok(key)
            })
            .await?;
        Ok(NewKey { key, token })
    }

    /// Ends a key for ever. Revoking it again changes nothing.
    pub async fn revoke(&self, id: KeyId) -> Result<ApiKey> {
        self.change(Action::KeyRevoke, id, |permit, mut key| {
            key.revoked_at = key.revoked_at.or(Some(permit.at));
            Ok(key)
        })
        .await
    }

    async fn change(
        &self,
        action: Action,
        id: KeyId,
        mend: impl FnOnce(&Permit, ApiKey) -> Result<ApiKey>,
    ) -> Result<ApiKey> {
        self.0
            .metered(Ask::new(action), async |permit| {
                let before = self.own(permit, id).await?;
                manages(permit, &before)?;
                if action != Action::KeyRevoke {
                    unbounded(permit)?;
                }
                let mut key = mend(permit, before.clone())?;
                if (key.owner, key.digest) != (before.owner, before.digest) {
                    self.gives_no_more(permit, &key).await?;
                }
                let record = self.0.record(permit, &id)?;
                let change = Change::SetKey(Box::new(key.clone()));
                self.0.core.write(vec![change], vec![key.org], vec![record]).await?;
                key.rev += 1;
                Ok((key, Usage::Settled))
            })
            .await
    }

    /// Whoever adopts a key or gets its new secret can do no more by it than without.
    async fn gives_no_more(&self, permit: &Permit, key: &ApiKey) -> Result<()> {
        let org = permit.caller.org()?;
        let gives = self.0.core.key_scopes(org, &key.scopes, key.owner).await?;
        if permit.caller.scopes.cover(gives.as_ref().unwrap_or(&key.scopes)) {
            return Ok(());
        }
        Err(Error::forbidden(Reason::InsufficientScope, "the key has scopes that you lack"))
    }

    async fn own(&self, permit: &Permit, id: KeyId) -> Result<ApiKey> {
        let org = permit.org()?;
        let key = self.0.core.auth.key(id).await?.filter(|key| key.org == org);
        key.ok_or_else(|| Error::not_found("API key", &id))
    }

    fn check(&self, wish: &NewKeyRequest) -> Result<()> {
        check_name(&wish.name)?;
        check_metadata(&wish.metadata)?;
        if wish.scopes.is_empty() {
            return Err(Error::invalid_with("a key needs a scope", "such as `insight:write`"));
        }
        let catalog = &self.0.core.settings.catalog;
        wish.scopes.check_known(&catalog.resources)?;
        catalog.check_allowances(&wish.limits)
    }

    /// The refusal of one key more, in the form of every other limit.
    async fn full(&self, permit: &Permit) -> Result<Error> {
        let view = permit.caller.org()?;
        let active = self.0.core.auth.active_keys(view.org.id, permit.at).await?;
        let limit = Limit::hard(Scope::Organization, Period::Held, view.api_keys);
        let meter: MeterName = "api_keys".parse()?;
        let standing = Standing::new(meter, 1, &limit, active, permit.at);
        Ok(Error::QuotaExceeded(Box::new(Refusal { standing, at: permit.at })))
    }
}

/// Nobody gives away what they do not have; `gateway` can be given in the operator's organisation alone.
fn grantable(permit: &Permit, scopes: &Scopes) -> Result<()> {
    let lacks = |detail: &str| Err(Error::forbidden(Reason::InsufficientScope, detail));
    let operator = permit.caller.org()?.org.operator;
    if !operator && (scopes.allow("gateway", Access::Read) || scopes.allow("instance", Access::Read)) {
        return lacks("`gateway` and `instance` are given in the operator's organisation only");
    }
    if !permit.caller.scopes.cover(scopes) {
        return lacks("a key cannot have scopes that its maker lacks");
    }
    Ok(())
}

/// What bounds a key would not bound the keys that it makes, changes or gets the secret of, nor the people.
pub(super) fn unbounded(permit: &Permit) -> Result<()> {
    let bounded =
        permit.caller.key().map(|view| &view.key).is_some_and(|key| {
            !key.limits.is_empty() || !key.allowed_ips.is_empty() || key.expires_at.is_some()
        });
    if bounded {
        let detail = "a key with limits, addresses or an end of its own can revoke keys and remove members, and not \
            make or change keys or people";
        return Err(Error::forbidden(Reason::InsufficientScope, detail));
    }
    Ok(())
}

/// With `keys:write` one manages one's own keys; with `keys:admin` all.
fn manages(permit: &Permit, key: &ApiKey) -> Result<()> {
    let own = owner(permit).is_some_and(|owner| key.owner == Some(owner));
    if own || permit.caller.scopes.allow("keys", Access::Admin) {
        return Ok(());
    }
    Err(Error::forbidden(
        Reason::InsufficientScope,
        "this needs the scope keys:admin: the key is someone else's",
    ))
}

/// A second rotation would end the older secret early: the same request sent again must not.
fn still_changing(id: KeyId, until: Timestamp) -> Error {
    Error::Conflict(format!(
        "the key {id} is being rotated: its former secret works until {until}. Wait, or rotate it without grace, which \
         ends that one now"
    ))
}

/// In whose name a key is made: a person's, or that of the person whose key makes it.
fn owner(permit: &Permit) -> Option<UserId> {
    match permit.caller.actor {
        Actor::User(id) => Some(id),
        Actor::Key(_) => permit.caller.key().and_then(|view| view.key.owner),
        Actor::System | Actor::Visitor => None,
    }
}

fn row(permit: &Permit, wish: &NewKeyRequest, token: &KeyToken) -> Result<ApiKey> {
    Ok(ApiKey {
        id: token.id,
        org: permit.org()?,
        owner: owner(permit),
        name: wish.name.clone(),
        scopes: wish.scopes.clone(),
        environment: wish.environment,
        metadata: wish.metadata.clone(),
        limits: wish.limits.clone(),
        allowed_ips: wish.allowed_ips.clone(),
        digest: token.digest(),
        previous: None,
        disabled: false,
        created_at: permit.at,
        expires_at: wish.expires_at,
        revoked_at: None,
        last_used_at: None,
        rev: 0,
    })
}

pub(super) fn check_name(name: &str) -> Result<()> {
    text::check_name("a name", name, 100)
}

pub(super) fn check_metadata(notes: &BTreeMap<String, String>) -> Result<()> {
    let fits =
        |(name, value): (&String, &String)| name.chars().count() <= 64 && value.chars().count() <= 1024;
    if notes.len() <= 16 && notes.iter().all(fits) {
        return Ok(());
    }
    Err(Error::invalid("metadata is at most 16 entries, with names to 64 and values to 1,024 characters"))
}
