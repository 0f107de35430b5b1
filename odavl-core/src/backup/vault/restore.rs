//! Restoring a backup: first the plan, then the work.

use serde::Serialize;

use super::{Entry, Vault, Which, verify::no_fingerprint};
use crate::{
    backup::{
        manifest::Contents,
        mark::{Mark, State},
        place::Place,
        port::{Backup, DatabaseName, Ownership, Purpose, RestoreOptions},
        retention::Proof,
        verdict::Findings,
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
    /// What is removed under its name, and when: what an earlier run left there.
    pub removes: Option<String>,
    /// The database that is replaced, and what it is called afterwards.
    pub replaces: Option<(String, String)>,
}

impl Entry {
    /// What a restore of it is called that is to replace the database `live`, unless it is called otherwise. The name is the
    /// same each time, so that whoever begins again goes on with what is there.
    pub fn restored_name(&self, live: &DatabaseName) -> Result<DatabaseName> {
        let id = self.manifest.id.to_string();
        live.beside(&format!("restored_{}", &id[id.len().saturating_sub(16)..]))
    }
}

impl Vault {
    /// What restoring would do. It changes nothing.
    ///
    /// # Errors
    /// `already_exists` where the live database would be called as another one is.
    pub async fn plan(
        &self,
        place: &Place,
        which: Which,
        (server, wish): (&dyn Backup, &RestoreWish),
    ) -> Result<Plan> {
        let entry = self.find(place, which).await?;
        let live = server.describe().await?.database;
        let aside = wish.aside.as_ref();
        refuse_taken(server, aside).await?;
        let removes = match server.state(&wish.to).await? {
            State::Ours(Mark::Restoring) => {
                Some(format!("`{}`, which was never restored to its end", wish.to))
            }
            State::Ours(Mark::Restored) if aside.is_some() && wish.to == entry.restored_name(&live)? => {
                Some(format!("`{}`, unless it is what was dumped", wish.to))
            }
            _ => None,
        };
        Ok(Plan {
            backup: entry.manifest.id,
            at: entry.manifest.timings.started_at,
            bytes: entry.manifest.size,
            stored_bytes: entry.manifest.stored.digests.size,
            proof: entry.proof(),
            took: entry.restored_in(),
            to: wish.to.to_string(),
            removes,
            replaces: aside.map(|aside| (live.to_string(), aside.to_string())),
        })
    }

    /// Restores a backup to a new database, and compares it with what was dumped; then, where that is wished, puts it in the
    /// live one's place. Whatever fails on the way leaves the live one as it was; begun again, it goes on.
    ///
    /// # Errors
    /// `corrupted` where what was restored is not what was dumped: it stays, to be looked at, and replaces nothing; `conflict`
    /// while somebody else verifies or restores the backup, or where something is in the way that is not this backup's.
    pub async fn restore(
        &self,
        place: &Place,
        which: Which,
        (server, wish): (&dyn Backup, &RestoreWish),
    ) -> Result<Findings> {
        let (entry, lock) = self.hold(place, which).await?;
        let restored = lock.over(self.restore_held(place, &entry, (server, wish))).await;
        lock.release().await;
        restored
    }

    async fn restore_held(
        &self,
        place: &Place,
        entry: &Entry,
        (server, wish): (&dyn Backup, &RestoreWish),
    ) -> Result<Findings> {
        let contents = self.contents(entry)?;
        if wish.aside.is_some() && contents.fingerprint.is_none() {
            return Err(no_fingerprint());
        }
        refuse_taken(server, wish.aside.as_ref()).await?;
        if let Some(aside) = &wish.aside
            && server.state(&wish.to).await? == State::Ours(Mark::Restored)
            && let Some(findings) = self.goes_on(entry, &contents, (server, &wish.to)).await?
        {
            return server.replace(&wish.to, aside).await.map(|()| findings);
        }
        let options = RestoreOptions {
            to: wish.to.clone(),
            source: contents.source.clone(),
            format: entry.manifest.format,
            ownership: wish.ownership,
            purpose: Purpose::Keep,
            jobs: wish.jobs,
        };
        let restored = server.restore(self.dump_of(place, entry, &contents)?, options).await?;
        let mut findings = Findings { notes: restored.notes, ..Findings::default() };
        if contents.fingerprint.is_some() {
            self.compare(&contents, server, &wish.to, &mut findings).await?;
        }
        if !findings.faults.is_empty() {
            return Err(unlike(entry, &wish.to, &findings));
        }
        if let Some(aside) = &wish.aside {
            server.replace(&wish.to, aside).await?;
        }
        Ok(findings)
    }

    /// What is known of `to`, where a run that was cut off before the swap has restored it whole. One that is not what was
    /// dumped is removed, under the name alone that such runs give by themselves: under any other somebody may use it.
    async fn goes_on(
        &self,
        entry: &Entry,
        contents: &Contents,
        (server, to): (&dyn Backup, &DatabaseName),
    ) -> Result<Option<Findings>> {
        let mut findings = Findings::default();
        self.compare(contents, server, to, &mut findings).await?;
        if findings.faults.is_empty() {
            findings.notes.push(format!("`{to}` was restored before, and is what was dumped"));
            return Ok(Some(findings));
        }
        if *to != entry.restored_name(&server.describe().await?.database)? {
            return Err(Error::Conflict(format!(
                "`{to}` was restored before, and is not what {} was made of: name another database, or remove it",
                entry.manifest.id
            )));
        }
        server.discard(to).await.map(|()| None)
    }
}

/// A live database is not put aside under a name that is taken; that is found out before anything is done.
async fn refuse_taken(server: &dyn Backup, aside: Option<&DatabaseName>) -> Result<()> {
    match aside {
        Some(name) if server.state(name).await? != State::Absent => {
            Err(Error::AlreadyExists { kind: "database", name: name.to_string() })
        }
        _ => Ok(()),
    }
}

fn unlike(entry: &Entry, to: &DatabaseName, findings: &Findings) -> Error {
    let faults = findings.faults.join("; ");
    Error::corrupted(format!("`{to}` is not what {} was made of: {faults}", entry.manifest.id), None)
}
