//! Backups by the command: made, proved, restored, and opened without it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    postgres::{server, tell},
    support::{Ended, Person},
};

/// Somebody with a SQLite database, a store, and a key pair.
pub(crate) struct Keeper {
    pub(crate) person: Person,
    recipient: String,
}

impl Keeper {
    pub(crate) fn new() -> Self {
        let person = Person::new();
        let recipient = person.odavl("backup key identity.txt").well().trim().to_owned();
        person.odavl("backup key --signing signing.txt").well();
        Self { person, recipient }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.person.file(".here", b"").with_file_name(name)
    }

    /// The command, with the store and all keys named.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = self.person.command(line);
        command.env("ODAVL_BACKUP_STORE", self.path("store"));
        command.env("ODAVL_BACKUP_RECIPIENTS", &self.recipient);
        command.env("ODAVL_BACKUP_IDENTITY", self.path("identity.txt"));
        command.env("ODAVL_BACKUP_SIGNING_KEY", self.path("signing.txt"));
        command
    }

    pub(crate) fn odavl(&self, line: &str) -> Ended {
        self.command(line).output().unwrap().into()
    }

    /// A table with a hundred rows.
    pub(crate) fn sqlite(&self) -> PathBuf {
        let path = self.path("app.db");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
                INSERT INTO people SELECT i, 'person ' || i FROM n",
        )
        .unwrap();
        path
    }

    /// The files that hold a backup's bytes in the store's folder.
    pub(crate) fn stored(&self) -> Vec<PathBuf> {
        let is_data = |path: &PathBuf| {
            path.to_string_lossy().contains("/data-") && path.to_string_lossy().ends_with("~bytes")
        };
        files(&self.path("store")).into_iter().filter(is_data).collect()
    }
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

pub(crate) fn people(path: &Path) -> i64 {
    let db = rusqlite::Connection::open(path).unwrap();
    db.query_row("SELECT COUNT(*) FROM people", [], |row| row.get(0)).unwrap()
}

/// What a shell makes of the line.
fn shell(line: &str, folder: &Path) -> Vec<u8> {
    let line = format!("set -o pipefail; {line}");
    let ended =
        Command::new("bash").args(["-c", &line]).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    assert!(ended.status.success(), "{line}: {}", String::from_utf8_lossy(&ended.stderr));
    ended.stdout
}

#[test]
fn a_sqlite_database_is_backed_up_proved_and_restored_beside_and_in_its_place() {
    let keeper = Keeper::new();
    let live = keeper.sqlite();
    let made = keeper.odavl("backup create app --sqlite app.db --verify --json").json();
    assert_eq!((&made["proof"], &made["pinned"]), (&"verified".into(), &false.into()));
    let shown = keeper.odavl("backup show app newest --json").json();
    assert_eq!(shown["contents"]["fingerprint"]["tables"]["people"]["count"], 100);
    // Nobody reads what a table is called who has no identity.
    let blind =
        keeper.command("backup show app newest --json").env_remove("ODAVL_BACKUP_IDENTITY").output().unwrap();
    let blind = Ended::from(blind).well();
    assert!(!blind.contains("people") && blind.contains("\"contents\":null"), "{blind}");

    let planned = keeper.odavl("backup restore app verified --sqlite app.db --to other.db");
    assert!(planned.stderr.contains("nothing was done") && !keeper.path("other.db").exists(), "{planned:?}");
    keeper.odavl("backup restore app verified --sqlite app.db --to other.db --yes").well();
    assert_eq!(people(&keeper.path("other.db")), 100);

    rusqlite::Connection::open(&live).unwrap().execute_batch("DELETE FROM people").unwrap();
    let plan = keeper.odavl("backup restore app verified --sqlite app.db --replace --yes --json").json();
    let aside = plan["replaces"][1].as_str().unwrap();
    assert_eq!((people(&live), people(&keeper.path(aside))), (100, 0));
    // Done once more, it is done once more, and what was live is kept again.
    rusqlite::Connection::open(&live).unwrap().execute_batch("DELETE FROM people WHERE id > 10").unwrap();
    let again = keeper.odavl("backup restore app verified --sqlite app.db --replace --yes --json").json();
    let kept = again["replaces"][1].as_str().unwrap();
    assert_eq!((people(&live), people(&keeper.path(kept)), people(&keeper.path(aside))), (100, 10, 0));
}

#[test]
fn a_backup_is_opened_without_odavl() {
    let keeper = Keeper::new();
    keeper.sqlite();
    keeper.odavl("backup create app --sqlite app.db").well();
    let [stored] = keeper.stored().try_into().unwrap();
    let folder = keeper.path("");
    shell(&format!("age -d -i identity.txt '{}' | zstd -d > out.db", stored.display()), &folder);
    assert_eq!(people(&keeper.path("out.db")), 100);
}

