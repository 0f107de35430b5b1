//! `odavl completions`: what a shell offers after a tab.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{args, failure::Result, output};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  odavl completions bash > ~/.local/share/bash-completion/completions/odavl"
)]
pub(crate) struct Args {
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::Args::command(), "odavl", &mut script);
    output::write(&String::from_utf8_lossy(&script))
}
