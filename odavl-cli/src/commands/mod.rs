//! One file a command.

mod openapi;
pub(crate) mod serve;

use odavl_core::{Error, Result};

use crate::args::{Args, Command};

/// Runs the command.
pub(crate) fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Serve(args) => on_all_cores(serve::run(args)),
        Command::Openapi => openapi::run(),
    }
}

/// A server uses every core.
fn on_all_cores<F: Future<Output = Result<()>>>(command: F) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime
        .map_err(|error| Error::internal("the runtime cannot start", Some(error.into())))?
        .block_on(command)
}
