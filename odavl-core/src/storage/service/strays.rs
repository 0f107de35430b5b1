//! Bytes that nothing names: a store may take what was sent in time long after its URL has expired, when the sweeper has
//! forgotten what it was for. A slow walk through the store finds them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::later;
use crate::{
    error::{Error, ErrorCode, Result},
    ids::{ObjectId, OrgId},
    odavl::Core,
    page::PageQuery,
    storage::{Garbage, KeyPrefix, StoreKey},
};

/// How old bytes are before anybody asks who names them, how long they stay when nobody does, and how often a walk begins.
///
/// That a row names what may still be sent does not hang on it: rows come before bytes, and upload, object and garbage hand
/// their key from one to the next. It is longer than a request takes that was begun when a URL lived (an hour) or that puts
/// parts together (six), so what is on its way has landed when the key is removed. And it leaves a day to whoever has
/// restored the wrong copy of the database.
const LATE: SignedDuration = SignedDuration::from_hours(24);

/// How far this node has walked through the store.
#[derive(Debug, Default)]
pub(crate) struct Walk(Mutex<Place>);

#[derive(Debug, Default, Clone)]
struct Place {
    begun: Option<Timestamp>,
    /// Where it goes on; `None` where it is at its end.
    cursor: Option<String>,
}

impl Walk {
    /// Where the walk goes on, or begins; `None` where it is not due.
    fn place(&self, now: Timestamp) -> Option<Place> {
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match place {
            Place { cursor: Some(_), .. } => Some(place),
            Place { begun: Some(begun), .. } if now < later(begun, LATE) => None,
            Place { .. } => Some(Place { begun: Some(now), cursor: None }),
        }
    }

    fn keep(&self, place: Place) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

impl Core {
    /// Looks at the next page of the store's keys, and queues those for removal that nothing names.
    pub(crate) async fn sweep_strays(&self, now: Timestamp) -> Result<()> {
        let Some(place) = self.walk.place(now) else { return Ok(()) };
        let page = PageQuery { limit: PageQuery::MOST, cursor: place.cursor.clone() };
        // First what is there, then who names it: a key that nothing names then was given up, and no id is used again.
        let listed = self.storage.list(&KeyPrefix::orgs(), &page).await?;
        let old = listed.items.into_iter().filter(|stored| later(stored.modified, LATE) <= now);
        let found = old.filter_map(|stored| Some((stored.key.names()?, stored.key))).collect();
        let queued = self.queue_unnamed(found, now).await;
        // What makes no sense now makes none later: the walk goes on. What cannot be asked now is asked again.
        if queued.as_ref().err().is_none_or(|error| error.code() != ErrorCode::Unavailable) {
            self.walk.keep(Place { cursor: listed.next_cursor, ..place });
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
        let is_stray = |(org, object): &(OrgId, ObjectId)| {
            unnamed.contains(&(*org, *object)) && ours.get(org) == Some(&true)
        };
        let strays: Vec<_> = found.into_iter().filter(|(names, _)| is_stray(names)).collect();
        if let Some((_, first)) = strays.get(self.settings.strays_most as usize) {
            return Err(too_many(strays.len(), first));
        }
        for ((org, object), key) in strays {
            let garbage = Garbage { object, key, multipart: None, size: 0, due_at: later(now, LATE) };
            self.objects.queue_garbage(org, &garbage).await?;
        }
        Ok(())
    }
}

/// So many are not left over: they are what another database has stored since this one was copied.
fn too_many(strays: usize, one: &StoreKey) -> Error {
    Error::Conflict(format!(
        "nothing in the database names {strays} of a thousand keys in the store, `{one}` among them, and none was removed. A copy \
         of a database needs a store of its own, and an old one must be brought up to date; where this is the right one, \
         set `strays_most = 1000` until they are gone"
    ))
}
