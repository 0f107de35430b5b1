//! Sweeping what stands on the wings: each upload that expired is ended by whoever began it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use crate::{error::Result, ids::OrgId, odavl::Core, storage::Upload};

/// How many rows are read at once.
const BATCH: usize = 100;

/// A pass over rows that are due: each is taken once. Those that fail, or are left, are tried again at the next sweep and
/// hold up no other: past them more is read.
#[derive(Debug)]
pub(crate) struct Pass<K> {
    tried: BTreeSet<K>,
    over: bool,
    outcome: Result<()>,
}

impl<K: Ord> Pass<K> {
    pub(crate) const fn new() -> Self {
        Self { tried: BTreeSet::new(), over: false, outcome: Ok(()) }
    }

    /// How many rows to read next; `None` where the pass is over.
    pub(crate) fn most(&self) -> Option<u32> {
        (!self.over).then(|| u32::try_from(BATCH + self.tried.len()).unwrap_or(u32::MAX))
    }

    /// Those of the rows that were not tried yet.
    pub(crate) fn fresh<T>(&mut self, rows: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
        let full = rows.len() == BATCH + self.tried.len();
        let keys: BTreeSet<K> = rows.iter().map(&key).collect();
        let fresh: Vec<T> = rows.into_iter().filter(|row| !self.tried.contains(&key(row))).collect();
        self.over = !full || fresh.is_empty();
        self.tried = keys;
        fresh
    }

    /// Notes what came of a row.
    pub(crate) fn took(&mut self, done: Result<()>) {
        if self.outcome.is_ok() {
            self.outcome = done;
        }
    }

    /// The first thing that failed.
    pub(crate) fn end(self) -> Result<()> {
        self.outcome
    }
}

impl Core {
    /// Ends the uploads that expired and removes the bytes that are due. Another node may do the same at the same
    /// time: each step can be taken again.
    pub(crate) async fn sweep_storage(self: &Arc<Self>) -> Result<()> {
        let now = self.clock.now();
        let ended = self.end_uploads(now).await;
        #[cfg(feature = "uploads")]
        let ended = ended.and(self.sweep_uploads(now).await);
        let removed = self.sweep_garbage(now).await;
        ended.and(removed)
    }

    async fn end_uploads(self: &Arc<Self>, now: Timestamp) -> Result<()> {
        let mut pass = Pass::new();
        while let Some(most) = pass.most() {
            let expired = self.objects.expired_uploads(now, most).await?;
            for (org, upload) in pass.fresh(expired, |(org, upload)| (*org, upload.id)) {
                pass.took(self.end_upload(org, &upload, now).await);
            }
        }
        pass.end()
    }

    async fn end_upload(self: &Arc<Self>, org: OrgId, upload: &Upload, now: Timestamp) -> Result<()> {
        #[cfg(feature = "uploads")]
        if crate::uploads::owner(&upload.name).is_some() {
            return self.sweep_results(org, upload, now).await;
        }
        self.sweep_upload(org, upload, now).await
    }
}
