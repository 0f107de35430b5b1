//! The one runtime of the process, and what a fork does to it.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use odavl_core::db::{Still, hold_still};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;

use crate::{delivery, failure::Failure, voice::Voice};

/// How often the process was forked before it became what it is.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// The runtime, made when it is first needed. It is locked only by threads that hold the interpreter, as a thread that
/// forks does: so nobody holds the lock when the child is made.
static ENGINE: Mutex<Option<Engine>> = Mutex::new(None);
/// How long the interpreter's end waits for what is not cut off.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the work of a handle is done.
#[derive(Clone)]
pub(crate) struct Engine {
    forks: u64,
    runtime: Arc<Runtime>,
    whole: TaskTracker,
}

impl Engine {
    /// The engine of this process. What is locked is left before an error becomes Python's.
    pub(crate) fn of_process(py: Python<'_>) -> Result<Self, Failure> {
        let forks = FORKS.load(Ordering::Relaxed);
        let mut made = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = made.as_ref()
            && !engine.is_of_parent()
        {
            return Ok(engine.clone());
        }
        let voice = Voice::default();
        let of_each = voice.clone();
        let mut builder = Builder::new_multi_thread();
        let runtime =
            builder.thread_name("odavl").enable_all().on_thread_start(move || of_each.of_thread()).build();
        let runtime = Arc::new(runtime.map_err(|error| Failure::of_io("threads cannot be made", &error))?);
        let engine = Self { forks, runtime, whole: TaskTracker::new() };
        voice.told_by(delivery::post(py, &engine)?);
        // The threads of a parent's are not here: waiting for them to end would never end.
        std::mem::forget(made.replace(engine.clone()));
        Ok(engine)
    }

    /// The runtime; refused in the child of the process that it was made in.
    pub(crate) fn runtime(&self) -> Result<&Runtime, Failure> {
        if self.is_of_parent() { Err(Failure::forked()) } else { Ok(&self.runtime) }
    }

    /// Does what is to be done whole, whoever waits for it: the interpreter's end waits for it, too.
    pub(crate) fn whole(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
        self.whole.spawn_on(work, self.runtime()?.handle());
        Ok(())
    }

    /// Waits for what is done whole.
    pub(crate) fn finish(&self) {
        self.whole.close();
        let done = async { tokio::time::timeout(PATIENCE, self.whole.wait()).await };
        // What takes longer is cut off, as by a kill.
        let _ = self.runtime.block_on(done);
    }

    pub(crate) fn is_of_parent(&self) -> bool {
        self.forks != FORKS.load(Ordering::Relaxed)
    }
}

thread_local! {
    /// Held by the thread that forks, while it does.
    static STILL: Cell<Option<Still>> = const { Cell::new(None) };
}

/// Lets SQLite rest while the process forks: what a thread holds there would be held in the child for ever.
#[pyfunction]
fn _fork(py: Python<'_>) {
    // Other threads of Python go on while this one waits.
    py.detach(|| STILL.set(Some(hold_still())));
}

#[pyfunction]
fn _has_forked() {
    STILL.take();
}

/// Notes that this process is a new one; called in each child.
#[pyfunction]
fn _is_forked() {
    STILL.take();
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// What a session holds. In a forked child it is left alone: to end it there would end it under the parent, whose
/// connections are open in both.
pub(crate) struct Held<T> {
    engine: Engine,
    value: Option<T>,
}

impl<T> Held<T> {
    pub(crate) fn new(engine: Engine, value: T) -> Self {
        Self { engine, value: Some(value) }
    }

    /// The value; it is there until this is dropped.
    pub(crate) fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        if self.engine.is_of_parent() {
            std::mem::forget(self.value.take());
        }
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // The module may be imported anew, and what was registered stays: twice, a fork would wait for itself.
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let hooks = pyo3::types::PyDict::new(module.py());
    hooks.set_item("before", wrap_pyfunction!(_fork, module)?)?;
    hooks.set_item("after_in_parent", wrap_pyfunction!(_has_forked, module)?)?;
    hooks.set_item("after_in_child", wrap_pyfunction!(_is_forked, module)?)?;
    module.py().import("os")?.call_method("register_at_fork", (), Some(&hooks)).map(drop)
}
