//! `odavl insight`: analysis of what is here.

mod analyze;
mod upload;

use clap::Subcommand;

use crate::{exit::Outcome, failure::Result, output::Output, settings::Flags};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run clippy where there is a Cargo.toml, merge the reports of other tools, and show what was found
    Analyze(analyze::Analyze),
}

pub(crate) async fn run(args: Args, output: Output) -> Result<Outcome> {
    let Command::Analyze(wish) = &args.command;
    analyze::run(&args.remote, wish, output).await
}
