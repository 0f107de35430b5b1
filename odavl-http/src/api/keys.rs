//! API keys.

use jiff::SignedDuration;
use odavl_core::{
    Error,
    auth::{ApiKey, Environment, KeyUpdate, NewKey, NewKeyRequest, Scopes},
    ids::KeyId,
    metering::{Allowance, Allowances, MeterName},
};
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};

use super::Tag;
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{PageLimit, Time, Units, page, texts},
    shape::{self, Cursor, IdempotencyKey, Name, Named, Network, Note, Text},
};

pub(super) struct Api;

/// A limit that a key shall have of its own, a child of the organisation's.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct KeyLimitRequest {
    /// The meter.
    meter: Text<shape::Meter>,
    /// The most units.
    max: Units,
    /// Over what time: `month`, `month:15`, `day`, or seconds such as `60s`; what is held for a gauge.
    per: Option<Text<shape::Per>>,
}

/// A limit of a key's own, a child of the organisation's.
#[derive(Object)]
#[oai(rename = "KeyLimit")]
struct LimitBody {
    /// The meter.
    meter: String,
    /// The most units.
    max: u64,
    /// Over what time: `month`, `month:15`, `day`, or seconds such as `60s`; null for a month, and for what is held.
    per: Option<String>,
}

fn allowances(limits: Vec<KeyLimitRequest>) -> Result<Allowances, Failure> {
    let mut allowances = Allowances::new();
    for limit in limits {
        let meter: MeterName = limit.meter.parse()?;
        let per = limit.per.map(|text| text.parse()).transpose()?;
        let allowance = Allowance { max: Some(limit.max.0), per, soft: false, ceiling: None };
        allowances.entry(meter).or_default().push(allowance);
    }
    Ok(allowances)
}

fn limits(allowances: &Allowances) -> Vec<LimitBody> {
    let body = |meter: &MeterName, allowance: &Allowance| LimitBody {
        meter: meter.to_string(),
        max: allowance.max.unwrap_or(odavl_core::metering::UNITS_MAX),
        per: allowance.per.map(|per| per.to_string()),
    };
    allowances
        .iter()
        .flat_map(|(meter, list)| list.iter().map(move |allowance| body(meter, allowance)))
        .collect()
}

/// A key, without its secret.
#[derive(Object)]
#[oai(rename = "ApiKey")]
struct KeyBody {
    /// Its id.
    id: String,
    /// What it is called.
    name: String,
    /// What it may do, before it is cut by its owner's role.
    scopes: Vec<String>,
    /// What it is for: `live` or `test`.
    environment: String,
    /// The person whose key it is; null for one that the installation made.
    owner: Option<String>,
    /// The team's own notes.
    metadata: Named<Note>,
    /// Limits of its own.
    limits: Vec<LimitBody>,
    /// The addresses it may be used from (CIDR); empty: any.
    allowed_ips: Vec<String>,
    /// Whether it is switched off.
    disabled: bool,
    /// When it was made.
    created_at: Time,
    /// When it ends.
    expires_at: Option<Time>,
    /// When it was revoked.
    revoked_at: Option<Time>,
    /// When it was last used, about.
    last_used_at: Option<Time>,
}

impl From<ApiKey> for KeyBody {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            scopes: key.scopes.to_vec(),
            environment: key.environment.as_str().to_owned(),
            owner: key.owner.map(|id| id.to_string()),
            metadata: Named::new(key.metadata),
            limits: limits(&key.limits),
            allowed_ips: key.allowed_ips.iter().map(ToString::to_string).collect(),
            disabled: key.disabled,
            created_at: Time(key.created_at),
            expires_at: key.expires_at.map(Time),
            revoked_at: key.revoked_at.map(Time),
            last_used_at: key.last_used_at.map(Time),
        }
    }
}

/// A key with its secret: shown now, and never again.
#[derive(Object)]
#[oai(rename = "CreatedApiKey")]
struct NewKeyBody {
    /// The key itself; null where a retry found the key made, for it is kept nowhere.
    secret: Option<String>,
    /// Its row.
    key: KeyBody,
}

impl From<NewKey> for NewKeyBody {
    fn from(new: NewKey) -> Self {
        Self { secret: new.token.map(|token| token.secret().reveal().clone()), key: new.key.into() }
    }
}

/// What a new key shall be.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ApiKeyRequest {
    /// What it is called: 1 to 100 characters.
    name: Text<Name>,
    /// What it may do; never more than its maker.
    #[oai(validator(min_items = 1))]
    scopes: Vec<Text<shape::Scope>>,
    /// What it is for: `live` (default) or `test`.
    environment: Option<Text<shape::Environment>>,
    /// The team's own notes: at most 16.
    metadata: Option<Named<Note>>,
    /// Limits of its own, children of the organisation's.
    #[oai(default)]
    limits: Vec<KeyLimitRequest>,
    /// The addresses it may be used from (CIDR); empty: any.
    #[oai(default)]
    allowed_ips: Vec<Text<Network>>,
    /// When it ends; never unless said.
    expires_at: Option<Time>,
}

