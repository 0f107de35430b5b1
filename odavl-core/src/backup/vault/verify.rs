//! Verifying a backup: its bytes are read and proved, or it is restored and compared.

use jiff::Timestamp;

use super::{
    BY, Entry, Vault, Which,
    lock::{Lock, Of},
};
use crate::{
    backup::{
        Encryption,
        manifest::{Compression, Contents},
        mark::{Mark, State},
        pipeline::{Download, unpack},
        place::Place,
        port::{Backup, DatabaseName, RestoreOptions},
        progress::Stage,
        scratch::{SCRATCH, Scratch},
        signing::{Kind, sign},
        verdict::{Findings, Outcome, Tier, Verdict},
    },
    error::{Error, Result},
    storage::{Body, BoxBody},
};

/// What came of verifying a backup.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The verdict, as it is kept beside the manifest.
    pub verdict: Verdict,
    /// What was found.
    pub findings: Findings,
}

impl Verified {
    /// Whether the backup is good.
    pub fn passed(&self) -> bool {
        self.verdict.outcome == Outcome::Passed
    }
}

impl Vault {
    /// Reads all bytes of a backup, and proves that they are those that were stored. It needs no identity.
    ///
    /// # Errors
    /// `conflict` while somebody else verifies or restores it; whatever kept it from finding out. A backup that is bad is no error, but a
    /// verdict.
    pub async fn verify_bytes(&self, place: &Place, which: Which) -> Result<Verified> {
        let (entry, lock) = self.hold(place, which).await?;
        let verified = lock.over(self.read_all(place, &entry, &lock)).await;
        lock.release().await;
        verified
    }

    /// Takes the lock of a backup, so that it is neither removed nor judged by others, and answers what it is then.
    pub(super) async fn hold(&self, place: &Place, which: Which) -> Result<(Entry, Lock)> {
        let id = self.find(place, which).await?.manifest.id;
        let lock = self.lock(Of::Backup(place.clone(), id)).await?;
        match self.find(place, Which::Id(id)).await {
            Ok(entry) => Ok((entry, lock)),
            Err(error) => {
                lock.release().await;
                Err(error)
            }
        }
    }

    async fn read_all(&self, place: &Place, entry: &Entry, lock: &Lock) -> Result<Verified> {
        let begun = self.clock.now();
        self.progress.stage(Stage::Download, Some(entry.manifest.stored.digests.size));
        let mut download = self.download(place, entry)?;
        let read = async {
            while let Some(bytes) = download.next().await? {
                self.progress.advance(bytes.len() as u64);
            }
            Ok(())
        };
        let mut findings = Findings::default();
        found(read.await, &mut findings)?;
        lock.check().await?;
        self.record(place, (entry, Tier::Bytes, begun), findings, BY.to_owned()).await
    }

    /// Restores a backup to a scratch database there, compares it with what was dumped, and removes it.
    ///
    /// # Errors
    /// `invalid_input` where there is no fingerprint to compare with, no identity to read it, or the server that is named for
    /// scratch databases is the source's own; `conflict` while somebody
    /// else verifies or restores it; whatever kept it from finding out. A backup that is bad is no error, but a verdict.
    pub async fn verify(&self, place: &Place, which: Which, scratch: &Scratch) -> Result<Verified> {
        let (entry, lock) = self.hold(place, which).await?;
        let verified = lock.over(self.restore_scratch(place, &entry, scratch, &lock)).await;
        lock.release().await;
        verified
    }

    async fn restore_scratch(
        &self,
        place: &Place,
        entry: &Entry,
        scratch: &Scratch,
        lock: &Lock,
    ) -> Result<Verified> {
        if !entry.manifest.has_fingerprint {
            return Err(no_fingerprint());
        }
        let begun = self.clock.now();
        let mut findings = Findings::default();
        let mut by = BY.to_owned();
        let contents = self.contents(entry)?;
        let scratch = scratch.of(&contents.source).await?;
        let name = scratch_name(entry)?;
        // What a verification left that was killed; what was restored to stay is in the way, and stays.
        if scratch.state(&name).await? == State::Ours(Mark::Scratch) {
            scratch.discard(&name).await?;
        }
        let options = RestoreOptions::scratch(name.clone(), contents.source.clone(), entry.manifest.format);
        match scratch.restore(self.dump_of(place, entry, &contents)?, options).await {
            Ok(restored) => {
                by = format!("{BY}, {}", restored.tool);
                findings.notes.extend(restored.notes);
                let compared = self.compare(&contents, scratch, &name, &mut findings).await;
                let lost = lock.check().await;
                // Nothing is left, whatever came of it; unless somebody has taken the lock, and may be at it.
                let discarded = match lost {
                    Err(Error::Conflict(_)) => Ok(()),
                    _ => scratch.discard(&name).await,
                };
                compared.and(lost).and(discarded)?;
            }
            Err(error) => {
                found(Err(error), &mut findings)?;
                lock.check().await?;
            }
        }
        self.record(place, (entry, Tier::Restore, begun), findings, by).await
    }

