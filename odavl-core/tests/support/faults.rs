//! Stopping a process at a call of a port, before it is made or before it is answered.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use odavl_core::{Error, Result};
use tokio::sync::Notify;

use super::ports::{Call, Watch};

/// Stops everything at the nth call.
#[derive(Debug, Clone)]
pub(crate) struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    left: AtomicI64,
    moment: Moment,
    stopped: Notify,
}

/// When a call stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It is never made.
    Before,
    /// It is made, and never answered.
    After,
}

impl Faults {
    /// Stops at the call of that number, from 0.
    pub(crate) fn at(call: i64, moment: Moment) -> Self {
        Self(Arc::new(Inner { left: AtomicI64::new(call), moment, stopped: Notify::new() }))
    }

    /// Runs until it ends or the fault stops it; `None` where it was stopped.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.0.stopped.notified() => None,
        }
    }
}

impl Watch for Faults {
    async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        // What Auth does, it does in one write; it is the steps between the other wings that may be left half done.
        if call.port == "Auth" {
            return work.await;
        }
        let left = self.0.left.fetch_sub(1, Ordering::SeqCst);
        if left > 0 {
            return work.await;
        }
        if left == 0 && self.0.moment == Moment::After {
            let _ = work.await;
        }
        self.0.stopped.notify_one();
        pending().await
    }
}

/// Metering does not answer once an object is complete: nothing is settled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unsettled(Arc<AtomicBool>);

impl Watch for Unsettled {
    async fn call<T: Send>(&self, call: Call, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if call.port == "Metering" && self.0.load(Ordering::SeqCst) {
            return Err(Error::unavailable("metering does not answer", None));
        }
        let done = work.await;
        self.0.fetch_or(call.name == "complete_upload", Ordering::SeqCst);
        done
    }
}
