//! The odavl command.

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    odavl_cli::run(env::args_os()).into()
}
