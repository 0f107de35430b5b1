//! The HTTP client of odavl: one method an operation, generated from `openapi/odavl.json` and committed, so that
//! no build needs a generator or a running server.
//!
//! `UPDATE_GOLDEN=1 cargo test -p odavl-client` writes it anew.

#[rustfmt::skip]
mod generated;

pub use generated::*;
