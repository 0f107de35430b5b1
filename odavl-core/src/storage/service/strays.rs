//! Bytes that nothing names: a store may take what was sent in time long after its URL has expired, when the sweeper has
//! forgotten what it was for. A slow walk through the store finds them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::later;
use crate::{
    error::{ErrorCode, Result},
    ids::{ObjectId, OrgId},
    odavl::Core,
    page::PageQuery,
    storage::{Garbage, KeyPrefix, StoreKey, StoreWalk},
};

/// How old bytes are before anybody asks who names them, how long they stay when nobody does, and how often a walk begins.
///
/// That a row names what may still be sent does not hang on it: rows come before bytes, and upload, object and garbage hand
/// their key from one to the next. It is longer than a request takes that was begun when a URL lived (an hour) or that puts
/// parts together (six), so what is on its way has landed when the key is removed. And it leaves a day to whoever has
/// restored the wrong copy of the database.
const LATE: SignedDuration = SignedDuration::from_hours(24);

impl Core {
    /// Looks at the next page of the store's keys, and queues those for removal that nothing names. A walk through all of
    /// them may take longer than a node lives: how far it has come is in the database.
    pub(crate) async fn sweep_strays(&self, now: Timestamp) -> Result<()> {
        let walk = match self.objects.store_walk().await? {
            Some(walk) if walk.past.is_some() => walk,
            Some(walk) if now < later(walk.begun, LATE) => return Ok(()),
            _ => StoreWalk { begun: now, past: None },
        };
        let page = PageQuery { limit: PageQuery::MOST, cursor: walk.past.clone() };
        // First what is there, then who names it: a key that nothing names then was given up, and no id is used again.
        let listed = self.storage.list(&KeyPrefix::orgs(), &page).await?;
        let old = listed.items.into_iter().filter(|stored| later(stored.modified, LATE) <= now);
        let found = old.filter_map(|stored| Some((stored.key.names()?, stored.key))).collect();
        let queued = self.queue_unnamed(found, now).await;
        // What makes no sense now makes none later: the walk goes on. What cannot be asked now is asked again.
        if queued.as_ref().err().is_none_or(|error| error.code() != ErrorCode::Unavailable) {
            self.objects.keep_store_walk(&StoreWalk { past: listed.next_cursor, ..walk }).await?;
        }
        queued
    }

    async fn queue_unnamed(
        &self,
        found: BTreeMap<(OrgId, ObjectId), StoreKey>,
        now: Timestamp,
    ) -> Result<()> {
        if found.is_empty() {
            return Ok(());
        }
        let asked: Vec<_> = found.keys().copied().collect();
        let unnamed: BTreeSet<_> = self.objects.unnamed(&asked).await?.into_iter().collect();
        let mut ours = BTreeMap::new();
        for (org, _) in &unnamed {
            // Those of an organisation that there never was here are another installation's in the same bucket.
            if !ours.contains_key(org) {
                ours.insert(*org, self.auth.epoch(*org).await?.is_some());
            }
        }
        for ((org, object), key) in found {
            if unnamed.contains(&(org, object)) && ours.get(&org) == Some(&true) {
                let garbage = Garbage { object, key, multipart: None, size: 0, due_at: later(now, LATE) };
                self.objects.queue_garbage(org, &garbage).await?;
            }
        }
        Ok(())
    }
}
