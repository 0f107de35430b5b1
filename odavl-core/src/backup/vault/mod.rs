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

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;

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
    manifest::{GivenUp, Manifest, Tier, Verdict},
    place::{File, Place},
    progress::{Progress, Unseen},
    retention::{Candidate, Pinned, Proof},
    signing::{Kind, Signed, SigningKey, Trusted, open, says},
};
use crate::{
    clock::Clock,
    error::{Error, Result},
    ids::BackupId,
    page::PageQuery,
    storage::{PutOptions, Sha256, Storage, StoreKey, collect, full},
};

/// More bytes than a document of a backup has: a manifest of 10,000 parts takes about 2 MB.
const DOCUMENT_MOST: u64 = 256 << 20;
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
    /// The newest.
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
        let mut listing = Listing::default();
        for (id, keyed) in self.keyed(place).await? {
            if !keyed.manifest {
                continue;
            }
            match self.entry(place, id, &keyed).await {
                Ok(Some(entry)) => listing.backups.push(entry),
                Ok(None) => {}
                Err(error @ (Error::Corrupted { .. } | Error::Unsupported(_))) => {
                    listing.refused.push((id, error.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        listing.backups.sort_by_key(|entry| entry.candidate().at);
        Ok(listing)
    }

    /// A backup of a source.
    ///
    /// # Errors
    /// `not_found` where there is none such; `corrupted` where what is there cannot be taken for one.
    pub async fn find(&self, place: &Place, which: Which) -> Result<Entry> {
        let Which::Id(id) = which else {
            let verified = which == Which::NewestVerified;
            let mut backups = self.list(place).await?.backups;
            backups.retain(|entry| {
                if verified { entry.proof() == Proof::Verified } else { entry.proof() != Proof::Failed }
            });
            let what = if verified { "verified backup" } else { "backup" };
            return backups.pop().ok_or_else(|| Error::not_found(what, &format!("of {place}")));
        };
        let entry = match self.keyed(place).await?.remove(&id) {
            Some(keyed) if keyed.manifest => self.entry(place, id, &keyed).await?,
            _ => None,
        };
        entry.ok_or_else(|| Error::not_found("backup", &id))
    }

    /// Says that a backup stays, or that it need not any more.
    pub async fn pin(&self, place: &Place, id: BackupId, pinned: Pinned) -> Result<()> {
        let key = place.pin(self.find(place, Which::Id(id)).await?.manifest.id)?;
        match pinned {
            Pinned::Yes => match self.put(&key, b"{}".to_vec()).await {
                Err(Error::PreconditionFailed(_)) => Ok(()),
                put => put,
            },
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
        let signed: Signed<Manifest> = open(Kind::Manifest, &self.keys.trusted, &bytes, key.as_str())?;
        signed.document.check(place, id)?;
        Ok(Some(Head::Manifest(Box::new(signed))))
    }

    async fn verdict(&self, key: &StoreKey) -> Result<Option<Verdict>> {
        let Some(bytes) = self.read(key).await? else { return Ok(None) };
        open(Kind::Verdict, &self.keys.trusted, &bytes, key.as_str()).map(|signed| Some(signed.document))
    }

    async fn read(&self, key: &StoreKey) -> Result<Option<Bytes>> {
        let Some(object) = self.store.get(key, None).await? else { return Ok(None) };
        collect(object.body, DOCUMENT_MOST).await.map(Some)
    }

    /// What there is of each backup; all pages of the store's list.
    async fn keyed(&self, place: &Place) -> Result<BTreeMap<BackupId, Keyed>> {
        let mut found = BTreeMap::<BackupId, Keyed>::new();
        let mut page = PageQuery { limit: PageQuery::MOST, cursor: None };
        loop {
            let listed = self.store.list(&place.prefix()?, &page).await?;
            for stored in listed.items {
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
            page.cursor = listed.next_cursor;
            if page.cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// Writes a document where none is.
    async fn put(&self, key: &StoreKey, bytes: Vec<u8>) -> Result<()> {
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

/// What stands where a manifest belongs.
#[derive(Debug)]
enum Head {
    /// The manifest: the backup is there.
    Manifest(Box<Signed<Manifest>>),
    /// It was given up.
    GivenUp(GivenUp),
}