#[test]
fn a_postgresql_database_is_opened_by_age_zstd_and_pg_restore_and_its_statements_by_gunzip_and_psql() {
    let keeper = Keeper::new();
    let (from, to) =
        (format!("odavl_backup_{}", std::process::id()), format!("odavl_opened_{}", std::process::id()));
    let url = |database: &str| format!("{}/{database}", server().rsplit_once('/').unwrap().0);
    for database in [&from, &to] {
        tell(&server(), &format!("CREATE DATABASE {database}"));
    }
    tell(
        &url(&from),
        "CREATE TABLE people (name TEXT); INSERT INTO people SELECT 'person ' || i FROM generate_series(1, 100) AS i",
    );
    let odavl = |line: &str| Ended::from(keeper.command(line).env("APP_URL", url(&from)).output().unwrap());
    odavl("backup create app --url-env APP_URL --verify").well();
    let folder = keeper.path("");
    let [stored] = keeper.stored().try_into().unwrap();
    let restore = format!(
        "age -d -i identity.txt '{}' | zstd -d | pg_restore --no-owner -d '{}'",
        stored.display(),
        url(&to)
    );
    shell(&restore, &folder);
    let count = format!("psql -Atc 'SELECT COUNT(*) FROM people' '{}'", url(&to));
    assert_eq!(shell(&count, &folder), b"100\n");

    tell(&url(&to), "DROP TABLE people");
    fs::remove_dir_all(keeper.path("store")).unwrap();
    let mut plain = keeper.command("backup create app --url-env APP_URL --plain --config open.toml");
    keeper.person.file("open.toml", b"[backup]\nunencrypted = true\n");
    let plain = plain.env("APP_URL", url(&from)).env_remove("ODAVL_BACKUP_RECIPIENTS").output().unwrap();
    Ended::from(plain).well();
    let [stored] = keeper.stored().try_into().unwrap();
    shell(
        &format!("gunzip -c < '{}' | psql -q -v ON_ERROR_STOP=1 '{}'", stored.display(), url(&to)),
        &folder,
    );
    assert_eq!(shell(&count, &folder), b"100\n");
    for database in [&from, &to] {
        tell(&server(), &format!("DROP DATABASE {database}"));
    }
}

#[test]
fn one_command_makes_proves_and_prunes_and_removes_nothing_after_a_failure() {
    let keeper = Keeper::new();
    let live = keeper.sqlite();
    let config = "[backup.sources.app]\nsqlite = 'app.db'\nkeep = { last = 1 }\nverify = { every = 2 }\n";
    keeper.person.file("odavl.toml", config.as_bytes());
    let first = keeper.odavl("backup run app --json").json();
    assert_eq!((&first["verified"], &first["proof"]), (&"restore".into(), &"verified".into()));
    let second = keeper.odavl("backup run app --json").json();
    assert_eq!(second["verified"], "bytes");
    let kept: Vec<_> =
        second["decisions"].as_array().unwrap().iter().map(|one| (&one["id"], &one["kept"])).collect();
    assert_eq!(kept, [(&second["id"], &true.into()), (&first["id"], &true.into())]);
    let third = keeper.odavl("backup run app");
    assert!(third.stdout.matches("no rule keeps it").count() == 2, "{third:?}");
    let third = third.well();
    assert!(third.contains("verified by a restore") && third.contains("one of the last"), "{third}");
    assert_eq!(keeper.stored().len(), 1);
    // Every second one is due, and there is nothing to read it with.
    keeper.odavl("backup run app").well();
    let blind = keeper.command("backup run app").env_remove("ODAVL_BACKUP_IDENTITY").output().unwrap();
    let blind = Ended::from(blind);
    assert!(blind.code == 0 && blind.stderr.contains("there is no identity here"), "{blind:?}");
    let before = keeper.odavl("backup list app").well();
    fs::remove_file(live).unwrap();
    let failed = keeper.odavl("backup run app");
    assert!(failed.code != 0 && failed.stdout.is_empty(), "{failed:?}");
    assert_eq!(keeper.odavl("backup list app").well(), before);
}

/// As cron and CI run it.
#[test]
fn the_script_makes_proves_and_prunes_and_removes_nothing_after_a_failure() {
    a_night_by("bash", "sh");
    // The other is for where PowerShell is.
    if Command::new("pwsh").arg("-Version").output().is_ok() {
        a_night_by("pwsh", "ps1");
    }
}

fn a_night_by(shell: &str, script: &str) {
    let keeper = Keeper::new();
    let database = format!("odavl_nightly_{script}_{}", std::process::id());
    let url = format!("{}/{database}", server().rsplit_once('/').unwrap().0);
    tell(&server(), &format!("CREATE DATABASE {database}"));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../scripts/backup-database.{script}"));
    let night = |url: &str| {
        let mut command = Command::new(shell);
        command.arg(&script).args(["staging", "main"]).current_dir(keeper.path("")).stdin(Stdio::null());
        for (name, value) in keeper.command("").get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.env("ODAVL", env!("CARGO_BIN_EXE_odavl")).env("DATABASE_URL", url);
        Ended::from(command.output().unwrap())
    };
    night(&url).well();
    let told = night(&url).well();
    assert!(
        told.contains("verified by a restore") && told.contains("within the days that are kept"),
        "{told}"
    );
    let failed = night(&format!("{url}_gone"));
    assert!(failed.code != 0 && !failed.stdout.contains("keep"), "{failed:?}");
    assert_eq!(keeper.odavl("backup list main --environment staging").well().lines().count(), 2);
    tell(&server(), &format!("DROP DATABASE {database}"));
}

