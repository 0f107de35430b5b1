//! The use cases of backups: what is made of a database ([`Backup`]) and a store. They need no database of odavl's own, so a
//! command can do them by itself; a service that schedules them does the same.

mod clear;
mod create;
mod lock;
mod prune;
mod restore;
mod run;
mod verify;
mod watch;

#[cfg(test)]
mod tests;

use std::{borrow::Borrow, collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use jiff::{SignedDuration, Timestamp};

pub use self::{
    clear::Cleared,
    create::{Created, Wish},
    prune::{Pruned, Pruning},
    restore::{Plan, RestoreWish},
    run::{Ran, RunPolicy},
    verify::Verified,
};
use super::{
    cipher::{Encryption, Identities},
    manifest::{GivenUp, Manifest},
    place::{File, Place},
    progress::{Progress, Unseen},
    retention::{Candidate, Pinned, Proof},
    signing::{Kind, Signed, SigningKey, Trusted, open, says},
    verdict::{Tier, Verdict},
};
use crate::{
    clock::Clock,
    error::{Error, Result},
    ids::BackupId,
    page::{Page, PageQuery},
    storage::{KeyPrefix, PutOptions, Sha256, Storage, StoreKey, Stored, collect, full},
};

/// More bytes than a document of a backup has: a manifest of 10,000 parts takes about 2 MB, and what tells of all roles and
/// tables may take more.
const DOCUMENT_MOST: u64 = 64 << 20;
/// How many backups' documents are read at a time.
const AT_ONCE: usize = 16;
/// How far ahead a backup may be dated by a clock that is only somewhat wrong.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);
/// What is stored says what made it.
const BY: &str = concat!("odavl ", env!("CARGO_PKG_VERSION"));

/// With what backups are made and read. All of it comes from the configuration, nothing from the store.
#[derive(Debug, Clone)]
pub struct Keys {
    /// What they are signed with.
    pub signing: SigningKey,
    /// Whose signatures count; the own ones do in any case.
    pub trusted: Trusted,
    /// For whom they are encrypted.
    pub encryption: Encryption,
    /// What they are read with: to verify and to restore. A host that only makes them has none.
    pub identities: Identities,
}

/// The backups in a store.
#[derive(Debug, Clone)]
pub struct Vault {
    store: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    keys: Keys,
    progress: Arc<dyn Progress>,
}

/// A complete backup: its manifest is there, and was made by somebody who is trusted.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What is known of it.
    pub manifest: Manifest,
    /// What was found out about it, the oldest first.
    pub verdicts: Vec<Verdict>,
    /// Whether somebody said that it stays.
    pub pinned: Pinned,
    digest: Sha256,
}

impl Entry {
    /// Whether it can be restored, as far as is known.
    pub fn proof(&self) -> Proof {
        Verdict::proof(&self.verdicts)
    }

    /// How long restoring and comparing it took last.
    pub fn restored_in(&self) -> Option<f64> {
        let restores = self.verdicts.iter().rev().filter(|verdict| verdict.tier == Tier::Restore);
        restores.map(|verdict| verdict.seconds).next()
    }

    fn candidate(&self) -> Candidate {
        Candidate {
            id: self.manifest.id,
            at: self.manifest.timings.started_at,
            proof: self.proof(),
            pinned: self.pinned,
        }
    }
}

/// What lies among a source's backups.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The complete backups, the oldest first.
    pub backups: Vec<Entry>,
    /// What cannot be taken for a backup, and why: unsigned, changed, of somebody who is not trusted.
    pub refused: Vec<(BackupId, String)>,
}

/// Which backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// That one.
    Id(BackupId),
    /// The newest that is not known to be bad.
    Newest,
    /// The newest that was restored and found good.
    NewestVerified,
}

/// What there is of a backup in the store, by its keys.
#[derive(Debug, Default)]
struct Keyed {
    manifest: bool,
    pinned: bool,
    verdicts: Vec<StoreKey>,
    /// Bytes, and the lock of whoever verifies it.
    others: Vec<StoreKey>,
    /// When something of it was stored last.
    touched: Timestamp,
}

impl Vault {
    /// The backups in that store.
    pub fn new(store: Arc<dyn Storage>, clock: Arc<dyn Clock>, mut keys: Keys) -> Self {
        keys.trusted = keys.trusted.and(keys.signing.public());
        Self { store, clock, keys, progress: Arc::new(Unseen) }
    }

