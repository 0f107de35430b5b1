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

use clap::{Arg, Command, CommandFactory as _, FromArgMatches as _, builder::Resettable};
use odavl_client::door::{digests, http, origin, retry, transfer};

/// Runs the command that `arguments` are, the first of them its own name; the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let mut command = without_empty_variables(args::Args::command());
    let read = command.try_get_matches_from_mut(arguments);
    match read
        .and_then(|read| args::Args::from_arg_matches(&read).map_err(|error| error.format(&mut command)))
    {
        Ok(args) => exit::code(commands::run(args)),
        Err(error) => exit::unread(&error),
    }
}

/// An empty variable says nothing: a workflow sets those that it has no value for.
fn without_empty_variables(command: Command) -> Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|said| said.is_empty());
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg })
        .mut_subcommands(without_empty_variables)
}
