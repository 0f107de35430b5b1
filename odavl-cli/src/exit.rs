//! What a command's end is on the terminal: the error, the hints, the exit code.

use std::{
    error::Error as StdError,
    fmt::Write as _,
    io::{self, ErrorKind, Write},
};

use crate::printable::printable;
use anstyle::{AnsiColor, Style};
use clap::error::ContextKind;
use odavl_core::{Error, causes};

use crate::failure::{Failure, Result, hints, way_out};

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// How a command that worked ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it was asked.
    Done,
    /// It found something, and was told to say so.
    Found,
}

/// The exit code of a command's result; a failure is told on standard error.
pub(crate) fn code(result: Result<Outcome>) -> u8 {
    let failure = match result {
        Ok(Outcome::Done) => return 0,
        Ok(Outcome::Found) => return 10,
        Err(failure) => failure,
    };
    if is_closed_pipe(&failure) {
        return 0;
    }
    // Where standard error is gone there is nobody to tell.
    let _ = anstream::stderr().lock().write_all(told(&failure).as_bytes());
    failure.code().exit_code()
}

/// The exit code where the arguments are no command, or ask for help.
pub(crate) fn unread(error: &clap::Error) -> u8 {
    let own = error.source().and_then(|cause| cause.downcast_ref::<Error>());
    let Some((own, argument)) = own.zip(error.get(ContextKind::InvalidArg)) else {
        let told = error.render().ansi().to_string();
        // Where nobody reads it, there is nobody to tell.
        let _ = match without_passwords(&told) {
            shown if shown == told => error.print(),
            shown => anstream::stderr().lock().write_all(shown.as_bytes()),
        };
        return u8::try_from(error.exit_code()).unwrap_or(2);
    };
    let hint = way_out(own).unwrap_or_else(|| "--help shows what the command takes".to_owned());
    code(Err(Failure::Stuck(own.code(), format!("{argument}: {own}"), hint)))
}

/// The text without users and passwords of the URLs in it: what was typed where it does not belong is repeated, and
/// that may be a server's. Passwords hold anything, so all that stands before the last `@` of a line may be one.
fn without_passwords(text: &str) -> String {
    let shown = |line: &str| match (line.find("://"), line.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://{}", &line[..scheme], &line[at + 1..]),
        _ => line.to_owned(),
    };
    text.split_inclusive('\n').map(shown).collect()
}

/// What is told: words of servers and files are stripped of what a terminal acts on.
fn told(failure: &Failure) -> String {
    let mut text = format!("{RED}error:{RED:#} {}\n", printable(&failure.to_string()));
    for cause in causes(failure) {
        let _ = writeln!(text, "  because: {}", printable(&cause.to_string()));
    }
    for hint in hints(failure) {
        let _ = writeln!(text, "{CYAN}hint:{CYAN:#} {}", printable(&hint));
    }
    text
}

/// Whoever read the output has seen enough: that is success. A connection that breaks is not.
fn is_closed_pipe(failure: &Failure) -> bool {
    matches!(failure, Failure::Own(_))
        && causes(failure)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|error| error.kind() == ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_whatever_its_password_is() {
        for url in [
            "https://me:secret@x.y/z",
            "https://me:se cret@x.y/z",
            "https://me:se'cret@x.y/z",
            "https://me:se@cret@x.y/z",
            "https://me:se://cret@x.y/z",
            "https://me:secret@a.b https://x.y:secret@x.y/z",
        ] {
            let told = format!("error: unexpected argument '{url}' found\n\nUsage: odavl whoami\n");
            let shown = "error: unexpected argument 'https://x.y/z' found\n\nUsage: odavl whoami\n";
            assert_eq!(without_passwords(&told), shown);
        }
        for text in ["ada@example.com is no https://x.y", "no URL: a@b\n", "https://x.y\nada@example.com"] {
            assert_eq!(without_passwords(text), text);
        }
    }
}
