//! Making a backup.

use jiff::{SignedDuration, Timestamp};

use super::{
    BY, Entry, Mode, Vault,
    lock::{HOLDS, Lock},
};
use crate::{
    backup::{
        cipher::{Encryption, Sealed},
        manifest::{Compression, Contents, Manifest, Timings, VERSION},
        pipeline::{Coding, Packed, Target, part_size, store},
        place::Place,
        port::{Backup, DumpOptions, Dumped, Format, Source},
        progress::Stage,
        retention::Pinned,
        signing::{Kind, sign},
    },
    error::{Error, Result},
    ids::BackupId,
    page::PageQuery,
    storage::Sha256,
};

/// How a backup is made.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// How the database is dumped.
    pub dump: DumpOptions,
    /// How the dump is made smaller.
    pub compression: Compression,
}

impl Default for Wish {
    fn default() -> Self {
        Self { dump: DumpOptions::default(), compression: Compression::Zstd }
    }
}

/// For how long the place of what was given up is kept: longer than a store takes a request that was sent.
const BURIED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What became of a manifest.
enum Published {
    /// It is there.
    Yes(Sha256),
    /// It is not, and never will be.
    Never(Error),
    /// Nobody knows: a later run finds out.
    Unknown(Error),
}

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Created {
    /// The backup.
    pub entry: Entry,
    /// What was left of tries that were killed, and is gone now.
    pub cleared: Vec<BackupId>,
    /// What the tools said besides.
    pub notes: Vec<String>,
}

impl Vault {
    /// Makes a backup of the database: whatever fails on the way, it is either there as a whole or not at all.
    ///
    /// # Errors
    /// `conflict` where another is being made; whatever the database or the store failed with.
    pub async fn create(&self, place: &Place, database: &dyn Backup, wish: Wish) -> Result<Created> {
        let lock = self.lock(place).await?;
        let created = self.create_locked(place, database, wish, &lock).await;
        // A lock that cannot be given back now runs out.
        let released = lock.release().await;
        let created = created?;
        released.map(|()| created)
    }

    async fn create_locked(
        &self,
        place: &Place,
        database: &dyn Backup,
        wish: Wish,
        lock: &Lock,
    ) -> Result<Created> {
        let cleared = self.clear(place, lock).await?;
        let started_at = self.clock.now();
        let id = BackupId::new(started_at)?;
        let mut dump = database.dump(wish.dump).await?;
        self.progress.stage(Stage::Dump, Some(dump.source.size));
        let coding = Coding { compression: wish.compression, encryption: self.keys.encryption.clone() };
        let sealed_ending = if matches!(coding.encryption, Encryption::For(_)) { ".age" } else { "" };
        let target = Target {
            store: self.store.clone(),
            folder: place.backup(id)?,
            ending: format!(".{}.{}{sealed_ending}", dump.format.extension(), wish.compression.extension()),
            part: part_size(dump.source.size),
            parts_most: Target::PARTS_MOST,
            progress: self.progress.clone(),
        };
        let (packed, mut upload) = store(&mut dump, coding, target).await?;
        self.progress.stage(Stage::Fingerprint, None);
        let described = (dump.source.clone(), dump.format, dump.tool.clone());
        let made = async {
            let dumped = dump.finish().await?;
            let notes = dumped.notes.clone();
            let timings = Timings { started_at, finished_at: self.clock.now() };
            let manifest =
                self.manifest_of((place, id, timings), wish.compression, described, (dumped, packed))?;
            lock.check().await?;
            upload.complete().await?;
            lock.check().await?;
            Ok((manifest, notes))
        };
        let (manifest, notes) = match made.await {
            Ok(made) => made,
            Err(error) => {
                upload.abort().await;
                return Err(error);
            }
        };
        match self.publish(place, &manifest).await? {
            Published::Yes(digest) => {
                upload.keep();
                let entry = Entry { manifest, verdicts: Vec::new(), pinned: Pinned::No, digest };
                Ok(Created { entry, cleared, notes })
            }
            Published::Never(error) => {
                upload.abort().await;
                Err(error)
            }
            Published::Unknown(error) => {
                upload.keep();
                Err(error)
            }
        }
    }

    fn manifest_of(
        &self,
        (place, id, timings): (&Place, BackupId, Timings),
        compression: Compression,
        (source, format, tool): (Source, Format, String),
        (dumped, packed): (Dumped, Packed),
    ) -> Result<Manifest> {
        let globals = dumped.globals.map(|globals| String::from_utf8_lossy(&globals).into_owned());
        let (engine, server_version) = (source.engine, source.version.clone());
        let has_fingerprint = dumped.fingerprint.is_some();
        let (size, stored) = (packed.plain.size, packed.stored);
        let contents = Contents {
            source,
            fingerprint: dumped.fingerprint,
            plain: packed.plain,
            globals,
            notes: dumped.notes,
        };
        let recipients = match &self.keys.encryption {
            Encryption::For(recipients) => recipients.names(),
            Encryption::Nobody => Vec::new(),
        };
        Ok(Manifest {
            version: VERSION,
            id,
            place: place.clone(),
            engine,
            server_version,
            format,
            compression,
            recipients,
            tool,
            by: BY.to_owned(),
            timings,
            size,
            has_fingerprint,
            stored,
            sealed: Sealed::new(&self.keys.encryption, &contents)?,
        })
    }

    /// Writes the manifest, with which the backup is there.
    async fn publish(&self, place: &Place, manifest: &Manifest) -> Result<Published> {
        let (bytes, digest) = sign(Kind::Manifest, &self.keys.signing, manifest)?;
        let Err(error) = self.put(&place.manifest(manifest.id)?, bytes, Mode::Once).await else {
            return Ok(Published::Yes(digest));
        };
        // The answer may be lost, and the manifest there; or it may come later.
        Ok(match self.bury(place, manifest.id).await {
            Ok(true) => Published::Never(error),
            Ok(false) => Published::Yes(digest),
            Err(_) => Published::Unknown(error),
        })
    }

    /// Removes what tries left that were killed: what has no manifest, and was not touched for longer than a lock holds.
    async fn clear(&self, place: &Place, lock: &Lock) -> Result<Vec<BackupId>> {
        let before = self.clock.now().checked_sub(HOLDS).unwrap_or(Timestamp::MIN);
        let mut page = PageQuery { limit: PageQuery::MOST, cursor: None };
        loop {
            let open = match self.store.open_multiparts(&place.prefix()?, &page).await {
                Err(Error::Unsupported(_)) => break,
                open => open?,
            };
            for stale in open.items.iter().filter(|open| open.begun < before) {
                self.store.abort_multipart(&stale.multipart).await?;
            }
            page.cursor = open.next_cursor;
            if page.cursor.is_none() {
                break;
            }
        }
        let mut cleared = Vec::new();
        for (id, keyed) in self.keyed(place).await? {
            if keyed.touched >= before || keyed.manifest && !self.is_buried(place, id).await? {
                continue;
            }
            lock.check().await?;
            // First nothing can become of it any more, then it goes; its place is kept for a while.
            if !self.bury(place, id).await? {
                continue;
            }
            for key in keyed.verdicts.iter().chain(&keyed.others) {
                self.store.delete(key).await?;
            }
            if keyed.pinned {
                self.store.delete(&place.pin(id)?).await?;
            }
            if keyed.touched < self.clock.now().checked_sub(BURIED).unwrap_or(Timestamp::MIN) {
                self.store.delete(&place.manifest(id)?).await?;
            }
            if !keyed.others.is_empty() {
                cleared.push(id);
            }
        }
        Ok(cleared)
    }
}
