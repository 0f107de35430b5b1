//! What is left when somebody does not wait for an answer.

use std::{future::poll_fn, path::PathBuf, pin::pin, task::Poll, thread::sleep};

use super::*;
use crate::{clock::SystemClock, secret::Secret, storage::full};

/// Polls `work` at most that many times, and drops it.
async fn cut_off(work: impl Future, after: usize) {
    let mut work = pin!(work);
    for _ in 0..after {
        sleep(Duration::from_micros(20));
        if poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_ready())).await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The folder's files that are open in this process.
fn open_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = entries.filter_map(|entry| entry.unwrap().path().read_link().ok());
    links.filter(|link| link.starts_with(folder)).collect()
}

#[tokio::test]
async fn what_is_cut_off_is_over_when_the_end_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let urls = || DirectUrls::new("http://127.0.0.1:8787", &Secret::new([0; 32])).unwrap();
    let key: StoreKey = "audit/org_01jf8z6q0vexm9r3k5t7w2y4ab/a".parse().unwrap();
    let content = || full(vec![b'x'; 1 << 20]);
    let options = || PutOptions { mode: PutMode::Overwrite, ..PutOptions::create(MediaType::bytes()) };
    let first = FsStorage::open(&path, clock.clone(), urls()).await.unwrap();
    first.put(&key, content(), options()).await.unwrap();
    drop(first);
    for after in 0..100 {
        let life = Life::new();
        let ended = life.ended();
        let store = FsStorage::open_within(&life, &path, clock.clone(), urls()).await.unwrap();
        drop(life);
        cut_off(store.put(&key, content(), options()), after).await;
        let read = async { store.get(&key, None).await.unwrap().unwrap().body.next().await };
        cut_off(read, after % 7).await;
        drop(store);
        ended.closed().await;
        assert_eq!(open_files(&path), Vec::<PathBuf>::new(), "after {after}");
        assert_eq!(std::fs::read_dir(path.join("staging")).unwrap().count(), 0, "after {after}");
    }
}
