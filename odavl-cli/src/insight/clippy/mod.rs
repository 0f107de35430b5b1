//! Runs clippy over a Rust project.
//!
//! This runs the project's build scripts and procedural macros, as any build of it does.

mod convert;

use std::{
    collections::BTreeMap,
    io::{BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use cargo_metadata::Message;
use convert::Findings;
use jiff::Timestamp;
use odavl_core::{Clock, Error, Result};

use super::sarif::{BASE, Described, Driver, Invocation, Run, Text, Tool};

/// Whether the user sees what cargo says while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// Cargo writes to our standard error.
    #[default]
    Shown,
    /// Cargo is silent.
    Hidden,
}

/// A clippy run to be.
#[derive(Debug, Clone)]
pub struct Clippy {
    /// The folder of the `Cargo.toml`.
    pub root: PathBuf,
    /// Where cargo builds; `None` leaves it to cargo.
    pub target_dir: Option<PathBuf>,
    /// Whether cargo's progress is shown.
    pub progress: Progress,
}

/// What clippy found.
#[derive(Debug)]
pub(super) struct Outcome {
    pub run: Run,
    /// Why there may be more to find.
    pub incomplete: Option<String>,
}

impl Clippy {
    /// A run over the project in `root`, where there is a `Cargo.toml`.
    pub fn for_project(root: &Path) -> Option<Self> {
        let progress = Progress::default();
        root.join("Cargo.toml").is_file().then(|| Self { root: root.to_owned(), target_dir: None, progress })
    }

    /// Runs clippy over the whole workspace and turns what it says into a SARIF run.
    ///
    /// # Errors
    /// `invalid_input` when there is no clippy, or cargo stops before the compiler has said anything.
    pub(super) fn run(&self, clock: &dyn Clock) -> Result<Outcome> {
        let top = self.workspace()?;
        let version = self.version()?;
        let started_at = clock.now();
        let mut child = self.start()?;
        let mut findings = Findings::new(top);
        let read = child.stdout.take().map_or(Ok(()), |output| read_messages(output, &mut findings));
        let status = child.wait().map_err(|error| broken("cargo clippy could not be waited for", error))?;
        read?;
        let errors = findings.errors();
        if !status.success() && errors == 0 {
            return Err(Error::invalid_with(
                format!("cargo clippy failed ({status}) before the compiler found anything"),
                "see what cargo says above; `cargo clippy` must be able to build the project",
            ));
        }
        let incomplete = (!status.success())
            .then(|| format!("the project does not build ({errors} errors), so there may be more to find"));
        let invocation = Invocation {
            execution_successful: status.success(),
            start_time_utc: started_at,
            end_time_utc: Timestamp::max(clock.now(), started_at),
        };
        Ok(Outcome { run: run(&version, findings, invocation), incomplete })
    }

    fn cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.root).stdin(Stdio::null());
        // Under `cargo run` these describe our own package, and build scripts that look at them would build anew.
        for (name, _) in std::env::vars_os() {
            let of_a_package = name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
            if of_a_package {
                command.env_remove(name);
            }
        }
        command
    }

    /// The folder that the compiler's paths are relative to.
    fn workspace(&self) -> Result<PathBuf> {
        let arguments = ["locate-project", "--workspace", "--message-format", "plain"];
        let output = output(self.cargo().args(arguments))?;
        if !output.status.success() {
            return Err(Error::invalid_with(
                format!("cargo does not know the project: {}", first_line(&output.stderr)),
                "mend Cargo.toml; `cargo metadata` must succeed",
            ));
        }
        let manifest = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
        manifest
            .parent()
            .map(Path::to_owned)
            .ok_or_else(|| Error::internal("cargo named a manifest without a folder", None))
    }

    /// Such as `clippy 0.1.95 (59807616e1 2026-04-14)`.
    fn version(&self) -> Result<String> {
        let output = output(self.cargo().args(["clippy", "--version"]))?;
        if output.status.success() {
            return Ok(first_line(&output.stdout));
        }
        Err(Error::invalid_with(
            format!("clippy does not run here: {}", first_line(&output.stderr)),
            "install it with `rustup component add clippy`",
        ))
    }

    fn start(&self) -> Result<Child> {
        let mut command = self.cargo();
        command.args(["clippy", "--workspace", "--all-targets", "--keep-going", "--message-format=json"]);
        if let Some(target_dir) = &self.target_dir {
            command.arg("--target-dir").arg(target_dir);
        }
        if self.progress == Progress::Hidden {
            command.stderr(Stdio::null());
        }
        command.stdout(Stdio::piped()).spawn().map_err(no_cargo)
    }
}

fn output(command: &mut Command) -> Result<Output> {
    command.output().map_err(no_cargo)
}

fn no_cargo(error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Error::invalid_with("there is no `cargo` command", "install Rust from https://rustup.rs");
    }
    broken("cargo could not be started", error)
}

fn broken(what: &str, error: std::io::Error) -> Error {
    Error::internal(what, Some(error.into()))
}

fn first_line(output: &[u8]) -> String {
    String::from_utf8_lossy(output).lines().next().unwrap_or_default().trim().to_owned()
}

/// Collects the compiler's messages among those of cargo.
fn read_messages(output: impl Read, findings: &mut Findings) -> Result<()> {
    for message in Message::parse_stream(BufReader::new(output)) {
        match message.map_err(|error| broken("cargo's output could not be read", error))? {
            Message::CompilerMessage(message) => findings.add(&message.message),
            // What is not understood is taken for a line of text: a finding must not get lost that way.
            Message::TextLine(line) if line.contains(r#""reason":"compiler-message""#) => {
                return Err(Error::Unsupported(
                    "this version of the compiler describes its messages in another way".to_owned(),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn run(version: &str, findings: Findings, invocation: Invocation) -> Run {
    let (rules, results) = findings.finish();
    let base = Described { description: Text { text: "the top folder of the project".to_owned() } };
    let semantic_version = version.split(' ').nth(1).map(str::to_owned);
    Run {
        tool: Tool {
            driver: Driver {
                name: "clippy",
                version: version.to_owned(),
                semantic_version,
                information_uri: "https://doc.rust-lang.org/clippy/",
                rules,
            },
        },
        invocations: vec![invocation],
        original_uri_base_ids: BTreeMap::from([(BASE, base)]),
        column_kind: "unicodeCodePoints",
        results,
    }
}

#[cfg(test)]
mod tests;
