//! How long a database is open.

use tokio::sync::watch;

/// Held by each connection, and by what can make one: the database is open for as long as there is a clone.
#[derive(Debug, Clone)]
pub(super) struct Life {
    ended: watch::Sender<()>,
    _held: watch::Receiver<()>,
}

impl Life {
    pub(super) fn new() -> Self {
        let (ended, held) = watch::channel(());
        Self { ended, _held: held }
    }

    /// What is closed when the last clone is gone.
    pub(super) fn ended(&self) -> watch::Sender<()> {
        self.ended.clone()
    }
}
