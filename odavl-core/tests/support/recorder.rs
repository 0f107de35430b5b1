//! What was asked of the ports.

use std::{
    mem::take,
    sync::{Arc, Mutex},
};

use odavl_core::Result;

use super::ports::{Call, Watch};

/// Remembers every call of a port, in order; one that the port refused has written nothing. What the node asks by itself,
/// whenever it likes, is not among them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Call>>>);

impl Recorder {
    /// The calls since this was last asked.
    pub(crate) fn take(&self) -> Vec<Call> {
        take(&mut self.0.lock().unwrap())
    }
}

impl Watch for Recorder {
    async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let answer = work.await;
        if call.name != "bumps" {
            self.0.lock().unwrap().push(Call { writes: call.writes && answer.is_ok(), ..call });
        }
        answer
    }
}
