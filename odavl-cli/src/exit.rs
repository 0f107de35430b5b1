//! What a command's end is on the terminal: the error, the hint, the exit code.

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
};

use odavl_core::Error;

/// The exit code of a command's result; an error is told on standard error.
pub(crate) fn code(result: Result<(), Error>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    if closed_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    let mut stderr = io::stderr().lock();
    // Where standard error is gone there is nobody to tell.
    let _ = writeln!(stderr, "error: {error}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let _ = writeln!(stderr, "  because: {cause}");
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        let _ = writeln!(stderr, "hint: {hint}");
    }
    ExitCode::from(error.code().exit_code())
}

/// Whoever read the output has seen enough: that is success.
fn closed_pipe(error: &Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
            return true;
        }
        source = cause.source();
    }
    false
}
