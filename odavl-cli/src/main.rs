//! The odavl command.

mod args;
mod begun;
mod client;
mod commands;
mod config;
mod courier;
mod credentials;
mod digests;
mod exit;
mod failure;
mod http;
mod input;
mod interrupt;
mod oauth;
mod origin;
mod output;
mod pages;
mod progress;
mod project;
mod retry;
mod set_up_link;
mod settings;
mod source;
mod store;
mod target;
mod transfer;
mod when;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match args::Args::try_parse() {
        Ok(args) => exit::code(commands::run(args)),
        Err(error) => exit::unread(&error),
    }
}
