//! Results of analysis tools: SARIF 2.1.0 documents, unpacked, checked and summarised while they stream past.
//!
//! Everything here reads from [`std::io::Read`], waits by blocking and keeps a bounded part of the document in
//! memory, so it belongs on a thread that may block. [`channel`] carries the chunks of a request's body there:
//!
//! ```
//! use odavl_core::uploads::{Caps, Encoding, channel, inspect};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! # runtime.block_on(async {
//! let (sender, reader) = channel(4);
//! let inspection = tokio::task::spawn_blocking(move || inspect(reader, Encoding::Identity, &Caps::default()));
//!
//! let body = r#"{"version": "2.1.0", "runs": [{
//!     "tool": {"driver": {"name": "clippy"}},
//!     "automationDetails": {"guid": "3f0f8bb6-5a1b-4f4e-9d0b-0a6c1d6a7e11"},
//!     "results": [{"ruleId": "clippy::all", "message": {"text": "unneeded `return` statement"}}]
//! }]}"#;
//! sender.send(body.into()).await?;
//! sender.finish().await?;
//!
//! let inspected = inspection.await??;
//! assert_eq!(inspected.summary.levels.warning, 1);
//! assert_eq!(inspected.unpacked_len, body.len() as u64);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

mod caps;
mod channel;
#[cfg(feature = "contract")]
pub mod contract;
mod guard;
mod memory;
mod port;
mod run_id;
pub mod sarif;
mod service;
#[cfg(feature = "sql")]
mod sql;
mod unpack;
mod upload;

use std::io::{self, Read};

pub use caps::Caps;
pub use channel::{ChannelReader, ChunkSender, channel};
pub use memory::MemoryUploads;
pub use port::{UploadQuery, UploadRows};
pub use run_id::RunId;
pub use service::{Content, Filter, NewResults, Uploaded, Uploads};
pub(crate) use service::{Receiving, owner};
#[cfg(feature = "sql")]
pub use sql::SqlUploads;
pub use unpack::{Encoding, Unpacked};
pub use upload::{Attempt, Begun, State, Stored, Upload};

use crate::error::{Error, Result};

/// What reading an upload to its end has shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspected {
    /// The run that the document says it is of.
    pub run_id: RunId,
    /// What the document holds.
    pub summary: sarif::Summary,
    /// SHA-256 of the unpacked bytes, to compare with the one that was sent ahead.
    pub sha256: [u8; 32],
    /// The number of unpacked bytes.
    pub unpacked_len: u64,
    /// The number of bytes as they were sent.
    pub packed_len: u64,
}

/// Reads an upload to its end: unpacks it, checks that it is SARIF 2.1.0 of one run id, and summarises it.
///
/// # Errors
/// `invalid_input` for what is not a whole, valid document in that encoding, naming the place; `too_large` for
/// one that unpacks to more than [`Caps::unpacked`]; `unavailable` when `packed` fails.
pub fn inspect(packed: impl Read, encoding: Encoding, caps: &Caps) -> Result<Inspected> {
    let mut unpacked = Unpacked::new(packed, encoding, caps)?;
    let scan = sarif::scan(&mut unpacked, caps)?;
    let run_id = sole_run_id(&scan.run_ids)?;
    let summary = scan.summary;
    let (unpacked_len, packed_len) = (unpacked.unpacked_len(), unpacked.packed_len());
    Ok(Inspected { run_id, summary, sha256: unpacked.into_sha256(), unpacked_len, packed_len })
}

fn sole_run_id(run_ids: &[RunId]) -> Result<RunId> {
    match run_ids {
        [run_id] => Ok(*run_id),
        [] => Err(Error::invalid_with(
            "the document names no run: no run has `automationDetails.guid`",
            "set runs[0].automationDetails.guid to a new UUID for each run, or upload with `odavl insight analyze --sarif FILE --upload`",
        )),
        [first, second, ..] => Err(Error::invalid_with(
            format!("the document names more than one run: {first} and {second}"),
            "one upload is one run: give all its runs the same automationDetails.guid, or send them one by one",
        )),
    }
}

/// Our own error out of the I/O error that carried it through a reader; anything else is the reader's failure.
pub(crate) fn carried(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own,
        Err(foreign) => Error::unavailable("the upload could not be read", Some(foreign.into())),
    }
}

#[cfg(test)]
mod tests;
