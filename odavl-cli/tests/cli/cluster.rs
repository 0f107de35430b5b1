//! Nodes on one PostgreSQL and one S3 store, behind a plain round-robin: nothing but the configuration says so.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    process::{Child, Command, Stdio},
};

use odavl_test_store::{ACCESS_KEY_ID, Answer, BUCKET, SECRET_ACCESS_KEY, TestStore, send};
use rustix::process::Pid;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    postgres::Schema,
    relay::Relay,
    support::{EMAIL, Ended, PASSWORD, Person, fed, line_of, nobody},
};

/// Such nodes.
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    /// Where everybody finds them.
    pub(crate) relay: Relay,
    pub(crate) store: TestStore,
    /// Between everybody and the store.
    pub(crate) store_relay: Relay,
    /// Who runs it, with `odavl.toml`.
    pub(crate) operator: Person,
    schema: Schema,
    runtime: Runtime,
}

/// A process, and the folder of its own.
struct Node {
    process: Child,
    data: TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

impl Cluster {
    /// So many nodes, with that `odavl.toml`; nobody is there yet.
    pub(crate) fn start(name: &str, nodes: usize, config: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(TestStore::start());
        let (store_relay, relay, operator) = (Relay::to(&store.url), Relay::start(), Person::new());
        operator.file("odavl.toml", config.as_bytes());
        let schema = Schema::new(name);
        let mut cluster = Self { nodes: Vec::new(), relay, store, store_relay, operator, schema, runtime };
        for _ in 0..nodes {
            cluster.add_node();
        }
        cluster
    }

    /// One more node, with the master key of the first.
    fn add_node(&mut self) {
        let data = tempfile::tempdir().unwrap();
        if let Some(first) = self.nodes.first() {
            fs::copy(first.data.path().join("master.key"), data.path().join("master.key")).unwrap();
        }
        let (url, public) = (nobody(), &self.relay.url);
        let listen = url.strip_prefix("http://").unwrap();
        let line = format!("serve --listen {listen} --public-url {public} --data {}", data.path().display());
        let log = File::create(data.path().join("log")).unwrap();
        let mut process = self.command(&line).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let said = line_of(process.stdout.as_mut().unwrap());
        assert_eq!(said, format!("odavl is at {public}"), "{}", read(&data));
        self.nodes.push(Node { process, data });
        self.relay.add(&url);
    }

    /// A command of who runs it.
    fn command(&self, line: &str) -> Command {
        let mut command = self.operator.command(line);
        command.env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID).env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        let storage = format!("s3://{BUCKET}/live?endpoint={}&profile=minio", self.store_relay.url);
        command.env("ODAVL_STORAGE", storage).env("ODAVL_DATABASE", &self.schema.url);
        command
    }

    /// A command beside the nodes, as on the first one's machine.
    pub(crate) fn admin(&self, line: &str, stdin: &str) -> Ended {
        let data = self.nodes[0].data.path().display();
        fed(&mut self.command(&format!("admin --data {data} {line}")), stdin)
    }

    /// Ada and `acme`, without a browser; and somebody signed in with a key of those scopes.
    pub(crate) fn signed_in(&self, scopes: &str) -> Person {
        self.admin(&format!("user create --email {EMAIL} --org acme --password-stdin"), PASSWORD).well();
        let key = self.admin(&format!("keys create acme --name all {scopes} --quiet"), "").well();
        let person = Person::new();
        person.odavl_with(&format!("login --with-key --server {}", self.relay.url), &key).well();
        person
    }

    /// The link that the node leaves where nobody is there yet.
    pub(crate) fn set_up_link(&self, node: usize) -> String {
        let link = fs::read_to_string(self.nodes[node].data.path().join("set-up-link")).unwrap();
        link.trim().to_owned()
    }

    /// A browser without JavaScript.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser { cluster: self, cookies: BTreeMap::new() }
    }

    /// What all nodes have logged.
    pub(crate) fn logs(&self) -> String {
        self.nodes.iter().map(|node| read(&node.data)).collect()
    }

    /// Whether each of the nodes got a connection since there were `before`.
    #[track_caller]
    pub(crate) fn assert_all_were_asked_since(&self, before: usize) {
        let turns = self.relay.turns();
        assert!((0..self.nodes.len()).all(|node| turns[before..].contains(&node)), "{:?}", &turns[before..]);
    }

    /// A request to the store or the nodes, on a connection of its own.
    pub(crate) fn send(&self, method: &str, url: &str, headers: &[(String, String)], body: String) -> Answer {
        self.runtime.block_on(send(method, url, headers, body)).unwrap()
    }

    /// The nodes' processes.
    pub(crate) fn pids(&self) -> Vec<Pid> {
        self.nodes.iter().map(|node| Pid::from_child(&node.process)).collect()
    }
}

fn read(data: &TempDir) -> String {
    let mut text = String::new();
    File::open(data.path().join("log")).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The most memory that a process had so far, in KiB.
pub(crate) fn peak(pid: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A browser without JavaScript: it keeps cookies, and sends the forms of the pages that it has.
pub(crate) struct Browser<'a> {
    cluster: &'a Cluster,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    pub(crate) fn get(&mut self, path: &str) -> String {
        let answer = self.send("GET", path, &[], String::new());
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        text(&answer)
    }

    /// Sends the form of that page, and answers the page that follows.
    pub(crate) fn submit(&mut self, page: &str, action: &str, fields: &[(&str, &str)]) -> String {
        let token = values(page, "name=\"form_token\"").remove(0);
        let fields = [&[("form_token", token.as_str())], fields].concat();
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let origin = self.cluster.relay.url.clone();
        let headers = [("origin", origin.as_str()), ("content-type", "application/x-www-form-urlencoded")];
        let answer = self.send("POST", action, &headers, body);
        if answer.status == 303 {
            return self.get(answer.header("location").unwrap());
        }
        assert_eq!(answer.status, 200, "{action}: {answer:?}");
        text(&answer)
    }

    /// Approves the device of that code, with everything that is ticked.
    pub(crate) fn approve(&mut self, code: &str) -> String {
        let page = self.get("/device");
        let page = self.submit(&page, "/device", &[("user_code", code)]);
        let organization = values(&page, "name=\"organization\"").remove(0);
        let scopes = values(&page, "name=\"scope\"");
        let mut fields =
            vec![("user_code", code), ("answer", "approve"), ("organization", organization.as_str())];
        fields.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
        self.submit(&page, "/device/answer", &fields)
    }

    fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut all: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if !cookies.is_empty() {
            all.push(("cookie".to_owned(), cookies.join("; ")));
        }
        let answer = self.cluster.send(method, &format!("{}{path}", self.cluster.relay.url), &all, body);
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// The values of all inputs that are marked so.
fn values(page: &str, mark: &str) -> Vec<String> {
    let tags = page.split('<').filter(|tag| tag.starts_with("input") && tag.contains(mark));
    tags.filter_map(|tag| tag.split("value=\"").nth(1)?.split('"').next()).map(str::to_owned).collect()
}
