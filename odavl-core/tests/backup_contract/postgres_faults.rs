//! Programs that are killed, connections that are cut, disks that are full: each ends in an error, and leaves nothing.

use std::{fs, os::unix::process::CommandExt, process::Command, time::Duration};

use odavl_core::{
    Error, ErrorCode, Result,
    backup::{
        Backup, DatabaseName, Dump, DumpOptions, Fingerprint, Format, PostgresBackup, Purpose, Reading,
        RestoreOptions, Source, contract::BackupHarness,
    },
    causes,
    storage::full,
};

use super::{Harness, programs, rows, run, script};

/// More than any pipe or buffer on the way holds.
const MUCH: &str =
    "CREATE TABLE much AS SELECT i, repeat(md5(i::TEXT), 30) AS text FROM generate_series(1, 20000) AS i";

const WITHOUT: DumpOptions = DumpOptions { format: None, fingerprint: Reading::Without };

/// A dump to its end, and what came with it.
pub(super) async fn whole(backup: &PostgresBackup) -> (Vec<u8>, Source, Fingerprint) {
    let mut dump = backup.dump(DumpOptions::default()).await.unwrap();
    let bytes = read(&mut dump).await.unwrap();
    let source = dump.source.clone();
    (bytes, source, dump.finish().await.unwrap().fingerprint.unwrap())
}

async fn read(dump: &mut Dump) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(piece) = dump.next().await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn keep(to: &DatabaseName, source: &Source) -> RestoreOptions {
    let scratch = RestoreOptions::scratch(to.clone(), source.clone(), Format::Archive);
    RestoreOptions { purpose: Purpose::Keep, ..scratch }
}

/// The processes of a program that reach a database, by what they were started with.
fn processes(program: &str, database: &str) -> Vec<(i32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let text =
            |name| fs::read(entry.path().join(name)).map(|text| String::from_utf8_lossy(&text).into_owned());
        let (Ok(arguments), Ok(environment)) = (text("cmdline"), text("environ")) else { continue };
        let first = arguments.split('\0').next().unwrap_or_default();
        if first.ends_with(program) && environment.contains(&format!("PGDATABASE={database}\0")) {
            found.push((pid, arguments));
        }
    }
    found
}

fn kill(pid: i32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

/// Waits until it holds, without end: the test's own time ends it.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn pg_dump_that_is_killed_midway_makes_no_dump_and_was_never_told_the_password_by_its_arguments() {
    let harness = Harness::new().await;
    harness.run(MUCH).await;
    let mut dump = harness.backup.dump(WITHOUT).await.unwrap();
    dump.next().await.unwrap().unwrap();
    let database = harness.name("live").to_string();
    let found = processes("pg_dump", &database);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(!found[0].1.contains("odavl:") && !found[0].1.contains("password="), "{found:?}");
    kill(found[0].0);
    let error = read(&mut dump).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(error.to_string().starts_with("pg_dump ") && error.to_string().contains("signal: 9"), "{error}");
    assert!(dump.finish().await.is_err());
}

#[tokio::test]
async fn a_connection_that_is_cut_makes_no_dump() {
    let harness = Harness::new().await;
    harness.run(MUCH).await;
    for cut in ["pid <> pg_backend_pid()", "query LIKE 'COPY public.much%'"] {
        let mut dump = harness.backup.dump(DumpOptions::default()).await.unwrap();
        dump.next().await.unwrap().unwrap();
        let live = harness.name("live");
        let end = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{live}' AND {cut}"
        );
        run(&super::server::url(), &end).await;
        let error = match read(&mut dump).await {
            Ok(_) => dump.finish().await.unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.code(), ErrorCode::Unavailable, "{cut}: {error}");
    }
}

#[tokio::test]
async fn a_fingerprint_whose_connection_is_cut_leaves_its_dump_unfinished() {
    let harness = Harness::new().await;
    harness.run("CREATE TABLE few (a SERIAL)").await;
    let mut dump = harness.backup.dump(DumpOptions::default()).await.unwrap();
    read(&mut dump).await.unwrap();
    let live = harness.name("live");
    let end =
        format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{live}'");
    run(&super::server::url(), &end).await;
    assert_eq!(dump.finish().await.unwrap_err().code(), ErrorCode::Unavailable);
}

