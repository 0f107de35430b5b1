//! What the `odavl` command does besides talking: the parts that can be tested without an argument line.

pub mod files;
pub mod insight;
pub mod printable;
