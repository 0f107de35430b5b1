//! The HTTP client of odavl: one method an operation, generated from `openapi/odavl.json` and committed, so that
//! no build needs a generator or a running server. With the feature `door`, what odavl's own programs need besides.
//!
//! `UPDATE_GOLDEN=1 cargo test -p odavl-client` writes it anew.

#[cfg(feature = "door")]
pub mod door;
#[rustfmt::skip]
mod generated;

pub use generated::*;
