//! What the file-system adapter does when files, disks, links and processes misbehave.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use jiff::Timestamp;
use odavl_core::{
    Error, ErrorCode, ManualClock, SystemClock,
    page::PageQuery,
    secret::Secret,
    storage::{
        DirectUrls, FsStorage, KeyPrefix, MediaType, PutMode, PutOptions, Sha256, Storage, StoreKey, collect,
        full,
    },
};
use tempfile::TempDir;

async fn open(root: &Path) -> FsStorage {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let urls = DirectUrls::new("https://odavl.example", &Secret::new([7; 32])).unwrap();
    FsStorage::open(root, clock, urls).await.unwrap()
}

fn key(text: &str) -> StoreKey {
    text.parse().unwrap()
}

fn options() -> PutOptions {
    PutOptions::create(MediaType::bytes())
}

/// Every file and folder below `root`.
fn below(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if fs::symlink_metadata(&path).unwrap().is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

fn one_ending(root: &Path, end: &str) -> PathBuf {
    let found: Vec<_> =
        below(root).into_iter().filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

async fn whole(storage: &FsStorage, key: &StoreKey) -> Result<bytes::Bytes, Error> {
    collect(storage.get(key, None).await?.unwrap().body, u64::MAX).await
}

#[tokio::test]
async fn bytes_lie_in_a_plain_file_of_this_user_alone() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("new/folder");
    let storage = open(&folder).await;
    storage.put(&key("org/a/b"), full("as they are"), options()).await.unwrap();
    assert_eq!(fs::read(one_ending(&folder.join("objects/org/a/b"), "~bytes")).unwrap(), b"as they are");
    for path in below(&folder.join("objects")) {
        let found = fs::symlink_metadata(&path).unwrap();
        let mode = if found.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(found.permissions().mode() & 0o777, mode, "{path:?}");
    }
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn deleting_and_overwriting_leave_no_file_behind() {
    let root = TempDir::new().unwrap();
    let storage = open(root.path()).await;
    for _ in 0..3 {
        storage.put(&key("org/a/b"), full("x"), options().overwriting()).await.unwrap();
    }
    one_ending(root.path(), "~bytes");
    storage.delete(&key("org/a/b")).await.unwrap();
    assert_eq!(below(&root.path().join("objects")), Vec::<PathBuf>::new());
    assert_eq!(below(&root.path().join("staging")), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_link_in_the_folder_is_not_followed() {
    let (root, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let storage = open(root.path()).await;
    fs::write(outside.path().join("~meta"), "{}").unwrap();
    symlink(outside.path(), root.path().join("objects/org")).unwrap();
    for code in [
        storage.put(&key("org/a"), full("x"), options()).await.unwrap_err().code(),
        storage.get(&key("org"), None).await.unwrap_err().code(),
        storage.delete(&key("org")).await.unwrap_err().code(),
    ] {
        assert_eq!(code, ErrorCode::Corrupted);
    }
    assert_eq!(below(outside.path()), [outside.path().join("~meta")]);

    storage.put(&key("other/a"), full("x"), options()).await.unwrap();
    let bytes = one_ending(&root.path().join("objects/other"), "~bytes");
    fs::rename(&bytes, outside.path().join("moved")).unwrap();
    symlink(outside.path().join("moved"), &bytes).unwrap();
    assert_eq!(storage.get(&key("other/a"), None).await.unwrap_err().code(), ErrorCode::Corrupted);
}

#[tokio::test]
async fn bytes_that_rotted_are_corrupted_before_the_last_of_them_is_given() {
    let root = TempDir::new().unwrap();
    let storage = open(root.path()).await;
    storage.put(&key("org/a"), full("hello"), options()).await.unwrap();
    let bytes = one_ending(root.path(), "~bytes");
    fs::write(&bytes, "hallo").unwrap();
    assert_eq!(whole(&storage, &key("org/a")).await.unwrap_err().code(), ErrorCode::Corrupted);
    fs::write(&bytes, "hell").unwrap();
    assert_eq!(storage.head(&key("org/a")).await.unwrap_err().code(), ErrorCode::Corrupted);
    fs::remove_file(&bytes).unwrap();
    assert_eq!(storage.head(&key("org/a")).await.unwrap_err().code(), ErrorCode::Corrupted);
}

#[tokio::test]
async fn a_record_that_makes_no_sense_is_corrupted() {
    let root = TempDir::new().unwrap();
    let storage = open(root.path()).await;
    storage.put(&key("org/a"), full("hello"), options()).await.unwrap();
    fs::write(one_ending(root.path(), "a/~meta"), "{").unwrap();
    assert_eq!(storage.head(&key("org/a")).await.unwrap_err().code(), ErrorCode::Corrupted);
}

#[tokio::test]
async fn a_folder_that_went_away_is_unavailable() {
    let root = TempDir::new().unwrap();
    let storage = open(root.path()).await;
    storage.ready().await.unwrap();
    fs::remove_dir_all(root.path().join("staging")).unwrap();
    assert_eq!(storage.ready().await.unwrap_err().code(), ErrorCode::Unavailable);
    let put = storage.put(&key("org/a"), full("hello"), options()).await;
    assert_eq!(put.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(storage.head(&key("org/a")).await.unwrap(), None);
}

/// Puts `bytes` under `org/a` and makes the folder what a crash just before the commit leaves: the bytes in place, the
/// record in the staging folder.
async fn crash_before_commit(root: &Path, bytes: &'static str) {
    let storage = open(root).await;
    let kept = storage.head(&key("org/a")).await.unwrap().map(|meta| meta.etag);
    let visible = root.join("objects/org/a/~meta");
    let before = fs::read(&visible).ok();
    let old = kept.map(|etag| root.join(format!("objects/org/a/{etag}~bytes")));
    let old_bytes = old.as_ref().map(|path| fs::read(path).unwrap());
    storage.put(&key("org/a"), full(bytes), options().overwriting()).await.unwrap();
    fs::rename(&visible, root.join("staging/00~meta")).unwrap();
    if let (Some(before), Some(path), Some(content)) = (before, old, old_bytes) {
        fs::write(&visible, before).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[tokio::test]
async fn what_a_crash_left_is_swept_when_the_folder_is_opened() {
    let root = TempDir::new().unwrap();
    crash_before_commit(root.path(), "never answered").await;
    fs::write(root.path().join("staging/11~bytes"), "half").unwrap();
    fs::write(root.path().join("staging/22~meta"), "{\"cut").unwrap();
    fs::create_dir(root.path().join("staging/33")).unwrap();
    fs::write(root.path().join("staging/33/~meta"), "{}").unwrap();

    let storage = open(root.path()).await;
    assert_eq!(storage.head(&key("org/a")).await.unwrap(), None);
    assert_eq!(below(&root.path().join("staging")), Vec::<PathBuf>::new());
    assert_eq!(below(&root.path().join("objects")), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_crash_during_an_overwrite_keeps_what_was_there() {
    let root = TempDir::new().unwrap();
    open(root.path()).await.put(&key("org/a"), full("first"), options()).await.unwrap();
    crash_before_commit(root.path(), "never answered").await;

    let storage = open(root.path()).await;
    assert_eq!(whole(&storage, &key("org/a")).await.unwrap(), "first");
    one_ending(root.path(), "~bytes");
}

#[tokio::test]
async fn nothing_is_swept_while_another_process_is_writing() {
    let root = TempDir::new().unwrap();
    let first = open(root.path()).await;
    let written = root.path().join("staging/11~bytes");
    fs::write(&written, "half").unwrap();
    let second = open(root.path()).await;
    assert!(written.exists());
    drop((first, second));
    open(root.path()).await;
    assert!(!written.exists());
}

#[tokio::test]
async fn an_open_upload_survives_a_restart() {
    let root = TempDir::new().unwrap();
    let storage = open(root.path()).await;
    let upload = storage.begin_multipart(&key("org/a"), &MediaType::bytes()).await.unwrap();
    let part = odavl_core::storage::Part { number: 1, size: 5, sha256: Sha256::of(b"hello") };
    storage.put_part(&upload, part, full("hello")).await.unwrap();
    drop(storage);
    let storage = open(root.path()).await;
    assert_eq!(storage.parts(&upload).await.unwrap().unwrap().len(), 1);
    storage.complete_multipart(&upload, &[part], PutMode::Create).await.unwrap();
    assert_eq!(whole(&storage, &key("org/a")).await.unwrap(), "hello");
    assert_eq!(below(&root.path().join("multiparts")), Vec::<PathBuf>::new());
}

/// Puts object after object and says which was answered, until it is killed; runs in a process of its own.
#[tokio::test]
async fn child_that_is_killed() {
    let Some(root) = std::env::var_os("ODAVL_TEST_KILLED_IN") else { return };
    let urls = DirectUrls::new("https://odavl.example", &Secret::new([7; 32])).unwrap();
    let storage = FsStorage::open(Path::new(&root), Arc::new(SystemClock), urls).await.unwrap();
    for round in 0_u32.. {
        let (fresh, again) = (key(&format!("org/{round}")), key("org/again"));
        let bytes = round.to_be_bytes().repeat(100_000);
        storage.put(&fresh, full(bytes.clone()), options()).await.unwrap();
        storage.put(&again, full(bytes), options().overwriting()).await.unwrap();
        println!("answered {round}");
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_answered_and_leaves_nothing_half() {
    let root = TempDir::new().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fs_faults::child_that_is_killed", "--nocapture"])
        .env("ODAVL_TEST_KILLED_IN", root.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let answered: Vec<_> = lines.by_ref().filter(|line| line.contains("answered ")).take(20).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let later = lines.filter(|line| line.contains("answered ")).count();
    assert_eq!(answered.len(), 20);

    let storage = open(root.path()).await;
    let page = PageQuery { limit: 1000, cursor: None };
    let stored = storage.list(&KeyPrefix::default(), &page).await.unwrap().items;
    // One put may have been committed and not answered yet.
    assert!((21 + later..=22 + later).contains(&stored.len()), "{} and {later}", stored.len());
    for object in &stored {
        let bytes = whole(&storage, &object.key).await.unwrap();
        assert!(bytes.len() == 400_000 && bytes.chunks(4).all(|word| word == &bytes[..4]));
    }
    let files = below(&root.path().join("objects")).into_iter().filter(|path| path.is_file()).count();
    assert_eq!(files, 2 * stored.len());
}
