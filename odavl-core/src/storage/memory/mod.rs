//! Storage in the memory of the process: for tests, and for trying odavl out.

mod bytes;

pub use bytes::MemoryStorage;
