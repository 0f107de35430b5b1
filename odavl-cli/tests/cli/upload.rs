//! `odavl insight analyze --upload`, through its queue.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use serde_json::Value;

use crate::support::{Ended, Person, Server, Stranger, stored};

const REPORT: &str = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "other"}}, "results": [
    {"ruleId": "O1", "level": "error", "message": {"text": "bad"}}]}]}"#;
const UPLOAD: &str = "insight analyze --sarif report.sarif --upload";

/// Ada, in a folder with a report that is linked to a project.
fn linked(server: &Server) -> Person {
    let person = Person::signed_in(server);
    fs::write(person.folder.path().join("report.sarif"), REPORT).unwrap();
    person.odavl("link --create app").well();
    person
}

fn queued(person: &Person) -> Vec<PathBuf> {
    let folder = person.folder.path().join(".odavl/queue");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect()
}

#[track_caller]
fn is_refused(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{ended:?}");
    for word in words {
        assert!(ended.stderr.contains(word), "{word}: {ended:?}");
    }
}

#[test]
fn ten_runs_are_taken_and_the_eleventh_ends_with_6_and_waits_nowhere() {
    let server = Server::start();
    let person = linked(&server);
    for run in 1..=10 {
        let ended = person.odavl(UPLOAD);
        assert!(ended.stderr.contains("uploaded to app as upl_"), "{ended:?}");
        ended.well();
        assert_eq!(person.used("insight_analyses"), run);
    }
    let refused = person.odavl(UPLOAD);
    is_refused(&refused, 6, &["insight_analyses", "resets"]);
    assert!(refused.stdout.contains("O1"), "what was found is shown all the same");
    assert!(queued(&person).is_empty());
    assert_eq!(person.used("insight_analyses"), 10);
    assert_eq!(person.used("storage_bytes"), stored(&server.data.path().join("objects/objects")));
}

#[test]
fn what_the_server_was_away_for_is_sent_by_the_next_run_and_counts_once() {
    let server = Server::start();
    let person = linked(&server);
    let server = server.stop();
    is_refused(&person.odavl(UPLOAD), 7, &["wait in .odavl/queue", "next"]);
    let waiting = queued(&person);
    assert_eq!(waiting.len(), 1);
    let copies: Vec<_> = waiting
        .iter()
        .flat_map(|path| [path.clone(), path.with_extension("zst")])
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();

    let server = server.start();
    let shown = person.odavl(&format!("{UPLOAD} --json"));
    assert!(shown.stderr.contains("which had waited"), "{shown:?}");
    assert_eq!(shown.json()["upload"]["project"], "app");
    assert!(queued(&person).is_empty());
    assert_eq!(person.used("insight_analyses"), 2);

    // As if it had been killed before it took the run out of the queue.
    for (path, bytes) in copies {
        fs::write(path, bytes).unwrap();
    }
    person.odavl(UPLOAD).well();
    assert_eq!(person.used("insight_analyses"), 3);
    assert!(queued(&person).is_empty());
    drop(server);
}

#[test]
fn a_wrong_credential_or_no_link_fails_before_anything_is_analysed() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let line = "insight analyze --upload --sarif missing.sarif";
    is_refused(&person.odavl(line), 2, &["odavl link --create"]);
    person.odavl("link --create app").well();
    let stale = server.key("insight:write");
    let other = if stale.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{other}", &stale[..stale.len() - 1]);
    is_refused(&person.with_key(&wrong, line), 4, &["key"]);
    is_refused(&Person::new().odavl(&format!("{line} --project app --server {}", server.url)), 4, &["login"]);
}

#[test]
fn what_came_with_the_folder_for_another_server_is_not_sent_there() {
    let server = Server::start();
    let stranger = Stranger::answering("200 OK", "{}");
    let person = linked(&server);
    let server = server.stop();
    person.odavl(UPLOAD);
    for path in queued(&person) {
        let entry = fs::read_to_string(&path).unwrap();
        let mut entry: Value = serde_json::from_str(&entry).unwrap();
        entry["server"] = stranger.url.clone().into();
        fs::write(path, entry.to_string()).unwrap();
    }
    let server = server.start();
    let ended = person.odavl(UPLOAD);
    assert!(ended.stderr.contains(&stranger.url), "{ended:?}");
    ended.well();
    assert_eq!(stranger.seen(), "");
    assert_eq!(person.used("insight_analyses"), 1);
    drop(server);
}

#[test]
fn what_came_with_the_folder_and_leads_elsewhere_is_named_and_holds_nothing_up() {
    let server = Server::start();
    let person = linked(&server);
    let server = server.stop();
    person.odavl(UPLOAD);
    let [path] = queued(&person).try_into().unwrap();
    let mut entry: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    entry["packed_len"] = 0.into();
    fs::write(&path, entry.to_string()).unwrap();
    fs::remove_file(path.with_extension("zst")).unwrap();
    symlink("/dev/null", path.with_extension("zst")).unwrap();
    let server = server.start();
    let ended = person.odavl(UPLOAD);
    assert!(ended.stderr.contains("is damaged and is not sent"), "{ended:?}");
    ended.well();
    assert_eq!((queued(&person), person.used("insight_analyses")), (vec![path], 1));

    let lock = person.folder.path().join(".odavl/queue/lock");
    fs::remove_file(&lock).unwrap();
    symlink("../../made", lock).unwrap();
    is_refused(&person.odavl(UPLOAD), 7, &["queue/lock", "it is a link", "hint: move it away"]);
    assert!(!person.files().contains(&"made".to_owned()));
    drop(server);
}

#[test]
fn what_was_refused_for_good_holds_nothing_up() {
    let server = Server::start();
    let person = linked(&server);
    let server = server.stop();
    person.odavl(UPLOAD);
    for path in queued(&person) {
        let entry = fs::read_to_string(&path).unwrap().replace("\"app\"", "\"gone\"");
        fs::write(path, entry).unwrap();
    }
    let server = server.start();
    let ended = person.odavl(UPLOAD);
    assert!(ended.stderr.contains("was not taken"), "{ended:?}");
    ended.well();
    assert_eq!(queued(&person).len(), 1);
    drop(server);
}
