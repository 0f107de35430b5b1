//! API keys.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use odavl_core::{
    Error,
    auth::{self, Environment, KeyUpdate, NewKeyRequest, Scopes},
    ids::KeyId,
    metering::{Allowance, Allowances, MeterName},
    page::PageQuery,
};
use pyo3::{Borrowed, prelude::*};

use crate::{
    call::Call,
    door::{Door, Session},
    failure::{Failure, Result},
    input::{Arg, Instant, Named, Parsed, Text, Units, page, read, said},
    values::{Page, Several, values},
};

values! {
    /// A limit of a key's own.
    KeyLimit {
        meter: String,
        max: u64,
        per: Option<String>,
    }

    /// A key, without its secret.
    ApiKey {
        id: String,
        name: String,
        scopes: Several<String>,
        environment: String,
        owner: Option<String>,
        metadata: BTreeMap<String, String>,
        limits: Several<KeyLimit>,
        allowed_ips: Several<String>,
        disabled: bool,
        created_at: Timestamp,
        expires_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
        last_used_at: Option<Timestamp>,
    }

    /// A key with its secret.
    NewApiKey {
        secret: Option<String>,
        key: ApiKey,
    }
}

impl From<auth::ApiKey> for ApiKey {
    fn from(key: auth::ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            scopes: Several(key.scopes.to_vec()),
            environment: key.environment.as_str().to_owned(),
            owner: key.owner.map(|id| id.to_string()),
            metadata: key.metadata,
            limits: limits(&key.limits),
            allowed_ips: key.allowed_ips.iter().map(ToString::to_string).collect(),
            disabled: key.disabled,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

fn limits(allowances: &Allowances) -> Several<KeyLimit> {
    let limit = |meter: &MeterName, allowance: &Allowance| KeyLimit {
        meter: meter.to_string(),
        max: allowance.max.unwrap_or(odavl_core::metering::UNITS_MAX),
        per: allowance.per.map(|per| per.to_string()),
    };
    allowances.iter().flat_map(|(meter, list)| list.iter().map(move |each| limit(meter, each))).collect()
}

impl From<auth::NewKey> for NewApiKey {
    fn from(new: auth::NewKey) -> Self {
        Self { secret: new.token.map(|token| token.secret().reveal().clone()), key: new.key.into() }
    }
}

impl Door {
    async fn key_create(&self, wish: NewKeyRequest) -> Result<NewApiKey> {
        match self {
            Self::Embedded(session) => Ok(session.keys().create(wish).await?.into()),
            Self::Remote(remote) => remote.key_create(wish).await,
        }
    }

    async fn key_list(&self, page: PageQuery) -> Result<Page<ApiKey>> {
        match self {
            Self::Embedded(session) => Ok(Page::of(session.keys().list(&page).await?)),
            Self::Remote(remote) => remote.key_list(page).await,
        }
    }

    async fn key_read(&self, id: KeyId) -> Result<ApiKey> {
        match self {
            Self::Embedded(session) => Ok(session.keys().read(id).await?.into()),
            Self::Remote(remote) => remote.key_read(id).await,
        }
    }

    async fn key_update(&self, id: KeyId, update: KeyUpdate) -> Result<ApiKey> {
        match self {
            Self::Embedded(session) => Ok(session.keys().update(id, update).await?.into()),
            Self::Remote(remote) => remote.key_update(id, update).await,
        }
    }

    async fn key_rotate(&self, id: KeyId, grace: SignedDuration) -> Result<NewApiKey> {
        match self {
            Self::Embedded(session) => Ok(session.keys().rotate(id, grace).await?.into()),
            Self::Remote(remote) => remote.key_rotate(id, grace).await,
        }
    }

    async fn key_revoke(&self, id: KeyId) -> Result<ApiKey> {
        match self {
            Self::Embedded(session) => Ok(session.keys().revoke(id).await?.into()),
            Self::Remote(remote) => remote.key_revoke(id).await,
        }
    }
}

/// Limits, from a list of `KeyLimit`.
struct Limits(Allowances);

impl<'a, 'py> FromPyObject<'a, 'py> for Limits {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let mut allowances = Allowances::new();
        for limit in object.try_iter()? {
            let limit = limit?;
            let meter: Parsed<MeterName> = limit.getattr("meter")?.extract()?;
            let Units(max) = limit.getattr("max")?.extract()?;
            let per: Option<Text> = limit.getattr("per")?.extract()?;
            let per = per.map(|Text(text)| text.parse().map_err(Failure::from)).transpose()?;
            let allowance = Allowance { max: Some(max), per, soft: false, ceiling: None };
            allowances.entry(meter.0).or_default().push(allowance);
        }
        Ok(Self(allowances))
    }
}

/// Networks (CIDR), from a list of texts.
struct Networks<T>(Vec<T>);

impl<'a, 'py, T: std::str::FromStr> FromPyObject<'a, 'py> for Networks<T> {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let texts: Texts = object.extract()?;
        let parse = |text: String| {
            text.parse().map_err(|_| {
                let detail = format!("`{}` is not a network", text.escape_default());
                Failure::invalid_with(detail, "write 203.0.113.0/24 or 2001:db8::/32").into()
            })
        };
        texts.0.into_iter().map(parse).collect::<PyResult<_>>().map(Self)
    }
}

