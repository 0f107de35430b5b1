//! Looking at a source's backups, and telling what is new about them.

use std::{collections::BTreeMap, sync::PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Alert, Attempt, Entry, Proof, Record, Trouble, TroubleKind, Vault, alerts,
    news::News,
    place::Place,
    sources::{Job, Sources, Work},
};
use crate::{
    causes::Chain,
    error::{Error, Result},
    ids::BackupId,
    webhooks::Courier,
};

/// What is remembered of a source from one look to the next, by whichever node looks: beside its backups, signed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// Since when backups are expected.
    since: Option<Timestamp>,
    /// The last try that failed, to make one or to verify one.
    failed: Option<Failed>,
    /// What each channel was told.
    told: BTreeMap<String, Told>,
}

/// What this node remembers, and whether it could be written.
#[derive(Debug, Clone, Default)]
pub(super) struct Remembered {
    memory: Memory,
    written: bool,
}

/// A try that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// What was tried.
    pub work: Work,
    /// When it began.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

impl Failed {
    /// Whether what failed was done since, or there is nothing any more that it could be done with.
    fn is_over(&self, backups: &[Entry]) -> bool {
        match self.work {
            Work::Backup => backups.iter().any(|entry| entry.manifest.timings.started_at >= self.at),
            Work::Verify(id) => {
                let entry = backups.iter().find(|entry| entry.manifest.id == id);
                entry.is_none_or(|entry| entry.verdicts.iter().any(|verdict| verdict.at > self.at))
            }
        }
    }

