//! A server with one organisation, and people with a home folder and the command.

use std::{
    collections::BTreeMap,
    fs,
    future::pending,
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Arc,
};

use jiff::SignedDuration;
use odavl_core::{
    Odavl, Settings,
    auth::{NewKeyRequest, OrgRef, SetUp},
    ids::ReservationId,
    metering::Reserve,
    secret::Secret,
    session::{Context, Credential, Session},
    storage::DIRECT_PATH,
};
use odavl_http::Door;
use poem::{Endpoint, EndpointExt, http::Method};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::gate::Gate;
pub(crate) use crate::stranger::Stranger;

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A server with the organisation `acme`, which is Ada's.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) data: TempDir,
    pub(crate) gate: Arc<Gate>,
    odavl: Odavl,
    runtime: Runtime,
}

/// A server that was stopped, and can be started again where it was.
pub(crate) struct Stopped {
    pub(crate) url: String,
    pub(crate) data: TempDir,
}

impl Stopped {
    pub(crate) fn start(self) -> Server {
        Server::open(TcpListener::bind(self.url.strip_prefix("http://").unwrap()).unwrap(), self.data)
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        let server = Self::open(TcpListener::bind("127.0.0.1:0").unwrap(), tempfile::tempdir().unwrap());
        server.runtime.block_on(server.odavl.set_up(ada())).unwrap();
        server
    }

    pub(crate) fn stop(self) -> Stopped {
        let Self { url, data, gate: _, odavl, runtime } = self;
        drop((odavl, runtime));
        Stopped { url, data }
    }

    fn open(listener: TcpListener, data: TempDir) -> Self {
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let runtime = Runtime::new().unwrap();
        let gate = Arc::<Gate>::default();
        let watched = gate.clone();
        let odavl = runtime.block_on(async {
            let settings = Settings::preset(&url).unwrap();
            let odavl = Odavl::open(data.path(), settings).await.unwrap();
            let settings = odavl_http::Settings::default();
            let door = Door::new(odavl.clone(), settings.clone());
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let endpoint = door.endpoint().around(move |endpoint, request| {
                let gate = watched.clone();
                async move {
                    let upload =
                        request.method() == Method::PUT && request.uri().path().starts_with(DIRECT_PATH);
                    let answer = endpoint.call(request);
                    if upload { gate.pass(answer).await } else { answer.await }
                }
            });
            tokio::spawn(async move { odavl_http::serve(endpoint, listener, &settings, pending()).await });
            odavl
        });
        Self { url, data, gate, odavl, runtime }
    }

    /// A new key of the organisation.
    pub(crate) fn key(&self, scopes: &str) -> String {
        self.key_of("acme", scopes)
    }

    /// A new key of another organisation.
    pub(crate) fn key_of(&self, org: &str, scopes: &str) -> String {
        self.runtime.block_on(async {
            let org = OrgRef::Slug(org.parse().unwrap());
            let session = self.odavl.system(&org, Context::default()).await.unwrap();
            let new =
                session.keys().create(NewKeyRequest::new("test", scopes.parse().unwrap())).await.unwrap();
            new.token.unwrap().secret().reveal().clone()
        })
    }

    /// Holds units of the organisation, until somebody settles or releases them.
    pub(crate) fn reserve(&self, meter: &str, units: u64) -> ReservationId {
        self.runtime.block_on(async {
            let acme = self.odavl.system(&"acme".parse().unwrap(), Context::default()).await.unwrap();
            let units = vec![(meter.parse().unwrap(), units)];
            let lifetime = SignedDuration::from_hours(1);
            let wish = Reserve { units, lifetime, idempotency_key: None, tags: BTreeMap::new() };
            acme.usage().reserve(wish).await.unwrap().id
        })
    }

    /// Approves a device in Ada's browser.
    pub(crate) fn approve(&self, code: &str) {
        self.runtime.block_on(async {
            let devices = self.browser().await;
            let (org, scopes) = devices.devices().look(code).await.unwrap().choices.remove(0);
            assert_eq!(org.slug.as_str(), "acme");
            devices.devices().approve(code, org.id, scopes).await.unwrap();
        });
    }

    /// Refuses a device in Ada's browser.
    pub(crate) fn deny(&self, code: &str) {
        self.runtime.block_on(async { self.browser().await.devices().deny(code).await.unwrap() });
    }

    async fn browser(&self) -> Session {
        let visitor = self.odavl.visitor(Context::default());
        let login = visitor.sign_in(&EMAIL.parse().unwrap(), Secret::new(PASSWORD.to_owned())).await.unwrap();
        self.odavl.authenticate(Credential::Cookie(login.cookie), Context::default()).await.unwrap()
    }
}

fn ada() -> SetUp {
    SetUp {
        email: EMAIL.parse().unwrap(),
        name: "Ada".to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
        organization: "acme".parse().unwrap(),
    }
}

