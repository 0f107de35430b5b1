//! Projects: what uploads belong to.

use super::once::Made;
use crate::{
    action::Action,
    auth::{Change, Project, Slug},
    error::{Error, Result},
    ids::ProjectId,
    page::{Page, PageQuery},
    session::{Ask, Session, Usage},
};

/// The use cases of projects.
#[derive(Debug)]
pub struct Projects<'a>(&'a Session);

impl Session {
    /// The organisation's projects.
    pub fn projects(&self) -> Projects<'_> {
        Projects(self)
    }
}

impl Projects<'_> {
    /// Makes a project; a retry with the same idempotency key finds it made.
    pub async fn create(&self, slug: Slug, idempotency_key: Option<&str>) -> Result<Project> {
        let once = self.0.once(Action::ProjectCreate, idempotency_key, slug.as_str())?;
        self.0
            .metered(Ask::new(Action::ProjectCreate), async |permit| {
                let project = Project {
                    org: permit.org()?,
                    id: ProjectId::new(permit.at)?,
                    slug: slug.clone(),
                    created_at: permit.at,
                };
                let record = self.0.record(permit, &project.id)?;
                let id = project.id;
                let made = (project.clone(), vec![Change::AddProject(project)], vec![record]);
                let project = match self.0.make_once(permit, once.as_ref(), &id, made).await? {
                    Made::Now(project) => project,
                    // The slug is part of what the retry asks for, and no project loses its slug.
                    Made::Before(_) => {
                        let found = self.0.core.auth.project(permit.org()?, &slug).await?;
                        found.ok_or_else(|| Error::not_found("project", &slug))?
                    }
                };
                Ok((project, Usage::Settled))
            })
            .await
    }

    /// The project of that slug.
    pub async fn read(&self, slug: &Slug) -> Result<Project> {
        self.0
            .metered(Ask::new(Action::ProjectList), async |permit| {
                let found = self.0.core.auth.project(permit.org()?, slug).await?;
                Ok((found.ok_or_else(|| Error::not_found("project", slug))?, Usage::Settled))
            })
            .await
    }

    /// The organisation's projects, in the order they were made.
    pub async fn list(&self, page: &PageQuery) -> Result<Page<Project>> {
        self.0
            .metered(Ask::new(Action::ProjectList), async |permit| {
                Ok((self.0.core.auth.projects(permit.org()?, page).await?, Usage::Settled))
            })
            .await
    }
}
