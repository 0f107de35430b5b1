//! How much an upload may cost.

/// The most that unpacking and reading a document may take.
///
/// Memory stays within a small multiple of `string` and the window, plus the ids of the rules that are counted;
/// it does not grow with the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Unpacked bytes.
    pub unpacked: u64,
    /// Unpacked bytes for each packed byte, once more than a MiB has been unpacked.
    pub ratio: u64,
    /// The base-2 logarithm of the window that a zstd frame may ask for. RFC 8878 wants 23 (8 MiB) supported.
    pub window_log: u32,
    /// Arrays and objects inside one another.
    pub depth: u32,
    /// Bytes of one string, as written.
    pub string: u64,
    /// Bytes of one object key, as written.
    pub key: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { unpacked: 64 << 20, ratio: 500, window_log: 23, depth: 64, string: 4 << 20, key: 1024 }
    }
}
