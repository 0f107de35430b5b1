//! `odavl openapi`: the document that clients are generated from.

use std::io::Write;

use odavl_core::{Error, Result};

pub(crate) fn run() -> Result<()> {
    std::io::stdout()
        .lock()
        .write_all(odavl_http::document().as_bytes())
        .map_err(|error| Error::unavailable("the document could not be written", Some(error.into())))
}
