//! Backups by the command when it is killed, or what it needs fails: nothing counts that is not whole, nothing good goes,
//! and the next run works and cleans up.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant, SystemTime},
};

use odavl_core::{Clock, SystemClock};
use serde_json::Value;

use crate::{
    backup::{Keeper, files, people},
    postgres::{server, tell},
    support::Ended,
};

/// So often a command is killed, each time a little later.
const KILLS: u32 = 10;

/// A database of the test's own on the server, with enough in it that a command is caught at it.
struct Database {
    keeper: Keeper,
    name: String,
}

impl Database {
    fn new(of: &str) -> Self {
        let name = format!("odavl_{of}_{}", std::process::id());
        tell(&server(), &format!("CREATE DATABASE {name}"));
        let database = Self { keeper: Keeper::new(), name };
        tell(
            &database.url(),
            "CREATE TABLE people (id SERIAL PRIMARY KEY, name TEXT);
            INSERT INTO people (name) SELECT 'person ' || i || repeat(md5(i::TEXT), 8) FROM generate_series(1, 40000) AS i",
        );
        database
    }

    fn url(&self) -> String {
        Self::url_of(&self.name)
    }

    fn url_of(database: &str) -> String {
        format!("{}/{database}", server().rsplit_once('/').unwrap().0)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = self.keeper.command(&format!("{line} --url-env APP_URL"));
        command.env("APP_URL", self.url()).env("TMPDIR", self.temporary());
        command
    }

    fn odavl(&self, line: &str) -> Ended {
        self.command(line).output().unwrap().into()
    }

    fn temporary(&self) -> std::path::PathBuf {
        let folder = self.keeper.path("tmp");
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// Databases that are ours, and not the live one.
    fn beside(&self) -> Vec<String> {
        let ids: Vec<String> = listed(&self.keeper).iter().map(|id| id[id.len() - 26..].to_owned()).collect();
        let ours = |name: &String| {
            name.starts_with(&format!("{}_restored_", self.name)) || ids.iter().any(|id| name.ends_with(id))
        };
        let mut names = rows("SELECT datname::TEXT FROM pg_database", &server());
        names.retain(ours);
        names
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let made = format!("{}%", self.name);
        for name in
            rows(&format!("SELECT datname::TEXT FROM pg_database WHERE datname LIKE '{made}'"), &server())
        {
            tell(&server(), &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

fn rows(sql: &str, url: &str) -> Vec<String> {
    let told = Command::new("psql").args(["-XAtc", sql, url]).output().unwrap();
    assert!(told.status.success(), "{sql}: {}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// The ids of the backups that count.
fn listed(keeper: &Keeper) -> Vec<String> {
    let told = keeper.odavl("backup list app --json").well();
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    told.lines().map(id).collect()
}

/// Starts it, and kills it after that time, unless it has ended.
fn killed_after(command: &mut Command, time: Duration) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(time);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How long it takes when nobody kills it.
fn takes(command: &mut Command) -> Duration {
    let begun = Instant::now();
    Ended::from(command.output().unwrap()).well();
    begun.elapsed()
}

/// Lets a store believe that all in it was made long ago, and that the locks in it have run out.
fn time_passes(store: &Path) {
    for path in files(store) {
        if ["/lock/", "/verifying/"].iter().any(|lock| path.to_string_lossy().contains(lock)) {
            fs::remove_file(&path).unwrap();
        } else if let Ok(text) = fs::read_to_string(&path) {
            let year = SystemClock.now().strftime("%Y").to_string();
            let long_ago = ["modified", "begun"].iter().fold(text.clone(), |text, what| {
                text.replace(&format!("\"{what}\":\"{year}"), &format!("\"{what}\":\"2001"))
            });
            if long_ago != text {
                fs::write(&path, long_ago).unwrap();
            }
        }
    }
}

/// Lets files be of yesterday.
fn grow_old(folder: &Path) {
    let yesterday = SystemTime::from(SystemClock.now()) - Duration::from_hours(24);
    for path in files(folder) {
        File::options().write(true).open(path).unwrap().set_modified(yesterday).unwrap();
    }
}

/// Every backup that counts is whole, `first` is among them, and nothing else lies in the store.
fn all_is_well(keeper: &Keeper, first: &str) {
    let ids = listed(keeper);
    assert!(ids.iter().any(|id| id == first), "{first} is gone: {ids:?}");
    for id in &ids {
        keeper.odavl(&format!("backup verify app {id} --bytes")).well();
    }
    assert_eq!(keeper.stored().len(), ids.len(), "{:?} of {ids:?}", keeper.stored());
    let open = files(&keeper.path("store"));
    let open: Vec<_> = open.iter().filter(|path| path.to_string_lossy().contains("/multipart")).collect();
    assert!(open.is_empty(), "{open:?}");
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}");
        sleep(Duration::from_millis(20));
    }
}

/// The processes of PostgreSQL's programs that reach a database of that name.
fn programs(database: &str) -> Vec<String> {
    let reaches = |pid: &String| {
        let text = |name| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let (program, told) = (text("cmdline"), String::from_utf8_lossy(&text("environ")).into_owned());
        String::from_utf8_lossy(&program).contains("/pg_") && told.contains(&format!("PGDATABASE={database}"))
    };
    let pids =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    pids.filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit())).filter(reaches).collect()
}

fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), pid]).status().unwrap().success());
}

