//! What is known of a backup when it is made: the manifest, written last.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    cipher::{Identities, Sealed},
    fingerprint::Fingerprint,
    pipeline::PART_MOST,
    place::Place,
    port::{Engine, Format, Source},
};
use crate::{
    error::{Error, Result},
    ids::BackupId,
    storage::{Part, Sha256},
};

/// By which rules manifests are written now.
pub(super) const VERSION: u32 = 1;

/// How the bytes of a dump are made smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// zstd (RFC 8878).
    Zstd,
    /// gzip (RFC 1952), as `gunzip -c | psql` reads it.
    Gzip,
}

impl Compression {
    /// What a file's name ends in.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Zstd => "zst",
            Self::Gzip => "gz",
        }
    }
}

/// Two digests of the same bytes: SHA-256, which every tool knows, and BLAKE3, which shares no weakness with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// How many bytes.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: Sha256,
    /// Their BLAKE3, in hexadecimal.
    pub blake3: String,
}

/// Makes [`Digests`] from bytes as they come.
#[derive(Debug, Default, Clone)]
pub(super) struct Digester {
    size: u64,
    sha256: crate::storage::Hasher,
    blake3: blake3::Hasher,
}

impl Digester {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.sha256.update(bytes);
        self.blake3.update(bytes);
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn finish(self) -> Digests {
        let blake3 = self.blake3.finalize().to_hex().to_string();
        Digests { size: self.size, sha256: self.sha256.finish(), blake3 }
    }
}

/// An object that holds bytes of a backup, or all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// What it is called beside the manifest.
    pub name: String,
    /// What it was put together from, in order.
    pub parts: Vec<StoredPart>,
}

/// A part of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPart {
    /// How many bytes.
    pub size: u64,
    /// Their digest.
    pub sha256: Sha256,
}

impl From<Part> for StoredPart {
    fn from(part: Part) -> Self {
        Self { size: part.size, sha256: part.sha256 }
    }
}

/// What lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredBytes {
    /// Of all bytes of all volumes, in order.
    #[serde(flatten)]
    pub digests: Digests,
    /// Where they are.
    pub volumes: Vec<Volume>,
}

/// When a backup was made, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// When it was begun. The snapshot is a moment younger.
    pub started_at: Timestamp,
    /// When all its bytes were in the store.
    pub finished_at: Timestamp,
}

impl Timings {
    /// How many seconds it took.
    pub fn seconds(&self) -> f64 {
        self.finished_at.duration_since(self.started_at).as_secs_f64()
    }
}

/// A backup, as everybody may know it who can read the store. What is written last: it is there, so the backup is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// By which rules it is written.
    pub version: u32,
    /// Which backup it is.
    pub id: BackupId,
    /// Of what.
    #[serde(flatten)]
    pub place: Place,
    /// Whose dump it is.
    pub engine: Engine,
    /// The server's version.
    pub server_version: String,
    /// What the dump's bytes are.
    pub format: Format,
    /// How they were made smaller.
    pub compression: Compression,
    /// For whom they were encrypted; none where they were not. They are told, and never used.
    pub recipients: Vec<String>,
    /// What made the dump, as `pg_dump 15.7`.
    pub tool: String,
    /// What made the backup, as `odavl 0.1.0`.
    pub by: String,
    /// When.
    #[serde(flatten)]
    pub timings: Timings,
    /// How many bytes the dump has.
    pub size: u64,
    /// Whether it holds a fingerprint, so that a restore of it can prove something.
    pub has_fingerprint: bool,
    /// What lies in the store.
    pub stored: StoredBytes,
    /// The [`Contents`].
    pub(super) sealed: Sealed,
}

/// What of a backup is for those alone who may read the database: names of tables, and what would tell its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// The database.
    pub source: Source,
    /// What was in it.
    pub fingerprint: Option<Fingerprint>,
    /// The dump's bytes, before anything was done to them.
    pub plain: Digests,
    /// What the database needs of its server, as statements.
    pub globals: Option<String>,
    /// What the tools said besides.
    pub notes: Vec<String>,
}

