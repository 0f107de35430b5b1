//! What the command line takes.

use clap::{Parser, Subcommand};

use crate::{
    commands::{admin, completions, doctor, keys, link, login, logout, org, serve, usage, whoami},
    output,
};

/// Sign-in and API keys, exact usage quotas, object storage and verified backups, in one binary.
#[derive(Debug, Parser)]
#[command(name = "odavl", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) output: output::Flags,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service: data in one folder, no other service needed
    Serve(serve::Args),
    /// Sign in to a server
    Login(login::Args),
    /// Sign out: at the server, then here
    Logout(logout::Args),
    /// Show who the server takes you for
    Whoami(whoami::Args),
    /// Link this folder to a project of the server
    Link(link::Args),
    /// The organisations that you belong to
    Org(org::Args),
    /// API keys
    Keys(keys::Args),
    /// What was used and what is left
    Usage(usage::Args),
    /// Say where each setting came from, and whether all is well
    Doctor(doctor::Args),
    /// Work on the installation itself, on its server
    Admin(admin::Args),
    /// Print the OpenAPI document of the service
    Openapi,
    /// Print completions for a shell
    Completions(completions::Args),
}
