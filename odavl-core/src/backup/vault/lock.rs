//! One at a time: whoever makes or removes backups of a source has its lock, which lies in the store itself, so that it
//! holds for whoever can write there.
//!
//! A lock is an object whose number is one more than the last one's, created once; so of many who take it at once one
//! wins, and who holds it is told from everybody before by the number, the fence. It is renewed while the work goes on. Whoever
//! finds that another number has come since has lost it, and stops before anything becomes visible.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;

use super::{Mode, Vault};
use crate::{
    backup::place::Place,
    error::{Error, Result},
    page::PageQuery,
    random,
    storage::{StoreKey, collect},
};

/// For how long a lock holds that nobody renews.
pub(super) const HOLDS: SignedDuration = SignedDuration::from_mins(10);
/// How often it is renewed.
const RENEWED: Duration = Duration::from_mins(2);
/// More bytes than a lock has.
const MOST: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Held {
    by: String,
    until: Timestamp,
}

/// A source's lock. Dropped, it is given back when it runs out; [`Lock::release`] gives it back at once.
#[derive(Debug)]
pub(super) struct Lock {
    vault: Vault,
    place: Place,
    fence: u64,
    by: String,
    renewing: AbortHandle,
}

impl Vault {
    /// Takes a source's lock.
    ///
    /// # Errors
    /// `conflict` where somebody has it.
    pub(super) async fn lock(&self, place: &Place) -> Result<Lock> {
        let (now, by) = (self.clock.now(), random::id());
        let last = self.fences(place).await?;
        if let Some((fence, key)) = last.last()
            && let Some(held) = self.held(key).await?
            && held.until > now
        {
            return Err(Error::Conflict(format!(
                "a backup of {place} is being made or removed, by {} (lock {fence}, until {})",
                held.by, held.until
            )));
        }
        let fence = last.last().map_or(1, |(fence, _)| fence + 1);
        self.hold(place, fence, &by, Mode::Once).await.map_err(|error| match error {
            Error::PreconditionFailed(_) => {
                Error::Conflict(format!("a backup of {place} is being begun somewhere else"))
            }
            error => error,
        })?;
        for (_, key) in last {
            self.store.delete(&key).await?;
        }
        let (vault, whose, name) = (self.clone(), place.clone(), by.clone());
        let renew = async move {
            loop {
                tokio::time::sleep(RENEWED).await;
                // What cannot be renewed now is renewed in time the next time, or found out by `check`.
                let _ = vault.hold(&whose, fence, &name, Mode::Replace).await;
            }
        };
        let renewing = tokio::spawn(renew).abort_handle();
        Ok(Lock { vault: self.clone(), place: place.clone(), fence, by, renewing })
    }

    async fn hold(&self, place: &Place, fence: u64, by: &str, mode: Mode) -> Result<()> {
        let until = self.clock.now().checked_add(HOLDS).unwrap_or(Timestamp::MAX);
        self.write(place, fence, Held { by: by.to_owned(), until }, mode).await
    }

    async fn write(&self, place: &Place, fence: u64, held: Held, mode: Mode) -> Result<()> {
        let text = serde_json::to_vec(&held)
            .map_err(|error| Error::internal("a lock cannot be written", Some(error.into())))?;
        self.put(&place.lock(fence)?, text, mode).await
    }

    async fn held(&self, key: &StoreKey) -> Result<Option<Held>> {
        let Some(object) = self.store.get(key, None).await? else { return Ok(None) };
        let bytes = collect(object.body, MOST).await?;
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| Error::corrupted(format!("the lock {key} cannot be read"), Some(error.into())))
    }

    /// The locks that are there, with their numbers, in order.
    async fn fences(&self, place: &Place) -> Result<Vec<(u64, StoreKey)>> {
        let page = PageQuery { limit: PageQuery::MOST, cursor: None };
        let listed = self.store.list(&place.locks()?, &page).await?.items;
        let fence = |key: &StoreKey| key.segments().last()?.parse().ok();
        Ok(listed.into_iter().filter_map(|stored| Some((fence(&stored.key)?, stored.key))).collect())
    }
}

impl Lock {
    /// Makes sure that it is held still, before something becomes visible or goes.
    ///
    /// # Errors
    /// `conflict` where somebody has taken it since.
    pub(super) async fn check(&self) -> Result<()> {
        let last = self.vault.fences(&self.place).await?.pop();
        let is_ours = last.as_ref().is_some_and(|(fence, _)| *fence == self.fence);
        let held = match &last {
            Some((_, key)) if is_ours => self.vault.held(key).await?,
            _ => None,
        };
        if held.is_some_and(|held| held.by == self.by && held.until > self.vault.clock.now()) {
            return Ok(());
        }
        Err(Error::Conflict(format!(
            "the lock of {} was lost while it was held: it stood still for too long, or somebody has taken it",
            self.place
        )))
    }

    /// Gives it back.
    pub(super) async fn release(self) -> Result<()> {
        self.renewing.abort();
        // Whatever the next one's clock says.
        let over = Held { by: self.by.clone(), until: Timestamp::UNIX_EPOCH };
        self.vault.write(&self.place, self.fence, over, Mode::Replace).await
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}
