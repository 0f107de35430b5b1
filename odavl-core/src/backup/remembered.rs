//! What is remembered of a source from one look to the next, by whichever node looks: beside its backups, signed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Alert, Entry, Stage, Tier, TroubleKind,
    place::Place,
    sources::{Job, Sources, Work, answered},
};
use crate::{
    causes::Chain,
    error::{Error, ErrorCode, Result},
    ids::BackupId,
};

/// What is dated later than now by more than this is of a clock that was wrong.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// How often, and how far apart, it is tried to change what is remembered while another node does.
const TRIES: u32 = 20;
const MOMENT: Duration = Duration::from_millis(200);

/// Whether that is of a clock that was wrong.
pub(super) fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > AHEAD
}

/// What is remembered. It lies there in clear text: no error's text is in it, for that may name tables and what is in them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// Since when backups are expected.
    pub(super) since: Option<Timestamp>,
    /// The last backup that failed.
    pub(super) backup: Option<Failed>,
    /// The last verification that failed.
    pub(super) verification: Option<Failed>,
    /// What each channel was told.
    told: BTreeMap<String, Told>,
}

/// What a channel was told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    /// What began, and is not over.
    pub(super) troubles: BTreeSet<TroubleKind>,
    /// The last backup that was complete.
    pub(super) completed: Option<BackupId>,
}

/// Something new. Noted twice, it is the same.
#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Backups are expected since then.
    Since(Timestamp),
    /// A try failed.
    Failed(Failed),
    /// A channel was told.
    Told(&'static str, Alert),
}

/// A try that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// What was tried.
    pub work: Work,
    /// When it began.
    pub at: Timestamp,
    /// The code of its error, whose text is in the log of the node that tried, and nowhere else: it may say what is in the
    /// database.
    pub code: ErrorCode,
    /// The stage that it was in, where it had begun one.
    pub stage: Option<Stage>,
}

impl Failed {
    /// Why, as it may be told to everybody.
    pub fn why(&self) -> String {
        let stage = self.stage.map(|stage| format!(" in its stage `{stage}`")).unwrap_or_default();
        let code = self.code.as_str();
        format!("it ended{stage} with `{code}`, and the log of the node that tried says why")
    }

    /// Whether what failed was done since, or there is nothing any more that it could be done with.
    pub(super) fn is_over(&self, backups: &[Entry], now: Timestamp) -> bool {
        match self.work {
            _ if is_ahead(self.at, now) => true,
            Work::Backup => backups.iter().any(|entry| entry.manifest.timings.started_at >= self.at),
            Work::Verify(id) => {
                let entry = backups.iter().find(|entry| entry.manifest.id == id);
                entry.is_none_or(|entry| {
                    entry.verdicts.iter().any(|verdict| {
                        let is_as_thorough = verdict.tier == Tier::Restore || self.only_read();
                        is_as_thorough && verdict.at > self.at && !is_ahead(verdict.at, now)
                    })
                })
            }
        }
    }

    /// Whether no more was tried than to read the bytes.
    fn only_read(&self) -> bool {
        self.stage == Some(Stage::Download)
    }
}

impl Memory {
    /// What a channel was told.
    pub(super) fn told(&self, channel: &str) -> Told {
        self.told.get(channel).cloned().unwrap_or_default()
    }

    fn note_all(&mut self, changes: &[Change]) {
        for change in changes {
            self.note(change);
        }
    }

    fn note(&mut self, change: &Change) {
        match change {
            // One that is later is of a clock that was wrong.
            Change::Since(at) => self.since = Some(self.since.map_or(*at, |since| since.min(*at))),
            Change::Failed(failed) => {
                let last = match failed.work {
                    Work::Backup => &mut self.backup,
                    Work::Verify(_) => &mut self.verification,
                };
                // Another node may have written since of a later one.
                if last.as_ref().is_none_or(|last| last.at <= failed.at || is_ahead(last.at, failed.at)) {
                    *last = Some(failed.clone());
                }
            }
            Change::Told(channel, alert) => {
                self.told.entry((*channel).to_owned()).or_default().note(alert);
            }
        }
    }
}

impl Told {
    fn note(&mut self, alert: &Alert) {
        match alert {
            Alert::Trouble(trouble) => {
                self.troubles.insert(trouble.kind);
            }
            Alert::Recovered { kind } => {
                self.troubles.remove(kind);
            }
            Alert::Completed { backup, .. } => self.completed = Some(*backup),
        }
    }
}

impl Sources {
    /// What is remembered of a source: what lies in the store, and what this node could not write there yet.
    ///
    /// # Errors
    /// Whatever kept it from being read: nobody knows then.
    pub(super) async fn memory(&self, place: &Place) -> Result<Memory> {
        let mut memory = self.stored(place).await?;
        memory.note_all(&self.unwritten(place).await);
        Ok(memory)
    }

    /// What this node alone remembers of a source.
    pub(super) async fn own_memory(&self, place: &Place) -> Memory {
        let mut memory = Memory::default();
        memory.note_all(&self.unwritten(place).await);
        memory
    }