#[test]
fn a_backup_whose_bytes_changed_is_bad_and_the_one_before_is_restored() {
    let keeper = Keeper::new();
    keeper.sqlite();
    let first = keeper.odavl("backup create app --sqlite app.db --verify --json").json();
    let before = keeper.stored();
    let second = keeper.odavl("backup create app --sqlite app.db --json").json();
    let stored = keeper.stored().into_iter().find(|path| !before.contains(path)).unwrap();
    let mut bytes = fs::read(&stored).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&stored, bytes).unwrap();
    let bad = keeper.odavl("backup verify app newest --sqlite app.db --bytes");
    assert_eq!(bad.code, 8, "{bad:?}");
    assert!(bad.stderr.contains(&format!("{} is bad", second["id"].as_str().unwrap())), "{bad:?}");
    let listed = keeper.odavl("backup list app --json").well();
    let proofs: Vec<Value> =
        listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["proof"].clone()).collect();
    assert_eq!(proofs, ["verified", "failed"]);
    // `newest` is the newest that is not known to be bad.
    let plan = keeper.odavl("backup restore app newest --sqlite app.db --to other.db --yes --json").json();
    assert_eq!(plan["backup"], first["id"]);
}

#[test]
fn what_is_kept_has_a_reason_and_what_is_pinned_stays() {
    let keeper = Keeper::new();
    keeper.sqlite();
    keeper.person.file("odavl.toml", b"[backup.sources.app]\nsqlite = 'app.db'\nkeep = { last = 1 }\n");
    for _ in 0..3 {
        keeper.odavl("backup create app").well();
    }
    keeper.odavl("backup pin app newest").well();
    keeper.odavl("backup create app").well();
    let planned = keeper.odavl("backup prune app --dry-run").well();
    let decisions: Vec<&str> = planned.lines().map(|line| line.split('\t').nth(2).unwrap()).collect();
    assert_eq!(decisions.iter().filter(|decision| **decision == "keep").count(), 2, "{planned}");
    assert!(planned.contains("pinned") && planned.contains("one of the last"), "{planned}");
    assert_eq!(keeper.stored().len(), 4);
    keeper.odavl("backup prune app").well();
    assert_eq!(keeper.stored().len(), 2);
    assert_eq!(keeper.odavl("backup list app").well().lines().count(), 2);
}

#[test]
fn what_is_missing_or_wrong_is_said_with_the_way_out() {
    let keeper = Keeper::new();
    keeper.sqlite();
    let refused = |ended: Ended, part: &str| {
        assert_ne!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains(part) && ended.stderr.contains("hint: "), "{ended:?}");
        assert!(!ended.stderr.contains("s3cret"), "{ended:?}");
    };
    refused(keeper.odavl("backup create postgres://me:s3cret@localhost/app"), "a URL with a password");
    refused(keeper.odavl("backup create app --url-env NOT_SET"), "the variable NOT_SET holds no URL");
    refused(keeper.odavl("backup list app --store nowhere/../store2 --recipient age1x"), "is no recipient");
    let without =
        |name: &str, line: &str| Ended::from(keeper.command(line).env_remove(name).output().unwrap());
    refused(without("ODAVL_BACKUP_STORE", "backup list app"), "where backups are kept");
    refused(
        without("ODAVL_BACKUP_RECIPIENTS", "backup create app --sqlite app.db"),
        "no recipient for backups",
    );
    refused(without("ODAVL_BACKUP_SIGNING_KEY", "backup create app --sqlite app.db"), "nothing to sign");
    refused(keeper.odavl("backup verify app --sqlite app.db"), "backup");
    keeper.odavl("backup create app --sqlite app.db").well();
    refused(without("ODAVL_BACKUP_IDENTITY", "backup verify app --sqlite app.db"), "no identity");
    fs::set_permissions(keeper.path("identity.txt"), fs::Permissions::from_mode(0o644)).unwrap();
    refused(keeper.odavl("backup verify app --sqlite app.db"), "others may read");
    fs::set_permissions(keeper.path("identity.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    // A key is not written over another.
    refused(keeper.odavl("backup key identity.txt"), "cannot be written");
    // Who signs with another key is not trusted, and its backups do not count.
    keeper.odavl("backup key --signing other.txt").well();
    let other = keeper.path("other.txt");
    let listed = Ended::from(
        keeper.command("backup list app").env("ODAVL_BACKUP_SIGNING_KEY", other).output().unwrap(),
    );
    assert!(listed.stdout.is_empty() && listed.stderr.contains("not trusted here"), "{listed:?}");
}
