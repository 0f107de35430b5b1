//! Projects: what uploads belong to.

use odavl_core::auth::Project;
use poem_openapi::{
    Object, OpenApi,
    param::{Header, Query},
    payload::Json,
};

use super::Tag;
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{PageLimit, Time, page},
    shape::{Cursor, IdempotencyKey, Slug, Text},
};

pub(super) struct Api;

/// A project.
#[derive(Object)]
#[oai(rename = "Project")]
struct ProjectBody {
    /// Its id.
    id: String,
    /// Its name in addresses.
    slug: String,
    /// When it was made.
    created_at: Time,
}

impl From<Project> for ProjectBody {
    fn from(project: Project) -> Self {
        Self {
            id: project.id.to_string(),
            slug: project.slug.to_string(),
            created_at: Time(project.created_at),
        }
    }
}

/// A new project.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ProjectRequest {
    /// Its name in addresses: 1 to 63 lower-case letters, digits and inner hyphens.
    slug: Text<Slug>,
}

/// A page of projects.
#[derive(Object)]
struct ProjectPage {
    /// The projects, in the order they were made.
    items: Vec<ProjectBody>,
    /// Where the next page starts; null on the last.
    next_cursor: Option<String>,
}

#[OpenApi(prefix_path = "/api/v1/projects", tag = "Tag::Projects")]
impl Api {
    /// The organisation's projects.
    #[oai(path = "/", method = "get", operation_id = "project_list")]
    async fn list(
        &self,
        Caller(session): Caller,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<ProjectPage>, Failure> {
        let page = session.projects().list(&page(limit, cursor)?).await?.map(ProjectBody::from);
        Ok(Json(ProjectPage { items: page.items, next_cursor: page.next_cursor }))
    }

    /// Makes a project.
    #[oai(path = "/", method = "post", operation_id = "project_create")]
    async fn create(
        &self,
        Caller(session): Caller,
        /// Makes a retry find the project that was made.
        #[oai(name = "Idempotency-Key")]
        Header(once): Header<Option<Text<IdempotencyKey>>>,
        Json(body): Json<ProjectRequest>,
    ) -> Result<Json<ProjectBody>, Failure> {
        Ok(Json(
            session
                .projects()
                .create(body.slug.parse()?, once.as_ref().map(|key| key.as_str()))
                .await?
                .into(),
        ))
    }
}
