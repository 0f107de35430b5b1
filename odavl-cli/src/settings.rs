//! Which server is asked, with which credential, for which organisation: flag, then variable, then the project's
//! file, then what the user signed in to.
//!
//! A project's file is somebody else's word: it may name a server, but nothing is shown to that server unless the
//! user signed in to it or named it themselves.

use std::{env, fmt, path::PathBuf};

use odavl_client::door::http::Server;
use odavl_core::{Error, Reason, Result, secret::Secret};

use crate::{
    credentials::{Credentials, Holding, Login, Store},
    origin::Origin,
    project::Project,
};

/// The name that the server's log knows this program by.
const AGENT: &str = concat!("odavl-cli/", env!("CARGO_PKG_VERSION"));
const SERVER: &str = "The server [env: ODAVL_SERVER] [default: that of the project, or of the last login]";

/// The options of every command that asks a server.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Flags {
    #[arg(long, global = true, value_name = "URL", help = SERVER)]
    server: Option<Origin>,
    #[arg(
        long,
        global = true,
        value_name = "ORG",
        help = "The organisation to act on [env: ODAVL_ORGANIZATION]"
    )]
    org: Option<String>,
    #[arg(
        long,
        global = true,
        help = "Send credentials over http to another machine [env: ODAVL_ALLOW_HTTP]"
    )]
    allow_http: bool,
}

impl Flags {
    /// The same, acting on that organisation.
    pub(crate) fn on(self, organization: String) -> Self {
        Self { org: Some(organization), ..self }
    }
}

/// What the environment says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    server: Option<String>,
    organization: Option<String>,
    project: Option<String>,
    api_key: Option<Secret<String>>,
    allow_http: Option<String>,
}

impl Environment {
    /// The `ODAVL_*` variables; an empty one counts as none.
    pub(crate) fn read() -> Self {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            server: variable("ODAVL_SERVER"),
            organization: variable("ODAVL_ORGANIZATION"),
            project: variable("ODAVL_PROJECT"),
            api_key: variable("ODAVL_API_KEY").map(Secret::new),
            allow_http: variable("ODAVL_ALLOW_HTTP"),
        }
    }
}

/// Where a setting came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Variable(&'static str),
    Project,
    Login,
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::Project => f.write_str(".odavl/project.toml"),
            Self::Login => f.write_str("odavl login"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) source: Source,
}

fn setting<T>(value: T, source: Source) -> Setting<T> {
    Setting { value, source }
}

/// What is shown to the server.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    /// `ODAVL_API_KEY`.
    ApiKey(Secret<String>),
    /// What the user signed in with at this origin.
    Login(Box<Login>),
}

/// Everything that a call needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) server: Setting<Origin>,
    pub(crate) credential: Option<Setting<Credential>>,
    pub(crate) organization: Option<Setting<String>>,
    pub(crate) project: Option<Setting<String>>,
    pub(crate) allow_http: bool,
    /// The project's file, where there is one.
    pub(crate) project_file: Option<PathBuf>,
}

/// Everything that settings are made of.
#[derive(Debug, Clone, Default)]
struct Sources {
    flags: Flags,
    environment: Environment,
    project: Option<Project>,
    credentials: Credentials,
}

impl Settings {
    /// What holds in this folder, for this user.
    pub(crate) fn find(flags: &Flags, store: &Store) -> Result<Self> {
        let folder = env::current_dir()
            .map_err(|error| Error::unavailable("the current folder cannot be read", Some(error.into())))?;
        let found = Project::find(&folder)?;
        let (project_file, project) = found.unzip();
        let credentials = store.read()?;
        let sources =
            Sources { flags: flags.clone(), environment: Environment::read(), project, credentials };
        Ok(Self { project_file, ..sources.settle()? })
    }

    /// The server, as it is spoken to.
    pub(crate) fn remote(&self) -> Server {
        Server { origin: self.server.value.clone(), allow_http: self.allow_http, agent: AGENT }
    }

    /// The credential, or how to get one.
    pub(crate) fn needed_credential(&self) -> Result<&Credential> {
        let found = self.credential.as_ref().map(|credential| &credential.value);
        found.ok_or_else(|| {
            let detail = format!("there is no sign-in to {}", self.server.value);
            Error::unauthenticated(Reason::Missing, detail)
        })
    }
}

impl Sources {
    fn settle(self) -> Result<Settings> {
        let server = self.server()?;
        let linked = self.project.as_ref().filter(|project| project.server == server.value);
        let credential = self.credential(&server)?;
        let chosen = match credential.as_ref().map(|credential| &credential.value) {
            Some(Credential::Login(login)) => login.organization.clone(),
            _ => None,
        };
        let environment = &self.environment;
        let organization = first([
            (self.flags.org.clone(), Source::Flag),
            (environment.organization.clone(), Source::Variable("ODAVL_ORGANIZATION")),
            (linked.map(|project| project.organization.clone()), Source::Project),
            (chosen, Source::Login),
        ]);
        let project = first([
            (environment.project.clone(), Source::Variable("ODAVL_PROJECT")),
            (linked.map(|project| project.slug.clone()), Source::Project),
        ]);
        let allow_http = self.flags.allow_http || environment.allow_http.as_deref().is_some_and(is_yes);
        Ok(Settings { server, credential, organization, project, allow_http, project_file: None })
    }

    fn server(&self) -> Result<Setting<Origin>> {
        let wrong = |error: Error| {
            Error::invalid_with(format!("ODAVL_SERVER: {error}"), error.hint().unwrap_or_default())
        };
        let variable = self.environment.server.as_deref().map(str::parse).transpose().map_err(wrong)?;
        let named = first([
            (self.flags.server.clone(), Source::Flag),
            (variable, Source::Variable("ODAVL_SERVER")),
            (self.project.as_ref().map(|project| project.server.clone()), Source::Project),
            (self.credentials.last.clone(), Source::Login),
        ]);
        Ok(named.unwrap_or_else(|| setting(Origin::local(), Source::Default)))
    }

    fn credential(&self, server: &Setting<Origin>) -> Result<Option<Setting<Credential>>> {
        let login = self.credentials.servers.get(&server.value);
        if let Some(key) = &self.environment.api_key {
            if server.source == Source::Project && login.is_none() {
                return Err(Error::invalid_with(
                    format!(
                        "ODAVL_API_KEY is not shown to {}: only the project's file names it",
                        server.value
                    ),
                    format!("if you trust that server, say --server {} or set ODAVL_SERVER", server.value),
                ));
            }
            return Ok(Some(setting(Credential::ApiKey(key.clone()), Source::Variable("ODAVL_API_KEY"))));
        }
        Ok(login.map(|login| setting(Credential::Login(Box::new(login.clone())), Source::Login)))
    }
}

fn is_yes(text: &str) -> bool {
    matches!(text, "1" | "true" | "yes")
}

fn first<T, const N: usize>(candidates: [(Option<T>, Source); N]) -> Option<Setting<T>> {
    candidates.into_iter().find_map(|(value, source)| value.map(|value| setting(value, source)))
}

impl Credential {
    /// What it is, without what it is.
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::ApiKey(_) => "API key",
            Self::Login(login) => match login.holding {
                Holding::ApiKey { .. } => "API key of a login",
                Holding::Session(_) => "sign-in of a person",
            },
        }
    }
}

#[cfg(test)]
mod tests;
