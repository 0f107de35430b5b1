//! Uploads that were begun and not ended: the next put of the same bytes goes on with the same upload.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use crate::files;
use jiff::{SignedDuration, Timestamp};
use odavl_core::{Clock, Result, SystemClock, random_id, storage::Sha256};

use crate::credentials::Store;

/// After this time no server goes on with an upload.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An upload's idempotency key, kept until the upload has ended.
#[derive(Debug)]
pub(crate) struct Begun {
    path: PathBuf,
    key: String,
    /// Whether an earlier command began it.
    resumed: bool,
}

impl Begun {
    /// The upload of what `words` name: where to, under which name, which bytes.
    pub(crate) fn of(store: &Store, words: &[&str]) -> Result<Self> {
        let folder = store.folder("uploads");
        forget_old(&folder);
        let path = folder.join(Sha256::of(words.join("\0").as_bytes()).to_string());
        if let Some(key) = files::read(&path)?.filter(|key| !key.is_empty()) {
            return Ok(Self { path, key, resumed: true });
        }
        let mut begun = Self { path, key: String::new(), resumed: false };
        begun.anew();
        Ok(begun)
    }

    /// The key that makes every try the same upload.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Whether an earlier command began it.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Begins another upload in its place.
    pub(crate) fn anew(&mut self) {
        self.key = random_id();
        self.resumed = false;
        // Where nothing can be kept, a put that is killed begins from the start.
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let _ = files::make_private(folder)
            .and_then(|()| files::write_atomically(&self.path, |file| file.write_all(self.key.as_bytes())));
    }

    /// Forgets it: it has ended.
    pub(crate) fn forget(self) {
        let _ = fs::remove_file(self.path);
    }
}

fn forget_old(folder: &Path) {
    let Some(oldest) = SystemClock.now().checked_sub(KEPT).ok() else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|found| found.modified()).ok();
        let changed = changed.and_then(|at| Timestamp::try_from(at).ok());
        if changed.is_some_and(|at| at < oldest) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        time::{Duration, SystemTime},
    };

    use super::*;

    #[test]
    fn the_same_put_goes_on_with_the_same_upload_until_it_has_ended() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path());
        let first = Begun::of(&store, &["acme", "a"]).unwrap();
        let again = Begun::of(&store, &["acme", "a"]).unwrap();
        assert!(!first.is_resumed() && again.is_resumed());
        assert_eq!(first.key(), again.key());
        assert_ne!(Begun::of(&store, &["acme", "b"]).unwrap().key(), first.key());
        again.forget();
        assert!(!Begun::of(&store, &["acme", "a"]).unwrap().is_resumed());
    }

    #[test]
    fn what_no_server_remembers_is_forgotten_here_too() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path());
        let old = Begun::of(&store, &["old"]).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        File::options().append(true).open(&old.path).unwrap().set_modified(long_ago).unwrap();
        Begun::of(&store, &["new"]).unwrap();
        assert!(!old.path.exists());
    }
}