/// Someone with a home folder, in a project's folder.
pub(crate) struct Person {
    pub(crate) home: TempDir,
    pub(crate) folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// What was said on standard output, after a success.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.well()).unwrap()
    }
}

impl Person {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    /// The command, with nothing of the machine's own settings.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_odavl"));
        let ours = |name: &str| name.starts_with("ODAVL_") || name.starts_with("AWS_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| ours(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        command.env("ODAVL_HOME", self.home.path()).current_dir(self.folder.path());
        command.args(line.split_whitespace()).stdin(Stdio::null());
        command
    }

    pub(crate) fn odavl(&self, line: &str) -> Ended {
        self.command(line).output().unwrap().into()
    }

    pub(crate) fn odavl_with(&self, line: &str, stdin: &str) -> Ended {
        fed(&mut self.command(line), stdin)
    }

    /// The exit code, and what was said on standard output: bytes.
    pub(crate) fn odavl_bytes(&self, line: &str) -> (i32, Vec<u8>) {
        let output = self.command(line).output().unwrap();
        (output.status.code().unwrap(), output.stdout)
    }

    /// The command with that key in the environment.
    pub(crate) fn with_key(&self, key: &str, line: &str) -> Ended {
        self.command(line).env("ODAVL_API_KEY", key).output().unwrap().into()
    }

    /// Signs in with a key that may do everything in the organisation.
    pub(crate) fn signed_in(server: &Server) -> Self {
        let person = Self::new();
        let key = server.key("keys:admin usage:admin uploads:admin insight:write org:admin storage:admin");
        person.odavl_with(&format!("login --with-key --server {}", server.url), &key).well();
        person
    }

    /// Starts to sign in by the device flow, and gives the process and the code that it shows.
    pub(crate) fn starts_to_sign_in(&self, server: &Server) -> (Child, String) {
        self.starts_to_sign_in_at(&server.url)
    }

    /// The same, at that address.
    pub(crate) fn starts_to_sign_in_at(&self, url: &str) -> (Child, String) {
        let mut child = piped(&mut self.command(&format!("login --server {url}"))).spawn().unwrap();
        let shown = line_of(child.stderr.as_mut().unwrap());
        let code = shown.strip_prefix("enter the code ").unwrap().split(' ').next().unwrap();
        assert!(shown.ends_with(&format!("at {url}/device")), "{shown}");
        (child, code.to_owned())
    }

    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.home.path().join("credentials.json")
    }

    /// A file of that content in the project's folder.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The names of all files in the project's folder, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// What the organisation has used of a meter.
    pub(crate) fn used(&self, meter: &str) -> u64 {
        let usage: Value = self.odavl("usage --json").json();
        let limits = usage["limits"].as_array().unwrap();
        limits.iter().find(|limit| limit["meter"] == meter).unwrap()["used"].as_u64().unwrap()
    }

    pub(crate) fn credentials(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.credentials_file()).unwrap()).unwrap()
    }
}

/// The bytes of objects in a store's folder; what describes them is not theirs.
pub(crate) fn stored(folder: &Path) -> u64 {
    objects(folder).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

/// The files that hold the bytes of objects; not what odavl keeps there for itself.
pub(crate) fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir()
            && !["audit", "odavl"].map(Into::into).contains(&entry.file_name())
        {
            found.extend(objects(&entry.path()));
        } else if entry.file_type().unwrap().is_file()
            && !entry.file_name().to_string_lossy().ends_with("~meta")
        {
            found.push(entry.path());
        }
    }
    found
}

/// How a command ends that is given that to read.
pub(crate) fn fed(command: &mut Command, stdin: &str) -> Ended {
    let mut child = piped(command).stdin(Stdio::piped()).spawn().unwrap();
    let written = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    // A command that refuses before it reads leaves a closed pipe.
    assert!(
        written.is_ok() || written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe),
        "standard input"
    );
    child.wait_with_output().unwrap().into()
}

pub(crate) fn piped(command: &mut Command) -> &mut Command {
    command.stdout(Stdio::piped()).stderr(Stdio::piped())
}

/// One line, read byte by byte: what follows stays to be read.
pub(crate) fn line_of(stream: &mut impl Read) -> String {
    let bytes = std::io::BufReader::with_capacity(1, stream)
        .bytes()
        .map(Result::unwrap)
        .take_while(|byte| *byte != b'\n');
    String::from_utf8(bytes.collect()).unwrap()
}

/// Whether what needs more than Rust is left out: `scripts/test quick` says so.
pub(crate) fn skips(what: &str) -> bool {
    std::env::var("ODAVL_TEST_SKIP").is_ok_and(|names| names.split(',').any(|name| name == what))
}

/// An address where nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A project's file, as somebody else may have left it.
pub(crate) fn link(folder: &Path, server: &str) {
    fs::create_dir(folder.join(".odavl")).unwrap();
    let text = format!("server = \"{server}\"\norganization = \"acme\"\nproject = \"app\"\n");
    fs::write(folder.join(".odavl/project.toml"), text).unwrap();
}
