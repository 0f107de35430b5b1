use std::{io::pipe, process::Stdio};

use serde_json::Value;

use crate::support::{Ended, Person, Server, Stranger, nobody};

#[test]
fn a_closed_pipe_is_success() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let status =
        Person::new().command("completions bash").stdout(writer).stderr(Stdio::null()).status().unwrap();
    assert!(status.success());
}

#[test]
fn no_color_is_heard() {
    let person = Person::new();
    let stderr = |command: &mut std::process::Command| {
        String::from_utf8(command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1").output().unwrap().stderr)
            .unwrap()
    };
    assert!(stderr(&mut person.command("whoami")).contains('\u{1b}'));
    let mut command = person.command("whoami");
    command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    let plain = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(plain.starts_with("error: ") && !plain.contains('\u{1b}'), "{plain:?}");
}

#[test]
fn what_a_server_says_cannot_move_the_cursor() {
    let problem = r#"{"type": "about:blank", "title": "t", "status": 404, "code": "not_found", "request_id": "r",
        "detail": "no \u001b[2J\u009b2Jthing\u202e", "hint": "try\u001b]0;title\u0007 this"}"#;
    let stranger = Stranger::answering("404 Not Found", problem);
    let refused = Person::new().with_key("odavl_live_x", &format!("whoami --server {}", stranger.url));
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(refused.stderr, "error: no 2Jthing\nhint: try this\n");
}

#[test]
fn each_failure_has_its_exit_code_and_a_way_out() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    for (line, code, said) in [
        ("keys create --name x --scope nonsense:write", 2, "nonsense"),
        ("frobnicate", 2, "unrecognized subcommand"),
        ("usage consume no_such_meter", 2, "no_such_meter"),
        ("keys revoke key_01jz0000000000000000000000", 3, "key_01jz0000000000000000000000"),
        ("uploads get upl_01jz0000000000000000000000", 3, "odavl whoami"),
        ("storage get no/such/thing", 3, "odavl storage list"),
        ("storage put no-such-file", 3, "check the path"),
        ("org list", 4, "odavl login"),
        ("link no-such-project", 3, "--create"),
        ("usage consume insight_analyses 11", 6, "it resets at 20"),
    ] {
        let ended = person.odavl(line);
        assert_eq!(ended.code, code, "{line}: {ended:?}");
        assert!(ended.stderr.contains(said), "{line}: {ended:?}");
        assert!(
            ["\nhint: ", "--help"].iter().any(|way_out| ended.stderr.contains(way_out)),
            "{line}: {ended:?}"
        );
        assert_eq!(ended.stdout, "", "{line}");
    }
    let ended = person.with_key("odavl_live_mistyped", "whoami");
    assert_eq!(ended.code, 4, "{ended:?}");
    assert!(ended.stderr.contains("hint: "));
    let ended = person.with_key("odavl_live_x", &format!("whoami --server {}", nobody()));
    assert_eq!(ended.code, 7, "{ended:?}");
    assert!(ended.stderr.contains("cannot be reached") && ended.stderr.contains("odavl serve"));
}

#[test]
fn an_argument_that_is_none_has_the_way_out_of_its_kind() {
    let person = Person::new();
    for (line, said, hint) in [
        ("admin org limit acme api_calls five", "`five` is not a limit", "unlimited"),
        ("admin user create --email a@b.example --org acme --role king", "`king` is not a role", "viewer"),
        ("usage --history --meter m --from soon", "`soon` is not", "90d"),
        ("uploads list --product No", "`No` is not a product", "--help"),
    ] {
        let ended = person.odavl(line);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{line}: {ended:?}");
        let (error, way_out) = ended.stderr.split_once("\nhint: ").unwrap();
        assert!(error.starts_with("error: ") && error.contains(said), "{line}: {error}");
        assert!(way_out.contains(hint), "{line}: {way_out}");
    }
    let mut command = person.command("uploads get");
    let hostile = command.arg("upl\u{1b}[2J").output().unwrap().stderr;
    assert!(!hostile.contains(&0x1b), "{}", String::from_utf8_lossy(&hostile));
}

