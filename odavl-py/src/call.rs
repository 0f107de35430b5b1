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
use tokio::task::{AbortHandle, JoinError};

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
            std::mem::forget(self.work.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

#[pymethods]
impl Call {
    /// Waits without the interpreter; a signal's handler runs meanwhile, and what it raises ends the call.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let mut work = self.begin()?;
        let runtime = self.engine.runtime()?;
        let soon = async { tokio::time::timeout(LOOK, &mut work).await };
        if let Ok(answer) = py.detach(|| runtime.block_on(soon)) {
            return answer?(py);
        }
        // A handler may wait for what this one holds, such as its turn to write: it goes on meanwhile.
        let mut begun = runtime.spawn(work);
        let is_main = is_main(py)?;
        loop {
            if is_main && let Err(raised) = py.check_signals() {
                begun.abort();
                // What it had begun is gone when that is heard.
                let _ = py.detach(|| runtime.block_on(begun));
                return Err(raised);
            }
            let look = if is_main { LOOK } else { Duration::MAX };
            let looked = async { tokio::time::timeout(look, &mut begun).await };
            if let Ok(ended) = py.detach(|| runtime.block_on(looked)) {
                return ended.unwrap_or_else(|error| Err(stopped(error)))?(py);
            }
        }
    }

    /// Begins, and awaits in the running loop; a task that is cancelled ends the call.
    fn __await__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (future, work) = self.posted(py)?;
        let task = self.engine.runtime()?.spawn(work);
        let cancel = Cancel(task.abort_handle());
        future.call_method1(pyo3::intern!(py, "add_done_callback"), (cancel,))?;
        future.call_method0(pyo3::intern!(py, "__await__"))
    }

    /// Begins: a future of the running loop. Nobody ends the call; whoever cancels the future hears nothing of it any more.
    fn whole<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (future, work) = self.posted(py)?;
        self.engine.whole(work)?;
        Ok(future)
    }
}

impl Call {
    /// A future of the running loop, and the work whose answer it gets.
    fn posted<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, impl Future<Output = ()> + Send + use<>)> {
        static RUNNING: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let event_loop = RUNNING.import(py, "asyncio.events", "get_running_loop")?.call0()?;
        let future = event_loop.call_method0(pyo3::intern!(py, "create_future"))?;
        let post = delivery::post(py, &self.engine)?;
        let (ticket, work) = (Ticket::new(&event_loop, &future), self.begin()?);
        let work = async move {
            // Whoever awaits it hears of a panic, too.
            let answer = AssertUnwindSafe(work).catch_unwind().await;
            let panicked = |_| Err(Error::internal("a call panicked", None).into());
            post.send(ticket, answer.unwrap_or_else(panicked));
        };
        Ok((future, work))
    }
}

/// Signals are heard by the main thread alone.
fn is_main(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    threading.call_method0("get_ident")?.eq(main)
}

fn stopped(error: JoinError) -> Failure {
    Error::internal("a call stopped", Some(error.into())).into()
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
