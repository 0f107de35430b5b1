//! The odavl command, for whatever brings it: the binary, or the Python package.

mod args;
mod begun;
mod client;
mod commands;
mod config;
mod credentials;
mod exit;
mod failure;
pub mod files;
mod input;
pub mod insight;
mod interrupt;
mod oauth;
mod output;
mod pages;
pub mod printable;
mod progress;
mod project;
mod set_up_link;
mod settings;
mod source;
mod store;
mod target;
mod when;

use std::ffi::OsString;

use clap::Parser;
use odavl_client::door::{digests, http, origin, retry, transfer};

/// Runs the command that `arguments` are, the first of them its own name; the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    match args::Args::try_parse_from(arguments) {
        Ok(args) => exit::code(commands::run(args)),
        Err(error) => exit::unread(&error),
    }
}
