//! Analysis: clippy and the reports of other tools become one SARIF 2.1.0 document of one run.
//!
//! Nothing here uses the network. [`analyze`] writes `.odavl/insight/<run>.sarif`, [`report`] shows it, and
//! [`queue`] keeps it until it could be sent.

pub mod clippy;
mod document;
mod git;
mod home;
pub mod queue;
pub mod report;
mod sarif;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

pub use clippy::Clippy;
pub use document::{Document, Finding};
pub use git::{Checkout, without_credentials};
pub use home::Home;
use odavl_core::{
    Clock, Error, Result,
    uploads::{Caps, Encoding, Inspected, RunId, inspect},
};

use crate::files;

/// What to analyse.
#[derive(Debug)]
pub struct Request<'a> {
    /// The folder of the project; `.odavl/` is made here.
    pub root: &'a Path,
    /// The clippy run, where there is to be one.
    pub clippy: Option<Clippy>,
    /// SARIF files of other tools.
    pub sarif: &'a [PathBuf],
}

/// A finished analysis.
#[derive(Debug)]
pub struct Analysis {
    /// The document, ready to be shown.
    pub document: Document,
    /// Where it was written.
    pub file: PathBuf,
    /// Its run id, figures, digest and length, read the way the service reads them.
    pub inspected: Inspected,
    /// What kept the findings from being complete, in a sentence for the user.
    pub incomplete: Option<String>,
}

/// Runs clippy where asked, merges everything under a new run id and writes it.
///
/// # Errors
/// `invalid_input` when there is nothing to analyse, or a file is not SARIF; `too_large` for more than an upload
/// may hold.
pub fn analyze(request: Request<'_>, clock: &dyn Clock) -> Result<Analysis> {
    if request.clippy.is_none() && request.sarif.is_empty() {
        return Err(Error::invalid_with(
            "there is nothing to analyse: no Cargo.toml here and no SARIF file given",
            "go to a Rust project, or pass the report of another tool with --sarif FILE",
        ));
    }
    let mut document = Document::default();
    for file in request.sarif {
        document.add_file(file, &Caps::default())?;
    }
    let mut incomplete = None;
    if let Some(clippy) = request.clippy {
        let outcome = clippy.run(clock)?;
        document.add_run(&outcome.run)?;
        incomplete = outcome.incomplete;
    }
    let run_id = RunId::random()?;
    document.label(run_id, Checkout::of(request.root).as_ref())?;
    let file = write(&document, run_id, request.root)?;
    let inspected = inspect(files::open(&file)?, Encoding::Identity, &Caps::default())?;
    Ok(Analysis { document, file, inspected, incomplete })
}

fn write(document: &Document, run_id: RunId, root: &Path) -> Result<PathBuf> {
    let folder = Home::open(root)?.folder("insight")?;
    files::write_atomically(&folder.join(format!("{run_id}.sarif")), |file: &mut File| document.write(file))
}
