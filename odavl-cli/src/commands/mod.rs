//! One file a command: decode, one call, encode.

pub(crate) mod admin;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod insight;
pub(crate) mod keys;
pub(crate) mod link;
pub(crate) mod login;
pub(crate) mod logout;
mod openapi;
pub(crate) mod org;
pub(crate) mod serve;
pub(crate) mod storage;
pub(crate) mod uploads;
pub(crate) mod usage;
pub(crate) mod whoami;

use odavl_core::Error;
use tokio::runtime::Builder;

use crate::{
    args::{Args, Command},
    exit::Outcome,
    failure::Result,
    output::Output,
};

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<Outcome> {
    let output = Output::from(args.output);
    match args.command {
        Command::Serve(args) => on(Builder::new_multi_thread(), serve::run(args)),
        Command::Insight(args) => return here(insight::run(args, output)),
        Command::Login(args) => here(login::run(args, output)),
        Command::Logout(args) => here(logout::run(args, output)),
        Command::Whoami(args) => here(whoami::run(args, output)),
        Command::Link(args) => here(link::run(args, output)),
        Command::Org(args) => here(org::run(args, output)),
        Command::Keys(args) => here(keys::run(args, output)),
        Command::Storage(args) => here(storage::run(args, output)),
        Command::Uploads(args) => here(uploads::run(args, output)),
        Command::Usage(args) => here(usage::run(args, output)),
        Command::Doctor(args) => here(doctor::run(args, output)),
        Command::Backup(args) => on(Builder::new_multi_thread(), backup::run(args, output)),
        Command::Admin(args) => here(admin::run(args, output)),
        Command::Openapi => Ok(openapi::run()?),
        Command::Completions(args) => completions::run(&args),
    }
    .map(|()| Outcome::Done)
}

/// What asks a server waits on one thread.
fn here<T>(command: impl Future<Output = Result<T>>) -> Result<T> {
    on(Builder::new_current_thread(), command)
}

fn on<T>(mut runtime: Builder, command: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime.enable_all().build();
    runtime
        .map_err(|error| Error::internal("the runtime cannot start", Some(error.into())))?
        .block_on(command)
}
