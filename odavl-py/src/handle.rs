//! What sessions came from, for as long as it is open: an installation in this process, or a service.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use odavl_core::Odavl;
use pyo3::prelude::*;

use crate::{
    call::Call,
    engine::Engine,
    failure::{Failure, Result},
    upkeep::Upkeep,
};

/// An installation, and what it does by itself.
struct Opened {
    odavl: Odavl,
    upkeep: Option<Upkeep>,
}

/// Shared by all that came from it. It alone keeps the installation open, and what is under way.
pub(crate) struct Handle {
    engine: Engine,
    open: AtomicBool,
    opened: Mutex<Option<Opened>>,
    /// Each body that Python sends piece by piece has a clone.
    sent: Arc<()>,
}

impl Handle {
    pub(crate) fn of_installation(engine: &Engine, odavl: Odavl, upkeep: Option<Upkeep>) -> Arc<Self> {
        Self::new(engine, Some(Opened { odavl, upkeep }))
    }

    pub(crate) fn of_service(engine: &Engine) -> Arc<Self> {
        Self::new(engine, None)
    }

    fn new(engine: &Engine, opened: Option<Opened>) -> Arc<Self> {
        let (open, opened) = (AtomicBool::new(true), Mutex::new(opened));
        Arc::new(Self { engine: engine.clone(), open, opened, sent: Arc::default() })
    }

    fn opened(&self) -> MutexGuard<'_, Option<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn odavl(&self) -> Result<Odavl> {
        self.engine.runtime()?;
        self.opened().as_ref().map(|opened| opened.odavl.clone()).ok_or_else(Failure::closed)
    }

    /// What a body holds that Python sends.
    pub(crate) fn sent(&self) -> Arc<()> {
        self.sent.clone()
    }

    /// Ends it, and every session that came from it; again it does nothing. To be waited for until the calls under way are
    /// finished and nothing is left. What Python still sends is not: whoever closes may be who sends it.
    pub(crate) fn close(&self, py: Python<'_>) -> PyResult<Call> {
        self.open.store(false, Ordering::Relaxed);
        if self.engine.is_of_parent() {
            // The parent's is the parent's.
            return Ok(Call::new(&Engine::of_process(py)?, async { Ok(()) }));
        }
        let opened = self.opened().take();
        let sent = Arc::downgrade(&self.sent);
        Ok(Call::new(&self.engine, async move {
            let Some(Opened { odavl, upkeep }) = opened else { return Ok(()) };
            if let Some(upkeep) = upkeep {
                upkeep.end(&odavl).await;
            }
            if sent.strong_count() > 1 {
                return Ok(());
            }
            odavl.close().await;
            Ok(())
        }))
    }
}

impl Drop for Handle {
    /// In a forked child it is left alone: to end it there would end it under the parent.
    fn drop(&mut self) {
        if self.engine.is_of_parent() {
            std::mem::forget(self.opened().take());
        }
    }
}