#[tokio::test]
async fn a_dump_that_is_given_up_leaves_neither_program_nor_connection() {
    let harness = Harness::new().await;
    harness.run(MUCH).await;
    let mut dump = harness.backup.dump(DumpOptions::default()).await.unwrap();
    dump.next().await.unwrap().unwrap();
    drop(dump);
    let live = harness.name("live").to_string();
    until(async || processes("pg_dump", &live).is_empty()).await;
    let left = format!("SELECT pid::TEXT FROM pg_stat_activity WHERE datname = '{live}'");
    until(async || rows(&super::server::url(), &left).await.is_empty()).await;
}

#[tokio::test]
async fn a_wrong_password_is_invalid_and_is_not_told() {
    let url = super::server::url().replace("odavl:odavl@", "odavl:canary@");
    let backup = PostgresBackup::new(&url).unwrap();
    let told = |error: Error| {
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        assert!(!format!("{error} {error:?} {backup:?}").contains("canary"), "{error:?}");
    };
    told(backup.describe().await.unwrap_err());
    told(backup.dump(DumpOptions::default()).await.unwrap_err());
    told(backup.fingerprint(&"postgres".parse().unwrap()).await.unwrap_err());
}

#[tokio::test]
async fn a_pg_dump_that_is_too_old_or_not_there_is_invalid_before_anything_begins() {
    let harness = Harness::new().await;
    let backup = harness.backup.clone().with_programs(harness.folder());
    let error = backup.dump(WITHOUT).await.unwrap_err();
    assert_eq!(
        (error.code(), error.to_string()),
        (ErrorCode::InvalidInput, "there is no pg_dump".to_owned())
    );
    script(harness.folder(), "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'");
    let error = backup.dump(WITHOUT).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput);
    assert!(error.to_string().starts_with("pg_dump 9.6.24 is too old for this server"), "{error}");
    assert!(error.hint().unwrap().contains(&harness.folder().display().to_string()));
}

#[tokio::test]
async fn a_dump_without_roles_says_so() {
    let harness = Harness::new().await;
    let real = programs();
    script(harness.folder(), "pg_dump", &format!("exec {real}/pg_dump \"$@\""));
    let mut dump = harness.backup.clone().with_programs(harness.folder()).dump(WITHOUT).await.unwrap();
    read(&mut dump).await.unwrap();
    let dumped = dump.finish().await.unwrap();
    assert_eq!(dumped.globals, None);
    assert!(dumped.notes.iter().any(|note| note.contains("there is no pg_dumpall")), "{dumped:?}");
    let mut dump = harness.backup.dump(WITHOUT).await.unwrap();
    read(&mut dump).await.unwrap();
    let globals = dump.finish().await.unwrap().globals.unwrap();
    let globals = String::from_utf8_lossy(&globals);
    assert!(globals.contains("CREATE ROLE odavl;") && !globals.contains("SCRAM"), "{globals}");
}

#[tokio::test]
async fn a_restore_whose_program_is_killed_or_that_is_given_up_leaves_the_live_one_and_can_be_begun_again() {
    let harness = Harness::new().await;
    harness.run(MUCH).await;
    let (bytes, source, expected) = whole(&harness.backup).await;
    let (backup, to) = (&harness.backup, harness.name("copy"));
    let there = || async { backup.fingerprint(&to).await.map(drop).map_err(|error| error.code()) };

    let restoring = tokio::spawn({
        let (backup, bytes, options) = (backup.clone(), bytes.clone(), keep(&to, &source));
        async move { backup.restore(full(bytes), options).await }
    });
    until(async || !processes("pg_restore", to.as_str()).is_empty() || restoring.is_finished()).await;
    for (pid, _) in processes("pg_restore", to.as_str()) {
        kill(pid);
    }
    // It may have been done by then.
    match restoring.await.unwrap() {
        Ok(_) => backup.discard(&to).await.unwrap(),
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Unavailable, "{error}");
            assert_eq!(there().await, Err(ErrorCode::NotFound));
        }
    }

    let mut restoring = Box::pin(backup.restore(full(bytes.clone()), keep(&to, &source)));
    let begun = async || {
        !rows(&super::server::url(), &format!("SELECT datname::TEXT FROM pg_database WHERE datname = '{to}'"))
            .await
            .is_empty()
    };
    tokio::select! {
        done = &mut restoring => drop(done),
        () = until(begun) => {}
    }
    drop(restoring);
    backup.discard(&to).await.unwrap();
    backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    assert!(expected.compare(&backup.fingerprint(&to).await.unwrap()).is_same());
    assert!(expected.compare(&backup.fingerprint(&source.database).await.unwrap()).is_same());
}

