//! SQLite under the contract, and what it does besides.

use std::{
    fs,
    os::unix::fs::{FileExt, MetadataExt, PermissionsExt},
    path::PathBuf,
    time::Duration,
};

use async_trait::async_trait;
use odavl_core::{
    ErrorCode, Result,
    backup::{
        Backup, DatabaseName, DumpOptions, Fingerprint, Format, Purpose, RestoreOptions, Source,
        SqliteBackup, contract::BackupHarness,
    },
    storage::full,
};
use rusqlite::Connection;
use tempfile::TempDir;

struct Harness {
    folder: TempDir,
    temporary: TempDir,
    backup: SqliteBackup,
}

impl Harness {
    fn new() -> Self {
        let (folder, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let backup = SqliteBackup::new(folder.path().join("live.db")).with_temporary(temporary.path());
        let harness = Self { folder, temporary, backup };
        harness.open("live.db").execute_batch("PRAGMA journal_mode = WAL; PRAGMA user_version = 7").unwrap();
        harness
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, name: &str) -> Connection {
        Connection::open(self.path(name)).unwrap()
    }

    fn run(&self, sql: &str) {
        self.open("live.db").execute_batch(sql).unwrap();
    }

    /// All files in the folder, hidden ones too.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[async_trait]
impl BackupHarness for Harness {
    fn backup(&self) -> &dyn Backup {
        &self.backup
    }

    fn name(&self, of: &str) -> DatabaseName {
        format!("{of}.db").parse().unwrap()
    }

    async fn insert(&self, table: &str, rows: &[&str]) -> Result<()> {
        let (db, table) = (self.open("live.db"), format!("\"{}\"", table.replace('"', "\"\"")));
        db.execute_batch(&format!("CREATE TABLE IF NOT EXISTS {table} (value TEXT)")).unwrap();
        for row in rows {
            db.execute(&format!("INSERT INTO {table} VALUES (?1)"), [row]).unwrap();
        }
        Ok(())
    }

    async fn truncate(&self, table: &str) -> Result<()> {
        self.run(&format!("DELETE FROM \"{table}\""));
        Ok(())
    }

    async fn break_dumps(&mut self) -> Result<()> {
        self.backup = self.backup.clone().with_temporary("/nowhere");
        Ok(())
    }

    async fn leave_half_restored(&self, name: &DatabaseName) -> Result<()> {
        fs::write(self.path(&format!(".{name}.odavl-restoring")), b"SQLite format 3\0, and no more").unwrap();
        Ok(())
    }

    async fn make_foreign(&self, name: &DatabaseName) -> Result<()> {
        self.open(name.as_str()).execute_batch("CREATE TABLE theirs (value TEXT)").unwrap();
        Ok(())
    }
}

odavl_core::backup_contract!(Harness::new());

async fn whole(backup: &SqliteBackup) -> (Vec<u8>, Source, Fingerprint) {
    let mut dump = backup.dump(DumpOptions::default()).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = dump.next().await.unwrap() {
        bytes.extend_from_slice(&piece);
    }
    let source = dump.source.clone();
    (bytes, source, dump.finish().await.unwrap().fingerprint.unwrap())
}

fn keep(to: &DatabaseName, source: &Source) -> RestoreOptions {
    let scratch = RestoreOptions::scratch(to.clone(), source.clone(), Format::File);
    RestoreOptions { purpose: Purpose::Keep, ..scratch }
}

const AWKWARD: &str = r#"
    CREATE TABLE "odd "" name; --" ("from" INTEGER, "a b" TEXT, c);
    INSERT INTO "odd "" name; --" VALUES (1, 'x', x'00ff'), (NULL, '', 1.5), (2, char(0), 'text'), (3, NULL, -0.0);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, w INT, h INT, area INT AS (w * h) STORED, seen INT AS (w + 1));
    INSERT INTO counted (w, h) VALUES (1, 2), (3, 4);
    DELETE FROM counted WHERE w = 3;
    CREATE TABLE packed (k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID;
    INSERT INTO packed VALUES ('a', 1), ('b', 'two');
    CREATE TABLE empty (a);
    CREATE VIRTUAL TABLE words USING fts5 (body);
    INSERT INTO words VALUES ('naïve words'), ('more words');
    CREATE VIEW seen AS SELECT w FROM counted;
    CREATE INDEX partial ON counted (w) WHERE h > 1;
    CREATE TRIGGER touched AFTER INSERT ON counted BEGIN UPDATE counted SET h = 0 WHERE id = NEW.id; END;
    CREATE TABLE large (id INTEGER PRIMARY KEY, body BLOB);
    INSERT INTO large VALUES (1, zeroblob(5000000));
    PRAGMA application_id = 4711;
"#;

#[tokio::test]
async fn an_awkward_database_comes_back_as_it_was_and_each_change_in_it_is_told() {
    let harness = Harness::new();
    harness.run(AWKWARD);
    let (bytes, source, before) = whole(&harness.backup).await;
    assert!(!before.tables.contains_key("words") && before.tables.contains_key("words_data"));
    for (change, told) in [
        ("UPDATE packed SET v = '1' WHERE k = 'a'", "table packed"),
        ("UPDATE large SET body = zeroblob(4999999)", "table large"),
        ("UPDATE \"odd \"\" name; --\" SET c = 0.0 WHERE \"from\" = 3", "table odd \" name; --"),
        ("INSERT INTO words VALUES ('one more')", "table words_content"),
        ("UPDATE sqlite_sequence SET seq = 9", "sequence counted"),
        ("DROP INDEX partial", "schema index"),
        ("DROP TRIGGER touched", "schema trigger"),
        ("PRAGMA user_version = 8", "schema header"),
    ] {
        let to = harness.name("copy");
        harness.backup.restore(full(bytes.clone()), keep(&to, &source)).await.unwrap();
        let found = before.compare(&harness.backup.fingerprint(&to).await.unwrap());
        assert!(found.is_same(), "{found:#?}");
        harness.open("copy.db").execute_batch(change).unwrap();
        let found = before.compare(&harness.backup.fingerprint(&to).await.unwrap());
        let kinds: Vec<_> =
            found.differences.iter().map(|found| format!("{} {}", found.kind, found.name)).collect();
        assert!(kinds.iter().any(|kind| kind == told), "{change}: {kinds:?}");
        harness.backup.discard(&to).await.unwrap();
    }
    assert_eq!(harness.files(), ["live.db"]);
}

#[tokio::test]
async fn a_restored_file_is_its_owner_s_alone_keeps_its_journal_s_mode_and_nothing_is_left_beside() {
    let harness = Harness::new();
    harness.run("CREATE TABLE t (a)");
    let (bytes, source, _) = whole(&harness.backup).await;
    let to = harness.name("copy");
    harness.backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    assert_eq!(fs::metadata(harness.path("copy.db")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(journal(&harness.open("copy.db")), "wal");
    assert_eq!(harness.files(), [".copy.db.odavl", "copy.db", "live.db"]);
    assert_eq!(fs::read_dir(harness.temporary.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_killed_runs_left_goes_with_a_later_one_and_what_is_new_or_kept_stays() {
    let harness = Harness::new();
    let make = |path: PathBuf| fs::File::create(path).unwrap();
    let grow_old = |path: PathBuf| {
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - Duration::from_hours(7)).unwrap();
    };
    for (name, is_old) in [(".odavl-copy-old", true), (".odavl-copy-new", false), (".other", true)] {
        make(harness.temporary.path().join(name));
        if is_old {
            grow_old(harness.temporary.path().join(name));
        }
    }
    let (bytes, source, _) = whole(&harness.backup).await;
    let mut left: Vec<_> =
        fs::read_dir(harness.temporary.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".odavl-copy-new", ".other"]);

    let scratch = |name: &str| RestoreOptions::scratch(harness.name(name), source.clone(), Format::File);
    for name in ["looked", "fresh"] {
        harness.backup.restore(full(bytes.clone()), scratch(name)).await.unwrap();
    }
    let kept = harness.name("kept");
    harness.backup.restore(full(bytes.clone()), keep(&kept, &source)).await.unwrap();
    make(harness.path(".half.db.odavl-restoring"));
    let held = make(harness.path(".held.db.odavl-restoring"));
    held.lock().unwrap();
    let old = [".looked.db.odavl", ".kept.db.odavl", ".half.db.odavl-restoring", ".held.db.odavl-restoring"];
    for name in old {
        grow_old(harness.path(name));
    }
    harness.backup.restore(full(bytes), scratch("next")).await.unwrap();
    let stays = ["fresh.db", "kept.db", "live.db", "next.db"];
    let names = harness.files();
    let shown: Vec<_> = names.iter().filter(|name| !name.starts_with('.')).collect();
    assert_eq!(shown, stays);
    assert!(!names.iter().any(|name| name.contains("looked") || name.contains("half")), "{names:?}");
    assert!(names.iter().any(|name| name.contains("held")), "{names:?}");
}

#[tokio::test]
async fn a_dump_is_whole_while_others_write() {
    let harness = Harness::new();
    harness.run("CREATE TABLE t (a); CREATE TABLE sum (a); INSERT INTO sum VALUES (0)");
    let path = harness.path("live.db");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        let db = Connection::open(path).unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        while stopped.try_recv().is_err() {
            db.execute_batch("BEGIN; INSERT INTO t VALUES (1); UPDATE sum SET a = a + 1; COMMIT").unwrap();
        }
    });
    for number in 0..5 {
        let (bytes, source, expected) = whole(&harness.backup).await;
        let to = harness.name(&format!("copy{number}"));
        harness.backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
        assert!(expected.compare(&harness.backup.fingerprint(&to).await.unwrap()).is_same());
        let db = harness.open(to.as_str());
        let same: bool = db
            .query_row("SELECT (SELECT COUNT(*) FROM t) = (SELECT a FROM sum)", [], |row| row.get(0))
            .unwrap();
        assert!(same);
    }
    stop.send(()).unwrap();
    writer.join().unwrap();
}

#[tokio::test]
async fn a_database_in_use_is_not_replaced_and_is_when_it_is_free() {
    let harness = Harness::new();
    harness.run("CREATE TABLE t (a)");
    let (bytes, source, _) = whole(&harness.backup).await;
    let (to, aside) = (harness.name("copy"), harness.name("aside"));
    harness.backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    let user = harness.open("live.db");
    user.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    let error = harness.backup.replace(&to, &aside).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(error.to_string().contains("is in use"), "{error}");
    assert!(!harness.path("aside.db").exists() && harness.path("copy.db").exists());
    user.execute_batch("COMMIT").unwrap();
    drop(user);
    harness.backup.replace(&to, &aside).await.unwrap();
    let count = |name| -> i64 {
        harness.open(name).query_row("SELECT COUNT(*) FROM t", [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("live.db"), count("aside.db")), (0, 1));
    assert!(harness.files().iter().all(|name| !name.ends_with("-wal") && !name.contains("copy")));
}

fn journal(db: &Connection) -> String {
    db.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn what_takes_the_place_of_a_file_has_its_owner_and_its_mode() {
    let harness = Harness::new();
    harness.run("CREATE TABLE t (a)");
    let (bytes, source, _) = whole(&harness.backup).await;
    let to = harness.name("copy");
    harness.backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    fs::set_permissions(harness.path("live.db"), fs::Permissions::from_mode(0o640)).unwrap();
    // Only root may give a file to somebody else.
    let _ = std::os::unix::fs::chown(harness.path("live.db"), Some(65534), Some(65534));
    let facts = |name: &str| {
        let found = fs::metadata(harness.path(name)).unwrap();
        (found.uid(), found.gid(), found.mode() & 0o7777)
    };
    let before = facts("live.db");
    harness.backup.replace(&to, &harness.name("aside")).await.unwrap();
    assert_eq!((facts("live.db"), facts("aside.db")), (before, before));
}

#[tokio::test]
async fn a_link_leads_to_what_took_the_place_of_the_file_that_it_led_to() {
    let harness = Harness::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("current.db");
    std::os::unix::fs::symlink(harness.path("live.db"), &link).unwrap();
    let backup = SqliteBackup::new(&link);
    let (bytes, source, before) = whole(&backup).await;
    assert_eq!(source.database, harness.name("live"));
    harness.run("CREATE TABLE t (a)");
    let (to, aside) = (harness.name("copy"), harness.name("aside"));
    backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    let user = Connection::open(&link).unwrap();
    user.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(backup.replace(&to, &aside).await.unwrap_err().code(), ErrorCode::Conflict);
    drop(user);
    backup.replace(&to, &aside).await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(before.compare(&backup.fingerprint(&source.database).await.unwrap()).is_same());
    assert!(harness.path("aside.db").exists() && fs::read_dir(elsewhere.path()).unwrap().count() == 1);
}

#[tokio::test]
async fn a_replacement_that_fails_leaves_each_journal_as_it_was() {
    let harness = Harness::new();
    harness.run("CREATE TABLE t (a)");
    let (bytes, source, _) = whole(&harness.backup).await;
    let to = harness.name("copy");
    harness.backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    // The new one is in use, which is seen when the live one is held already.
    let user = harness.open("copy.db");
    user.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    let refused = harness.backup.replace(&to, &harness.name("aside")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);
    assert_eq!((journal(&harness.open("live.db")), journal(&user)), ("wal".to_owned(), "wal".to_owned()));
}

#[tokio::test]
async fn a_file_that_came_under_the_name_of_one_that_was_ours_is_not_ours() {
    let harness = Harness::new();
    harness.run("CREATE TABLE t (a)");
    let (bytes, source, _) = whole(&harness.backup).await;
    let to = harness.name("copy");
    harness.backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    fs::copy(harness.path("copy.db"), harness.path("theirs.db")).unwrap();
    fs::rename(harness.path("theirs.db"), harness.path("copy.db")).unwrap();
    assert_eq!(harness.backup.discard(&to).await.unwrap_err().code(), ErrorCode::Conflict);
    assert_eq!(
        harness.backup.replace(&to, &harness.name("aside")).await.unwrap_err().code(),
        ErrorCode::Conflict
    );
}

#[tokio::test]
async fn a_database_that_is_damaged_is_not_dumped() {
    let harness = Harness::new();
    harness.run("PRAGMA journal_mode = DELETE; CREATE TABLE t (a); CREATE INDEX i ON t (a);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i FROM n");
    let file = fs::File::options().write(true).open(harness.path("live.db")).unwrap();
    file.write_all_at(&[0xa5; 4096], 5 * 4096).unwrap();
    let error = harness.backup.dump(DumpOptions::default()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corrupted, "{error}");
    assert_eq!(fs::read_dir(harness.temporary.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn two_that_restore_to_one_name_do_not_mix() {
    let harness = Harness::new();
    harness.run("CREATE TABLE t (a)");
    let (bytes, source, expected) = whole(&harness.backup).await;
    let to = harness.name("copy");
    let one = || harness.backup.restore(full(bytes.clone()), keep(&to, &source));
    let (first, second) = tokio::join!(one(), one());
    assert!(first.is_ok() != second.is_ok());
    assert!(expected.compare(&harness.backup.fingerprint(&to).await.unwrap()).is_same());
}

#[tokio::test]
async fn a_name_is_no_path() {
    let harness = Harness::new();
    for name in ["../up.db", "a/b", "live.db-wal", "x-journal", ".."] {
        let error = harness.backup.fingerprint(&name.parse().unwrap()).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput, "{name}");
    }
}
