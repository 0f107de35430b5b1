//! Sweeping what stands on the wings: each upload that expired is ended by whoever began it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use crate::{
    error::{ErrorCode, Result},
    ids::OrgId,
    odavl::Core,
    storage::Upload,
};

/// How many rows are read at once.
const BATCH: usize = 100;
/// How many a pass takes at most, so that what comes after it has its turn. The next sweep, seconds later, takes more.
const MOST: usize = 1000;
/// After how many that were not answered, one after the other, the rest is left for the next sweep.
const SILENT: usize = 5;

/// A pass over rows that are due: each is taken once. Those that fail, or are left, are tried again at the next sweep and
/// hold up no other: past them more is read.
#[derive(Debug)]
pub(crate) struct Pass<K> {
    tried: BTreeSet<K>,
    gone: usize,
    /// How many failed one after the other because something did not answer.
    silent: usize,
    over: bool,
    outcome: Result<()>,
}

impl<K: Ord> Pass<K> {
    pub(crate) const fn new() -> Self {
        Self { tried: BTreeSet::new(), gone: 0, silent: 0, over: false, outcome: Ok(()) }
    }

    /// How many rows to read next; `None` where the pass is over.
    pub(crate) fn most(&self) -> Option<u32> {
        (!self.over).then(|| u32::try_from(BATCH + self.tried.len()).unwrap_or(u32::MAX))
    }

    /// Those of the rows that were not tried yet.
    pub(crate) fn fresh<T>(&mut self, rows: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
        let full = rows.len() == BATCH + self.tried.len();
        let keys: BTreeSet<K> = rows.iter().map(&key).collect();
        self.gone += self.tried.difference(&keys).count();
        let mut fresh: Vec<T> = rows.into_iter().filter(|row| !self.tried.contains(&key(row))).collect();
        self.over = fresh.is_empty() || self.gone >= MOST || !full && fresh.len() <= BATCH;
        fresh.truncate(if self.gone >= MOST { 0 } else { BATCH });
        self.tried.retain(|tried| keys.contains(tried));
        self.tried.extend(fresh.iter().map(key));
        fresh
    }

    /// Notes what came of a row; answers whether to go on with the next.
    pub(crate) fn took(&mut self, done: Result<()>) -> bool {
        let is_silent = done.as_ref().is_err_and(|error| error.code() == ErrorCode::Unavailable);
        self.silent = if is_silent { self.silent + 1 } else { 0 };
        self.over |= self.silent >= SILENT;
        if self.outcome.is_ok() {
            self.outcome = done;
        }
        self.silent < SILENT
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
                if !pass.took(self.end_upload(org, &upload, now).await) {
                    break;
                }
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

    /// Takes what there is, of which `fails` is not done; answers how many were tried.
    fn pass(rows: &mut Vec<usize>, fails: impl Fn(usize) -> Option<Error>) -> usize {
        let (mut pass, mut tried) = (Pass::new(), 0);
        while let Some(most) = pass.most() {
            let due: Vec<_> = rows.iter().take(most as usize).copied().collect();
            for row in pass.fresh(due, |row| *row) {
                let failed = fails(row);
                if failed.is_none() {
                    rows.retain(|other| *other != row);
                }
                tried += 1;
                if !pass.took(failed.map_or(Ok(()), Err)) {
                    break;
                }
            }
        }
        assert_eq!(pass.end().is_err(), rows.iter().any(|row| fails(*row).is_some()));
        tried
    }

    #[test]
    fn a_pass_is_bounded_and_what_fails_holds_up_no_other() {
        let mut rows: Vec<_> = (0..2600).collect();
        let fails = |row| (row < 1200).then(|| Error::internal("it fails", None));
        assert_eq!([0, 1, 2].map(|_| pass(&mut rows, fails)), [2200, 1600, 1200]);
    }

    #[test]
    fn what_does_not_answer_is_not_asked_for_long() {
        let mut rows: Vec<_> = (0..2600).collect();
        assert_eq!(pass(&mut rows, |_| Some(Error::unavailable("nobody answers", None))), SILENT);
    }
}