#[test]
fn whenever_a_backup_of_postgresql_is_killed_only_whole_ones_count_and_the_next_run_cleans_up() {
    let database = Database::new("killed");
    let keeper = &database.keeper;
    let create = "backup create app --verify";
    let whole = takes(&mut database.command(create));
    let first = listed(keeper).remove(0);
    for kill in 0..KILLS {
        killed_after(&mut database.command(create), whole * kill / KILLS);
        assert!(listed(keeper).contains(&first));
        time_passes(&keeper.path("store"));
    }
    database.odavl(create).well();
    all_is_well(keeper, &first);
    assert_eq!(database.beside(), Vec::<String>::new());
    until("programs go on", || programs(&database.name).is_empty());
    assert!(files(&database.temporary()).is_empty());
}

#[test]
fn whenever_a_backup_of_sqlite_is_killed_only_whole_ones_count_and_the_next_run_cleans_up() {
    let keeper = Keeper::new();
    rusqlite::Connection::open(keeper.sqlite())
        .unwrap()
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
            INSERT INTO people SELECT i, 'person ' || i || hex(randomblob(50)) FROM n",
        )
        .unwrap();
    let temporary = keeper.path("tmp");
    fs::create_dir(&temporary).unwrap();
    // Beside the database are files that are made to be looked at.
    fs::create_dir(keeper.path("data")).unwrap();
    fs::rename(keeper.path("app.db"), keeper.path("data/app.db")).unwrap();
    let create = || {
        let mut command = keeper.command("backup create app --sqlite data/app.db --verify");
        command.env("TMPDIR", &temporary);
        command
    };
    let whole = takes(&mut create());
    let first = listed(&keeper).remove(0);
    for kill in 0..KILLS {
        killed_after(&mut create(), whole * kill / KILLS);
        assert!(listed(&keeper).contains(&first));
        time_passes(&keeper.path("store"));
    }
    grow_old(&temporary);
    grow_old(&keeper.path("data"));
    Ended::from(create().output().unwrap()).well();
    all_is_well(&keeper, &first);
    assert_eq!(files(&temporary), Vec::<std::path::PathBuf>::new());
    assert_eq!(files(&keeper.path("data")), [keeper.path("data/app.db")]);
}

#[test]
fn whenever_the_replacing_of_a_database_is_killed_a_whole_one_is_live() {
    let database = Database::new("replaced");
    let replace = "backup restore app verified --replace --yes";
    database.odavl("backup create app --verify").well();
    let whole = takes(&mut database.command(replace));
    let live = || rows("SELECT COUNT(*) FROM people", &database.url()).remove(0);
    for kill in 0..KILLS {
        tell(&database.url(), "DELETE FROM people WHERE id <= 10");
        killed_after(&mut database.command(replace), whole * kill / KILLS);
        time_passes(&database.keeper.path("store"));
        // What the server was told last may still be done.
        let found = live();
        assert!(found == "39990" || found == "40000", "{found}");
    }
    database.odavl(replace).well();
    assert_eq!(live(), "40000");
    let half = format!(
        "SELECT datname FROM pg_database WHERE datname LIKE '{}%' AND shobj_description(oid, 'pg_database') = 'odavl: is being restored'",
        database.name
    );
    assert_eq!(rows(&half, &server()), Vec::<String>::new());
}

