//! Storage in the memory of the process: for tests, and for trying odavl out.

mod bytes;
mod catalog;

pub use bytes::MemoryStorage;
pub use catalog::MemoryCatalog;
