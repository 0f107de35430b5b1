//! The doors to a session, behind which each use case is one operation, whoever waits for it and however.

use std::sync::Arc;

use odavl_core::WeakSession;
use pyo3::prelude::*;

use crate::{
    call::Call,
    engine::{Engine, Held},
    failure::{Failure, Result},
    handle::Handle,
    remote::Remote,
};

/// What a session stands on.
pub(crate) enum Door {
    /// The library in this process.
    Embedded(Arc<odavl_core::session::Session>),
    /// A service that is asked over HTTP.
    Remote(Remote),
}

/// What a session keeps of its door: an installation that is closed is not kept open by it.
enum Way {
    Embedded(WeakSession),
    Remote(Arc<Door>),
}

impl From<Door> for Way {
    fn from(door: Door) -> Self {
        match door {
            Door::Embedded(session) => Self::Embedded(session.downgrade()),
            Door::Remote(_) => Self::Remote(Arc::new(door)),
        }
    }
}

/// A session, for as long as what it came from is open.
#[derive(Clone)]
pub(crate) struct Session {
    way: Arc<Held<Way>>,
    handle: Arc<Handle>,
}

impl Session {
    pub(crate) fn new(door: Door, handle: Arc<Handle>) -> Self {
        let way = Held::new(handle.engine().clone(), door.into());
        Self { way: Arc::new(way), handle }
    }

    /// Another session through the same door.
    pub(crate) fn beside(&self, door: Door) -> Self {
        Self::new(door, self.handle.clone())
    }

    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    pub(crate) fn engine(&self) -> &Engine {
        self.handle.engine()
    }

    pub(crate) fn door(&self) -> Result<Arc<Door>> {
        self.engine().runtime()?;
        if !self.handle.is_open() {
            return Err(Failure::closed());
        }
        match self.way.value() {
            Some(Way::Embedded(session)) => {
                let session = session.upgrade().ok_or_else(Failure::closed)?;
                Ok(Arc::new(Door::Embedded(Arc::new(session))))
            }
            Some(Way::Remote(door)) => Ok(door.clone()),
            None => Err(Failure::closed()),
        }
    }

    /// One use case.
    pub(crate) fn call<T, W>(&self, act: impl FnOnce(Arc<Door>) -> W) -> PyResult<Call>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        Ok(Call::new(self.engine(), self.handle.calling(act(self.door()?))))
    }
}