#[test]
fn whenever_the_replacing_of_a_file_is_killed_a_whole_one_is_live() {
    let keeper = Keeper::new();
    let live = keeper.sqlite();
    let replace = || keeper.command("backup restore app verified --sqlite app.db --replace --yes");
    keeper.odavl("backup create app --sqlite app.db --verify").well();
    let whole = takes(&mut replace());
    for kill in 0..KILLS {
        rusqlite::Connection::open(&live)
            .unwrap()
            .execute_batch("DELETE FROM people WHERE id <= 10")
            .unwrap();
        killed_after(&mut replace(), whole * kill / KILLS);
        time_passes(&keeper.path("store"));
        let found = people(&live);
        assert!(found == 90 || found == 100, "{found}");
    }
    Ended::from(replace().output().unwrap()).well();
    assert_eq!(people(&live), 100);
}

#[test]
fn pg_dump_that_is_killed_and_a_connection_that_is_cut_make_no_backup() {
    let database = Database::new("cut");
    let end = |act: &dyn Fn()| {
        let mut create = database.command("backup create app");
        let child: Child = create.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until("there is no pg_dump", || !programs(&database.name).is_empty());
        // Nobody reads what it puts out: it stays in the middle.
        signal("STOP", &child.id().to_string());
        act();
        signal("CONT", &child.id().to_string());
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert_ne!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.starts_with("error: "), "{ended:?}");
        assert!(listed(&database.keeper).is_empty() && database.keeper.stored().is_empty());
    };
    end(&|| {
        for pid in programs(&database.name) {
            signal("KILL", &pid);
        }
    });
    end(&|| {
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ";
        tell(&server(), &format!("{cut}'{}'", database.name));
    });
    // It gives back its lock, and nothing is in the way of the next one.
    database.odavl("backup create app --verify").well();
}

#[test]
fn a_wrong_password_makes_no_backup_and_is_not_told() {
    let database = Database::new("stranger");
    let mut create = database.command("backup create app");
    create.env("APP_URL", database.url().replace(":odavl@", ":canary@"));
    let ended = Ended::from(create.output().unwrap());
    assert!(ended.code != 0 && !ended.stderr.contains("canary"), "{ended:?}");
    assert!(listed(&database.keeper).is_empty());
}

#[test]
fn a_full_disk_in_the_temporary_folder_makes_no_backup() {
    let keeper = Keeper::new();
    rusqlite::Connection::open(keeper.sqlite())
        .unwrap()
        .execute_batch("CREATE TABLE much AS SELECT randomblob(4000000) AS bytes")
        .unwrap();
    let small = keeper.path("small");
    fs::create_dir(&small).unwrap();
    let create = keeper.command("backup create app --sqlite app.db");
    let odavl = format!("exec \"$0\" {}", "backup create app --sqlite app.db");
    let run = |program: &str, args: &[&str], first: &str| {
        let mut command = Command::new(program);
        command.args(args).args(["-c", &format!("{first} && {odavl}")]).arg(create.get_program());
        for (name, value) in create.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(keeper.path("")).env("TMPDIR", &small).output().unwrap()
    };
    // A file system in memory that only it sees, or where it may not have one, a bound for the size of files.
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$TMPDIR\"";
    let mounted = run("unshare", &["--map-root-user", "--mount", "sh"], mount);
    let ended = if String::from_utf8_lossy(&mounted.stderr).contains("unshare") {
        run("sh", &[], "trap '' XFSZ; ulimit -f 1024")
    } else {
        mounted
    };
    let ended = Ended::from(ended);
    assert_ne!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("error: ") && ended.stderr.contains("full"), "{ended:?}");
    assert!(listed(&keeper).is_empty() && keeper.stored().is_empty() && files(&small).is_empty());
}
