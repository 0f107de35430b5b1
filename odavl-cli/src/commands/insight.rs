//! `odavl insight`: analysis of what is here.

use std::{env, path::PathBuf};

use clap::Subcommand;
use odavl_cli::insight::{self, Analysis, Clippy, Request, clippy::Progress, report};
use odavl_core::{
    Error, SystemClock,
    uploads::{RunId, sarif::Summary},
};
use serde::Serialize;

use crate::{exit::Outcome, failure::Result, output::Output};

/// How many findings a terminal shows unless told otherwise.
const SHOWN: usize = 50;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run clippy where there is a Cargo.toml, merge the reports of other tools, and show what was found
    Analyze(Analyze),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  odavl insight analyze --strict\n  odavl insight analyze --sarif report.sarif\n\n\
    Clippy builds the project, so its build scripts and procedural macros run."
)]
struct Analyze {
    /// A SARIF file of another tool; may be given several times
    #[arg(long, value_name = "FILE")]
    sarif: Vec<PathBuf>,
    /// End with exit code 10 where anything was found
    #[arg(long)]
    strict: bool,
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
    #[serde(flatten)]
    summary: &'a Summary,
}

pub(crate) fn run(args: &Args, output: Output) -> Result<Outcome> {
    let Command::Analyze(wish) = &args.command;
    let root = env::current_dir()
        .map_err(|error| Error::unavailable("the current folder cannot be read", Some(error.into())))?;
    let progress = if output.is_quiet() { Progress::Hidden } else { Progress::Shown };
    let clippy = Clippy::for_project(&root).map(|clippy| Clippy { progress, ..clippy });
    let analysis = insight::analyze(Request { root: &root, clippy, sarif: &wish.sarif }, &SystemClock)?;
    show(&analysis, wish.show, output)?;
    let levels = &analysis.inspected.summary.levels;
    let found = levels.total() > levels.none;
    Ok(if wish.strict && found { Outcome::Found } else { Outcome::Done })
}

fn show(analysis: &Analysis, most: Option<usize>, output: Output) -> Result<()> {
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
        output.word(&Shown { run_id: inspected.run_id, file, incomplete, summary }, "")?;
    }
    if let Some(why) = &analysis.incomplete {
        output.ask(&format!("warning: {why}"));
    }
    output.say(&report::counts(summary));
    output.say(&format!("written to {}", analysis.file.display()));
    Ok(())
}
