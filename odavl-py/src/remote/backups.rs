//! Backups, which the service makes.

use odavl_client::{
    Client, types,
    types::{BackupRequest, RestorePlanRequest},
};
use odavl_core::{backup::DatabaseName, ids::BackupId, page::PageQuery};

use super::{Remote, part};
use crate::{
    backups::{Backup, BackupSource, BackupWork, RestorePlan},
    failure::Result,
    values::{Page, Several},
};

impl BackupWork {
    fn from_wire(source: String, wire: types::BackupWork) -> Self {
        Self {
            source,
            work: wire.work,
            backup_id: wire.backup_id,
            since: wire.since,
            stage: wire.stage,
            bytes: wire.bytes,
            total_bytes: wire.total_bytes,
        }
    }
}

impl From<types::BackupSource> for BackupSource {
    fn from(wire: types::BackupSource) -> Self {
        Self {
            running: wire.running.map(|running| BackupWork::from_wire(wire.name.clone(), running)),
            name: wire.name,
            environment: wire.environment,
            schedule: wire.schedule,
            backups: wire.backups,
            newest: wire.newest.map(Into::into),
            newest_verified: wire.newest_verified.map(Into::into),
            failed: wire.failed.map(Into::into),
            troubles: wire.troubles.into(),
        }
    }
}

impl From<types::Backup> for Backup {
    fn from(wire: types::Backup) -> Self {
        Self {
            id: wire.id,
            source: wire.source,
            environment: wire.environment,
            started_at: wire.started_at,
            finished_at: wire.finished_at,
            bytes: wire.bytes,
            stored_bytes: wire.stored_bytes,
            proof: wire.proof.to_string(),
            pinned: wire.pinned,
            tool: wire.tool,
            recipients: Several(wire.recipients),
            verdicts: wire.verdicts.into(),
        }
    }
}

impl From<types::RestorePlan> for RestorePlan {
    fn from(wire: types::RestorePlan) -> Self {
        Self {
            backup_id: wire.backup_id,
            at: wire.at,
            bytes: wire.bytes,
            stored_bytes: wire.stored_bytes,
            proof: wire.proof.to_string(),
            took_seconds: wire.took_seconds,
            to: wire.to,
        }
    }
}

impl Remote {
    pub(crate) async fn backup_sources(&self) -> Result<Several<BackupSource>> {
        Ok(self.call(Client::backup_sources).await?.items.into())
    }

    pub(crate) async fn backup_list(&self, source: &str, page: PageQuery) -> Result<Page<Backup>> {
        let (cursor, limit) = part(&page);
        let found = self.call(|api| api.backup_list(source, cursor, limit)).await?;
        Ok(Page::from_wire(found.items, found.next_cursor))
    }

    pub(crate) async fn backup_get(&self, source: &str, id: BackupId) -> Result<Backup> {
        let id = id.to_string();
        Ok(self.call(|api| api.backup_get(source, &id)).await?.into())
    }

    /// Begun a second time it would be refused, and nobody would know whether by the first.
    pub(crate) async fn backup_create(&self, source: String) -> Result<BackupWork> {
        let body = BackupRequest { source };
        let begun = self.once(|api| api.backup_create(&body)).await?;
        Ok(BackupWork::from_wire(body.source, begun))
    }

    pub(crate) async fn backup_verify(&self, source: String, id: BackupId) -> Result<BackupWork> {
        let id = id.to_string();
        let begun = self.once(|api| api.backup_verify(&source, &id)).await?;
        Ok(BackupWork::from_wire(source, begun))
    }

    pub(crate) async fn restore_plan(
        &self,
        source: &str,
        id: BackupId,
        to: DatabaseName,
    ) -> Result<RestorePlan> {
        let (id, body) = (id.to_string(), RestorePlanRequest { to: to.to_string() });
        Ok(self.call(|api| api.backup_restore_plan(source, &id, &body)).await?.into())
    }
}
