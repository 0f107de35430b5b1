//! The odavl command.

mod args;
mod commands;
mod config;
mod exit;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    exit::code(commands::run(args))
}
