//! What the command line takes.

use clap::{Parser, Subcommand};

use crate::commands::serve;

/// Sign-in and API keys, exact usage quotas, object storage and verified backups, in one binary.
#[derive(Debug, Parser)]
#[command(name = "odavl", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service: data in one folder, no other service needed
    Serve(serve::Args),
    /// Print the OpenAPI document of the service
    Openapi,
}
