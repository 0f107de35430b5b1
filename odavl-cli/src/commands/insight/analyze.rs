//! `odavl insight analyze`: what is wrong here, and where the results go.

use std::{env, path::PathBuf};

use crate::insight::{self, Analysis, Clippy, Request, clippy::Progress, report};
use odavl_client::types::Results;
use odavl_core::{
    Error, SystemClock,
    uploads::{RunId, sarif::Summary},
};
use serde::Serialize;

use super::upload::Target;
use crate::{exit::Outcome, failure::Result, output::Output, settings::Flags};

const PROJECT: &str = "The project to upload to [env: ODAVL_PROJECT] [default: the linked one]";

/// How many findings a terminal shows unless told otherwise.
const SHOWN: usize = 50;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  odavl insight analyze --strict\n  odavl insight analyze --sarif report.sarif\n  \
    odavl insight analyze --upload\n\n\
    Clippy builds the project, so its build scripts and procedural macros run.\n\n\
    What cannot be sent because the server is away waits in .odavl/queue: the command ends with 7, and the next one\n\
    with --upload sends it. To drop what waits, remove that folder. A run counts once, however often it is sent."
)]
pub(super) struct Analyze {
    /// A SARIF file of another tool; may be given several times
    #[arg(long, value_name = "FILE")]
    sarif: Vec<PathBuf>,
    /// End with exit code 10 where anything was found
    #[arg(long)]
    strict: bool,
    /// Upload the results to the linked project
    #[arg(long)]
    upload: bool,
    #[arg(long, value_name = "SLUG", requires = "upload", help = PROJECT)]
    project: Option<String>,
    /// How many findings to show [default: 50 on a terminal, all in a pipe]
    #[arg(long, value_name = "NUMBER")]
    show: Option<usize>,
}

/// An analysis as a document.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    run_id: RunId,
    file: &'a PathBuf,
    incomplete: &'a Option<String>,
    upload: Option<&'a Results>,
    #[serde(flatten)]
    summary: &'a Summary,
}

pub(super) async fn run(remote: &Flags, wish: &Analyze, output: Output) -> Result<Outcome> {
    let root = env::current_dir()
        .map_err(|error| Error::unavailable("the current folder cannot be read", Some(error.into())))?;
    let target =
        if wish.upload { Some(Target::find(remote, wish.project.as_deref(), output).await?) } else { None };
    let progress = if output.is_quiet() { Progress::Hidden } else { Progress::Shown };
    let clippy = Clippy::for_project(&root).map(|clippy| Clippy { progress, ..clippy });
    let analysis = insight::analyze(Request { root: &root, clippy, sarif: &wish.sarif }, &SystemClock)?;
    let sent = match &target {
        Some(target) => Some(target.send(&root, &analysis, output).await),
        None => None,
    };
    let upload = sent.as_ref().and_then(|sent| sent.as_ref().ok());
    show(&analysis, upload, wish.show, output)?;
    if let Some(upload) = sent.transpose()? {
        output.say(&format!("uploaded to {} as {}", upload.project, upload.id));
    }
    let levels = &analysis.inspected.summary.levels;
    let found = levels.total() > levels.none;
    Ok(if wish.strict && found { Outcome::Found } else { Outcome::Done })
}

fn show(analysis: &Analysis, upload: Option<&Results>, most: Option<usize>, output: Output) -> Result<()> {
    let summary = &analysis.inspected.summary;
    if let Some(look) = output.look() {
        let usual = if look == report::Look::Lines { usize::MAX } else { SHOWN };
        let mut stdout = anstream::stdout().lock();
        let left_out = report::findings(&analysis.document, most.unwrap_or(usual), look, &mut stdout)?;
        if left_out > 0 {
            output.say(&format!("{left_out} more are in the file; --show shows more"));
        }
    } else {
        let Analysis { file, incomplete, inspected, .. } = analysis;
        output.word(&Shown { run_id: inspected.run_id, file, incomplete, upload, summary }, "")?;
    }
    if let Some(why) = &analysis.incomplete {
        output.ask(&format!("warning: {why}"));
    }
    output.say(&report::counts(summary));
    output.say(&format!("written to {}", analysis.file.display()));
    Ok(())
}
