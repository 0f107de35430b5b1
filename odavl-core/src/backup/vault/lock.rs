//! One at a time: whoever makes or removes backups of a source has its lock, and whoever verifies or restores a backup
//! has that of the backup. A lock lies in the store itself, so that it holds for whoever can write there.
//!
//! A lock is a row of objects with numbers, each created once: taking it and renewing it is writing the next number, so of many
//! who try at once one succeeds, in a store that lets nothing be changed too. The last number rules, and is the fence: whoever
//! finds another's there has lost the lock, and the work is dropped. What time it is decides only whether a lock may be taken
//! over; nothing that is stored becomes wrong by a clock that is.

use std::{fmt, time::Duration};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Vault;
use crate::{
    backup::place::Place,
    error::{Error, Result},
    ids::BackupId,
    random,
    storage::{KeyPrefix, StoreKey, collect},
};

/// For how long a lock holds that nobody renews.
pub(super) const HOLDS: SignedDuration = SignedDuration::from_mins(10);
/// A lock that would hold for longer than this is of a clock that was wrong. It leaves room for clocks that differ a little.
const HOLDS_MOST: SignedDuration = SignedDuration::from_mins(20);
/// How often it is renewed.
const RENEWED: Duration = Duration::from_mins(2);
/// More bytes than a lock has.
const MOST: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Held {
    by: String,
    until: Timestamp,
}

/// What a lock is of.
#[derive(Debug, Clone)]
pub(super) enum Of {
    /// All backups of a source: making and removing them.
    Source(Place),
    /// A backup: verifying and restoring it.
    Backup(Place, BackupId),
    /// What is remembered of a source: changing it.
    Memory(Place),
}

impl Of {
    fn folder(&self) -> Result<KeyPrefix> {
        match self {
            Self::Source(place) => place.locks(),
            Self::Backup(place, id) => place.verifying(*id),
            Self::Memory(place) => place.remembering(),
        }
    }

    fn key(&self, number: u64) -> Result<StoreKey> {
        format!("{}{number:020}", self.folder()?.as_str()).parse()
    }
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(place) => write!(f, "a backup of {place} is being made or removed"),
            Self::Backup(_, id) => write!(f, "{id} is being verified or restored"),
            Self::Memory(place) => write!(f, "what is remembered of {place} is being changed"),
        }
    }
}

/// A lock that was taken. Dropped, it runs out; [`Lock::release`] gives it back at once.
#[derive(Debug)]
pub(super) struct Lock {
    vault: Vault,
    of: Of,
    by: String,
    /// How often it is renewed.
    pub(super) renewed: Duration,
}

impl Vault {
    /// Takes a lock.
    ///
    /// # Errors
    /// `conflict` where somebody has it.
    pub(super) async fn lock(&self, of: Of) -> Result<Lock> {
        let before = self.numbers(&of).await?;
        if let Some(told) = self.holder(&of, before.last()).await? {
            return Err(Error::Conflict(told));
        }
        let number = before.last().map_or(1, |(number, _)| number + 1);
        let lock = Lock { vault: self.clone(), of, by: random::id(), renewed: RENEWED };
        lock.write(number).await?;
        // Somebody may have come and gone since the numbers were read.
        if let Err(lost) = lock.check().await {
            // Left behind, it would hold the lock once nobody has it.
            let _ = self.store.delete(&lock.of.key(number)?).await;
            return Err(lost);
        }
        for (_, key) in before {
            // Where the store keeps it, it says nothing any more.
            let _ = self.store.delete(&key).await;
        }
        Ok(lock)
    }

    /// Whether somebody has the lock.
    pub(super) async fn is_locked(&self, of: &Of) -> Result<bool> {
        let numbers = self.numbers(of).await?;
        Ok(self.holder(of, numbers.last()).await?.is_some())
    }

