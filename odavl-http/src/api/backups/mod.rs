//! Backups of the databases that the configuration names, for operators.

mod shapes;

use odavl_core::backup::Running;
use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
};

use self::shapes::{
    BackupBody, BackupPage, BackupRequest, BackupSourceList, PlanBody, RestorePlanRequest, SourceBody,
    WorkBody,
};
use super::Tag;
use crate::{
    caller::Caller,
    problem::Failure,
    schema::{PageLimit, page},
    shape::{self, Cursor, Text},
};

pub(super) struct Api;

#[derive(ApiResponse)]
enum Begun {
    /// It has begun, and goes on when this is answered.
    #[oai(status = 202)]
    Work(Json<WorkBody>),
}

impl From<Running> for Begun {
    fn from(running: Running) -> Self {
        Self::Work(Json(WorkBody::from(&running)))
    }
}

#[OpenApi(prefix_path = "/api/v1/backups", tag = "Tag::Backups")]
impl Api {
    /// The sources that the configuration names, and how the backups of each stand: what was made and verified last, what
    /// failed, what is wrong.
    #[oai(path = "/sources", method = "get", operation_id = "backup_sources")]
    async fn sources(&self, Caller(session): Caller) -> Result<Json<BackupSourceList>, Failure> {
        let items = session.backups().sources().await?.into_iter().map(SourceBody::from).collect();
        Ok(Json(BackupSourceList { items, next_cursor: None }))
    }

    /// The complete backups of a source, newest first.
    #[oai(path = "/sources/:source", method = "get", operation_id = "backup_list")]
    async fn list(
        &self,
        Caller(session): Caller,
        /// The source's name.
        Path(source): Path<Text<shape::SourceName>>,
        /// How many at most: 1 to 1,000.
        Query(limit): Query<Option<PageLimit>>,
        /// The `next_cursor` of the page before.
        Query(cursor): Query<Option<Text<Cursor>>>,
    ) -> Result<Json<BackupPage>, Failure> {
        Ok(Json(session.backups().list(&source, &page(limit, cursor)?).await?.into()))
    }

    /// Begins a backup of a source: it is made, proved, and those are removed that no rule keeps.
    ///
    /// It goes on when this is answered; the source's `running` tells how far it is, and its `newest` or `failed` what came
    /// of it. `conflict` while something is under way with the source.
    #[oai(path = "/", method = "post", operation_id = "backup_create")]
    async fn create(
        &self,
        Caller(session): Caller,
        Json(body): Json<BackupRequest>,
    ) -> Result<Begun, Failure> {
        Ok(session.backups().create(&body.source).await?.into())
    }

    /// A backup, and what was found out about it.
    #[oai(path = "/sources/:source/:id", method = "get", operation_id = "backup_get")]
    async fn get(
        &self,
        Caller(session): Caller,
        /// The source's name.
        Path(source): Path<Text<shape::SourceName>>,
        /// The backup.
        Path(id): Path<Text<shape::BackupId>>,
    ) -> Result<Json<BackupBody>, Failure> {
        Ok(Json(BackupBody::from(&session.backups().get(&source, id.parse()?).await?)))
    }

    /// Begins to verify a backup: it is restored to a scratch database, compared with what was dumped, and that is removed.
    ///
    /// It goes on when this is answered; the backup has one verdict more, or its source `failed`, when it has ended.
    #[oai(path = "/sources/:source/:id/verify", method = "post", operation_id = "backup_verify")]
    async fn verify(
        &self,
        Caller(session): Caller,
        /// The source's name.
        Path(source): Path<Text<shape::SourceName>>,
        /// The backup.
        Path(id): Path<Text<shape::BackupId>>,
    ) -> Result<Begun, Failure> {
        Ok(session.backups().verify(&source, id.parse()?).await?.into())
    }

    /// What restoring a backup to a new database would do: how much it is, how long it took last. It restores nothing; that
    /// is done on the server, by `odavl backup restore`.
    #[oai(path = "/sources/:source/:id/restore-plan", method = "post", operation_id = "backup_restore_plan")]
    async fn restore_plan(
        &self,
        Caller(session): Caller,
        /// The source's name.
        Path(source): Path<Text<shape::SourceName>>,
        /// The backup.
        Path(id): Path<Text<shape::BackupId>>,
        Json(body): Json<RestorePlanRequest>,
    ) -> Result<Json<PlanBody>, Failure> {
        Ok(Json(session.backups().restore_plan(&source, id.parse()?, body.to.parse()?).await?.into()))
    }
}
