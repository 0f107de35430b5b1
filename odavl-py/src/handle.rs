//! What sessions came from, for as long as it is open: an installation in this process, or a service.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use odavl_core::Odavl;
use pyo3::prelude::*;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio_util::task::{TaskTracker, task_tracker::TrackedFuture};

use crate::{
    call::Call,
    download::Rest,
    engine::Engine,
    failure::{Failure, Result},
    held::Owed,
    upkeep::Upkeep,
};

/// An installation, and what it does by itself.
struct Opened {
    odavl: Odavl,
    upkeep: Option<Upkeep>,
}

/// What became of it.
enum State {
    /// An installation, or a service, which there is nothing to be ended of.
    Open(Option<Opened>),
    /// It is being ended, until the sender of this is gone.
    Closed(watch::Receiver<()>),
}

/// Shared by all that came from it. It alone keeps the installation open, and what is under way.
pub(crate) struct Handle {
    engine: Engine,
    open: AtomicBool,
    state: Mutex<State>,
    /// The calls under way.
    calls: TaskTracker,
    /// Each body that Python sends piece by piece has a clone.
    sent: Arc<()>,
    /// The objects that are being read.
    reads: Mutex<Vec<Weak<AsyncMutex<Rest>>>>,
    /// The reservations that nobody has taken yet.
    owed: Mutex<Vec<Weak<Owed>>>,
}

impl Handle {
    pub(crate) fn of_installation(engine: &Engine, odavl: Odavl, upkeep: Option<Upkeep>) -> Arc<Self> {
        Self::new(engine, Some(Opened { odavl, upkeep }))
    }

    pub(crate) fn of_service(engine: &Engine) -> Arc<Self> {
        Self::new(engine, None)
    }

    fn new(engine: &Engine, opened: Option<Opened>) -> Arc<Self> {
        Arc::new(Self {
            engine: engine.clone(),
            open: AtomicBool::new(true),
            state: Mutex::new(State::Open(opened)),
            calls: TaskTracker::new(),
            sent: Arc::default(),
            reads: Mutex::default(),
            owed: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn odavl(&self) -> Result<Odavl> {
        self.engine.runtime()?;
        match &*self.state() {
            State::Open(Some(opened)) if self.is_open() => Ok(opened.odavl.clone()),
            _ => Err(Failure::closed()),
        }
    }

    /// A call, which the end waits for.
    pub(crate) fn calling<W: Future>(&self, work: W) -> TrackedFuture<W> {
        self.calls.track_future(work)
    }

    /// What a body holds that Python sends.
    pub(crate) fn sent(&self) -> Arc<()> {
        self.sent.clone()
    }

    /// Notes that an object is being read: it is let go of at the end.
    pub(crate) fn reads(&self, rest: &Arc<AsyncMutex<Rest>>) {
        let mut reads = self.open_reads();
        reads.retain(|rest| rest.strong_count() > 0);
        reads.push(Arc::downgrade(rest));
        // It was found while the end began.
        if !self.is_open()
            && let Ok(mut rest) = rest.try_lock()
        {
            rest.close();
        }
    }

    /// Notes that somebody is to take it: at the end it is given back.
    pub(crate) fn owes(&self, owed: &Arc<Owed>) {
        let mut all = self.owed.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() == all.capacity() {
            all.retain(|owed| owed.strong_count() > 0);
        }
        all.push(Arc::downgrade(owed));
        // It came while the end began.
        if !self.is_open() {
            owed.give_back();
        }
    }

    fn open_reads(&self) -> MutexGuard<'_, Vec<Weak<AsyncMutex<Rest>>>> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it, and every session that came from it; again it waits for the same end. To be waited for until the calls under
    /// way are finished and nothing is left. What Python still sends is not: whoever closes may be who sends it.
    pub(crate) fn close(self: &Arc<Self>, py: Python<'_>) -> PyResult<Call> {
        self.open.store(false, Ordering::Relaxed);
        if self.engine.is_of_parent() {
            // The parent's is the parent's.
            return Ok(Call::new(&Engine::of_process(py)?, async { Ok(()) }));
        }
        let handle = self.clone();
        Ok(Call::new(&self.engine, async move {
            let mut ending = handle.ending();
            // It fails once whoever ends it is gone.
            while ending.changed().await.is_ok() {}
            Ok(())
        }))
    }

    /// Begins to end it where nobody has yet, in a task of its own: whoever does not wait any more leaves it to go on.
    fn ending(self: &Arc<Self>) -> watch::Receiver<()> {
        let mut state = self.state();
        let (at_work, ending) = watch::channel(());
        match &*state {
            State::Closed(ending) => return ending.clone(),
            State::Open(_) => {}
        }
        if let State::Open(opened) = std::mem::replace(&mut *state, State::Closed(ending.clone())) {
            let handle = self.clone();
            tokio::spawn(async move {
                handle.end(opened).await;
                drop(at_work);
            });
        }
        ending
    }

    async fn end(&self, opened: Option<Opened>) {
        let reads = std::mem::take(&mut *self.open_reads());
        for rest in reads.iter().filter_map(Weak::upgrade) {
            rest.lock().await.close();
        }
        let owed = std::mem::take(&mut *self.owed.lock().unwrap_or_else(PoisonError::into_inner));
        owed.iter().filter_map(Weak::upgrade).for_each(|owed| owed.give_back());
        let Some(Opened { odavl, upkeep }) = opened else {
            self.calls.close();
            return self.calls.wait().await;
        };
        if let Some(upkeep) = upkeep {
            upkeep.end(&odavl).await;
        }
        if Arc::strong_count(&self.sent) == 1 {
            odavl.close().await;
        }
    }
}

impl Drop for Handle {
    /// In a forked child it is left alone: to end it there would end it under the parent.
    fn drop(&mut self) {
        if self.engine.is_of_parent()
            && let State::Open(opened) = self.state.get_mut().unwrap_or_else(PoisonError::into_inner)
        {
            std::mem::forget(opened.take());
        }
    }
}