#[tokio::test]
async fn what_killed_runs_left_under_our_names_goes_with_a_later_restore_and_what_somebody_is_at_stays() {
    let harness = Harness::new().await;
    let (bytes, source, _) = whole(&harness.backup).await;
    let ours = |of| format!("odavl_verify_{}", harness.name(of)).parse::<DatabaseName>().unwrap();
    let (theirs, left, to) = (ours("theirs"), ours("left"), harness.name("copy"));
    let by_hand = harness.name("by_hand");
    let scratch = |to: &DatabaseName| RestoreOptions::scratch(to.clone(), source.clone(), Format::Archive);
    let held = harness.backup.restore(full(bytes.clone()), scratch(&theirs)).await.unwrap();
    harness.leave_half_restored(&left).await.unwrap();
    harness.leave_half_restored(&by_hand).await.unwrap();
    let backup = &harness.backup;
    let there = async |name| backup.fingerprint(name).await.is_ok();
    backup.restore(full(bytes.clone()), scratch(&to)).await.unwrap();
    assert!(there(&theirs).await && !there(&left).await);
    drop(held);
    until(async || {
        backup.discard(&to).await.unwrap();
        backup.restore(full(bytes.clone()), scratch(&to)).await.unwrap();
        !there(&theirs).await
    })
    .await;
    assert!(there(&by_hand).await, "somebody may have finished it, and put it to use");
}

#[tokio::test]
async fn what_the_server_has_not_is_told_and_leaves_nothing() {
    let harness = Harness::new().await;
    let to = harness.name("copy");
    harness.run("CREATE TABLE t (a INT); GRANT SELECT ON t TO pg_monitor").await;
    let (mut bytes, source, _) = whole(&harness.backup).await;
    let (from, too) = (b"pg_monitor", b"pg_nobody_");
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(too);
        }
    }
    let as_dumped =
        RestoreOptions { ownership: odavl_core::backup::Ownership::AsDumped, ..keep(&to, &source) };
    let error = harness.backup.restore(full(bytes.clone()), as_dumped).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(error.to_string().contains("role \"pg_nobody_\" does not exist"), "{error}");
    assert_eq!(harness.backup.fingerprint(&to).await.unwrap_err().code(), ErrorCode::NotFound);
    harness.backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
}

/// Says to the test's second process where its small disk is.
const SMALL: &str = "ODAVL_TEST_SMALL_DISK";

#[tokio::test]
async fn a_full_disk_in_the_temporary_folder_is_told_and_leaves_nothing() {
    let Some(folder) = std::env::var_os(SMALL) else { return on_a_small_disk() };
    let harness = Harness::new().await;
    harness.run(MUCH).await;
    let (bytes, source, _) = whole(&harness.backup).await;
    let (backup, to) = (harness.backup.clone().with_temporary(&folder), harness.name("copy"));
    let error = backup.restore(full(bytes), keep(&to, &source)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert_eq!(error.to_string(), "the disk of the temporary folder is full");
    assert!(causes(&error).count() > 0);
    assert_eq!(backup.fingerprint(&to).await.unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

/// The same test in a process of its own, whose temporary folder is a file system in memory that only it sees, or where it
/// may not have one, in which no file may grow.
fn on_a_small_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$ODAVL_TEST_SMALL_DISK\"";
    let small = |mut command: Command, first: &str| {
        let name = "postgres::faults::a_full_disk_in_the_temporary_folder_is_told_and_leaves_nothing";
        let test = std::env::current_exe().unwrap();
        let script = format!("{first} && exec \"$0\" --exact {name}");
        command.args(["-c", &script]).arg(test).env(SMALL, folder.path());
        command
    };
    let mut mounted = Command::new("unshare");
    mounted.args(["--map-root-user", "--mount", "sh"]);
    let can_mount = small(mounted, mount).arg0("unshare").output().unwrap();
    if can_mount.status.success() {
        return;
    }
    let bounded = small(Command::new("sh"), "trap '' XFSZ; ulimit -f 1024").output().unwrap();
    assert!(bounded.status.success(), "{can_mount:#?} {bounded:#?}");
}

#[tokio::test]
async fn nothing_of_a_restore_lies_in_a_folder_where_others_look() {
    let harness = Harness::new().await;
    harness.run(MUCH).await;
    let (bytes, source, _) = whole(&harness.backup).await;
    let folder = tempfile::tempdir().unwrap();
    let (backup, to) = (harness.backup.clone().with_temporary(folder.path()), harness.name("copy"));
    backup.restore(full(bytes), keep(&to, &source)).await.unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let backup = harness.backup.clone().with_temporary("/nowhere");
    let error = backup.restore(full("x"), keep(&harness.name("other"), &source)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
}
