//! Tidying after a crash, when nobody else uses the folder.

use std::{
    fs::{self, File},
    path::Path,
};

use super::{
    layout::{Layout, META, bytes_name, io_error, lock_file},
    list::entries,
    read::record_at,
};
use crate::{error::Result, storage::StoreKey};

/// Joins those who use the folder. The first to come sweeps: whatever is staged then, nobody is writing any more.
pub(super) fn join(layout: &Layout) -> Result<File> {
    let path = layout.lock();
    let fail = |error| io_error(&path, error);
    let lock = lock_file(&path)?;
    if lock.try_lock().is_ok() {
        sweep(layout)?;
        // The lock may be lost for a moment here; whoever sweeps in it finds nothing of ours.
        lock.unlock().map_err(fail)?;
    }
    lock.lock_shared().map_err(fail)?;
    Ok(lock)
}

fn sweep(layout: &Layout) -> Result<()> {
    for path in entries(&layout.staging(""))? {
        let is_intent = path.to_str().is_some_and(|path| path.ends_with(META));
        // An intent that a crash cut short was never acted on.
        if let Some(record) = is_intent.then(|| record_at(&path)).and_then(Result::ok).flatten() {
            tidy(layout, &record.key)?;
        }
        remove(&path)?;
    }
    Ok(())
}

/// Removes the bytes under `key` that its record does not name.
fn tidy(layout: &Layout, key: &StoreKey) -> Result<()> {
    let Some(folder) = layout.folder(key)? else { return Ok(()) };
    let named = layout.record(key)?.map(|record| folder.join(bytes_name(&record.etag)));
    for path in entries(&folder)? {
        let is_bytes = path.to_str().is_some_and(|path| path.ends_with(&bytes_name("")));
        if is_bytes && named.as_ref() != Some(&path) {
            remove(&path)?;
        }
    }
    layout.prune(key);
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        _ => fs::remove_file(path),
    };
    removed.map_err(|error| io_error(path, error))
}
