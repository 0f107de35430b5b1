//! Holds presigned uploads back, so that a command can be killed at a known point.

use std::{
    future::pending,
    sync::{Condvar, Mutex},
};

/// What lets only so many presigned uploads through, and counts them.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    passes: Mutex<Passes>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Passes {
    most: Option<usize>,
    begun: usize,
    arrived: usize,
    held: usize,
}

impl Gate {
    /// Lets so many more through, and holds the rest for ever; `None` holds nothing.
    pub(crate) fn let_through(&self, most: Option<usize>) {
        *self.passes.lock().unwrap() = Passes { most, ..Passes::default() };
    }

    /// How many arrived since the last [`Gate::let_through`].
    pub(crate) fn arrived(&self) -> usize {
        self.passes.lock().unwrap().arrived
    }

    /// Waits until all have arrived that may, and one is held.
    pub(crate) fn wait(&self) {
        let open = |passes: &mut Passes| passes.held == 0 || Some(passes.arrived) < passes.most;
        drop(self.changed.wait_while(self.passes.lock().unwrap(), open).unwrap());
    }

    pub(crate) async fn pass<T>(&self, upload: impl Future<Output = T>) -> T {
        let held = {
            let mut passes = self.passes.lock().unwrap();
            let held = passes.most.is_some_and(|most| passes.begun >= most);
            if held {
                passes.held += 1;
            } else {
                passes.begun += 1;
            }
            held
        };
        if held {
            self.changed.notify_all();
            return pending().await;
        }
        let done = upload.await;
        self.passes.lock().unwrap().arrived += 1;
        self.changed.notify_all();
        done
    }
}
