//! Looking at a source's backups, and telling what is new about them.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Alert, Attempt, Entry, Failed, Proof, Record, Trouble, TroubleKind, alerts,
    news::News,
    remembered::{Change, Told, is_ahead},
    sources::{Job, Sources, answered},
};
use crate::{causes::Chain, error::Result, webhooks::Courier};

/// How a source's backups stand.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// The complete backups, the oldest first; none that is dated in the future.
    pub backups: Vec<Entry>,
    /// The last try to make one, where it failed.
    pub failed_backup: Option<Failed>,
    /// The last try to verify one that failed, until that was done.
    pub failed_verification: Option<Failed>,
    /// What is wrong.
    pub troubles: Vec<Trouble>,
}

/// How a source's backups stand, in figures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// When the newest backup was begun that is not known to be bad.
    pub last_success: Option<Timestamp>,
    /// When the newest one was begun that was restored and found good.
    pub last_verified: Option<Timestamp>,
    /// How many seconds the newest one took that is not known to be bad.
    pub seconds: Option<f64>,
    /// How many bytes its dump has.
    pub bytes: Option<u64>,
    /// How many bytes of it are stored.
    pub stored_bytes: Option<u64>,
    /// What is wrong.
    pub troubles: BTreeSet<TroubleKind>,
}

impl Health {
    /// The newest complete backup.
    pub fn newest(&self) -> Option<&Entry> {
        self.backups.last()
    }

    /// The newest that is not known to be bad.
    pub fn good(&self) -> Option<&Entry> {
        self.backups.iter().rev().find(|entry| !is_bad(entry))
    }

    /// The newest that was restored and found good.
    pub fn verified(&self) -> Option<&Entry> {
        self.backups.iter().rev().find(|entry| entry.proof() == Proof::Verified)
    }

    /// The last try that failed, to make one or to verify one.
    pub fn failed(&self) -> Option<&Failed> {
        self.failed_backup.iter().chain(&self.failed_verification).max_by_key(|failed| failed.at)
    }

    /// The same in figures.
    pub fn figures(&self) -> Figures {
        let good = self.good().map(|entry| &entry.manifest);
        Figures {
            last_success: good.map(|manifest| manifest.timings.started_at),
            last_verified: self.verified().map(begun),
            seconds: good.map(|manifest| manifest.timings.seconds()),
            bytes: good.map(|manifest| manifest.size),
            stored_bytes: good.map(|manifest| manifest.stored.digests.size),
            troubles: self.troubles.iter().map(|trouble| trouble.kind).collect(),
        }
    }

    pub(super) fn is_unreachable(&self) -> bool {
        self.troubles.iter().any(|trouble| trouble.kind == TroubleKind::Unreachable)
    }

    /// When the last try was begun.
    pub(super) fn begun(&self) -> Option<Timestamp> {
        self.newest().map(begun).max(self.failed_backup.as_ref().map(|failed| failed.at))
    }

    /// When the last try was begun, where it is made once more: it failed, or what it made is bad. After two that are bad the
    /// schedule is waited for, since each takes its room in the store.
    pub(super) fn in_vain(&self) -> Option<Timestamp> {
        let bad = match self.backups.as_slice() {
            [.., before, last] => Some(last).filter(|last| is_bad(last) && !is_bad(before)),
            backups => backups.last().filter(|last| is_bad(last)),
        };
        bad.map(begun).max(self.failed_backup.as_ref().map(|failed| failed.at))
    }

    fn record(&self) -> Record {
        let attempt = |entry: &Entry| {
            let manifest = &entry.manifest;
            let outcome =
                if is_bad(entry) { Err(format!("{} is bad", manifest.id)) } else { Ok(manifest.size) };
            Attempt { at: manifest.timings.started_at, outcome }
        };
        let mut attempts: Vec<_> = self.backups.iter().map(attempt).collect();
        let failed = self.failed_backup.iter();
        attempts.extend(failed.map(|failed| Attempt { at: failed.at, outcome: Err(failed.why()) }));
        attempts.sort_by_key(|attempt| attempt.at);
        let unverifiable = self
            .failed_verification
            .as_ref()
            .map(|failed| format!("{} that began at {} failed: {}", failed.work, failed.at, failed.why()));
        Record { attempts, verified: self.verified().map(begun), unverifiable }
    }
}