    fn told(&self) -> String {
        match self.work {
            Work::Backup => self.why.clone(),
            Work::Verify(id) => format!("{id} could not be verified: {}", self.why),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Told {
    troubles: Vec<Trouble>,
    completed: Option<BackupId>,
}

/// How a source's backups stand.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// The complete backups, the oldest first.
    pub backups: Vec<Entry>,
    /// The last try to make or to verify one, where it failed.
    pub failed: Option<Failed>,
    /// What is wrong.
    pub troubles: Vec<Trouble>,
}

impl Health {
    /// The newest complete backup.
    pub fn newest(&self) -> Option<&Entry> {
        self.backups.last()
    }

    /// The newest that was restored and found good.
    pub fn verified(&self) -> Option<&Entry> {
        self.backups.iter().rev().find(|entry| entry.proof() == Proof::Verified)
    }

    pub(super) fn is_unreachable(&self) -> bool {
        self.troubles.iter().any(|trouble| trouble.kind == TroubleKind::Unreachable)
    }

    /// When the last try was begun.
    pub(super) fn begun(&self) -> Option<Timestamp> {
        let newest = self.newest().map(|entry| entry.manifest.timings.started_at);
        newest.max(self.failed_backup().map(|failed| failed.at))
    }

    /// The last try to make one, where it failed.
    pub(super) fn failed_backup(&self) -> Option<&Failed> {
        self.failed.as_ref().filter(|failed| failed.work == Work::Backup)
    }

    fn record(&self) -> Record {
        let attempt = |entry: &Entry| {
            let manifest = &entry.manifest;
            let bad = entry.proof() == Proof::Failed;
            let outcome = if bad { Err(format!("{} is bad", manifest.id)) } else { Ok(manifest.size) };
            Attempt { at: manifest.timings.started_at, outcome }
        };
        let mut attempts: Vec<_> = self.backups.iter().map(attempt).collect();
        attempts
            .extend(self.failed.iter().map(|failed| Attempt { at: failed.at, outcome: Err(failed.told()) }));
        Record { attempts, verified: self.verified().map(|entry| entry.manifest.timings.started_at) }
    }
}

impl Sources {
    /// How a source's backups stand now.
    pub(super) async fn health(&self, job: &Job, now: Timestamp) -> Result<Health> {
        let vault = self.vault().await?;
        let backups = vault.list(&job.place).await?.backups;
        let memory = self.memory(vault, &job.place).await;
        let failed = memory.failed.filter(|failed| !failed.is_over(&backups));
        let mut health = Health { backups, failed, troubles: Vec::new() };
        if let Some(routine) = &job.routine {
            let expected = routine.since(memory.since.unwrap_or(now));
            health.troubles = health.record().troubles(&expected, now)?;
        }
        Ok(health)
    }

    /// The same for whoever is told: where the store does not answer, that is what is wrong.
    pub(super) async fn seen(&self, job: &Job, now: Timestamp) -> Health {
        self.health(job, now).await.unwrap_or_else(|error| {
            let detail = format!("the backups cannot be looked at: {}", redacted(&error));
            let trouble = Trouble { kind: TroubleKind::Unreachable, detail };
            Health { troubles: vec![trouble], ..Health::default() }
        })
    }

    /// Keeps that a try failed, and when it began.
    pub(super) async fn note_failed(&self, job: &Job, (work, at): (Work, Timestamp), error: &Error) {
        let failed = Failed { work, at, why: redacted(error) };
        tracing::warn!(source = %job.place, error = failed.why, "a backup failed, or could not be verified");
        self.change(job, |memory| memory.failed = Some(failed)).await;
    }

    /// Tells every channel what is new to it; answers whether all heard.
    pub(super) async fn tell(
        &self,
        job: &Job,
        seen: &Health,
        (courier, now): (&dyn Courier, Timestamp),
    ) -> bool {
        let mut memory = match self.vault().await {
            Ok(vault) => self.memory(vault, &job.place).await,
            Err(_) => self.remembered(&job.place).unwrap_or_default().memory,
        };
        let before = memory.clone();
        memory.since = memory.since.or(Some(now));
        let mut all = true;
        for channel in self.alerting.channels() {
            let told = memory.told.entry(channel.name().to_owned()).or_default();
            for alert in self.new_to(told, seen) {
                let news = News { place: &job.place, alert: &alert, at: now };
                if let Err(error) = channel.tell(&news, courier).await {
                    tracing::warn!(channel = channel.name(), error = %Chain(&error), "news of backups could not be told; it is tried again");
                    all = false;
                    break;
                }
                told.note(alert);
            }
        }
        if memory != before {
            self.change(job, |there| (there.since, there.told) = (memory.since, memory.told)).await;
        }
        all
    }

    fn new_to(&self, told: &Told, seen: &Health) -> Vec<Alert> {
        let mut news = alerts(&told.troubles, &seen.troubles);
        let newest = seen
            .newest()
            .filter(|entry| self.alerting.on_success && told.completed != Some(entry.manifest.id));
        news.extend(newest.map(|entry| Alert::Completed {
            backup: entry.manifest.id,
            bytes: entry.manifest.size,
            stored_bytes: entry.manifest.stored.digests.size,
            seconds: entry.manifest.timings.seconds(),
        }));
        news
    }

    /// What is remembered: in the store, unless this node knows more than could be written there.
    async fn memory(&self, vault: &Vault, place: &Place) -> Memory {
        let here = self.remembered(place);
        if here.as_ref().is_some_and(|remembered| !remembered.written) {
            return here.unwrap_or_default().memory;
        }
        match vault.memory(place).await {
            Ok(there) => there.unwrap_or_default(),
            Err(error) => {
                tracing::warn!(source = %place, error = %Chain(&error), "what is remembered of backups cannot be read");
                here.unwrap_or_default().memory
            }
        }
    }

    async fn change(&self, job: &Job, change: impl FnOnce(&mut Memory)) {
        let place = &job.place;
        let vault = self.vault().await;
        let mut memory = match &vault {
            Ok(vault) => self.memory(vault, place).await,
            Err(_) => self.remembered(place).unwrap_or_default().memory,
        };
        change(&mut memory);
        let written = async { vault?.remember(place, &memory).await }.await;
        if let Err(error) = &written {
            tracing::warn!(source = %place, error = %Chain(error), "what is remembered of backups cannot be written");
        }
        let remembered = Remembered { memory, written: written.is_ok() };
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).insert(place.clone(), remembered);
    }

    fn remembered(&self, place: &Place) -> Option<Remembered> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }
}

impl Told {
    fn note(&mut self, alert: Alert) {
        match alert {
            Alert::Trouble(trouble) => self.troubles.push(trouble),
            Alert::Recovered { kind } => self.troubles.retain(|trouble| trouble.kind != kind),
            Alert::Completed { backup, .. } => self.completed = Some(backup),
        }
    }
}

/// What is told to the world outside: no password that stands in a URL.
fn redacted(error: &Error) -> String {
    let text = Chain(error).to_string();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("://") {
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '"' | '\'' | '`'))
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        shown.extend([before, "://", host]);
        rest = tail;
    }
    shown.push_str(rest);
    shown
}
