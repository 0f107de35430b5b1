//! The doors to a session, behind which each use case is one operation, whoever waits for it and however.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use pyo3::prelude::*;

use crate::{
    call::Call,
    engine::{Engine, Held},
    failure::{Failure, Result},
    remote::Remote,
};

/// What a session stands on.
pub(crate) enum Door {
    /// The library in this process.
    Embedded(Arc<odavl_core::session::Session>),
    /// A service that is asked over HTTP.
    Remote(Remote),
}

/// A session, for as long as what it came from is open.
#[derive(Clone)]
pub(crate) struct Session {
    door: Arc<Held<Door>>,
    open: Arc<AtomicBool>,
}

impl Session {
    pub(crate) fn new(engine: &Engine, door: Door, open: Arc<AtomicBool>) -> Self {
        Self { door: Arc::new(Held::new(engine.clone(), door)), open }
    }

    /// Another session through the same door.
    pub(crate) fn beside(&self, door: Door) -> Self {
        Self::new(self.door.engine(), door, self.open.clone())
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.door.engine()
    }

    pub(crate) fn close(&self) {
        self.open.store(false, Ordering::Relaxed);
    }

    pub(crate) fn door(&self) -> Result<&Arc<Door>> {
        self.engine().runtime()?;
        let door = self.door.value().filter(|_| self.open.load(Ordering::Relaxed));
        door.ok_or_else(Failure::closed)
    }

    /// One use case.
    pub(crate) fn call<T, W>(&self, act: impl FnOnce(Arc<Door>) -> W) -> PyResult<Call>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        Ok(Call::new(self.engine(), act(self.door()?.clone())))
    }
}
