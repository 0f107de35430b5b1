//! A program that runs beside us: its output as it comes, what it complains of, and how it ended.

use std::{
    collections::VecDeque,
    path::Path,
    process::{ExitStatus, Stdio},
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, ChildStdout, Command},
    sync::oneshot,
    task::JoinHandle,
};

use super::tools::{Tool, complaint};
use crate::{
    db::PostgresSettings,
    error::{Error, Result},
    storage::{Body, PIECE},
};

/// So many lines of complaints are kept, the first and the last.
const LINES: usize = 32;

/// And so much of each.
const LINE: usize = 1024;

/// What libpq would take from our own environment.
const AMBIENT: [&str; 36] = [
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGREQUIREAUTH",
    "PGCHANNELBINDING",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGOPTIONS",
    "PGAPPNAME",
    "PGSSLMODE",
    "PGREQUIRESSL",
    "PGSSLNEGOTIATION",
    "PGSSLCOMPRESSION",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCERTMODE",
    "PGSSLROOTCERT",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLSNI",
    "PGREQUIREPEER",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGGSSENCMODE",
    "PGKRBSRVNAME",
    "PGGSSLIB",
    "PGCONNECT_TIMEOUT",
    "PGCLIENTENCODING",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    "PGDATESTYLE",
    "PGTZ",
];

/// A program of PostgreSQL's that is to reach that database.
pub(super) fn command(tool: &Tool, settings: &PostgresSettings, roots: Option<&Path>) -> Command {
    let mut command = Command::new(&tool.path);
    for name in AMBIENT {
        command.env_remove(name);
    }
    // Its complaints are read.
    command.envs(settings.environment(roots)).env("LC_ALL", "C").env("PGCONNECT_TIMEOUT", "10");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A program that was started. It is killed when dropped before its end.
pub(super) struct Running {
    name: String,
    child: Child,
    complaints: JoinHandle<Vec<String>>,
}

impl Running {
    pub(super) fn start(tool: &Tool, mut command: Command) -> Result<Self> {
        let name = tool.told();
        let unstarted = |source: std::io::Error| {
            Error::unavailable(format!("{name} could not be started"), Some(source.into()))
        };
        let mut child = command.spawn().map_err(unstarted)?;
        let complaints = tokio::spawn(kept(child.stderr.take()));
        Ok(Self { name, child, complaints })
    }

    /// Waits for the end; the complaints of one that did not fail, or the first of them as an error by `failed`.
    pub(super) async fn end(mut self, failed: fn(String) -> Error) -> Result<Vec<String>> {
        let lost = |source: std::io::Error| {
            Error::unavailable(format!("{} is lost", self.name), Some(source.into()))
        };
        let status = self.child.wait().await.map_err(lost)?;
        let lines = self.complaints.await.unwrap_or_default();
        if status.success() { Ok(lines) } else { Err(failed(sentence(&self.name, status, &lines))) }
    }
}

fn sentence(name: &str, status: ExitStatus, lines: &[String]) -> String {
    match (complaint(lines), status.code()) {
        (Some(said), Some(_)) => format!("{name} failed: {said}"),
        (said, _) => {
            format!("{name} failed: {}{status}", said.map(|said| format!("{said}; ")).unwrap_or_default())
        }
    }
}

/// Reads what is complained of to its end, for whoever does not read is not written to, and keeps some.
async fn kept(stderr: Option<ChildStderr>) -> Vec<String> {
    let Some(stderr) = stderr else { return Vec::new() };
    let (mut reader, mut first, mut last) = (BufReader::new(stderr), Vec::new(), VecDeque::new());
    while let Some(line) = line(&mut reader).await {
        if first.len() < LINES {
            first.push(line);
        } else {
            last.push_back(line);
            if last.len() > LINES {
                last.pop_front();
            }
        }
    }
    first.extend(last);
    first
}

/// The next line, of which no more is held than is kept.
async fn line(reader: &mut BufReader<ChildStderr>) -> Option<String> {
    let mut kept = Vec::new();
    loop {
        let piece = reader.fill_buf().await.ok().filter(|piece| !piece.is_empty());
        let Some(piece) = piece else {
            return (!kept.is_empty()).then(|| String::from_utf8_lossy(&kept).into_owned());
        };
        let end = piece.iter().position(|byte| *byte == b'\n');
        let text = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
        kept.extend_from_slice(text.get(..text.len().min(LINE - kept.len())).unwrap_or_default());
        let used = text.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Some(String::from_utf8_lossy(&kept).into_owned());
        }
    }
}

/// The output of a program, which ends only where the program did, well.
pub(super) struct Output {
    stdout: ChildStdout,
    running: Option<Running>,
    buffer: BytesMut,
    told: Option<oneshot::Sender<Vec<String>>>,
}

impl Output {
    /// Runs it, and answers what it puts out, and what tells of its complaints once it has ended.
    pub(super) fn of(tool: &Tool, mut command: Command) -> Result<(Self, oneshot::Receiver<Vec<String>>)> {
        command.stdout(Stdio::piped());
        let mut running = Running::start(tool, command)?;
        let stdout = running.child.stdout.take();
        let stdout = stdout.ok_or_else(|| Error::internal("a program's output is not read", None))?;
        let (told, hear) = oneshot::channel();
        Ok((Self { stdout, running: Some(running), buffer: BytesMut::new(), told: Some(told) }, hear))
    }

    /// Waits for as much as is handed out at once, or the end.
    pub(super) async fn fill(&mut self) -> Result<()> {
        while self.running.is_some() && self.buffer.len() < PIECE {
            self.buffer.reserve(PIECE);
            let read = self.stdout.read_buf(&mut self.buffer).await.map_err(|source| {
                Error::unavailable("a program's output could not be read", Some(source.into()))
            })?;
            if read == 0 {
                self.end().await?;
            }
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<()> {
        let (Some(running), Some(told)) = (self.running.take(), self.told.take()) else { return Ok(()) };
        let complaints = running.end(|what| Error::unavailable(what, None)).await?;
        // Whoever wanted them may have gone.
        let _ = told.send(complaints);
        Ok(())
    }
}

#[async_trait]
impl Body for Output {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        self.fill().await?;
        let piece = self.buffer.split().freeze();
        Ok((!piece.is_empty()).then_some(piece))
    }
}
