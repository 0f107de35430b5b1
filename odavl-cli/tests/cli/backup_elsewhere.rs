//! Backups on another server than the one that they are of.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{
    backup::Keeper,
    postgres::{server, tell},
    support::Ended,
};

/// A PostgreSQL server of the test's own, beside the one that all tests have.
struct Second {
    folder: PathBuf,
    url: String,
}

impl Second {
    fn start(folder: PathBuf) -> Self {
        let started = services(&folder, "start");
        assert!(started.status.success(), "{started:?}");
        let said = String::from_utf8(started.stdout).unwrap();
        let url = said.split('\'').find(|part| part.starts_with("postgres://")).unwrap().to_owned();
        Self { folder, url }
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        services(&self.folder, "stop");
    }
}

fn services(folder: &Path, what: &str) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/services");
    Command::new(script).arg(what).env("ODAVL_SERVICES", folder).output().unwrap()
}

#[test]
fn a_backup_is_proved_on_a_server_that_is_named_for_it_and_outlives_the_one_it_was_made_on() {
    let keeper = Keeper::new();
    let second = Second::start(keeper.path("second"));
    let name = format!("odavl_elsewhere_{}", std::process::id());
    let live = format!("{}/{name}", server().rsplit_once('/').unwrap().0);
    tell(&server(), &format!("CREATE DATABASE {name}"));
    tell(&live, "CREATE TABLE people AS SELECT i, 'person ' || i AS name FROM generate_series(1, 1000) AS i");
    let odavl = |line: &str, scratch: Option<&str>| {
        let mut command = keeper.command(line);
        command.env("LIVE", &live).env("SECOND", &second.url);
        command.envs(scratch.map(|url| ("SCRATCH", url)));
        Ended::from(command.output().unwrap())
    };

    let made =
        odavl("backup run app --url-env LIVE --scratch-url-env SCRATCH --json", Some(&second.url)).json();
    assert_eq!((&made["proof"], &made["verified"]), (&"verified".into(), &"restore".into()));

    // The live server is none that spares the live server, and a URL that is not there is told by its name.
    let refused = odavl("backup verify app --url-env LIVE --scratch-url-env SCRATCH", Some(&live));
    assert!(refused.code == 2 && refused.stderr.contains("that of the database itself"), "{refused:?}");
    let refused = odavl("backup verify app --url-env LIVE --scratch-url-env SCRATCH", None);
    assert!(refused.code == 2 && refused.stderr.contains("SCRATCH"), "{refused:?}");
    assert_eq!(odavl("backup list app", None).well().lines().count(), 1);
    // A backup is made all the same, and the command fails.
    let unproved = odavl("backup run app --url-env LIVE --scratch-url-env SCRATCH", None);
    assert!(unproved.code == 2 && unproved.stderr.contains("SCRATCH"), "{unproved:?}");
    assert_eq!(odavl("backup list app", None).well().lines().count(), 2);

    // The database is gone: what verifies and restores needs nothing of it.
    tell(&server(), &format!("DROP DATABASE {name}"));
    let proved = odavl("backup verify app --scratch-url-env SCRATCH --json", Some(&second.url)).json();
    assert_eq!(proved["proof"], "verified");
    odavl("backup restore app verified --url-env SECOND --to app --yes", None).well();
    let there = format!("{}/app", second.url.rsplit_once('/').unwrap().0);
    tell(&there, "DO $$ BEGIN ASSERT (SELECT COUNT(*) = 1000 AND SUM(i) = 500500 FROM people); END $$");
    let left =
        "DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_database WHERE datname LIKE 'odavl\\_%'); END $$";
    tell(&second.url, left);
}
