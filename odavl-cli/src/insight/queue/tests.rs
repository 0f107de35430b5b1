use std::os::unix::fs::symlink;

use odavl_core::{ErrorCode, ManualClock};

use super::*;

const TARGET: Destination<'_> = Destination {
    product: "insight",
    project: "my-app",
    organization: Some("acme"),
    server: "https://me:s3cret@odavl.example/path?k=s3cret",
};

fn document(root: &Path, digit: char) -> PathBuf {
    let text = format!(
        r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "t"}}}},
        "automationDetails": {{"guid": "{digit}f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11"}}, "results": []}}]}}"#
    );
    let path = root.join(format!("{digit}.sarif"));
    fs::write(&path, text).unwrap();
    path
}

fn queue() -> (tempfile::TempDir, Queue) {
    let root = tempfile::tempdir().unwrap();
    let queue = Queue::open(root.path()).unwrap();
    (root, queue)
}

fn push(queue: &Queue, document: &Path) -> Entry {
    queue.push(&TARGET, document, &ManualClock::new(Timestamp::UNIX_EPOCH)).unwrap()
}

fn ids(queue: &Queue) -> Vec<char> {
    let entries = queue.pending().unwrap().entries;
    entries.iter().map(|entry| entry.run_id.to_string().chars().next().unwrap()).collect()
}

#[test]
fn uploads_wait_in_the_order_in_which_they_came_also_for_the_next_process() {
    let (root, queue) = queue();
    for digit in ['9', '1', '5'] {
        push(&queue, &document(root.path(), digit));
    }
    assert_eq!(ids(&Queue::open(root.path()).unwrap()), ['9', '1', '5']);
    queue.done("9f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11".parse().unwrap()).unwrap();
    push(&queue, &document(root.path(), '0'));
    assert_eq!(ids(&queue), ['1', '5', '0']);
}

#[test]
fn what_is_kept_is_the_content_and_it_is_what_the_entry_says() {
    let (root, queue) = queue();
    let path = document(root.path(), '3');
    let text = fs::read(&path).unwrap();
    let entry = push(&queue, &path);
    fs::remove_file(path).unwrap();
    let packed = queue.content(&entry).unwrap().read().unwrap();
    let inspected = inspect(&packed[..], Encoding::Zstd, &Caps::default()).unwrap();
    assert_eq!(hex(&inspected.sha256), entry.sha256);
    assert_eq!((inspected.unpacked_len, inspected.packed_len), (entry.unpacked_len, entry.packed_len));
    let mut unpacked = Vec::new();
    zstd::Decoder::new(&packed[..]).unwrap().read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, text);
}

#[test]
fn a_run_is_queued_once() {
    let (root, queue) = queue();
    let path = document(root.path(), '3');
    assert_eq!(push(&queue, &path), push(&queue, &path));
    assert_eq!(ids(&queue), ['3']);
}

