//! How answers reach the loops that await them: one thread takes the interpreter once for all that came meanwhile, and
//! wakes each loop once.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};

use pyo3::{prelude::*, types::PyAny};

use crate::{
    call::Answer,
    engine::Engine,
    failure::{Failure, Result},
};

/// Which future of which loop an answer is for.
pub(crate) struct Ticket {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
}

impl Ticket {
    pub(crate) fn new(event_loop: &Bound<'_, PyAny>, future: &Bound<'_, PyAny>) -> Self {
        Self { event_loop: event_loop.clone().unbind(), future: future.clone().unbind() }
    }
}

/// What is handed out; `None` where the interpreter is about to end: what comes later has nobody to go to.
type Parcel<T> = Option<T>;
/// What is to be logged, and its level.
type Line = (u8, String);
/// Futures of one loop, each with its answer.
type Answers = Vec<(Py<PyAny>, Result<Answer>)>;

/// An answer that somebody has to get: what is done where nobody does, such as a task that was cancelled meanwhile.
pub(crate) struct Owed<T> {
    value: T,
    unless: Unless,
}

struct Unless(Option<Box<dyn FnOnce() + Send>>);

impl<T> Owed<T> {
    pub(crate) fn new(value: T, lost: impl FnOnce() + Send + 'static) -> Self {
        Self { value, unless: Unless(Some(Box::new(lost))) }
    }
}

impl Drop for Unless {
    fn drop(&mut self) {
        if let Some(lost) = self.0.take() {
            lost();
        }
    }
}

impl<'py, T: IntoPyObject<'py>> IntoPyObject<'py> for Owed<T> {
    type Target = T::Target;
    type Output = T::Output;
    type Error = T::Error;
    fn into_pyobject(mut self, py: Python<'py>) -> std::result::Result<T::Output, T::Error> {
        let value = self.value.into_pyobject(py)?;
        self.unless.0 = None;
        Ok(value)
    }
}

/// Where answers are handed in.
#[derive(Clone)]
pub(crate) struct Post {
    answers: mpsc::Sender<Parcel<(Ticket, Result<Answer>)>>,
    lines: mpsc::Sender<Parcel<Line>>,
}

impl Post {
    pub(crate) fn send(&self, ticket: Ticket, answer: Result<Answer>) {
        // Nobody takes it where the interpreter has ended.
        let _ = self.answers.send(Some((ticket, answer)));
    }

    /// Has it logged.
    pub(crate) fn say(&self, level: u8, text: String) {
        let _ = self.lines.send(Some((level, text)));
    }
}

/// The threads that hand out answers and lines, until the interpreter ends. What logs may take its time, and answers go on.
struct Postman {
    engine: Engine,
    post: Post,
    threads: [JoinHandle<()>; 2],
}

/// Locked as the engine is: by those who hold the interpreter alone.
static POSTMAN: Mutex<Option<Postman>> = Mutex::new(None);
/// The interpreter is about to end: a thread that holds it at its end would bring the process down.
static IS_LAST: AtomicBool = AtomicBool::new(false);

/// The post of this process. What is locked is left before an error becomes Python's: others may run then.
pub(crate) fn post(_: Python<'_>, engine: &Engine) -> Result<Post> {
    let mut made = POSTMAN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(postman) = made.as_ref()
        && !postman.engine.is_of_parent()
    {
        return Ok(postman.post.clone());
    }
    if IS_LAST.load(Ordering::Relaxed) {
        let what = "the interpreter is about to end".to_owned();
        return Err(Failure::unsupported(what, "wait for it before"));
    }
    let ((answers, to_answer), (lines, to_log)) = (mpsc::channel(), mpsc::channel());
    let post = Post { answers, lines };
    let threads = [thread("odavl-post", to_answer, hand_out)?, thread("odavl-log", to_log, log)?];
    let postman = Postman { engine: engine.clone(), post: post.clone(), threads };
    // The parent's is the parent's.
    std::mem::forget(made.replace(postman));
    Ok(post)
}

/// Ends the threads while the interpreter still lets them.
#[pyfunction]
fn _last(py: Python<'_>) {
    IS_LAST.store(true, Ordering::Relaxed);
    let postman = POSTMAN.lock().unwrap_or_else(PoisonError::into_inner).take();
    match postman {
        Some(postman) if postman.engine.is_of_parent() => std::mem::forget(postman),
        Some(Postman { engine, post, threads }) => py.detach(|| {
            engine.finish();
            let _ = (post.answers.send(None), post.lines.send(None));
            for thread in threads {
                // It has not panicked, and there is nothing to be done if it has.
                let _ = thread.join();
            }
        }),
        None => {}
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let last = wrap_pyfunction!(_last, module)?;
    module.py().import("atexit")?.call_method1("register", (last,)).map(drop)
}

/// A thread that takes the interpreter once for all that came meanwhile.
fn thread<T: Send + 'static>(
    name: &str,
    parcels: mpsc::Receiver<Parcel<T>>,
    hand_out: fn(Python<'_>, Vec<T>),
) -> Result<JoinHandle<()>> {
    let deliver = move || {
        while let Ok(first) = parcels.recv() {
            let (mut came, mut is_last) = (Vec::new(), false);
            for parcel in std::iter::once(first).chain(parcels.try_iter()) {
                match parcel {
                    Some(parcel) => came.push(parcel),
                    None => is_last = true,
                }
            }
            if Python::try_attach(|py| hand_out(py, came)).is_none() || is_last {
                return;
            }
        }
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(deliver);
    thread.map_err(|error| Failure::of_io("a thread cannot be made", &error))
}

fn hand_out(py: Python<'_>, answers: Vec<(Ticket, Result<Answer>)>) {
    let mut rounds: Vec<(Py<PyAny>, Answers)> = Vec::new();
    for (ticket, answer) in answers {
        let parcel = (ticket.future, answer);
        match rounds.iter_mut().find(|(event_loop, _)| event_loop.is(&ticket.event_loop)) {
            Some((_, round)) => round.push(parcel),
            None => rounds.push((ticket.event_loop, vec![parcel])),
        }
    }
    for (event_loop, round) in rounds {
        let round = Round(Mutex::new(round));
        // A loop that was closed has nobody left who waits.
        let _ = event_loop.call_method1(py, pyo3::intern!(py, "call_soon_threadsafe"), (round,));
    }
}

fn log(py: Python<'_>, said: Vec<Line>) {
    for (level, text) in said {
        let logged = py
            .import("logging")
            .and_then(|logging| logging.call_method1("getLogger", ("odavl",)))
            .and_then(|logger| logger.call_method1("log", (level, "%s", text)));
        if let Err(error) = logged {
            error.write_unraisable(py, None);
        }
    }
}

/// The answers for one loop, handed out by the loop itself.
#[pyclass(frozen)]
struct Round(Mutex<Answers>);

#[pymethods]
impl Round {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let round = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (future, answer) in round {
            let future = future.bind(py);
            if future.call_method0(pyo3::intern!(py, "done"))?.is_truthy()? {
                continue;
            }
            match answer.map_err(PyErr::from).and_then(|answer| answer(py)) {
                Ok(value) => future.call_method1(pyo3::intern!(py, "set_result"), (value,))?,
                Err(error) => future.call_method1(pyo3::intern!(py, "set_exception"), (error,))?,
            };
        }
        Ok(())
    }
}
