//! A use case on its way: waited for by a thread, or awaited by a task.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt as _;
use odavl_core::Error;
use pyo3::{IntoPyObjectExt as _, prelude::*, sync::PyOnceLock, types::PyAny};
use tokio::task::AbortHandle;

use crate::{
    delivery::{self, Ticket},
    engine::Engine,
    failure::{Failure, Result},
};

/// How often a thread that waits looks whether someone pressed Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// What came of it, to be made a Python value of by whoever holds the interpreter.
pub(crate) type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

type Work = Pin<Box<dyn Future<Output = Result<Answer>> + Send>>;

/// One use case, not begun until it is waited for or awaited.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Call {
    engine: Engine,
    work: Mutex<Option<Work>>,
}

impl Call {
    pub(crate) fn new<T>(engine: &Engine, work: impl Future<Output = Result<T>> + Send + 'static) -> Self
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
    {
        let work = async move {
            let value = work.await?;
            Ok(Box::new(move |py: Python<'_>| value.into_py_any(py)) as Answer)
        };
        Self { engine: engine.clone(), work: Mutex::new(Some(Box::pin(work))) }
    }

    fn begin(&self) -> Result<Work> {
        self.engine.runtime()?;
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.ok_or_else(|| Failure::invalid("it was waited for already"))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // It holds what is open in the parent.
        if self.engine.is_of_parent() {
            std::mem::forget(self.work.lock().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

#[pymethods]
impl Call {
    /// Waits without the interpreter; a signal's handler runs meanwhile, and what it raises ends the call.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut work = self.begin()?;
        let runtime = self.engine.runtime()?;
        loop {
            let looked = async { tokio::time::timeout(LOOK, &mut work).await };
            match py.detach(|| runtime.block_on(looked)) {
                Ok(answer) => return answer?(py),
                Err(_) => py.check_signals()?,
            }
        }
    }

    /// Begins, and awaits in the running loop; a task that is cancelled ends the call.
    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let event_loop = RUNNING.import(py, "asyncio.events", "get_running_loop")?.call0()?;
        let future = event_loop.call_method0(pyo3::intern!(py, "create_future"))?;
        let work = self.begin()?;
        let ticket = Ticket::new(&event_loop, &future);
        let post = delivery::post(py, &self.engine)?;
        let task = self.engine.runtime()?.spawn(async move {
            // Whoever awaits it hears of a panic, too.
            let answer = AssertUnwindSafe(work).catch_unwind().await;
            post.send(
                ticket,
                answer.unwrap_or_else(|_| Err(Error::internal("a call panicked", None).into())),
            );
        });
        let cancel = Cancel(task.abort_handle());
        future.call_method1(pyo3::intern!(py, "add_done_callback"), (cancel,))?;
        future.call_method0(pyo3::intern!(py, "__await__"))
    }
}

/// Ends the work of a future that was cancelled.
#[pyclass(frozen)]
struct Cancel(AbortHandle);

#[pymethods]
impl Cancel {
    fn __call__(&self, future: &Bound<'_, PyAny>) -> PyResult<()> {
        if future.call_method0(pyo3::intern!(future.py(), "cancelled"))?.is_truthy()? {
            self.0.abort();
        }
        Ok(())
    }
}
