//! Projects, and what analysis tools said of them: the results of runs.

use bytes::Bytes;
use jiff::Timestamp;
use odavl_core::{
    Error,
    auth::{self, Slug},
    ids::UploadId,
    page::PageQuery,
    storage::{Product, Sha256, full},
    uploads::{self, Encoding, Filter, NewResults, RunId, sarif},
};
use pyo3::{prelude::*, pybacked::PyBackedBytes};
use tokio::task::spawn_blocking;

use crate::{
    body::stored,
    call::Call,
    door::{Door, Session},
    download::Joined,
    failure::{Failure, Result},
    input::{Arg, Parsed, Text, Units, page, read, said},
    values::{Page, Several, values},
};

values! {
    /// A project.
    Project {
        id: String,
        slug: String,
        created_at: Timestamp,
    }

    /// Results by level.
    LevelCounts {
        error: u64,
        warning: u64,
        note: u64,
        none: u64,
    }

    /// A tool that took part.
    Tool {
        name: String,
        version: Option<String>,
    }

    /// The results of one rule.
    RuleCount {
        rule: Option<String>,
        results: u64,
    }

    /// Results in figures.
    ResultsSummary {
        tools: Several<Tool>,
        results: u64,
        levels: LevelCounts,
        rules: Several<RuleCount>,
        other_rules: u64,
        files: Option<u64>,
        commit: Option<String>,
        started_at: Option<Timestamp>,
        ended_at: Option<Timestamp>,
    }

    /// The results of a run.
    Results {
        id: String,
        product: String,
        project: String,
        run_id: String,
        sha256: String,
        encoding: String,
        size: u64,
        unpacked_size: u64,
        created_at: Timestamp,
        created_by: String,
        summary: ResultsSummary,
    }

    /// Results that were taken.
    UploadedResults {
        upload: Results,
        replayed: bool,
    }
}

impl From<auth::Project> for Project {
    fn from(project: auth::Project) -> Self {
        Self { id: project.id.to_string(), slug: project.slug.to_string(), created_at: project.created_at }
    }
}

impl From<sarif::Summary> for ResultsSummary {
    fn from(summary: sarif::Summary) -> Self {
        let sarif::Levels { error, warning, note, none, .. } = summary.levels;
        let tools = summary.tools.into_iter();
        let rules = summary.rules.into_iter();
        Self {
            tools: tools.map(|tool| Tool { name: tool.name, version: tool.version }).collect(),
            results: summary.results,
            levels: LevelCounts { error, warning, note, none },
            rules: rules.map(|count| RuleCount { rule: count.rule, results: count.results }).collect(),
            other_rules: summary.other_rules.rules,
            files: summary.files,
            commit: summary.commit,
            started_at: summary.started_at,
            ended_at: summary.ended_at,
        }
    }
}

impl From<uploads::Upload> for Results {
    fn from(upload: uploads::Upload) -> Self {
        let stored = upload.stored().cloned();
        Self {
            id: upload.id.to_string(),
            product: upload.product.to_string(),
            project: upload.slug.to_string(),
            run_id: upload.run.to_string(),
            sha256: upload.sha256.to_string(),
            encoding: stored.as_ref().map_or("identity", |stored| stored.encoding.as_str()).to_owned(),
            size: stored.as_ref().map_or(0, |stored| stored.size),
            unpacked_size: stored.as_ref().map_or(0, |stored| stored.unpacked),
            created_at: stored.as_ref().map_or(upload.begun_at, |stored| stored.at),
            created_by: upload.by.to_string(),
            summary: stored.map(|stored| stored.summary).unwrap_or_default().into(),
        }
    }
}

impl Door {
    async fn project_create(&self, slug: Slug, once: Option<String>) -> Result<Project> {
        match self {
            Self::Embedded(session) => Ok(session.projects().create(slug, once.as_deref()).await?.into()),
            Self::Remote(remote) => remote.project_create(slug, once).await,
        }
    }

    async fn project_list(&self, page: PageQuery) -> Result<Page<Project>> {
        match self {
            Self::Embedded(session) => Ok(Page::of(session.projects().list(&page).await?)),
            Self::Remote(remote) => remote.project_list(page).await,
        }
    }

    async fn run_create(&self, wish: NewResults, bytes: Bytes) -> Result<UploadedResults> {
        match self {
            Self::Embedded(session) => {
                let session = session.clone();
                stored(full(bytes), move |body| async move {
                    let taken = session.uploads().create(wish, body).await?;
                    Ok(UploadedResults { upload: taken.upload.into(), replayed: taken.replayed })
                })
                .await
            }
            Self::Remote(remote) => remote.run_create(wish, bytes).await,
        }
    }

