//! What presigned requests do that the HTTP door serves itself: they carry their own permission.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::Objects;
use crate::{
    action::Action,
    error::{Error, Result},
    odavl::Core,
    session::{Ask, Usage},
    storage::{Body, BoxBody, ByteRange, Incoming, Redeemed},
};

impl Objects<'_> {
    /// Does what a presigned request was signed for. It is checked before any of its body is read.
    ///
    /// # Errors
    /// `forbidden` unless it is sent as it was signed, in time.
    pub async fn redeem(
        &self,
        request: &Incoming<'_>,
        body: BoxBody,
        range: Option<ByteRange>,
    ) -> Result<Redeemed> {
        let core = &self.0.core;
        self.0
            .metered(Ask::new(Action::StorageDirect), async |permit| {
                let grant = core.direct.verify(request, permit.at)?;
                let body = Box::new(InTime { core: core.clone(), body, until: grant.until() });
                Ok((grant.redeem(&*core.storage, body, range).await?, Usage::Settled))
            })
            .await
    }
}

/// A body that ends in an error when its time is over: from then on its bytes may be removed.
struct InTime {
    core: Arc<Core>,
    body: BoxBody,
    until: Timestamp,
}

#[async_trait]
impl Body for InTime {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = self.body.next().await?;
        if self.core.clock.now() < self.until {
            return Ok(piece);
        }
        Err(Error::invalid_with("the body came too late", "ask for a new URL"))
    }
}
