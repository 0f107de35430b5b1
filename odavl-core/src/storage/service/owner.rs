//! Whose the store is. A copy of a database, and one that was restored from a backup, takes what was stored since for left
//! over; so nothing is removed from a store that another database has marked meanwhile.
//!
//! The database and the store carry the same mark, and renew it every few minutes. Whoever comes with an older copy of the
//! database has an older mark, and is refused. Where the copy is so young that it has the same, it renews the mark like
//! anybody; then whoever had the store until then finds a foreign one, and contests it, and both are refused until the
//! operator says which database is right.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Objects, later};
use crate::{
    action::Action,
    error::{Error, Result},
    odavl::Core,
    random,
    session::{Ask, Usage},
    storage::{PutOptions, Sha256, StoreKey, StoreMark, collect, full},
};

/// Where the mark lies in the store. It is no organisation's: no list, no recount and no quota knows it.
const PLACE: &str = "odavl/mark";
/// More bytes than a mark has.
const MOST: u64 = 100;
/// What nobody's mark is.
const CONTESTED: &str = "contested";
/// How often the mark is renewed: a copy that is older than that is known by it.
const EVERY: SignedDuration = SignedDuration::from_mins(5);

/// When this node last found the store to be its database's, or made it so.
#[derive(Debug, Default)]
pub(crate) struct Ownership(Mutex<Option<Timestamp>>);

impl Ownership {
    fn renewed(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, renewed: Option<Timestamp>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = renewed;
    }
}

impl Core {
    /// Makes sure that the store is this database's; to be asked before anything is removed that others may have stored.
    ///
    /// # Errors
    /// `conflict` where another database has marked it.
    pub(crate) async fn own_store(&self, now: Timestamp) -> Result<()> {
        let renewed = self.ownership.renewed();
        // First what is in the store: what the database says is then as new, or newer by one renewal.
        let in_store = self.store_mark().await?;
        let known = self.objects.store_mark().await?;
        match (in_store, known) {
            (None, known) => self.renew(known, now).await,
            (Some(found), Some(known)) if found == known.mark => {
                if renewed.is_none_or(|at| later(at, EVERY) <= now) {
                    self.renew(Some(known), now).await?;
                }
                Ok(())
            }
            // Somebody has renewed it in the database and not yet, or not at all, in the store.
            (Some(found), Some(known)) if known.replaced.as_ref() == Some(&found) => {
                self.mark_store(&known.mark).await?;
                self.ownership.note(Some(now));
                Ok(())
            }
            _ => {
                self.ownership.note(None);
                if renewed.is_some() {
                    self.mark_store(CONTESTED).await?;
                }
                Err(foreign())
            }
        }
    }

    /// Renews the mark, unless another node is faster.
    async fn renew(&self, known: Option<StoreMark>, now: Timestamp) -> Result<()> {
        let (mark, from) = (random::id(), known.map(|known| known.mark));
        if self.objects.renew_store_mark(from.as_deref(), &mark).await? {
            self.mark_store(&mark).await?;
        }
        self.ownership.note(Some(now));
        Ok(())
    }

    async fn store_mark(&self) -> Result<Option<String>> {
        let Some(object) = self.storage.get(&place()?, None).await? else { return Ok(None) };
        let bytes = collect(object.body, MOST).await?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    async fn mark_store(&self, mark: &str) -> Result<()> {
        let options = PutOptions::create("text/plain".parse()?).overwriting();
        let options = options.expecting(mark.len() as u64, Sha256::of(mark.as_bytes()));
        self.storage.put(&place()?, full(mark.to_owned()), options).await.map(drop)
    }
}

impl Objects<'_> {
    /// Says that the store is this database's, whoever had it: what the database does not know is removed from it.
    pub async fn adopt_store(&self) -> Result<()> {
        self.0
            .metered(Ask::new(Action::StoreAdopt), async |permit| {
                let core = &self.0.core;
                let record = self.0.record(permit, PLACE)?;
                core.write(Vec::new(), Vec::new(), vec![record]).await?;
                core.renew(core.objects.store_mark().await?, permit.at).await?;
                Ok(((), Usage::Settled))
            })
            .await
    }
}

fn place() -> Result<StoreKey> {
    PLACE.parse()
}

fn foreign() -> Error {
    Error::Conflict(
        "the store is another database's, which has marked it meanwhile: nothing is removed from it. A copy of a database \
         needs a store of its own; where this database is the right one, say so with `odavl admin adopt-store`"
            .to_owned(),
    )
}
