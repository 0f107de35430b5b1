//! Who am I.

use serde::Serialize;

use crate::{
    action::Action,
    auth::{Actor, Scopes},
    error::Result,
    ids::{KeyId, OrgId, UserId},
    session::{Ask, Session, Usage},
};

/// The caller, as they stand now.
#[derive(Debug, Clone, Serialize)]
pub struct Me {
    /// The person; `None` for a key that the installation made.
    pub user_id: Option<UserId>,
    /// The person's address.
    pub email: Option<String>,
    /// The key, where one is used.
    pub key_id: Option<KeyId>,
    /// The key's name.
    pub key_name: Option<String>,
    /// The organisation that is acted on.
    pub organization: OrgId,
    /// Its name in addresses.
    pub organization_slug: String,
    /// Its plan.
    pub plan: String,
    /// What the caller may do now.
    pub scopes: Scopes,
}

impl Session {
    /// Who the caller is, for which organisation, with which scopes.
    pub async fn me(&self) -> Result<Me> {
        self.metered(Ask::new(Action::Me), async |permit| {
            let view = permit.caller.org()?;
            let key = permit.caller.key().map(|view| &view.key);
            let user_id = match permit.caller.actor {
                Actor::User(id) => Some(id),
                _ => key.and_then(|key| key.owner),
            };
            let user = match user_id {
                Some(id) => self.core.auth.user(id).await?,
                None => None,
            };
            let me = Me {
                user_id,
                email: user.map(|user| user.email.to_string()),
                key_id: key.map(|key| key.id),
                key_name: key.map(|key| key.name.clone()),
                organization: view.org.id,
                organization_slug: view.org.slug.to_string(),
                plan: view.org.plan.clone(),
                scopes: permit.caller.scopes.clone(),
            };
            Ok((me, Usage::Settled))
        })
        .await
    }
}