impl ApiKeyRequest {
    fn parse(self, once: Option<Text<IdempotencyKey>>) -> Result<NewKeyRequest, Failure> {
        Ok(NewKeyRequest {
            name: self.name.0,
            scopes: Scopes::parse(self.scopes.iter().map(|scope| scope.as_str()))?,
            environment: self.environment.map_or(Ok(Environment::Live), |text| text.parse())?,
            metadata: texts(self.metadata),
            limits: allowances(self.limits)?,
            allowed_ips: networks(&self.allowed_ips)?,
            expires_at: self.expires_at.map(|time| time.0),
            idempotency_key: once.map(|key| key.0),
        })
    }
}

/// What shall change about a key; what is absent stays.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ApiKeyUpdate {
    /// What it is called.
    name: Option<Text<Name>>,
    /// Whether it is switched off.
    disabled: Option<bool>,
    /// The team's own notes.
    metadata: Option<Named<Note>>,
    /// Limits of its own.
    limits: Option<Vec<KeyLimitRequest>>,
    /// The addresses it may be used from (CIDR).
    allowed_ips: Option<Vec<Text<Network>>>,
    /// Whether it becomes the caller's own: a key whose owner has left works again for whoever adopts it.
    #[oai(default)]
    adopt: bool,
}

impl ApiKeyUpdate {
    fn parse(self) -> Result<KeyUpdate, Failure> {
        Ok(KeyUpdate {
            name: self.name.map(|name| name.0),
            disabled: self.disabled,
            metadata: self.metadata.map(|notes| notes.0),
            limits: self.limits.map(allowances).transpose()?,
            allowed_ips: self.allowed_ips.map(|list| networks(&list)).transpose()?,
            adopt: self.adopt,
        })
    }
}

fn networks<T: std::str::FromStr>(texts: &[Text<Network>]) -> Result<Vec<T>, Failure> {
    let parse = |text: &Text<Network>| {
        text.parse().map_err(|_| {
            let detail = format!("`{}` is not a network", text.escape_default());
            Failure(Error::invalid_with(detail, "write 203.0.113.0/24 or 2001:db8::/32"))
        })
    };
    texts.iter().map(parse).collect()
}

/// How a key is rotated.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RotateRequest {
    /// For how many seconds the old secret goes on working, to 30 days; not at all unless said.
    #[oai(default, validator(maximum(value = "2592000")))]
    grace_seconds: u32,
}

/// A page of keys.
#[derive(Object)]
struct ApiKeyPage {
    /// The keys, in the order they were made.
    items: Vec<KeyBody>,
    /// Where the next page starts; null on the last.
    next_cursor: Option<String>,
}

#[OpenApi(prefix_path = "/api/v1/api-keys", tag = "Tag::Keys")]
impl Api {
    /// The organisation's keys.
    #[oai(path = "/", method = "get", operation_id = "key_list")]
    async fn list(
        &self,
        Caller(session): Caller,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<ApiKeyPage>, Failure> {
        let page = session.keys().list(&page(limit, cursor)?).await?.map(KeyBody::from);
        Ok(Json(ApiKeyPage { items: page.items, next_cursor: page.next_cursor }))
    }

    /// Makes a key. The secret is in the answer and nowhere else.
    #[oai(path = "/", method = "post", operation_id = "key_create")]
    async fn create(
        &self,
        Caller(session): Caller,
        /// Makes a retry find the key that was made; without its secret.
        #[oai(name = "Idempotency-Key")]
        Header(once): Header<Option<Text<IdempotencyKey>>>,
        Json(body): Json<ApiKeyRequest>,
    ) -> Result<Json<NewKeyBody>, Failure> {
        Ok(Json(session.keys().create(body.parse(once)?).await?.into()))
    }

    /// One key.
    #[oai(path = "/:id", method = "get", operation_id = "key_read")]
    async fn read(
        &self,
        Caller(session): Caller,
        /// The key.
        Path(id): Path<Text<shape::KeyId>>,
    ) -> Result<Json<KeyBody>, Failure> {
        Ok(Json(session.keys().read(id.parse::<KeyId>()?).await?.into()))
    }

    /// Changes a key.
    #[oai(path = "/:id", method = "patch", operation_id = "key_update")]
    async fn update(
        &self,
        Caller(session): Caller,
        /// The key.
        Path(id): Path<Text<shape::KeyId>>,
        Json(body): Json<ApiKeyUpdate>,
    ) -> Result<Json<KeyBody>, Failure> {
        Ok(Json(session.keys().update(id.parse::<KeyId>()?, body.parse()?).await?.into()))
    }

    /// Gives a key a new secret; the old one goes on working for a while. Both are one key with one quota.
    #[oai(path = "/:id/rotate", method = "post", operation_id = "key_rotate")]
    async fn rotate(
        &self,
        Caller(session): Caller,
        /// The key.
        Path(id): Path<Text<shape::KeyId>>,
        Json(body): Json<RotateRequest>,
    ) -> Result<Json<NewKeyBody>, Failure> {
        let grace = SignedDuration::from_secs(i64::from(body.grace_seconds));
        Ok(Json(session.keys().rotate(id.parse::<KeyId>()?, grace).await?.into()))
    }

    /// Ends a key for ever; it is refused everywhere within seconds.
    #[oai(path = "/:id", method = "delete", operation_id = "key_revoke")]
    async fn revoke(
        &self,
        Caller(session): Caller,
        /// The key.
        Path(id): Path<Text<shape::KeyId>>,
    ) -> Result<Json<KeyBody>, Failure> {
        Ok(Json(session.keys().revoke(id.parse::<KeyId>()?).await?.into()))
    }
}