    async fn run_list(&self, filter: Filter, page: PageQuery) -> Result<Page<Results>> {
        match self {
            Self::Embedded(session) => Ok(Page::of(session.uploads().list(&filter, &page).await?)),
            Self::Remote(remote) => remote.run_list(filter, page).await,
        }
    }

    async fn run_read(&self, id: UploadId) -> Result<Results> {
        match self {
            Self::Embedded(session) => Ok(session.uploads().read(id).await?.into()),
            Self::Remote(remote) => remote.run_read(id).await,
        }
    }

    async fn run_content(&self, id: UploadId) -> Result<Joined> {
        match self {
            Self::Embedded(session) => Joined::all(session.uploads().content(id, None).await?.bytes).await,
            Self::Remote(remote) => Ok(Joined::of(remote.run_content(id).await?)),
        }
    }

    async fn run_delete(&self, id: UploadId) -> Result<Results> {
        match self {
            Self::Embedded(session) => Ok(session.uploads().delete(id).await?.into()),
            Self::Remote(remote) => remote.run_delete(id).await,
        }
    }
}

/// The digest of what may be large.
async fn digest(bytes: Bytes) -> Result<Sha256> {
    let digested = spawn_blocking(move || Sha256::of(&bytes)).await;
    Ok(digested.map_err(|error| Error::internal("digesting stopped", Some(error.into())))?)
}

/// `session.projects`.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Projects(pub(crate) Session);

#[pymethods]
impl Projects {
    fn create(&self, slug: Arg<'_, '_>, idempotency_key: Arg<'_, '_>) -> PyResult<Call> {
        read!(slug: Parsed<Slug>, idempotency_key: Option<Text>);
        let once = said(idempotency_key);
        self.0.call(|door| async move { door.project_create(slug.0, once).await })
    }

    fn list(&self, limit: Arg<'_, '_>, cursor: Arg<'_, '_>) -> PyResult<Call> {
        read!(limit: Option<Units>, cursor: Option<Text>);
        let page = page(limit, cursor)?;
        self.0.call(|door| async move { door.project_list(page).await })
    }
}

/// `session.runs`.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Runs(pub(crate) Session);

#[pymethods]
impl Runs {
    #[expect(clippy::too_many_arguments, reason = "each is an argument in Python")]
    fn create(
        &self,
        product: Arg<'_, '_>,
        project: Arg<'_, '_>,
        data: Arg<'_, '_>,
        run_id: Arg<'_, '_>,
        encoding: Arg<'_, '_>,
        sha256: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(product: Parsed<Product>, project: Parsed<Slug>, data: PyBackedBytes, run_id: Parsed<RunId>);
        read!(encoding: Parsed<Encoding>, sha256: Option<Parsed<Sha256>>);
        if sha256.is_none() && encoding.0 != Encoding::Identity {
            let what = "the SHA-256 of a packed document is not known";
            return Err(Failure::invalid_with(what, "say that of the unpacked one as sha256").into());
        }
        let bytes = Bytes::from_owner(data);
        self.0.call(|door| async move {
            let sha256 = match sha256 {
                Some(Parsed(sha256)) => sha256,
                None => digest(bytes.clone()).await?,
            };
            let wish = NewResults {
                product: product.0,
                project: project.0,
                run: run_id.0,
                sha256,
                length: bytes.len() as u64,
                encoding: encoding.0,
            };
            door.run_create(wish, bytes).await
        })
    }

    fn list(
        &self,
        product: Arg<'_, '_>,
        project: Arg<'_, '_>,
        limit: Arg<'_, '_>,
        cursor: Arg<'_, '_>,
    ) -> PyResult<Call> {
        read!(product: Option<Parsed<Product>>, project: Option<Parsed<Slug>>);
        read!(limit: Option<Units>, cursor: Option<Text>);
        let filter = Filter { product: product.map(|text| text.0), project: project.map(|text| text.0) };
        let page = page(limit, cursor)?;
        self.0.call(|door| async move { door.run_list(filter, page).await })
    }

    fn read(&self, id: Arg<'_, '_>) -> PyResult<Call> {
        read!(id: Parsed<UploadId>);
        self.0.call(|door| async move { door.run_read(id.0).await })
    }

    fn content(&self, id: Arg<'_, '_>) -> PyResult<Call> {
        read!(id: Parsed<UploadId>);
        self.0.call(|door| async move { door.run_content(id.0).await })
    }

    fn delete(&self, id: Arg<'_, '_>) -> PyResult<Call> {
        read!(id: Parsed<UploadId>);
        self.0.call(|door| async move { door.run_delete(id.0).await })
    }
}
