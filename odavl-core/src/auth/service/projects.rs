//! Projects: what uploads belong to.

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
    /// Makes a project.
    pub async fn create(&self, slug: Slug) -> Result<Project> {
        self.0
            .metered(Ask::new(Action::ProjectCreate), async |permit| {
                let project = Project {
                    org: permit.org()?,
                    id: ProjectId::new(permit.at)?,
                    slug: slug.clone(),
                    created_at: permit.at,
                };
                let record = self.0.record(permit, &project.id)?;
                self.0
                    .core
                    .write(vec![Change::AddProject(project.clone())], Vec::new(), vec![record])
                    .await?;
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
