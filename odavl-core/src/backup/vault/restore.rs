//! Restoring a backup: first the plan, then the work.

use serde::Serialize;

use super::{Entry, Vault, Which, verify::no_fingerprint};
use crate::{
    backup::{
        manifest::{Contents, Findings},
        place::Place,
        port::{Backup, DatabaseName, Ownership, Purpose, RestoreOptions},
        retention::Proof,
    },
    error::{Error, Result},
    ids::BackupId,
};

/// How a backup is restored.
#[derive(Debug, Clone)]
pub struct RestoreWish {
    /// The new database.
    pub to: DatabaseName,
    /// Where the live database is to be replaced: what it is called afterwards. It is kept until somebody removes it.
    pub aside: Option<DatabaseName>,
    /// Whose everything is.
    pub ownership: Ownership,
    /// How many things are restored at a time; `None` leaves it to the engine.
    pub jobs: Option<usize>,
}

/// What restoring a backup would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Which backup.
    pub backup: BackupId,
    /// When its snapshot was taken.
    pub at: jiff::Timestamp,
    /// How many bytes its dump has: as many are needed on the disk while it is restored.
    pub bytes: u64,
    /// How many bytes are fetched.
    pub stored_bytes: u64,
    /// Whether it was proved.
    pub proof: Proof,
    /// How many seconds restoring and comparing it took last, where that was done.
    pub took: Option<f64>,
    /// The new database.
    pub to: String,
    /// The database that is replaced, and what it is called afterwards.
    pub replaces: Option<(String, String)>,
}

impl Vault {
    /// What restoring would do. It changes nothing.
    pub async fn plan(
        &self,
        place: &Place,
        which: Which,
        (server, wish): (&dyn Backup, &RestoreWish),
    ) -> Result<Plan> {
        let entry = self.find(place, which).await?;
        let live = server.describe().await?.database;
        let aside = wish.aside.as_ref();
        Ok(Plan {
            backup: entry.manifest.id,
            at: entry.manifest.timings.started_at,
            bytes: entry.manifest.size,
            stored_bytes: entry.manifest.stored.digests.size,
            proof: entry.proof(),
            took: entry.restored_in(),
            to: wish.to.to_string(),
            replaces: aside.map(|aside| (live.to_string(), aside.to_string())),
        })
    }

    /// Restores a backup to a new database, and compares it with what was dumped; then, where that is wished, puts it in the
    /// live one's place. Whatever fails on the way leaves the live one as it was; begun again, it goes on.
    ///
    /// # Errors
    /// `corrupted` where what was restored is not what was dumped: it stays, to be looked at, and replaces nothing.
    pub async fn restore(
        &self,
        place: &Place,
        which: Which,
        (server, wish): (&dyn Backup, &RestoreWish),
    ) -> Result<Findings> {
        let entry = self.find(place, which).await?;
        let contents = self.contents(&entry)?;
        if wish.aside.is_some() && contents.fingerprint.is_none() {
            return Err(no_fingerprint());
        }
        let mut findings = Findings::default();
        if let Some(aside) = &wish.aside
            && self.goes_on(&contents, server, &wish.to, &mut findings).await?
        {
            match server.replace(&wish.to, aside).await {
                // It was whole, and not said to be: it is restored once more.
                Err(Error::Conflict(_)) => server.discard(&wish.to).await?,
                replaced => return replaced.map(|()| findings),
            }
        }
        let options = RestoreOptions {
            to: wish.to.clone(),
            source: contents.source.clone(),
            format: entry.manifest.format,
            ownership: wish.ownership,
            purpose: Purpose::Keep,
            jobs: wish.jobs,
        };
        let restored = server.restore(self.dump_of(place, &entry, &contents)?, options).await?;
        findings.notes.extend(restored.notes);
        if contents.fingerprint.is_some() {
            self.compare(&contents, server, &wish.to, &mut findings).await?;
        }
        if !findings.faults.is_empty() {
            return Err(unlike(&entry, &wish.to, &findings));
        }
        if let Some(aside) = &wish.aside {
            server.replace(&wish.to, aside).await?;
        }
        Ok(findings)
    }

    /// Whether what a run restored that was cut off before the swap is whole. What is not, and bears our mark, is removed.
    async fn goes_on(
        &self,
        contents: &Contents,
        server: &dyn Backup,
        to: &DatabaseName,
        findings: &mut Findings,
    ) -> Result<bool> {
        if !is_there(server, to).await? {
            return Ok(false);
        }
        let mut left = Findings::default();
        self.compare(contents, server, to, &mut left).await?;
        if left.faults.is_empty() {
            *findings = left;
            findings.notes.push(format!("`{to}` was restored before, and is what was dumped"));
            return Ok(true);
        }
        match server.discard(to).await {
            // An empty one, such as a run leaves that was killed as it made it, is taken as it is; any other is refused.
            Ok(()) | Err(Error::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

async fn is_there(server: &dyn Backup, name: &DatabaseName) -> Result<bool> {
    match server.check(name).await {
        Err(Error::NotFound { .. }) => Ok(false),
        checked => checked.map(|_| true),
    }
}

fn unlike(entry: &Entry, to: &DatabaseName, findings: &Findings) -> Error {
    let faults = findings.faults.join("; ");
    Error::corrupted(format!("`{to}` is not what {} was made of: {faults}", entry.manifest.id), None)
}