#[test]
fn no_credential_of_the_server_s_url_is_kept() {
    let (root, queue) = queue();
    let entry = push(&queue, &document(root.path(), '3'));
    assert_eq!(entry.server, "https://odavl.example");
    for file in fs::read_dir(root.path().join(".odavl/queue")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"s3cret"));
    }
    for server in ["odavl.example", "file:///etc", "s3cret", "https://"] {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let target = Destination { server, ..TARGET };
        let error = queue.push(&target, &document(root.path(), '4'), &clock).unwrap_err();
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

#[test]
fn what_the_server_would_refuse_is_not_queued() {
    let (root, queue) = queue();
    let path = root.path().join("bad.sarif");
    fs::write(&path, "{}").unwrap();
    assert!(queue.push(&TARGET, &path, &ManualClock::new(Timestamp::UNIX_EPOCH)).is_err());
    assert!(ids(&queue).is_empty());
}

#[test]
fn done_removes_both_files_and_may_be_said_twice() {
    let (root, queue) = queue();
    let entry = push(&queue, &document(root.path(), '3'));
    for _ in 0..2 {
        queue.done(entry.run_id).unwrap();
    }
    let left: Vec<_> = fs::read_dir(root.path().join(".odavl/queue")).unwrap().collect();
    assert_eq!(left.len(), 1, "only the lock: {left:?}");
}

#[test]
fn a_damaged_entry_is_named_keeps_nothing_back_and_makes_room_for_its_run() {
    let (root, queue) = queue();
    push(&queue, &document(root.path(), '3'));
    push(&queue, &document(root.path(), '4'));
    let folder = root.path().join(".odavl/queue");
    let name = "0000000000-3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11";
    fs::write(folder.join(format!("{name}.zst")), "cut").unwrap();
    fs::write(folder.join("junk.json"), "{").unwrap();
    let pending = queue.pending().unwrap();
    assert_eq!(ids(&queue), ['4']);
    assert_eq!(pending.damaged, [folder.join(format!("{name}.json")), folder.join("junk.json")]);
    push(&queue, &document(root.path(), '3'));
    assert_eq!(ids(&queue), ['4', '3']);
}

#[test]
fn nothing_that_came_with_the_project_leads_elsewhere_or_has_no_end() {
    let (root, queue) = queue();
    for digit in ['3', '4', '5', '6'] {
        push(&queue, &document(root.path(), digit));
    }
    let names = queue.names().unwrap();
    let at = |index: usize, ending: &str| root.path().join(format!(".odavl/queue/{}.{ending}", names[index]));
    let instead = |path: &Path, of: &str| {
        fs::remove_file(path).unwrap();
        symlink(of, path).unwrap();
    };
    fs::rename(at(0, "json"), root.path().join("elsewhere")).unwrap();
    symlink(root.path().join("elsewhere"), at(0, "json")).unwrap();
    let text = fs::read_to_string(at(1, "json")).unwrap();
    let mut entry: Entry = serde_json::from_str(&text).unwrap();
    entry.packed_len = 0;
    fs::write(at(1, "json"), serde_json::to_string(&entry).unwrap()).unwrap();
    instead(&at(1, "zst"), "/dev/zero");
    instead(&at(2, "json"), "/dev/zero");
    fs::create_dir(root.path().join(".odavl/queue/0000000009-x.zst")).unwrap();
    let queue = Queue::open(root.path()).unwrap();
    let pending = queue.pending().unwrap();
    assert_eq!(pending.damaged, [at(0, "json"), at(1, "json"), at(2, "json")]);
    let [good] = pending.entries.try_into().unwrap();

    // What was looked at may be something else by now.
    let content = queue.content(&good).unwrap();
    File::options().append(true).open(at(3, "zst")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(content.read().unwrap_err().code(), ErrorCode::Corrupted);
    assert!(queue.pending().unwrap().entries.is_empty());
    instead(&at(3, "zst"), "/dev/zero");
    assert!(queue.content(&good).is_err());

    instead(&root.path().join(".odavl/queue/lock"), "../../made");
    assert!(queue.pending().is_err());
    assert!(!root.path().join("made").exists());
}

#[test]
fn content_whose_entry_was_never_written_is_swept() {
    let (root, queue) = queue();
    push(&queue, &document(root.path(), '3'));
    let orphan = root.path().join(".odavl/queue/0000000007-x.zst");
    fs::write(&orphan, "half").unwrap();
    let queue = Queue::open(root.path()).unwrap();
    assert!(!orphan.exists());
    assert_eq!(ids(&queue), ['3']);
}

#[test]
fn processes_that_push_at_the_same_time_lose_nothing() {
    let (root, _) = queue();
    std::thread::scope(|scope| {
        for digit in '0'..='7' {
            let (path, root) = (document(root.path(), digit), root.path());
            scope.spawn(move || push(&Queue::open(root).unwrap(), &path));
        }
    });
    let mut found = ids(&Queue::open(root.path()).unwrap());
    found.sort_unstable();
    assert_eq!(found, ('0'..='7').collect::<Vec<_>>());
}
