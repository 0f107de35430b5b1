//! Why a command failed, and the ways out at a terminal.

use std::io::{self, ErrorKind};

pub(crate) use odavl_client::door::failure::{Failure, Result};
use odavl_client::types::Problem;
use odavl_core::{Error, ErrorCode};

/// The ways out, a line each.
pub(crate) fn hints(failure: &Failure) -> Vec<String> {
    let mut hints = own_hints(failure);
    if hints.is_empty() {
        hints.extend(usual(failure.code()).map(str::to_owned));
    }
    hints
}

fn own_hints(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::Own(error) => way_out(error).into_iter().collect(),
        Failure::Stuck(_, _, hint) => vec![hint.clone()],
        Failure::Refused(problem, _) => refused_hints(problem),
        Failure::Denied(..) if failure.code() == ErrorCode::Unauthenticated => {
            vec!["sign in with `odavl login`".to_owned()]
        }
        Failure::Denied(..) => Vec::new(),
        Failure::Unreachable(origin, _) if origin.is_loopback() => {
            vec!["start it with `odavl serve`, or name another server with --server".to_owned()]
        }
        Failure::Unreachable(..) | Failure::Still(_) => {
            vec!["check the network and the server's name; `odavl doctor` says where it came from".to_owned()]
        }
        Failure::Foreign(..) => vec!["check that the server is odavl: `odavl doctor`".to_owned()],
        Failure::Store(..) => {
            vec!["try again; whoever runs the server can ask the store with `odavl doctor`".to_owned()]
        }
    }
}

/// The way out of a failure of odavl's own.
pub(crate) fn way_out(error: &Error) -> Option<String> {
    let known = match error {
        Error::NotFound { kind, .. } => list_of(kind),
        Error::Unavailable { source: Some(cause), .. } => cause.downcast_ref().and_then(of_file),
        _ => None,
    };
    let usual = || usual(error.code()).map(str::to_owned);
    known.map(str::to_owned).or_else(|| error.hint()).or_else(usual)
}

/// The way out where a file cannot be read or written; waiting is none for most.
fn of_file(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Some("make room there, or write elsewhere")
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            Some("check what you may do there, or name another place")
        }
        ErrorKind::InvalidInput => Some("move it away"),
        ErrorKind::IsADirectory | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => {
            Some("check the path")
        }
        _ => None,
    }
}

/// The way out that failures of that code mostly have.
fn usual(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::NotFound => {
            Some("what another organisation has is not found either: `odavl whoami` shows yours")
        }
        ErrorCode::InvalidInput => Some("--help shows what the command takes"),
        ErrorCode::AlreadyExists => Some("choose another name, or change what is there"),
        ErrorCode::Unsupported => Some("a newer odavl may support it"),
        ErrorCode::Corrupted => {
            Some("it cannot be mended here: bring back a copy, or ask whoever runs the server")
        }
        _ => None,
    }
}

/// Where one finds the right name of what this command did not find by itself.
fn list_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "file" => "check the path, and that its folder is there",
        "meter" => "`odavl usage` lists the meters",
        "object" => "`odavl storage list` lists the objects",
        "organization" => "`odavl admin org list` lists the organisations",
        "upload" => "`odavl uploads list` lists the uploads",
        "user" => "`odavl admin user list` lists the people",
        _ => return None,
    })
}

fn refused_hints(problem: &Problem) -> Vec<String> {
    let mut hints: Vec<_> = problem.hint.clone().into_iter().collect();
    if let Some(at) = problem.resets_at.map(|at| at.to_string())
        && !hints.iter().any(|hint| hint.contains(&at))
    {
        hints.push(format!("it resets at {at}"));
    }
    hints.extend(problem.upgrade_url.as_ref().map(|url| format!("get more at {url}")));
    if problem.status >= 500 {
        hints.push(format!("the server's log has the cause under request {}", problem.request_id));
    }
    hints
}
