//! What tries left that were killed. Nothing unsigned makes anything go here, but bytes that have no manifest.

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};

use super::{
    BY, Head, Keyed, Vault,
    lock::{HOLDS, Lock},
    pages,
};
use crate::{
    backup::{
        manifest::GivenUp,
        place::Place,
        signing::{Kind, sign},
    },
    error::{Error, Result},
    ids::BackupId,
    storage::StoreKey,
};

/// For how long the place of what was given up is kept: longer than a store takes a request that was sent.
const BURIED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What became of what earlier tries had left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Of which tries it is gone.
    pub removed: Vec<BackupId>,
    /// What the store does not let go of, in words.
    pub stays: Vec<String>,
}

impl Vault {
    /// Gives up every try that has no manifest, so that none comes late from whoever had the lock before; removes what is
    /// left of those that were not touched for longer than a lock holds.
    pub(super) async fn clear(&self, place: &Place, lock: &Lock) -> Result<Cleared> {
        let before = self.clock.now().checked_sub(HOLDS).unwrap_or(Timestamp::MIN);
        let mut cleared = Cleared::default();
        self.clear_uploads(place, before, &mut cleared).await?;
        for (id, keyed) in self.keyed(&place.prefix()?).await? {
            let given_up = match self.given_up(place, id, &keyed).await {
                Ok(given_up) => given_up,
                // It is refused wherever backups are listed, and left alone.
                Err(Error::Corrupted { .. } | Error::Unsupported(_)) => None,
                Err(error) => return Err(error),
            };
            let Some(given_up) = given_up else { continue };
            if keyed.touched < before {
                lock.check().await?;
                self.clear_one(place, &given_up, &keyed, &mut cleared).await?;
            }
        }
        Ok(cleared)
    }

    /// That the try was given up, where it was, or has no manifest and is now.
    async fn given_up(&self, place: &Place, id: BackupId, keyed: &Keyed) -> Result<Option<GivenUp>> {
        if !keyed.manifest {
            return self.give_up(place, id).await;
        }
        Ok(match self.head(place, id).await? {
            Some(Head::GivenUp(given_up)) => Some(given_up),
            Some(Head::Manifest(_)) | None => None,
        })
    }

    /// Takes the place of a manifest that is not there, so that none comes any more; `None` where one has come.
    pub(super) async fn give_up(&self, place: &Place, id: BackupId) -> Result<Option<GivenUp>> {
        let given_up = GivenUp { id, place: place.clone(), at: self.clock.now(), by: BY.to_owned() };
        let (bytes, _) = sign(Kind::GivenUp, &self.keys.signing, &given_up)?;
        match self.put(&place.manifest(id)?, bytes).await {
            Ok(()) => Ok(Some(given_up)),
            Err(Error::PreconditionFailed(_)) => Ok(match self.head(place, id).await? {
                Some(Head::GivenUp(given_up)) => Some(given_up),
                Some(Head::Manifest(_)) | None => None,
            }),
            Err(error) => Err(error),
        }
    }

    async fn clear_one(
        &self,
        place: &Place,
        given_up: &GivenUp,
        keyed: &Keyed,
        cleared: &mut Cleared,
    ) -> Result<()> {
        let id = given_up.id;
        let stays = cleared.stays.len();
        self.remove_files(place, id, keyed, cleared).await?;
        let over = self.clock.now().checked_sub(BURIED).unwrap_or(Timestamp::MIN);
        // Its place is kept for a while, and for as long as anything is left that has none.
        if cleared.stays.len() == stays && given_up.at < over {
            self.remove_key(&place.manifest(id)?, cleared).await?;
        }
        if cleared.stays.len() == stays && !keyed.others.is_empty() {
            cleared.removed.push(id);
        }
        Ok(())
    }

    /// Removes all of a backup but its manifest.
    pub(super) async fn remove_files(
        &self,
        place: &Place,
        id: BackupId,
        keyed: &Keyed,
        cleared: &mut Cleared,
    ) -> Result<()> {
        for key in keyed.others.iter().chain(&keyed.verdicts) {
            self.remove_key(key, cleared).await?;
        }
        if keyed.pinned {
            self.remove_key(&place.pin(id)?, cleared).await?;
        }
        Ok(())
    }

    async fn remove_key(&self, key: &StoreKey, cleared: &mut Cleared) -> Result<()> {
        if !self.let_go(key).await? {
            cleared.stays.push(format!("the store does not let {key} be removed"));
        }
        Ok(())
    }

    /// Ends the uploads that nobody goes on with.
    async fn clear_uploads(&self, place: &Place, before: Timestamp, cleared: &mut Cleared) -> Result<()> {
        let prefix = &place.prefix()?;
        let read = |page| async move { self.store.open_multiparts(prefix, &page).await }.boxed();
        let open = match pages(read).await {
            Err(Error::Unsupported(_)) => return Ok(()),
            open => open?,
        };
        for stale in open.iter().filter(|open| open.begun < before) {
            if self.store.abort_multipart(&stale.multipart).await.is_err() {
                let key = &stale.multipart.key;
                cleared.stays.push(format!("the store does not let an upload of {key} be ended"));
            }
        }
        Ok(())
    }
}
