//! A body that is checked while it is stored: its end comes only once all of it has been found good.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::JoinHandle;

use crate::{
    error::{Error, Result},
    storage::{Body, BoxBody, Sha256},
    uploads::{Caps, ChunkSender, Encoding, Inspected, RunId, channel, inspect},
};

/// How many pieces may wait to be checked.
const AHEAD: usize = 4;

/// What the client said ahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    pub(super) run: RunId,
    pub(super) sha256: Sha256,
    pub(super) length: u64,
    pub(super) encoding: Encoding,
}

/// What was found, once the body has come to its end.
pub(super) type Found = Arc<OnceLock<Inspected>>;

/// Passes a body on, and a copy of it to the thread that checks it.
pub(super) struct Tee {
    body: BoxBody,
    said: Said,
    came: u64,
    checking: Option<(ChunkSender, JoinHandle<Result<Inspected>>)>,
    found: Found,
}

impl Tee {
    /// Checks `body` while it is read.
    pub(super) fn new(body: BoxBody, said: Said, caps: Caps) -> (Self, Found) {
        let (sender, reader) = channel(AHEAD);
        let checking = tokio::task::spawn_blocking(move || inspect(reader, said.encoding, &caps));
        let found = Found::default();
        (Self { body, said, came: 0, checking: Some((sender, checking)), found: found.clone() }, found)
    }

    /// Why the checking has ended already.
    async fn refusal(&mut self) -> Error {
        let early = || Error::internal("the results were checked before they had all come", None);
        match self.checking.take() {
            Some((sender, checking)) => {
                drop(sender);
                joined(checking.await).err().unwrap_or_else(early)
            }
            None => early(),
        }
    }

    /// Waits until all has been found good.
    async fn conclude(&mut self) -> Result<()> {
        if self.came != self.said.length {
            let detail = format!("the body ended after {} of {} bytes", self.came, self.said.length);
            return Err(Error::invalid_with(detail, "send it again; the same run id is charged once"));
        }
        let Some((sender, checking)) = self.checking.take() else { return Ok(()) };
        // Where the checking has ended already, it knows why.
        let _ = sender.finish().await;
        let inspected = joined(checking.await)?;
        self.said.hold(&inspected)?;
        let _ = self.found.set(inspected);
        Ok(())
    }
}

impl Said {
    /// Refuses results that are not those that were said.
    fn hold(&self, inspected: &Inspected) -> Result<()> {
        if inspected.run_id != self.run {
            let detail = format!("the document is of run {}, not of run {}", inspected.run_id, self.run);
            return Err(Error::invalid_with(detail, "send the run id that is in automationDetails.guid"));
        }
        let found = Sha256::from_bytes(inspected.sha256);
        if found != self.sha256 {
            let detail =
                format!("the SHA-256 of the unpacked document is {found}, not the one that was sent ahead");
            return Err(Error::invalid_with(detail, "digest the document before it is packed"));
        }
        Ok(())
    }
}

fn joined(checked: Result<Result<Inspected>, tokio::task::JoinError>) -> Result<Inspected> {
    checked.map_err(|error| Error::internal("the checking of results stopped", Some(error.into())))?
}

#[async_trait]
impl Body for Tee {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(piece) = self.body.next().await? else { return self.conclude().await.map(|()| None) };
        self.came = self.came.saturating_add(piece.len() as u64);
        let heard = match &self.checking {
            Some((sender, _)) => sender.send(piece.clone()).await.is_ok(),
            None => false,
        };
        if heard { Ok(Some(piece)) } else { Err(self.refusal().await) }
    }
}
