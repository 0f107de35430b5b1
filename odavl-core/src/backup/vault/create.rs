//! Making a backup.

use super::{
    BY, Cleared, Entry, Vault,
    lock::{Lock, Of},
};
use crate::{
    backup::{
        cipher::{Encryption, Sealed},
        manifest::{Compression, Contents, Manifest, Timings, VERSION},
        pipeline::{Coding, Packed, Target, Upload, part_size, store},
        place::Place,
        port::{Backup, DumpOptions, Dumped, Format, Source},
        progress::Stage,
        retention::Pinned,
        signing::{Kind, sign},
    },
    error::{Error, Result},
    ids::BackupId,
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

/// What became of a manifest.
enum Published {
    /// It is there.
    Yes(Sha256),
    /// It is not, and never will be.
    Never(Error),
    /// Nobody knows: a later run finds out.
    Unknown(Error),
}

/// What a manifest tells of.
struct Made<'a> {
    place: &'a Place,
    id: BackupId,
    timings: Timings,
    source: Source,
    format: Format,
    tool: String,
    compression: Compression,
    dumped: Dumped,
    packed: Packed,
}

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Created {
    /// The backup.
    pub entry: Entry,
    /// What became of what was left of tries that were killed.
    pub cleared: Cleared,
    /// What the tools said besides.
    pub notes: Vec<String>,
}

impl Vault {
    /// Makes a backup of the database: whatever fails on the way, it is either there as a whole or not at all.
    ///
    /// # Errors
    /// `conflict` where another is being made; whatever the database or the store failed with.
    pub async fn create(&self, place: &Place, database: &dyn Backup, wish: Wish) -> Result<Created> {
        let lock = self.lock(Of::Source(place.clone())).await?;
        let created = self.create_locked(place, database, wish, &lock).await;
        lock.release().await;
        created
    }

    async fn create_locked(
        &self,
        place: &Place,
        database: &dyn Backup,
        wish: Wish,
        lock: &Lock,
    ) -> Result<Created> {
        let storing = async {
            let cleared = self.clear(place, lock).await?;
            Ok((self.store_dump(place, database, wish, lock).await?, cleared))
        };
        let ((manifest, notes, mut upload), cleared) = lock.over(storing).await?;
        // From now on a manifest may come: nobody who leaves takes the bytes with him. One whose lock is taken now finds that
        // it was given up.
        upload.leave();
        match self.publish(place, &manifest).await? {
            Published::Yes(digest) => {
                let entry = Entry { manifest, verdicts: Vec::new(), pinned: Pinned::No, digest };
                Ok(Created { entry, cleared, notes })
            }
            Published::Never(error) => {
                upload.abort().await;
                Err(error)
            }
            Published::Unknown(error) => Err(error),
        }
    }

    /// Dumps the database into the store; what is stored is no backup yet.
    async fn store_dump(
        &self,
        place: &Place,
        database: &dyn Backup,
        wish: Wish,
        lock: &Lock,
    ) -> Result<(Manifest, Vec<String>, Upload)> {
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
        let (source, format, tool) = (dump.source.clone(), dump.format, dump.tool.clone());
        let made = async {
            let dumped = dump.finish().await?;
            let notes = dumped.notes.clone();
            let timings = Timings { started_at, finished_at: self.clock.now() };
            let compression = wish.compression;
            let made = Made { place, id, timings, source, format, tool, compression, dumped, packed };
            let manifest = self.manifest_of(made)?;
            lock.check().await?;
            upload.complete().await?;
            lock.check().await?;
            Ok((manifest, notes))
        };
        match made.await {
            Ok((manifest, notes)) => Ok((manifest, notes, upload)),
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        }
    }

    fn manifest_of(&self, made: Made<'_>) -> Result<Manifest> {
        let Made { place, id, timings, source, format, tool, compression, dumped, packed } = made;
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
        let Err(error) = self.put(&place.manifest(manifest.id)?, bytes).await else {
            return Ok(Published::Yes(digest));
        };
        // The answer may be lost, and the manifest there; or it may come later; or somebody else gave it up.
        Ok(match self.give_up(place, manifest.id).await {
            Ok(Some(_)) => Published::Never(given_up(error, manifest)),
            Ok(None) if self.is_there(place, manifest.id, digest).await => Published::Yes(digest),
            _ => Published::Unknown(error),
        })
    }

    async fn is_there(&self, place: &Place, id: BackupId, digest: Sha256) -> bool {
        self.manifest(place, id).await.is_ok_and(|found| found.is_some_and(|found| found.digest == digest))
    }
}

fn given_up(error: Error, manifest: &Manifest) -> Error {
    match error {
        Error::PreconditionFailed(_) => Error::Conflict(format!(
            "{} was given up by somebody who has taken the lock since: it took too long",
            manifest.id
        )),
        error => error,
    }
}
