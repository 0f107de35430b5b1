//! Sweeping what stands on the wings: each upload that expired is ended by whoever began it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use crate::{error::Result, ids::OrgId, odavl::Core, storage::Upload};

/// How many rows are read at once.
const BATCH: usize = 100;
/// How many a pass takes at most, so that what comes after it has its turn. The next sweep, seconds later, takes more.
const MOST: usize = 1000;

/// A pass over rows that are due: each is taken once. Those that fail, or are left, are tried again at the next sweep and
/// hold up no other: past them more is read.
#[derive(Debug)]
pub(crate) struct Pass<K> {
    tried: BTreeSet<K>,
    done: usize,
    over: bool,
    outcome: Result<()>,
}

impl<K: Ord> Pass<K> {
    pub(crate) const fn new() -> Self {
        Self { tried: BTreeSet::new(), done: 0, over: false, outcome: Ok(()) }
    }

    /// How many rows to read next; `None` where the pass is over.
    pub(crate) fn most(&self) -> Option<u32> {
        (!self.over && self.done < MOST).then(|| u32::try_from(BATCH + self.tried.len()).unwrap_or(u32::MAX))
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
        match done {
            Ok(()) => self.done += 1,
            Err(error) if self.outcome.is_ok() => self.outcome = Err(error),
            Err(_) => {}
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    /// Takes what there is, of which `fails` is not done; answers how many were.
    fn pass(rows: &mut Vec<usize>, fails: impl Fn(usize) -> bool) -> usize {
        let (mut pass, mut done) = (Pass::new(), 0);
        while let Some(most) = pass.most() {
            let due: Vec<_> = rows.iter().take(most as usize).copied().collect();
            for row in pass.fresh(due, |row| *row) {
                if fails(row) {
                    pass.took(Err(Error::internal("it fails", None)));
                } else {
                    rows.retain(|other| *other != row);
                    pass.took(Ok(()));
                    done += 1;
                }
            }
        }
        assert_eq!(pass.end().is_err(), rows.iter().any(|row| fails(*row)));
        done
    }

    #[test]
    fn a_pass_is_bounded_and_what_fails_holds_up_no_other() {
        let mut rows: Vec<_> = (0..2500).collect();
        let fails = |row| row < 1200;
        assert_eq!([pass(&mut rows, fails), pass(&mut rows, fails), pass(&mut rows, fails)], [1000, 300, 0]);
    }
}
