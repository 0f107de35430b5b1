//! Copying all objects from one store to another, as an installation does that outgrows its folder.

use std::sync::Arc;

use serde::Serialize;
use tokio::task::JoinSet;

use super::{Checksum, Expected, KeyPrefix, PutOptions, Storage, Stored};
use crate::{
    error::{Error, Result},
    page::PageQuery,
};

/// How many objects are on their way at once.
const AT_ONCE: usize = 4;

/// What a copy came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// How many objects are in the other store now.
    pub objects: u64,
    /// How many bytes they have together.
    pub bytes: u64,
    /// How many of the objects had been copied before.
    pub before: u64,
}

/// Copies every object to `to` under its key, proved by its length and digest; what an earlier copy brought there stays.
/// `watch` is told how many bytes are there, and of how many. Nobody may write to either meanwhile.
///
/// What has come of an upload in parts that nobody has completed stays behind: it is begun anew.
///
/// # Errors
/// As the stores; what was copied until then is there, and a further call goes on.
pub async fn copy_objects(
    from: &Arc<dyn Storage>,
    to: &Arc<dyn Storage>,
    watch: &(dyn Fn(u64, u64) + Sync),
) -> Result<Copied> {
    let mut total = 0;
    let mut pages = Pages::of(from);
    while let Some(page) = pages.next().await? {
        total += page.iter().map(|stored| stored.size).sum::<u64>();
    }
    let (mut copied, mut under_way) = (Copied::default(), JoinSet::new());
    let mut count = |size: u64, was_there: bool| {
        copied.objects += 1;
        copied.bytes += size;
        copied.before += u64::from(was_there);
        watch(copied.bytes, total);
    };
    let mut pages = Pages::of(from);
    while let Some(page) = pages.next().await? {
        for stored in page {
            if under_way.len() == AT_ONCE {
                let (size, was_there) = ended(under_way.join_next().await)?;
                count(size, was_there);
            }
            under_way.spawn(copy(from.clone(), to.clone(), stored));
        }
    }
    while !under_way.is_empty() {
        let (size, was_there) = ended(under_way.join_next().await)?;
        count(size, was_there);
    }
    Ok(copied)
}

/// All objects of a store, page by page.
struct Pages<'a> {
    store: &'a Arc<dyn Storage>,
    page: Option<PageQuery>,
}

impl<'a> Pages<'a> {
    fn of(store: &'a Arc<dyn Storage>) -> Self {
        Self { store, page: Some(PageQuery { limit: PageQuery::MOST, cursor: None }) }
    }

    async fn next(&mut self) -> Result<Option<Vec<Stored>>> {
        let Some(query) = self.page.take() else { return Ok(None) };
        let page = self.store.list(&KeyPrefix::default(), &query).await?;
        self.page = page.next_cursor.map(|cursor| PageQuery { cursor: Some(cursor), ..query });
        Ok(Some(page.items))
    }
}

fn ended<T>(copied: Option<Result<Result<T>, tokio::task::JoinError>>) -> Result<T> {
    match copied {
        Some(Ok(copied)) => copied,
        Some(Err(stopped)) => Err(Error::internal("a copy stopped", Some(stopped.into()))),
        None => Err(Error::internal("no copy is under way", None)),
    }
}

/// The object's size, and whether it was there.
async fn copy(from: Arc<dyn Storage>, to: Arc<dyn Storage>, stored: Stored) -> Result<(u64, bool)> {
    let key = &stored.key;
    let gone = || Error::Conflict(format!("{key} went while it was copied: stop whoever serves from there"));
    let object = from.get(key, None).await?.ok_or_else(gone)?;
    let (size, checksum) = (object.meta.size, object.meta.checksum);
    // A key is never given to other bytes.
    if to.head(key).await?.is_some_and(|there| there.size == size) {
        return Ok((size, true));
    }
    // That of an object that came in parts says nothing of the parts in which it goes on; those are proved one by one.
    let sha256 = match checksum {
        Some(Checksum::Whole(sha256)) => Some(sha256),
        Some(Checksum::Composite { .. }) | None => None,
    };
    let expected = Expected { length: Some(size), sha256 };
    let options = PutOptions { expected, ..PutOptions::create(object.meta.content_type) }.overwriting();
    to.put(key, object.body, options).await?;
    Ok((size, false))
}
