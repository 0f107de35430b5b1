//! What the command line takes.

use clap::{Parser, Subcommand};

use crate::{
    commands::{
        admin, backup, completions, doctor, insight, keys, link, login, logout, org, serve, storage, uploads,
        usage, whoami,
    },
    output,
};

/// Sign-in and API keys, exact usage quotas, object storage, and backups that have proved they restore, in one binary.
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
    /// Analyse this project
    Insight(insight::Args),
    /// Stored objects
    Storage(storage::Args),
    /// Uploaded results
    Uploads(uploads::Args),
    /// What was used and what is left
    Usage(usage::Args),
    /// Back up databases, prove it, and restore them
    Backup(backup::Args),
    /// Say where each setting came from, and whether all is well
    Doctor(doctor::Args),
    /// Work on the installation itself, on its server
    Admin(admin::Args),
    /// Print the OpenAPI document of the service
    #[command(after_help = "Example:\n  odavl openapi > odavl.json")]
    Openapi,
    /// Print completions for a shell
    Completions(completions::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Every command that does something, with its path.
    fn leaves(command: &clap::Command) -> Vec<clap::Command> {
        let below: Vec<_> = command.get_subcommands().flat_map(leaves).collect();
        if below.is_empty() { vec![command.clone()] } else { below }
    }

    /// The command lines of an example: what stands before a redirection or a pipe, without quotes.
    fn lines(help: &str) -> impl Iterator<Item = Vec<String>> {
        let starts = help
            .match_indices("odavl ")
            .filter(|(at, _)| help[..*at].ends_with([' ', '(']))
            .map(|(at, _)| &help[at..]);
        starts.map(|text| {
            let end = text.find(['\n', '|', '<', '>', ')', '&']).unwrap_or(text.len());
            text[..end].replace('\'', "").split_whitespace().map(str::to_owned).collect()
        })
    }

    #[test]
    fn the_arguments_fit_together() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_that_it_takes() {
        for command in leaves(&Args::command()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Example"), "{} has no example", command.get_name());
            assert!(lines(&help).count() > 0, "{help}");
            for line in lines(&help) {
                let parsed = Args::try_parse_from(&line);
                assert!(parsed.is_ok(), "{line:?}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn every_command_is_in_the_book() {
        let page = include_str!("../../docs/command-line.md");
        let table: String = page.lines().filter(|line| line.starts_with("| `")).collect();
        let named: Vec<_> = table.split([' ', '`', '|', '\\', ',']).collect();
        for command in Args::command().get_subcommands() {
            assert!(named.contains(&command.get_name()), "{} is not there", command.get_name());
        }
    }
}