    /// Compares a database that was restored with what was dumped.
    pub(super) async fn compare(
        &self,
        contents: &Contents,
        restored: &dyn Backup,
        name: &DatabaseName,
        findings: &mut Findings,
    ) -> Result<()> {
        let expected = contents.fingerprint.as_ref().ok_or_else(no_fingerprint)?;
        self.progress.stage(Stage::Compare, None);
        let comparison = expected.compare(&restored.fingerprint(name).await?);
        findings.differ(&comparison.differences);
        findings.notes.extend(comparison.notes);
        let checkup = restored.check(name).await?;
        findings.faults.extend(checkup.faults);
        findings.notes.extend(checkup.examined.into_iter().map(|examined| format!("examined: {examined}")));
        findings.notes.extend(checkup.skipped.into_iter().map(|skipped| format!("not examined: {skipped}")));
        Ok(())
    }

    pub(super) fn contents(&self, entry: &Entry) -> Result<Contents> {
        entry.manifest.contents(&self.keys.identities)
    }

    fn download(&self, place: &Place, entry: &Entry) -> Result<Download> {
        Ok(Download::new(self.store.clone(), place.backup(entry.manifest.id)?, &entry.manifest))
    }

    /// The bytes that were dumped, proved as they come.
    pub(super) fn dump_of(&self, place: &Place, entry: &Entry, contents: &Contents) -> Result<BoxBody> {
        let coding: (Compression, _) = (
            entry.manifest.compression,
            (!entry.manifest.recipients.is_empty()).then(|| self.keys.identities.clone()),
        );
        self.progress.stage(Stage::Restore, Some(contents.plain.size));
        let body = unpack(self.download(place, entry)?, coding, contents.plain.clone());
        Ok(Box::new(Told { body, progress: self.progress.clone() }))
    }

    async fn record(
        &self,
        place: &Place,
        (entry, tier, begun): (&Entry, Tier, Timestamp),
        findings: Findings,
        by: String,
    ) -> Result<Verified> {
        // Nothing is said about what was removed meanwhile.
        if self.manifest(place, entry.manifest.id).await?.is_none_or(|found| found.digest != entry.digest) {
            return Err(Error::not_found("backup", &entry.manifest.id));
        }
        let (now, at) = (self.clock.now(), Verdict::after(&entry.verdicts, begun));
        // A verdict on what is not encrypted is not either: recipients are of the configuration, as everywhere.
        let encryption = match entry.manifest.recipients.as_slice() {
            [] => &Encryption::Nobody,
            _ => &self.keys.encryption,
        };
        let verdict = Verdict {
            backup: entry.manifest.id,
            manifest: entry.digest,
            tier,
            outcome: findings.outcome(),
            at,
            seconds: now.duration_since(begun).as_secs_f64(),
            by,
            sealed: findings.seal(encryption)?,
        };
        let (bytes, _) = sign(Kind::Verdict, &self.keys.signing, &verdict)?;
        let name = format!("{:020}-{}", at.as_microsecond().max(0), crate::random::id());
        self.put(&place.verdict(entry.manifest.id, &name)?, bytes).await?;
        Ok(Verified { verdict, findings })
    }
}

/// What is bad is a finding; what kept us from looking is an error.
fn found(done: Result<()>, findings: &mut Findings) -> Result<()> {
    match done {
        Err(error @ Error::Corrupted { .. }) => findings.faults.push(crate::Chain(&error).to_string()),
        done => return done,
    }
    Ok(())
}

pub(super) fn no_fingerprint() -> Error {
    Error::invalid_with(
        "the backup was made without a fingerprint: what is restored can be compared with nothing",
        "make backups with one; verify this one's bytes alone",
    )
}

fn scratch_name(entry: &Entry) -> Result<DatabaseName> {
    let id = entry.manifest.id.to_string();
    format!("{SCRATCH}{}", &id[id.len().saturating_sub(26)..]).parse()
}

/// Bytes of which somebody is told as they come.
struct Told {
    body: BoxBody,
    progress: std::sync::Arc<dyn crate::backup::Progress>,
}

#[async_trait::async_trait]
impl Body for Told {
    async fn next(&mut self) -> Result<Option<bytes::Bytes>> {
        let next = self.body.next().await?;
        if let Some(bytes) = &next {
            self.progress.advance(bytes.len() as u64);
        }
        Ok(next)
    }
}
