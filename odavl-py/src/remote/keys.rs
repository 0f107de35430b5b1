//! Keys, projects, and who the caller is.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use odavl_client::{
    Client,
    types::{
        ApiKeyRequest, ApiKeyUpdate, Environment, KeyLimitRequest, Metadata, ProjectRequest, RotateRequest,
    },
};
use odavl_core::{
    Error,
    auth::{self, KeyUpdate, NewKeyRequest, Slug},
    ids::KeyId,
    metering::Allowances,
    page::PageQuery,
};

use super::{Remote, known_by, part};
use crate::{
    failure::Result,
    keys::{ApiKey, NewApiKey},
    runs::Project,
    values::{Me, Page},
};

fn limits(allowances: &Allowances) -> Vec<KeyLimitRequest> {
    let all = allowances.iter().flat_map(|(meter, list)| list.iter().map(move |each| (meter, each)));
    let limits = all.map(|(meter, each)| KeyLimitRequest {
        meter: meter.to_string(),
        max: each.max.unwrap_or(odavl_core::metering::UNITS_MAX),
        per: each.per.map(|per| per.to_string()),
    });
    limits.collect()
}

fn metadata(notes: BTreeMap<String, String>) -> Metadata {
    Metadata(notes.into_iter().collect())
}

/// What a key is for, as it is sent.
pub(super) fn environment(environment: auth::Environment) -> Environment {
    match environment {
        auth::Environment::Live => Environment::Live,
        auth::Environment::Test => Environment::Test,
    }
}

fn texts(several: &[impl ToString]) -> Vec<String> {
    several.iter().map(ToString::to_string).collect()
}

impl Remote {
    pub(crate) async fn me(&self) -> Result<Me> {
        Ok(self.call(Client::me).await?.into())
    }

    pub(crate) async fn key_create(&self, wish: NewKeyRequest) -> Result<NewApiKey> {
        let body = ApiKeyRequest {
            name: wish.name,
            scopes: wish.scopes.to_vec(),
            environment: Some(environment(wish.environment)),
            metadata: Some(metadata(wish.metadata)),
            limits: Some(limits(&wish.limits)),
            allowed_ips: Some(texts(&wish.allowed_ips)),
            expires_at: wish.expires_at,
        };
        // Made again by us alone, the key would come without its secret.
        let new = match wish.idempotency_key {
            None => self.once(|api| api.key_create(None, &body)).await,
            Some(once) => self.call(|api| api.key_create(Some(&once), &body)).await,
        };
        Ok(new?.into())
    }

    pub(crate) async fn key_list(&self, page: PageQuery) -> Result<Page<ApiKey>> {
        let (cursor, limit) = part(&page);
        let found = self.call(|api| api.key_list(cursor, limit)).await?;
        Ok(Page::from_wire(found.items, found.next_cursor))
    }

    pub(crate) async fn key_read(&self, id: KeyId) -> Result<ApiKey> {
        let id = id.to_string();
        Ok(self.call(|api| api.key_read(&id)).await?.into())
    }

    pub(crate) async fn key_update(&self, id: KeyId, update: KeyUpdate) -> Result<ApiKey> {
        let id = id.to_string();
        let body = ApiKeyUpdate {
            name: update.name,
            disabled: update.disabled,
            metadata: update.metadata.map(metadata),
            limits: update.limits.as_ref().map(limits),
            allowed_ips: update.allowed_ips.as_deref().map(texts),
            adopt: Some(update.adopt),
        };
        Ok(self.call(|api| api.key_update(&id, &body)).await?.into())
    }

    pub(crate) async fn key_rotate(&self, id: KeyId, grace: SignedDuration) -> Result<NewApiKey> {
        let id = id.to_string();
        let whole = grace.as_secs() + i64::from(grace.subsec_nanos() > 0);
        let grace_seconds =
            u32::try_from(whole).map_err(|_| Error::invalid("the grace is 0 seconds to 30 days"))?;
        let body = RotateRequest { grace_seconds: Some(grace_seconds) };
        Ok(self.once(|api| api.key_rotate(&id, &body)).await?.into())
    }

    pub(crate) async fn key_revoke(&self, id: KeyId) -> Result<ApiKey> {
        let id = id.to_string();
        Ok(self.call(|api| api.key_revoke(&id)).await?.into())
    }

    pub(crate) async fn project_create(&self, slug: Slug, said: Option<String>) -> Result<Project> {
        let (body, once) = (ProjectRequest { slug: slug.to_string() }, known_by(said));
        Ok(self.call(|api| api.project_create(Some(&once), &body)).await?.into())
    }

    pub(crate) async fn project_list(&self, page: PageQuery) -> Result<Page<Project>> {
        let (cursor, limit) = part(&page);
        let found = self.call(|api| api.project_list(cursor, limit)).await?;
        Ok(Page::from_wire(found.items, found.next_cursor))
    }
}
