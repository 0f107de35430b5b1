//! Where Python sends bytes piece by piece.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use odavl_core::{Error, storage::BoxBody};
use pyo3::{prelude::*, pybacked::PyBackedBytes};
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    body::{Piece, Pieces},
    call::Call,
    door::{Door, Session},
    engine::Engine,
    failure::{Failure, Result},
    input::{Arg, read},
    storage::StoredObject,
};

/// How many pieces are on their way.
const AHEAD: usize = 2;

/// An object that is being sent. Where it is let go before its end, nothing is stored.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Sink {
    engine: Engine,
    pieces: Mutex<Option<mpsc::Sender<Piece>>>,
    task: Mutex<Option<Storing>>,
}

/// The task that stores. What a service stores is given up with it; what is stored here is never cut off in its middle.
struct Storing {
    task: JoinHandle<Result<StoredObject>>,
    is_remote: bool,
}

impl Drop for Storing {
    fn drop(&mut self) {
        if self.is_remote {
            self.task.abort();
        }
    }
}

impl Sink {
    /// Begins to store what will come.
    pub(crate) fn begin<W>(session: &Session, store: impl FnOnce(Arc<Door>, BoxBody) -> W) -> PyResult<Self>
    where
        W: Future<Output = Result<StoredObject>> + Send + 'static,
    {
        let (pieces, come) = mpsc::channel(AHEAD);
        let door = session.door()?;
        let is_remote = matches!(*door, Door::Remote(_));
        let (sent, stored) = (session.handle().sent(), store(door, Box::new(Pieces(come))));
        let task = session.engine().runtime()?.spawn(async move {
            let done = stored.await;
            // Until here the handle is at work.
            drop(sent);
            done
        });
        Ok(Self {
            engine: session.engine().clone(),
            pieces: Mutex::new(Some(pieces)),
            task: Mutex::new(Some(Storing { task, is_remote })),
        })
    }

    fn ended(&self) -> impl Future<Output = Result<StoredObject>> + Send + 'static {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            let mut storing = task.ok_or_else(|| Failure::invalid("it has ended already"))?;
            (&mut storing.task)
                .await
                .map_err(|error| Error::internal("storing stopped", Some(error.into())))?
        }
    }
}

#[pymethods]
impl Sink {
    /// Sends a piece; whether more is wanted. Where it is not, `finish` says why.
    fn send(&self, data: Arg<'_, '_>) -> PyResult<Call> {
        read!(data: PyBackedBytes);
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let pieces = pieces.ok_or_else(|| Failure::invalid("it has ended already"))?;
        Ok(Call::new(&self.engine, async move {
            if data.is_empty() {
                return Ok(true);
            }
            Ok(pieces.send(Piece::Bytes(Bytes::from_owner(data))).await.is_ok())
        }))
    }

    /// Ends it: what it is now.
    fn finish(&self) -> Call {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.ended();
        Call::new(&self.engine, async move {
            if let Some(pieces) = pieces {
                // Whoever takes no more has ended, and says why.
                let _ = pieces.send(Piece::End).await;
            }
            ended.await
        })
    }

    /// Gives it up, and waits until nothing of it is left.
    fn abort(&self) -> Call {
        drop(self.pieces.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ended = self.ended();
        Call::new(&self.engine, async move {
            // What it came to is told by whoever gave it up.
            let _ = ended.await;
            Ok(())
        })
    }
}
