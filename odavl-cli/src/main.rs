//! The odavl command.

mod args;
mod client;
mod commands;
mod config;
mod credentials;
mod exit;
mod failure;
mod http;
mod input;
mod oauth;
mod origin;
mod output;
mod project;
mod retry;
mod settings;
mod when;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    exit::code(commands::run(args))
}