    /// Remembers what is new of a source, and what could not be written before.
    pub(super) async fn remember(&self, place: &Place, changes: Vec<Change>) {
        // One at a time: what is there is read, changed and written.
        let mut all = self.unwritten.lock().await;
        let unwritten = all.entry(place.clone()).or_default();
        unwritten.extend(changes);
        match answered(self.write(place, unwritten)).await {
            Ok(()) => unwritten.clear(),
            Err(error) => {
                tracing::warn!(source = %place, error = %Chain(&error), "what is new of backups could not be written beside them; it is tried again");
            }
        }
    }

    /// Writes what could not be written before, for the node that leads now.
    pub(super) async fn write_rest(&self) {
        for job in self.jobs() {
            self.remember(&job.place, Vec::new()).await;
        }
    }

    /// Notes that a try failed; answers `false` where it did not, and has to wait for somebody else who is at the same.
    pub(super) async fn note_failed(&self, job: &Job, (work, at): (Work, Timestamp), error: &Error) -> bool {
        let is_conflict = matches!(error, Error::Conflict(_));
        if is_conflict && self.busy(&job.place, work).await.is_ok_and(|busy| busy.is_some()) {
            tracing::info!(source = %job.place, error = %Chain(error), "a backup, or its verification, has to wait");
            return false;
        }
        tracing::warn!(source = %job.place, error = %Chain(error), "a backup failed, or could not be verified");
        let stage = self.running(&job.place).and_then(|running| running.stage);
        let failed = Failed { work, at, code: error.code(), stage };
        self.remember(&job.place, vec![Change::Failed(failed)]).await;
        true
    }

    async fn unwritten(&self, place: &Place) -> Vec<Change> {
        self.unwritten.lock().await.get(place).cloned().unwrap_or_default()
    }

    async fn write(&self, place: &Place, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        if self.noted(place, changes).await?.is_none() {
            return Ok(());
        }
        let vault = self.vault().await?;
        let write = || async {
            match self.noted(place, changes).await? {
                Some(memory) => vault.remember(place, &memory).await,
                None => Ok(()),
            }
        };
        let mut tries = 0;
        loop {
            match vault.remembering(place, write()).await {
                // Another node is at it, and is done in a moment; where it was killed, that is tried again later.
                Err(Error::Conflict(_)) if tries < TRIES => tries += 1,
                written => return written,
            }
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// What is remembered of a source once that is noted; `None` where it is already.
    async fn noted(&self, place: &Place, changes: &[Change]) -> Result<Option<Memory>> {
        let before = self.stored(place).await?;
        let mut memory = before.clone();
        memory.note_all(changes);
        Ok((memory != before).then_some(memory))
    }

    async fn stored(&self, place: &Place) -> Result<Memory> {
        match self.vault().await?.memory(place).await {
            // Whoever can write there can remove it, too: it is as if nothing was there.
            Err(error @ Error::Corrupted { .. }) => {
                tracing::warn!(source = %place, error = %Chain(&error), "what is remembered of backups is of nobody who is trusted, and begins anew");
                Ok(Memory::default())
            }
            found => Ok(found?.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "fs")]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::{
        ManualClock,
        backup::{Alerting, Encryption, Identities, Keys, SigningKey, Trouble, Trusted, Vault},
        secret::Secret,
        storage::{DirectUrls, FsStorage},
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn failed(second: i64) -> Change {
        let (code, stage) = (ErrorCode::Unavailable, None);
        Change::Failed(Failed { work: Work::Backup, at: at(second), code, stage })
    }

    /// What a node has of the backups in that folder.
    async fn node(folder: &Path) -> Sources {
        let clock = Arc::new(ManualClock::new(at(0)));
        let urls = DirectUrls::new("http://127.0.0.1", &Secret::new([0; 32])).unwrap();
        let store = FsStorage::open(folder, clock.clone(), urls).await.unwrap();
        let signing = SigningKey::from_seed(&[7; 32]).unwrap();
        let (trusted, identities) = (Trusted::default(), Identities::default());
        let keys = Keys { signing, trusted, encryption: Encryption::Nobody, identities };
        Sources::new(Vault::new(Arc::new(store), clock, keys), [], Alerting::default())
    }

    #[tokio::test]
    async fn what_is_new_at_once_is_remembered_by_whichever_nodes() {
        let folder = tempfile::tempdir().unwrap();
        let (one, another) = (node(folder.path()).await, node(folder.path()).await);
        let place = Place { environment: "production".parse().unwrap(), source: "main".parse().unwrap() };
        let trouble = Trouble { kind: TroubleKind::Late, detail: String::new() };
        let told = Change::Told("log", Alert::Trouble(trouble));
        tokio::join!(
            one.remember(&place, vec![failed(1)]),
            another.remember(&place, vec![told]),
            one.remember(&place, vec![Change::Since(at(2))]),
        );
        let memory = node(folder.path()).await.memory(&place).await.unwrap();
        assert_eq!((memory.backup.unwrap().at, memory.since), (at(1), Some(at(2))));
        assert!(memory.told["log"].troubles.contains(&TroubleKind::Late));
    }

    #[test]
    fn what_another_node_wrote_of_a_later_try_stays_unless_its_clock_was_wrong() {
        let after = |seconds: &[i64]| {
            let mut memory = Memory::default();
            memory.note_all(&seconds.iter().map(|second| failed(*second)).collect::<Vec<_>>());
            memory.backup.unwrap().at.as_second()
        };
        assert_eq!(after(&[1, 3, 2]), 3);
        assert_eq!(after(&[100_000, 2]), 2);
    }
}
