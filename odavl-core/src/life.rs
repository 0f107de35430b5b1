//! How long a database, or what belongs to it, is open.

use tokio::sync::watch;

/// Held by each connection, by what can make one, and by each work on the files beside it: all of it is open for as long
/// as there is a clone.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    ended: watch::Sender<()>,
    _held: watch::Receiver<()>,
}

impl Life {
    pub(crate) fn new() -> Self {
        let (ended, held) = watch::channel(());
        Self { ended, _held: held }
    }

    /// What is closed when the last clone is gone.
    #[cfg(all(feature = "sqlite", feature = "fs", feature = "config", feature = "uploads"))]
    pub(crate) fn ended(&self) -> watch::Sender<()> {
        self.ended.clone()
    }
}