    /// The same; it tells how far it has come.
    #[must_use]
    pub fn telling(self, progress: Arc<dyn Progress>) -> Self {
        Self { progress, ..self }
    }

    /// All backups of a source.
    pub async fn list(&self, place: &Place) -> Result<Listing> {
        let keyed = self.keyed(&place.prefix()?).await?.into_iter().filter(|(_, keyed)| keyed.manifest);
        let read = |(id, keyed): (BackupId, Keyed)| async move { (id, self.entry(place, id, &keyed).await) };
        let mut entries = stream::iter(keyed).map(read).buffered(AT_ONCE);
        let mut listing = Listing::default();
        while let Some((id, read)) = entries.next().await {
            match read {
                Ok(entry) => listing.backups.extend(entry),
                Err(error @ (Error::Corrupted { .. } | Error::Unsupported(_))) => {
                    listing.refused.push((id, error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        listing.backups.sort_by_key(|entry| entry.manifest.timings.started_at);
        Ok(listing)
    }

    /// A backup of a source.
    ///
    /// # Errors
    /// `not_found` where there is none such; `corrupted` where what is there cannot be taken for one.
    pub async fn find(&self, place: &Place, which: Which) -> Result<Entry> {
        let Which::Id(id) = which else {
            let verified = which == Which::NewestVerified;
            let Listing { mut backups, refused } = self.list(place).await?;
            backups.retain(|entry| {
                if verified { entry.proof() == Proof::Verified } else { entry.proof() != Proof::Failed }
            });
            let what = if verified { "verified backup" } else { "backup" };
            return self.newest(backups).ok_or_else(|| match refused.first() {
                Some((_, why)) => Error::corrupted(format!("no {what} of {place}: {why}"), None),
                None => Error::not_found(what, &format!("of {place}")),
            });
        };
        let entry = match self.keyed(&place.backup(id)?).await?.remove(&id) {
            Some(keyed) if keyed.manifest => self.entry(place, id, &keyed).await?,
            _ => None,
        };
        entry.ok_or_else(|| Error::not_found("backup", &id))
    }

    /// The newest of them. One that is dated far ahead, by a clock that was wrong, is that only where there is no other.
    fn newest<E: Borrow<Entry>>(&self, backups: impl IntoIterator<Item = E>) -> Option<E> {
        let until = self.clock.now().checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        backups.into_iter().max_by_key(|entry| {
            let at = entry.borrow().manifest.timings.started_at;
            (at <= until, at)
        })
    }

    /// Says that a backup stays, or that it need not any more.
    ///
    /// # Errors
    /// `not_found` where it is not there, or was removed meanwhile.
    pub async fn pin(&self, place: &Place, id: BackupId, pinned: Pinned) -> Result<()> {
        let key = place.pin(self.find(place, Which::Id(id)).await?.manifest.id)?;
        match pinned {
            Pinned::Yes => {
                match self.put(&key, b"{}".to_vec()).await {
                    Err(Error::PreconditionFailed(_)) => {}
                    put => put?,
                }
                // Whoever prunes looks for the pin and then removes: what is there still has been seen with it.
                self.find(place, Which::Id(id)).await.map(drop)
            }
            Pinned::No => self.store.delete(&key).await,
        }
    }

    async fn entry(&self, place: &Place, id: BackupId, keyed: &Keyed) -> Result<Option<Entry>> {
        let Some(signed) = self.manifest(place, id).await? else { return Ok(None) };
        let Signed { document: manifest, digest } = signed;
        let mut verdicts = Vec::new();
        for key in &keyed.verdicts {
            match self.verdict(key).await {
                Ok(Some(verdict)) if verdict.backup == id && verdict.manifest == digest => {
                    verdicts.push(verdict);
                }
                // One that is about another manifest, was tampered with or is nobody's whom we trust, says nothing.
                Ok(_) | Err(Error::Corrupted { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        verdicts.sort_by_key(|verdict| verdict.at);
        let pinned = if keyed.pinned { Pinned::Yes } else { Pinned::No };
        Ok(Some(Entry { manifest, verdicts, pinned, digest }))
    }

    /// The manifest; `None` where there is none, or it was given up.
    async fn manifest(&self, place: &Place, id: BackupId) -> Result<Option<Signed<Manifest>>> {
        Ok(match self.head(place, id).await? {
            Some(Head::Manifest(signed)) => Some(*signed),
            Some(Head::GivenUp(_)) | None => None,
        })
    }

    /// What stands where the manifest belongs, once it is proved that somebody made it who is trusted.
    async fn head(&self, place: &Place, id: BackupId) -> Result<Option<Head>> {
        let key = place.manifest(id)?;
        let Some(bytes) = self.read(&key).await? else { return Ok(None) };
        if says(Kind::GivenUp, &bytes) {
            let signed: Signed<GivenUp> = open(Kind::GivenUp, &self.keys.trusted, &bytes, key.as_str())?;
            let given_up = signed.document;
            if (&given_up.place, given_up.id) == (place, id) {
                return Ok(Some(Head::GivenUp(given_up)));
            }
            return Err(Error::corrupted(format!("{key} gives up another one, {}", given_up.id), None));
        }
        let Signed { document, digest } = open(Kind::Manifest, &self.keys.trusted, &bytes, key.as_str())?;
        let document = Manifest::read(document, place, id)?;
        Ok(Some(Head::Manifest(Box::new(Signed { document, digest }))))
    }

    async fn verdict(&self, key: &StoreKey) -> Result<Option<Verdict>> {
        let Some(bytes) = self.read(key).await? else { return Ok(None) };
        open(Kind::Verdict, &self.keys.trusted, &bytes, key.as_str()).map(|signed| Some(signed.document))
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Bytes>> {
        let Some(object) = self.store.get(key, None).await? else { return Ok(None) };
        match collect(object.body, DOCUMENT_MOST).await {
            Err(Error::TooLarge { .. }) => {
                Err(Error::corrupted(format!("{key} is larger than any document of a backup"), None))
            }
            bytes => bytes.map(Some),
        }
    }

    /// What there is of each backup under `prefix`: a source's, or one backup's.
    async fn keyed(&self, prefix: &KeyPrefix) -> Result<BTreeMap<BackupId, Keyed>> {
        let mut found = BTreeMap::<BackupId, Keyed>::new();
        for stored in self.stored(prefix).await? {
            let Some((id, file)) = Place::names(&stored.key) else { continue };
            let keyed = found.entry(id).or_default();
            keyed.touched = keyed.touched.max(stored.modified);
            match file {
                File::Manifest => keyed.manifest = true,
                File::Pin => keyed.pinned = true,
                File::Verdict => keyed.verdicts.push(stored.key),
                File::Verifying | File::Other => keyed.others.push(stored.key),
            }
        }
        Ok(found)
    }

    /// All objects whose keys begin so, in the order of their keys.
    async fn stored(&self, prefix: &KeyPrefix) -> Result<Vec<Stored>> {
        pages(|page| async move { self.store.list(prefix, &page).await }.boxed()).await
    }

    /// Writes a document where none is.
    async fn put(&self, key: &StoreKey, bytes: Vec<u8>) -> Result<()> {
        if bytes.len() as u64 > DOCUMENT_MOST {
            return Err(Error::TooLarge { what: key.to_string(), limit: DOCUMENT_MOST });
        }
        let options = PutOptions::create("application/json".parse()?);
        let options = options.expecting(bytes.len() as u64, Sha256::of(&bytes));
        self.store.put(key, full(bytes), options).await.map(drop)
    }

    /// Removes an object; answers whether the store let go of it. One that locks objects does so for a time.
    async fn let_go(&self, key: &StoreKey) -> Result<bool> {
        let Err(refused) = self.store.delete(key).await else { return Ok(true) };
        match self.store.head(key).await {
            // A store that answers, and has it still, does not want to.
            Ok(found) => Ok(found.is_none()),
            Err(_) => Err(refused),
        }
    }
}

/// All items of a list that comes in pages.
async fn pages<'a, T>(read: impl Fn(PageQuery) -> BoxFuture<'a, Result<Page<T>>>) -> Result<Vec<T>> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = read(PageQuery { limit: PageQuery::MOST, cursor }).await?;
        found.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// What stands where a manifest belongs.
#[derive(Debug)]
enum Head {
    /// The manifest: the backup is there.
    Manifest(Box<Signed<Manifest>>),
    /// It was given up.
    GivenUp(GivenUp),
}
