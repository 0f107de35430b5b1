//! The `odavl` command, as the package brings it.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command that `arguments` are, the first of them its own name; the exit code.
#[pyfunction]
pub(crate) fn command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| odavl_cli::run(arguments))
}