impl Manifest {
    /// The manifest that `text` is. What this version does not know is refused, and so is what does not belong where it lies.
    pub(super) fn read(text: serde_json::Value, place: &Place, id: BackupId) -> Result<Self> {
        // A newer one may make no sense here otherwise.
        let version = text.get("version").and_then(serde_json::Value::as_u64).unwrap_or_default();
        if version > VERSION.into() {
            return Err(Error::Unsupported(format!(
                "the manifest of {id} is of version {version}, and this odavl reads up to {VERSION}: use a newer one"
            )));
        }
        let manifest: Self = serde_json::from_value(text).map_err(|error| {
            Error::corrupted(format!("the manifest of {id} cannot be read"), Some(error.into()))
        })?;
        manifest.check(place, id)?;
        Ok(manifest)
    }

    fn check(&self, place: &Place, id: BackupId) -> Result<()> {
        if (&self.place, self.id) != (place, id) {
            let detail =
                format!("where {id} of {place} lies is the manifest of {} of {}", self.id, self.place);
            return Err(Error::corrupted(detail, None));
        }
        let mut parts = self.stored.volumes.iter().flat_map(|volume| &volume.parts);
        // A part is held in memory; none is larger than one is made.
        let sum =
            parts.try_fold(0_u64, |sum, part| sum.checked_add(part.size).filter(|_| part.size <= PART_MOST));
        if sum != Some(self.stored.digests.size) {
            return Err(Error::corrupted(format!("the parts of {id} do not add up"), None));
        }
        Ok(())
    }

    /// What only those may read who have an identity.
    pub fn contents(&self, identities: &Identities) -> Result<Contents> {
        self.sealed.open(identities)
    }
}

/// Stands where a manifest would, once a try is given up: none is written there any more, however late it comes. Signed, and
/// bound to its place, for it lets what lies there be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GivenUp {
    /// Which try.
    pub(super) id: BackupId,
    /// Of what.
    #[serde(flatten)]
    pub(super) place: Place,
    /// When it was given up.
    pub(super) at: Timestamp,
    /// By what, as `odavl 0.1.0`.
    pub(super) by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(sizes: &[u64], size: u64) -> serde_json::Value {
        let digests = Digests { size, ..Digester::default().finish() };
        let parts = sizes.iter().map(|size| StoredPart { size: *size, sha256: Sha256::of(b"") }).collect();
        let volumes = vec![Volume { name: "data-001.dump.zst".into(), parts }];
        serde_json::json!({
            "version": VERSION, "id": BackupId::derive(&[]), "environment": "production", "source": "main",
            "engine": "memory", "server_version": "1", "format": "archive", "compression": "zstd",
            "recipients": [], "tool": "", "by": "", "started_at": Timestamp::UNIX_EPOCH,
            "finished_at": Timestamp::UNIX_EPOCH, "size": 0, "has_fingerprint": false,
            "stored": StoredBytes { digests, volumes }, "sealed": Sealed::Open("{}".into()),
        })
    }

    fn refusal(manifest: serde_json::Value) -> Option<Error> {
        let place = Place { environment: "production".parse().unwrap(), source: "main".parse().unwrap() };
        Manifest::read(manifest, &place, BackupId::derive(&[])).err()
    }

    #[test]
    fn a_manifest_of_parts_that_nobody_makes_is_refused_and_a_newer_one_by_its_version() {
        assert!(refusal(manifest(&[PART_MOST, 1], PART_MOST + 1)).is_none());
        for (sizes, size) in [(&[1, 1][..], 3), (&[PART_MOST + 1], PART_MOST + 1), (&[u64::MAX, 2], 1)] {
            let refused = refusal(manifest(sizes, size)).unwrap();
            assert!(refused.to_string().ends_with("do not add up"), "{refused}");
        }
        let mut newer = manifest(&[1], 1);
        (newer["version"], newer["format"]) = ((VERSION + 1).into(), "tape".into());
        let refused = refusal(newer.clone()).unwrap();
        assert!(matches!(&refused, Error::Unsupported(why) if why.ends_with("use a newer one")), "{refused}");
        newer["version"] = VERSION.into();
        assert!(matches!(refusal(newer), Some(Error::Corrupted { .. })));
    }

    #[test]
    fn digests_are_those_that_others_make() {
        let mut digester = Digester::default();
        digester.update(b"a");
        digester.update(b"bc");
        let digests = digester.finish();
        assert_eq!((digests.size, digests.sha256), (3, Sha256::of(b"abc")));
        assert!(digests.blake3.starts_with("6437b3ac38465133ffb63b75273a8db5"), "{digests:?}");
    }
}
