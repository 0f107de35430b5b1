//! Units that are held for whoever takes them.

use std::sync::{Arc, Mutex, PoisonError};

use odavl_core::{Error, metering::Reserve};
use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::{
    door::{Door, Session},
    engine::Engine,
    failure::{Failure, Result},
    values::Reserved,
};

/// A reservation on its way to whoever asked for it: where nobody takes it, such as a task that was cancelled meanwhile, it is
/// given back.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Held(Arc<Owed>);

pub(crate) struct Owed {
    engine: Engine,
    /// A retry with the caller's key takes it.
    has_key: bool,
    reserved: Mutex<Option<(Reserved, Arc<Door>)>>,
}

impl Held {
    /// Holds units in a task of its own, which goes on where nobody waits any more.
    pub(crate) async fn reserve(session: Session, door: Arc<Door>, wish: Reserve) -> Result<Self> {
        let (answers, answer) = oneshot::channel();
        let (engine, has_key) = (session.engine().clone(), wish.idempotency_key.is_some());
        session.engine().clone().whole(async move {
            let held = door.reserve(wish).await.map(|reserved| {
                let reserved = Mutex::new(Some((reserved, door)));
                let owed = Arc::new(Owed { engine, has_key, reserved });
                session.handle().owes(&owed);
                Self(owed)
            });
            // Whoever does not take it drops it.
            let _ = answers.send(held);
        })?;
        answer.await.map_err(|error| Error::internal("holding stopped", Some(error.into())))?
    }
}

#[pymethods]
impl Held {
    /// From here on it is the caller's.
    fn take(&self) -> PyResult<Reserved> {
        let reserved = self.0.reserved.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(reserved.map(|(reserved, _)| reserved).ok_or_else(Failure::closed)?)
    }
}

impl Owed {
    pub(crate) fn give_back(&self) {
        let reserved = self.reserved.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((reserved, door)) = reserved.filter(|_| !self.has_key) else { return };
        // Where this fails, they are given back by themselves.
        let _ = self.engine.whole(async move {
            if let Ok(id) = reserved.id.parse() {
                let _ = door.release(id).await;
            }
        });
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if self.engine.is_of_parent() {
            // The parent's is the parent's.
            std::mem::forget(self.reserved.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        } else {
            self.give_back();
        }
    }
}
