//! Organisations and the people in them.

use odavl_core::{
    auth::{Membership, NewOrg, OrgRef, OrgUpdate, Organization, User},
    ids::UserId,
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
    schema::{PageLimit, Time, page, texts},
    shape::{self, Cursor, IdempotencyKey, Named, Note, Text},
};

pub(super) struct Api;

/// An organisation.
#[derive(Object)]
#[oai(rename = "Organization")]
struct OrgBody {
    /// Its id.
    id: String,
    /// Its name in addresses.
    slug: String,
    /// What it is called.
    name: String,
    /// Its plan.
    plan: String,
    /// The team's own id for it.
    external_id: Option<String>,
    /// The team's own notes.
    metadata: Named<Note>,
    /// Whether it is the operator's.
    operator: bool,
    /// Whether it is locked out.
    suspended: bool,
    /// When it was made.
    created_at: Time,
}

impl From<Organization> for OrgBody {
    fn from(org: Organization) -> Self {
        Self {
            id: org.id.to_string(),
            slug: org.slug.to_string(),
            name: org.name,
            plan: org.plan,
            external_id: org.external_id,
            metadata: Named::new(org.metadata),
            operator: org.operator,
            suspended: org.suspended,
            created_at: Time(org.created_at),
        }
    }
}

/// A new organisation.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct OrganizationRequest {
    /// Its name in addresses: 1 to 63 lower-case letters, digits and inner hyphens.
    slug: Text<shape::Slug>,
    /// What it is called.
    name: Text<shape::Name>,
    /// Its plan; the default one unless said.
    plan: Option<Text<shape::Plan>>,
    /// The team's own id for it, unique.
    external_id: Option<Text<shape::ExternalId>>,
    /// The team's own notes.
    metadata: Option<Named<Note>>,
}

/// What shall change about an organisation; what is absent stays.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct OrganizationUpdate {
    /// Its plan: takes effect at once; what is used stays used.
    plan: Option<Text<shape::Plan>>,
    /// Whether it is locked out.
    suspended: Option<bool>,
    /// The team's own notes.
    metadata: Option<Named<Note>>,
}

/// A page of organisations.
#[derive(Object)]
struct OrganizationPage {
    /// The organisations, in the order they were made.
    items: Vec<OrgBody>,
    /// Where the next page starts; null on the last.
    next_cursor: Option<String>,
}

/// A person in an organisation.
#[derive(Object)]
struct Member {
    /// The person.
    user_id: String,
    /// Their e-mail address.
    email: String,
    /// What they are called.
    name: String,
    /// What they may do: `viewer`, `member`, `admin` or `owner`.
    role: String,
    /// Since when.
    created_at: Time,
}

impl From<(Membership, User)> for Member {
    fn from((member, user): (Membership, User)) -> Self {
        Self {
            user_id: user.id.to_string(),
            email: user.email.to_string(),
            name: user.name,
            role: member.role.as_str().to_owned(),
            created_at: Time(member.created_at),
        }
    }
}

/// A page of members.
#[derive(Object)]
struct MemberPage {
    /// The members, in order of their ids.
    items: Vec<Member>,
    /// Where the next page starts; null on the last.
    next_cursor: Option<String>,
}

/// A member's role.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct MemberRole {
    /// `viewer`, `member`, `admin` or `owner`.
    role: Text<shape::Role>,
}

/// A membership as it stands.
#[derive(Object)]
#[oai(rename = "Membership")]
struct MembershipBody {
    /// The organisation.
    organization: String,
    /// The person.
    user_id: String,
    /// What they may do.
    role: String,
}

#[OpenApi(prefix_path = "/api/v1", tag = "Tag::Organizations")]
impl Api {
    /// All organisations; for operators.
    #[oai(path = "/organizations", method = "get", operation_id = "organization_list")]
    async fn list(
        &self,
        Caller(session): Caller,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<OrganizationPage>, Failure> {
        let page = session.orgs().list(&page(limit, cursor)?).await?.map(OrgBody::from);
        Ok(Json(OrganizationPage { items: page.items, next_cursor: page.next_cursor }))
    }

    /// Makes an organisation; for operators.
    #[oai(path = "/organizations", method = "post", operation_id = "organization_create")]
    async fn create(
        &self,
        Caller(session): Caller,
        /// Makes a retry find the organisation that was made.
        #[oai(name = "Idempotency-Key")]
        Header(once): Header<Option<Text<IdempotencyKey>>>,
        Json(body): Json<OrganizationRequest>,
    ) -> Result<Json<OrgBody>, Failure> {
        let wish = NewOrg {
            slug: body.slug.parse().map_err(Failure)?,
            name: body.name.0,
            plan: body.plan.map(|plan| plan.0),
            external_id: body.external_id.map(|id| id.0),
            metadata: texts(body.metadata),
            idempotency_key: once.map(|key| key.0),
        };
        Ok(Json(session.orgs().create(wish).await?.into()))
    }

    /// Changes an organisation's plan, notes, or whether it is locked out; for operators.
    #[oai(path = "/organizations/:organization", method = "patch", operation_id = "organization_update")]
    async fn update(
        &self,
        Caller(session): Caller,
        /// Its id, its slug, or `external:` and the team's own id.
        Path(organization): Path<String>,
        Json(body): Json<OrganizationUpdate>,
    ) -> Result<Json<OrgBody>, Failure> {
        let update = OrgUpdate {
            plan: body.plan.map(|plan| plan.0),
            suspended: body.suspended,
            metadata: body.metadata.map(|notes| notes.0),
            ..OrgUpdate::default()
        };
        Ok(Json(session.orgs().update(&organization.parse::<OrgRef>()?, update).await?.into()))
    }

    /// The organisation's members.
    #[oai(path = "/members", method = "get", operation_id = "member_list")]
    async fn members(
        &self,
        Caller(session): Caller,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<MemberPage>, Failure> {
        let page = session.members().list(&page(limit, cursor)?).await?.map(Member::from);
        Ok(Json(MemberPage { items: page.items, next_cursor: page.next_cursor }))
    }

    /// Adds a person to the organisation, or changes their role.
    #[oai(path = "/members/:user", method = "put", operation_id = "member_put")]
    async fn put_member(
        &self,
        Caller(session): Caller,
        /// The person.
        Path(user): Path<Text<shape::UserId>>,
        Json(body): Json<MemberRole>,
    ) -> Result<Json<MembershipBody>, Failure> {
        let member =
            session.members().put(user.parse::<UserId>()?, body.role.parse().map_err(Failure)?).await?;
        Ok(Json(MembershipBody {
            organization: member.org.to_string(),
            user_id: member.user.to_string(),
            role: member.role.as_str().to_owned(),
        }))
    }

    /// Removes a person from the organisation; their keys stop working.
    #[oai(path = "/members/:user", method = "delete", operation_id = "member_remove")]
    async fn remove_member(
        &self,
        Caller(session): Caller,
        /// The person.
        Path(user): Path<Text<shape::UserId>>,
    ) -> Result<(), Failure> {
        Ok(session.members().remove(user.parse::<UserId>()?).await?)
    }
}