#[test]
fn with_json_what_changes_something_answers_one_document() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    person.file("f", b"bytes");
    let key = person.odavl("keys create --name ci --scope usage:read --json").json();
    let data = server.data.path().display();
    for (line, field, value) in [
        ("link --create app".to_owned(), "project", "app"),
        ("org use acme".to_owned(), "organization_slug", "acme"),
        (format!("keys revoke {}", key["key"]["id"].as_str().unwrap()), "name", "ci"),
        ("storage put f".to_owned(), "name", "f"),
        (format!("admin --data {data} org plan acme PRO"), "plan", "PRO"),
        (format!("admin --data {data} org limit acme api_calls 7"), "slug", "acme"),
        (format!("admin --data {data} user create --email bob@example.com"), "state", "without password"),
        (format!("admin --data {data} user disable bob@example.com"), "state", "disabled"),
        (format!("admin --data {data} user enable bob@example.com"), "state", "without password"),
        (format!("admin --data {data} adopt-store"), "store", "adopted"),
        ("logout".to_owned(), "server", server.url.as_str()),
        ("logout".to_owned(), "server", server.url.as_str()),
    ] {
        let said = person.odavl(&format!("{line} --json --quiet"));
        assert_eq!(said.stderr, "", "{line}");
        let said = said.well();
        assert_eq!(said.lines().count(), 1, "{line}: {said}");
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap()[field], value, "{line}: {said}");
    }
    let key = server.key("usage:read");
    let line = format!("login --with-key --json --server {}", server.url);
    assert_eq!(person.odavl_with(&line, &key).json()["organization_slug"], "acme");
}

#[test]
fn quiet_leaves_data_and_errors() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    assert_eq!(person.odavl("usage --quiet").stderr, "");
    assert!(person.odavl("usage").stderr.starts_with("plan FREE"));
    assert!(person.odavl("keys revoke key_01jz0000000000000000000000 --quiet").stderr.starts_with("error: "));
}

#[test]
fn doctor_says_where_each_setting_came_from_and_hides_secrets() {
    let server = Server::start();
    let person = Person::signed_in(&server);
    let told = person.odavl("doctor").well();
    for line in [
        format!("server\t{}\todavl login", server.url),
        "credential\tAPI key of a login\todavl login".to_owned(),
        "listens on\t127.0.0.1:8787\tdefault".to_owned(),
        "server version\t0.1.0\tok".to_owned(),
        "signed in as\tthe key test\tok".to_owned(),
    ] {
        assert!(told.lines().any(|found| found == line), "{line}: {told}");
    }
    let key = person.credentials()["servers"][&server.url]["key"].as_str().unwrap().to_owned();
    assert!(!told.contains(&key));
    person.file("odavl.toml", b"public_url = \"https://odavl.example\"\n");
    let told: Ended = person.command("doctor").env("ODAVL_LISTEN", "[::1]:80").output().unwrap().into();
    let told = told.well();
    assert!(told.contains("listens on\t[::1]:80\tODAVL_LISTEN\n"), "{told}");
    assert!(told.contains("public URL\thttps://odavl.example\todavl.toml\n"), "{told}");
    let told = person.odavl(&format!("doctor --server {}", nobody()));
    assert_eq!(told.code, 7, "{told:?}");
    assert!(told.stdout.contains("\tflag\n"));
}

#[test]
fn only_a_call_that_may_be_made_twice_is_made_again() {
    let unavailable = r#"{"type": "about:blank", "title": "t", "status": 503, "code": "unavailable",
        "request_id": "req-1", "detail": "the database does not answer"}"#;
    let tries = |line: &str| {
        let stranger = Stranger::answering("503 Service Unavailable", unavailable);
        let refused = Person::new().with_key("odavl_live_x", &format!("{line} --server {}", stranger.url));
        assert_eq!(refused.code, 7, "{refused:?}");
        assert!(refused.stderr.contains("req-1"), "{refused:?}");
        let seen = stranger.seen();
        let keys: Vec<_> = seen.lines().filter(|line| line.starts_with("idempotency-key: ")).collect();
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
        (seen.matches(" HTTP/1.1").count(), keys.len())
    };
    assert_eq!(tries("whoami"), (4, 0));
    assert_eq!(tries("usage consume api_calls"), (4, 4));
    assert_eq!(tries("keys rotate key_01jz0000000000000000000000"), (1, 0));
}

#[test]
fn a_password_that_stands_in_a_url_is_never_repeated() {
    let person = Person::new();
    let lines = [
        "whoami --server https://me:canary@a.example",
        "whoami --server=me:canary@a.example",
        "whoami --server https://me:canary@a.example:99999",
        "whoami --server ftp://me:canary@a.example",
        "whoami https://me:canary@a.example",
        "https://me:can@ary/canary@a.example",
        "whoami --json=https://me:canary@a.example",
    ];
    for line in lines {
        let ended = person.odavl(line);
        assert_eq!(ended.code, 2, "{line}: {ended:?}");
        assert!(!ended.stderr.contains("canary"), "{line}: {ended:?}");
        assert!(ended.stderr.contains("hint: ") || ended.stderr.contains("a.example"), "{line}: {ended:?}");
    }
    for server in ["https://me:canary@a.example", "me:canary@a.example"] {
        let ended: Ended = person.command("whoami").env("ODAVL_SERVER", server).output().unwrap().into();
        assert!(ended.code == 2 && !ended.stderr.contains("canary"), "{ended:?}");
        assert!(ended.stderr.starts_with("error: ODAVL_SERVER: "), "{ended:?}");
    }
}