fn begun(entry: &Entry) -> Timestamp {
    entry.manifest.timings.started_at
}

fn is_bad(entry: &Entry) -> bool {
    entry.proof() == Proof::Failed
}

/// What is told of a backup of a clock that was wrong.
fn from_the_future(entry: &Entry) -> Trouble {
    let (id, at) = (entry.manifest.id, begun(entry));
    let detail = format!("{id} is dated {at}, by a clock that was wrong, and does not count before that");
    Trouble { kind: TroubleKind::Future, detail }
}

impl Sources {
    /// How a source's backups stand now.
    pub(super) async fn health(&self, job: &Job, now: Timestamp) -> Result<Health> {
        let listed = self.vault().await?.list(&job.place).await?.backups;
        let memory = self.memory(&job.place).await?;
        let (ahead, backups): (Vec<_>, Vec<_>) =
            listed.into_iter().partition(|entry| is_ahead(begun(entry), now));
        let is_open = |failed: &Failed| !failed.is_over(&backups, now);
        let (failed_backup, failed_verification) =
            (memory.backup.filter(is_open), memory.verification.filter(is_open));
        let mut health = Health { backups, failed_backup, failed_verification, troubles: Vec::new() };
        if let Some(routine) = &job.routine {
            let since = memory.since.filter(|since| !is_ahead(*since, now));
            health.troubles = health.record().troubles(&routine.since(since.unwrap_or(now)), now)?;
        }
        health.troubles.extend(ahead.last().map(from_the_future));
        Ok(health)
    }

    /// The same for whoever is told: where the store does not answer, that is what is wrong.
    pub(super) async fn seen(&self, job: &Job, now: Timestamp) -> Health {
        answered(self.health(job, now)).await.unwrap_or_else(|error| {
            tracing::warn!(source = %job.place, error = %Chain(&error), "backups cannot be looked at");
            let code = error.code().as_str();
            let detail = format!(
                "the backups cannot be looked at: that ended with `{code}`, and the log of the node says why"
            );
            let trouble = Trouble { kind: TroubleKind::Unreachable, detail };
            Health { troubles: vec![trouble], ..Health::default() }
        })
    }

    /// Tells every channel what is new to it; answers whether all heard.
    pub(super) async fn tell(
        &self,
        job: &Job,
        seen: &Health,
        (courier, now): (&dyn Courier, Timestamp),
    ) -> bool {
        let (memory, mut changes) = match answered(self.memory(&job.place)).await {
            Ok(memory) => {
                let is_new = memory.since.is_none_or(|since| is_ahead(since, now));
                (memory, Vec::from_iter(is_new.then_some(Change::Since(now))))
            }
            // That it is away is told by whoever finds it so; nobody knows what else was told before.
            Err(_) if seen.is_unreachable() => (self.own_memory(&job.place).await, Vec::new()),
            Err(_) => return false,
        };
        let mut all = true;
        for channel in self.alerting.channels() {
            for alert in self.new_to(&memory.told(channel.name()), job, seen) {
                let news = News { place: &job.place, alert: &alert, at: now };
                if let Err(error) = channel.tell(&news, courier).await {
                    tracing::warn!(channel = channel.name(), error = %Chain(&error), "news of backups could not be told; it is tried again");
                    all = false;
                    break;
                }
                changes.push(Change::Told(channel.name(), alert));
            }
        }
        self.remember(&job.place, changes).await;
        all
    }

    fn new_to(&self, told: &Told, job: &Job, seen: &Health) -> Vec<Alert> {
        let mut news = alerts(&told.troubles, &seen.troubles);
        // What is being verified may be found bad yet.
        if self.alerting.on_success && self.running(&job.place).is_none() {
            let newer =
                seen.backups.iter().rev().take_while(|entry| told.completed != Some(entry.manifest.id));
            let newest = newer.into_iter().find(|entry| !is_bad(entry));
            news.extend(newest.map(|entry| Alert::Completed {
                backup: entry.manifest.id,
                bytes: entry.manifest.size,
                stored_bytes: entry.manifest.stored.digests.size,
                seconds: entry.manifest.timings.seconds(),
            }));
        }
        news
    }
}
