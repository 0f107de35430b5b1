//! Who is calling.

use odavl_core::auth::{Me, Organization, Role};
use poem_openapi::{Object, OpenApi, payload::Json};

use super::Tag;
use crate::{caller::Caller, problem::Failure};

pub(super) struct Api;

/// The caller, as they stand now.
#[derive(Object)]
#[oai(rename = "Me")]
struct MeBody {
    /// The person; null for a key that the installation made.
    user_id: Option<String>,
    /// The person's e-mail address.
    email: Option<String>,
    /// The key, where one is used.
    key_id: Option<String>,
    /// The key's name.
    key_name: Option<String>,
    /// The organisation that is acted on.
    organization: String,
    /// Its name in addresses.
    organization_slug: String,
    /// Its plan.
    plan: String,
    /// What the caller may do now.
    scopes: Vec<String>,
}

impl From<Me> for MeBody {
    fn from(me: Me) -> Self {
        Self {
            user_id: me.user_id.map(|id| id.to_string()),
            email: me.email,
            key_id: me.key_id.map(|id| id.to_string()),
            key_name: me.key_name,
            organization: me.organization.to_string(),
            organization_slug: me.organization_slug,
            plan: me.plan,
            scopes: me.scopes.to_vec(),
        }
    }
}

/// An organisation that a person belongs to.
#[derive(Object)]
#[oai(rename = "Belonging")]
struct BelongingBody {
    /// Its id.
    id: String,
    /// Its name in addresses.
    slug: String,
    /// What it is called.
    name: String,
    /// The person's role in it.
    role: String,
}

impl From<(Organization, Role)> for BelongingBody {
    fn from((organization, role): (Organization, Role)) -> Self {
        Self {
            id: organization.id.to_string(),
            slug: organization.slug.to_string(),
            name: organization.name,
            role: role.as_str().to_owned(),
        }
    }
}

/// The organisations that a person belongs to.
#[derive(Object)]
struct Belongings {
    /// The organisations.
    items: Vec<BelongingBody>,
}

#[OpenApi(prefix_path = "/api/v1/me", tag = "Tag::Identity")]
impl Api {
    /// Who the caller is, for which organisation, with which scopes.
    #[oai(path = "/", method = "get", operation_id = "me")]
    async fn read(&self, Caller(session): Caller) -> Result<Json<MeBody>, Failure> {
        Ok(Json(session.me().await?.into()))
    }
    /// The organisations that the person belongs to, with their role in each; the operator's own comes last.
    #[oai(path = "/organizations", method = "get", operation_id = "me_organizations")]
    async fn organizations(&self, Caller(session): Caller) -> Result<Json<Belongings>, Failure> {
        let items = session.organizations().await?.into_iter().map(BelongingBody::from).collect();
        Ok(Json(Belongings { items }))
    }
}
