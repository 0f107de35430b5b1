//! The real process on a folder of its own, and how it ends.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use odavl_test_store::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::wire::{Call, HOST};

/// Longer than a start takes on a busy machine.
const START: Duration = Duration::from_mins(1);

/// An installation that outlives its processes, with an organisation `acme` and the keys to try it with.
pub(crate) struct Installation {
    folder: TempDir,
    engines: Engines,
    /// The operator's, to ask the gateway with.
    pub(crate) gateway: String,
    /// `acme`'s own.
    pub(crate) key: String,
}

/// Where an installation keeps what is not in its folder.
#[derive(Default)]
pub(crate) struct Engines {
    /// The URL of its database.
    pub(crate) database: Option<String>,
    /// The URL of its bucket in a test store.
    pub(crate) storage: Option<String>,
}

impl Installation {
    /// One whose only plan has these `limits` (lines of TOML).
    pub(crate) fn new(limits: &str) -> Self {
        let meters = r#"
            calls = { kind = "sum" }
            analyses = { kind = "sum", counts = "insight" }
            bytes = { kind = "gauge", counts = "stored_bytes" }"#;
        Self::with(meters, limits, Engines::default())
    }

    /// One with these meters, on those engines.
    pub(crate) fn with(meters: &str, limits: &str, engines: Engines) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            r#"public_url = "http://{HOST}"
            resources = ["insight"]
            private_webhooks = true
            [serve]
            anonymous_per_minute = 0
            [meters]
            {meters}
            [plans.Trial]
            default = true
            {limits}
            "#
        );
        let mut installation = Self { folder, engines, gateway: String::new(), key: String::new() };
        fs::write(installation.config(), config).unwrap();
        let person = "admin user create --email ada@example.com --org acme --password-stdin";
        installation.run(person, "correct horse battery\n");
        installation.gateway = installation.make_key("operator", "--scope gateway:write");
        installation.key = installation.make_key(
            "acme",
            "--scope insight:write --scope usage:write --scope storage:write --scope uploads:write --scope org:write",
        );
        installation
    }

    pub(crate) fn make_key(&self, org: &str, scopes: &str) -> String {
        let key = self.run(&format!("admin keys create {org} --name test {scopes} --quiet"), "");
        key.trim_end().to_owned()
    }

    /// Runs a command on the installation, and answers what it said.
    pub(crate) fn run(&self, line: &str, stdin: &str) -> String {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_odavl")));
        command.args(line.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A program that finds the installation by its variables, and nothing of the machine's own settings.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ODAVL_"))
        {
            command.env_remove(name);
        }
        command.env("ODAVL_DATA", self.data()).env("ODAVL_CONFIG", self.config());
        command.env("ODAVL_HOME", self.folder.path().join("home")).current_dir(self.folder.path());
        command.envs(self.engines.database.iter().map(|url| ("ODAVL_DATABASE", url)));
        if let Some(storage) = &self.engines.storage {
            command.env("ODAVL_STORAGE", storage).env("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID);
            command.env("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY);
        }
        command
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("odavl.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process, once it answers.
    pub(crate) fn serve(&self) -> Service {
        self.start().ready()
    }

    /// The process, which may not answer yet.
    pub(crate) fn start(&self) -> Starting {
        Starting::spawn(self.serve_command())
    }

    pub(crate) fn serve_command(&self) -> Command {
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_odavl")));
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command
    }

    /// The database, while no process has it.
    pub(crate) fn database(&self) -> Connection {
        Connection::open(self.data().join("odavl.db")).unwrap()
    }
}

/// A process that was started.
pub(crate) struct Starting {
    process: Process,
    listens: mpsc::Receiver<SocketAddr>,
}

impl Starting {
    pub(crate) fn spawn(command: Command) -> Self {
        Self::spawn_with(command, Log::default())
    }

    /// A process that goes on with a log.
    pub(crate) fn spawn_with(mut command: Command, log: Log) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let (tell, listens) = mpsc::channel();
        let kept = log.clone();
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let entry: Value = serde_json::from_str(&line).unwrap_or_default();
                if entry["message"] == "listening" {
                    let _ = tell.send(entry["address"].as_str().unwrap().parse().unwrap());
                }
                kept.keep(line);
            }
        });
        Self { process: Process { child, log }, listens }
    }

    /// Waits until it listens.
    pub(crate) fn ready(self) -> Service {
        match self.listens.recv_timeout(START) {
            Ok(address) => Service { address, process: self.process },
            Err(error) => panic!("the service did not start ({error}): {:?}", self.process.log),
        }
    }

    /// What has become of it so far.
    pub(crate) fn look(self) -> Started {
        match self.listens.try_recv() {
            Ok(address) => Started::Ready(Service { address, process: self.process }),
            Err(mpsc::TryRecvError::Empty) => Started::NotYet(self),
            Err(mpsc::TryRecvError::Disconnected) => Started::Ended,
        }
    }

    /// Ends it at once, wherever it is.
    pub(crate) fn kill(self) {
        drop(self.process);
    }
}

/// What became of a start.
pub(crate) enum Started {
    NotYet(Starting),
    Ready(Service),
    Ended,
}

/// What a process wrote to its log, here or in a file.
#[derive(Clone, Default, Debug)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    file: Option<Arc<File>>,
}

impl Log {
    pub(crate) fn to(file: File) -> Self {
        Self { lines: Arc::default(), file: Some(Arc::new(file)) }
    }

    fn keep(&self, line: String) {
        match self.file.as_deref() {
            Some(mut file) => writeln!(file, "{line}").unwrap(),
            None => self.lines.lock().unwrap().push(line),
        }
    }
}

struct Process {
    child: Child,
    log: Log,
}

impl Drop for Process {
    /// SIGKILL: no process outlives its test.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("{}", self.log.lines.lock().unwrap().join("\n"));
        }
    }
}

/// A process that answers.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    process: Process,
}

impl Service {
    /// SIGKILL.
    pub(crate) fn kill(self) {
        drop(self.process);
    }

    /// SIGSTOP, or SIGCONT.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// SIGTERM; the process goes on with what is under way.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// How it ended, after SIGTERM.
    pub(crate) fn ended(mut self) -> ExitStatus {
        self.process.child.wait().unwrap()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.process.child)
    }

    /// The most memory that it ever had, in KiB.
    pub(crate) fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Where the process sees a path: its root may be its own.
    pub(crate) fn seen(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.process.child.id()));
        root.join(path.strip_prefix("/").unwrap())
    }

    /// What of a meter is used, reservations included.
    pub(crate) fn used(&self, installation: &Installation, meter: &str) -> u64 {
        let usage = Call::get("/api/v1/usage").bearer(&installation.key).send(self.address).unwrap().well();
        let limits = usage["limits"].as_array().unwrap();
        limits.iter().find(|limit| limit["meter"] == meter).unwrap()["used"].as_u64().unwrap()
    }

    /// Makes the project that results belong to.
    pub(crate) fn make_project(&self, installation: &Installation) {
        let call = Call::post("/api/v1/projects", &json!({"slug": "app"}));
        call.bearer(&installation.key).send(self.address).unwrap().well();
    }
}