/// Several texts; one alone is a mistake.
struct Texts(Vec<String>);

impl<'a, 'py> FromPyObject<'a, 'py> for Texts {
    type Error = PyErr;
    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<pyo3::types::PyString>() {
            let what = "'str' object is not a list of them";
            return Err(pyo3::exceptions::PyTypeError::new_err(what));
        }
        let texts = object.try_iter()?.map(|text| text?.extract::<Text>().map(|Text(text)| text));
        texts.collect::<PyResult<_>>().map(Self)
    }
}

/// `session.keys`.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Keys(pub(crate) Session);

#[pymethods]
impl Keys {
    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn create(
        &self,
        name: Arg<'_, '_>,
        scopes: Arg<'_, '_>,
        environment: Arg<'_, '_>,
        metadata: Arg<'_, '_>,
        limits: Arg<'_, '_>,
        allowed_ips: Arg<'_, '_>,
        expires_at: Arg<'_, '_>,
        idempotency_key: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(name: Text, scopes: Texts, environment: Parsed<Environment>, metadata: Option<Named>);
        read!(limits: Limits, allowed_ips: Networks<_>, expires_at: Option<Instant>, idempotency_key: Option<Text>);
        let wish = NewKeyRequest {
            name: name.0,
            scopes: Scopes::parse(scopes.0.iter().map(String::as_str)).map_err(Failure::from)?,
            environment: environment.0,
            metadata: metadata.unwrap_or_default().0,
            limits: limits.0,
            allowed_ips: allowed_ips.0,
            expires_at: expires_at.map(|Instant(at)| at),
            idempotency_key: said(idempotency_key),
        };
        self.0.call(|door| async move { door.key_create(wish).await })
    }

    fn list(&self, limit: Arg<'_, '_>, cursor: Arg<'_, '_>) -> PyResult<Call> {
        read!(limit: Option<Units>, cursor: Option<Text>);
        let page = page(limit, cursor)?;
        self.0.call(|door| async move { door.key_list(page).await })
    }

    fn read(&self, id: Arg<'_, '_>) -> PyResult<Call> {
        read!(id: Parsed<KeyId>);
        self.0.call(|door| async move { door.key_read(id.0).await })
    }

    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn update(
        &self,
        id: Arg<'_, '_>,
        name: Arg<'_, '_>,
        disabled: Arg<'_, '_>,
        metadata: Arg<'_, '_>,
        limits: Arg<'_, '_>,
        allowed_ips: Arg<'_, '_>,
        adopt: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(id: Parsed<KeyId>, name: Option<Text>, disabled: Option<bool>, metadata: Option<Named>);
        read!(limits: Option<Limits>, allowed_ips: Option<Networks<_>>, adopt: bool);
        let update = KeyUpdate {
            name: said(name),
            disabled,
            metadata: metadata.map(|Named(notes)| notes),
            limits: limits.map(|Limits(limits)| limits),
            allowed_ips: allowed_ips.map(|Networks(networks)| networks),
            adopt,
        };
        self.0.call(|door| async move { door.key_update(id.0, update).await })
    }

    fn rotate(&self, id: Arg<'_, '_>, grace: Arg<'_, '_>) -> PyResult<Call> {
        read!(id: Parsed<KeyId>, grace: f64);
        let wrong = |_| Failure::from(Error::invalid("the grace is 0 seconds to 30 days"));
        let grace = SignedDuration::try_from_secs_f64(grace).map_err(wrong)?;
        self.0.call(|door| async move { door.key_rotate(id.0, grace).await })
    }

    fn revoke(&self, id: Arg<'_, '_>) -> PyResult<Call> {
        read!(id: Parsed<KeyId>);
        self.0.call(|door| async move { door.key_revoke(id.0).await })
    }
}
