//! Hearing that an organisation's epoch has risen, on a connection that does nothing else.
//!
//! What is heard is a reason to look and nothing more: a connection may break, or be one of a pooler that forgets who
//! listens. Whoever looks by the clock as well misses nothing.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::Settings;

/// How long a connection may take to come about, and how long one that broke is left alone.
const CONNECT: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(1);

/// Listens for as long as it is there.
#[derive(Debug)]
pub(super) struct Ear {
    heard: Arc<Notify>,
    task: AbortHandle,
}

impl Ear {
    pub(super) fn listen(settings: Settings, channel: String) -> Self {
        let heard = Arc::<Notify>::default();
        let tell = heard.clone();
        let task = tokio::spawn(async move {
            loop {
                hear(&settings, &channel, &tell).await;
                tracing::debug!("what is announced in the database is not heard for a moment");
                sleep(AGAIN).await;
            }
        });
        Self { heard, task: task.abort_handle() }
    }

    /// Returns when something was announced, or may have been.
    pub(super) async fn heard(&self) {
        self.heard.notified().await;
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens until the connection breaks.
async fn hear(settings: &Settings, channel: &str, heard: &Notify) {
    let Ok(Ok((_client, mut told))) = timeout(CONNECT, settings.listen(channel)).await else { return };
    // Whatever was announced before we listened was not heard.
    heard.notify_one();
    while told.recv().await.is_some() {
        heard.notify_one();
    }
}