    /// Who has a lock whose last object is this, in words.
    async fn holder(&self, of: &Of, last: Option<&(u64, StoreKey)>) -> Result<Option<String>> {
        let Some((number, key)) = last else { return Ok(None) };
        let Some(held) = self.held(key).await? else { return Ok(None) };
        let now = self.clock.now();
        let most = now.checked_add(HOLDS_MOST).unwrap_or(Timestamp::MAX);
        let told = || format!("{of}, by {} (lock {number}, until {})", held.by.escape_default(), held.until);
        Ok((now < held.until && held.until <= most).then(told))
    }

    async fn held(&self, key: &StoreKey) -> Result<Option<Held>> {
        let Some(object) = self.store.get(key, None).await? else { return Ok(None) };
        let bytes = match collect(object.body, MOST).await {
            Err(Error::TooLarge { .. }) => Bytes::new(),
            bytes => bytes?,
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| {
            Error::Conflict(format!(
                "the lock {key} cannot be read: remove it from the store, once nobody works on this source's backups"
            ))
        })
    }

    /// The objects of the lock that are there, with their numbers, in order.
    async fn numbers(&self, of: &Of) -> Result<Vec<(u64, StoreKey)>> {
        let number = |key: &StoreKey| key.segments().last()?.parse().ok();
        let stored = self.stored(&of.folder()?).await?;
        Ok(stored.into_iter().filter_map(|one| Some((number(&one.key)?, one.key))).collect())
    }
}

impl Lock {
    /// Does the work while the lock is held, and drops it where the lock is lost.
    ///
    /// # Errors
    /// `conflict` where it is lost; whatever the work fails with.
    pub(super) async fn over<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let renew = async {
            loop {
                tokio::time::sleep(self.renewed).await;
                if let Err(lost @ Error::Conflict(_)) = self.renew().await {
                    return lost;
                }
                // What could not be renewed now is renewed the next time, while nobody has taken it.
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            lost = renew => Err(lost),
        }
    }

    /// Makes sure that it is held still, before something becomes visible or goes; answers its last number.
    ///
    /// # Errors
    /// `conflict` where somebody has taken it since.
    pub(super) async fn check(&self) -> Result<u64> {
        // What was the last one may go while it is read: it was renewed.
        for _ in 0..3 {
            let Some((number, key)) = self.vault.numbers(&self.of).await?.pop() else { break };
            match self.vault.held(&key).await? {
                Some(held) if held.by == self.by => return Ok(number),
                Some(_) => break,
                None => {}
            }
        }
        Err(Error::Conflict(format!("{} by somebody else, who has taken the lock since", self.of)))
    }

    async fn renew(&self) -> Result<()> {
        let number = self.check().await?;
        self.write(number + 1).await?;
        // Where the store keeps the one before, it says nothing any more.
        let _ = self.vault.store.delete(&self.of.key(number)?).await;
        Ok(())
    }

    async fn write(&self, number: u64) -> Result<()> {
        let until = self.vault.clock.now().checked_add(HOLDS).unwrap_or(Timestamp::MAX);
        match self.write_until(number, until).await {
            // By somebody else; or by us, and the answer was lost.
            Err(Error::PreconditionFailed(_)) => self.check().await.map(drop),
            written => written,
        }
    }

    async fn write_until(&self, number: u64, until: Timestamp) -> Result<()> {
        let text = serde_json::to_vec(&Held { by: self.by.clone(), until })
            .map_err(|error| Error::internal("a lock cannot be written", Some(error.into())))?;
        self.vault.put(&self.of.key(number)?, text).await
    }

    /// Gives it back. What cannot be given back now runs out.
    pub(super) async fn release(self) {
        let _ = self.give_back().await;
    }

    async fn give_back(&self) -> Result<()> {
        let number = self.check().await?;
        if self.vault.let_go(&self.of.key(number)?).await? {
            return Ok(());
        }
        // A store that keeps everything is told that it is over, whatever the next one's clock says.
        self.write_until(number + 1, Timestamp::UNIX_EPOCH).await
    }
}
