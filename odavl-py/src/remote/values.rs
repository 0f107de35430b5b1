//! What a service answers, as the values that the library's answers become.

use odavl_client::types;

use crate::{
    backups::{BackupFailure, BackupTrouble, BackupVerdict},
    keys::{ApiKey, KeyLimit, NewApiKey},
    runs::{LevelCounts, Project, Results, ResultsSummary, RuleCount, Tool, UploadedResults},
    storage::{DeletedObject, ObjectEntry, Presigned, StorageStats, StoredObject},
    values::{Bucket, Consumed, Ended, Me, Page, Reserved, Several, Standing, UsageReport},
};

impl<T, W: Into<T>> From<Vec<W>> for Several<T> {
    fn from(items: Vec<W>) -> Self {
        items.into_iter().map(Into::into).collect()
    }
}

impl<T> Page<T> {
    /// A page as it came.
    pub(super) fn from_wire<W: Into<T>>(items: Vec<W>, next_cursor: Option<String>) -> Self {
        Self { items: items.into(), next_cursor }
    }
}

/// Values that have the fields which the service says, by their names.
macro_rules! same {
    ($($wire:ident => $name:ident { $($field:ident),* })*) => {$(
        impl From<types::$wire> for $name {
            fn from(wire: types::$wire) -> Self {
                Self { $($field: wire.$field.into()),* }
            }
        }
    )*};
}

same! {
    BackupFailure => BackupFailure { work, backup_id, at, detail }
    BackupTrouble => BackupTrouble { kind, detail }
    BackupVerdict => BackupVerdict { tier, passed, at, seconds, by }
    Bucket => Bucket { start, subject, units, count, closing }
    Consumed => Consumed { meter, units, used, limit, remaining, resets_at, warning, replayed }
    DeletedObject => DeletedObject { object, freed_at }
    EndedReservation => Ended { id, limits, replayed }
    KeyLimit => KeyLimit { meter, max, per }
    LevelCounts => LevelCounts { error, warning, note, none }
    Me => Me { user_id, email, key_id, key_name, organization, organization_slug, plan, scopes }
    CreatedApiKey => NewApiKey { secret, key }
    Project => Project { id, slug, created_at }
    Reservation => Reserved { id, expires_at, limits, replayed }
    Results => Results {
        id, product, project, run_id, sha256, encoding, size, unpacked_size, created_at, created_by, summary
    }
    ResultsSummary => ResultsSummary {
        tools, results, levels, rules, other_rules, files, commit, started_at, ended_at
    }
    RuleCount => RuleCount { rule, results }
    Standing => Standing { meter, units, used, limit, remaining, resets_at, warning, period, key_id }
    StorageStats => StorageStats { objects, bytes, garbage_bytes }
    StoredObject => StoredObject { id, name, size, checksum, content_type, created_at, created_by }
    Tool => Tool { name, version }
    UploadedResults => UploadedResults { upload, replayed }
    Usage => UsageReport { plan, limits, api_keys, api_keys_limit }
}

impl From<types::ApiKey> for ApiKey {
    fn from(key: types::ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            scopes: Several(key.scopes),
            environment: key.environment,
            owner: key.owner,
            metadata: key.metadata.0.into_iter().collect(),
            limits: key.limits.into(),
            allowed_ips: Several(key.allowed_ips),
            disabled: key.disabled,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

impl From<types::ObjectEntry> for ObjectEntry {
    fn from(entry: types::ObjectEntry) -> Self {
        Self { name: entry.name, object: entry.object.map(Into::into) }
    }
}

impl From<types::PresignedRequest> for Presigned {
    fn from(request: types::PresignedRequest) -> Self {
        Self {
            method: request.method,
            url: request.url,
            headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            expires_at: request.expires_at,
        }
    }
}
