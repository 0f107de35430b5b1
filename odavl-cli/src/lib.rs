//! What the `odavl` command does besides talking: the parts that can be tested without an argument line.

pub mod insight;
