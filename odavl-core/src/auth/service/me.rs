//! Who am I.

use serde::Serialize;

use crate::{
    action::Action,
    auth::{Actor, Organization, Role, Scopes},
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

/// An organisation that the caller belongs to.
#[derive(Debug, Clone)]
pub struct Belonging {
    /// The organisation.
    pub organization: Organization,
    /// The person's role in it; `None` for a key.
    pub role: Option<Role>,
}

impl Session {
    /// The organisations that the caller belongs to: a person's own, the operator's last, or the one that a key acts on.
    pub async fn organizations(&self) -> Result<Vec<Belonging>> {
        self.metered(Ask::new(Action::MeOrganizations), async |permit| {
            let Actor::User(id) = permit.caller.actor else {
                let organization = permit.caller.org()?.org.clone();
                return Ok((vec![Belonging { organization, role: None }], Usage::Settled));
            };
            let mut found = Vec::new();
            for member in self.core.auth.memberships(id).await? {
                let organization = self.core.org_view(member.org).await?.org.clone();
                found.push(Belonging { organization, role: Some(member.role) });
            }
            // The operator's own is the last that anyone works in.
            found.sort_by_key(|belonging| belonging.organization.operator);
            Ok((found, Usage::Settled))
        })
        .await
    }

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
