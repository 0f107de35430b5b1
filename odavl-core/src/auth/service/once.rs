//! Creations that a retry finds done: what was made is noted in the transaction that made it.

use jiff::SignedDuration;

use crate::{
    auth::{AuditDraft, Change, Reply},
    error::{Error, Result},
    metering::Idempotency,
    session::{Permit, Session},
};

/// For how long a retry is told by its key.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What became of a creation.
pub(crate) enum Made<T> {
    /// It was made now.
    Now(T),
    /// It was made by an earlier request with this key: its id.
    Before(String),
}

impl Session {
    /// Writes what makes `target`, unless an earlier request with the same idempotency key made it.
    ///
    /// # Errors
    /// `conflict` where the key was used for another request.
    pub(crate) async fn make_once<T>(
        &self,
        permit: &Permit,
        once: Option<&Idempotency>,
        target: &impl ToString,
        (made, mut changes, audit): (T, Vec<Change>, Vec<AuditDraft>),
    ) -> Result<Made<T>> {
        let Some(once) = once else {
            return self.core.write(changes, Vec::new(), audit).await.map(|()| Made::Now(made));
        };
        // Looked up before anything is counted: an honest retry at the limit finds its answer.
        if let Some(target) = self.made_before(permit, once).await? {
            return Ok(Made::Before(target));
        }
        changes.push(Change::AddReply(Reply {
            org: permit.org()?,
            key: once.key,
            request: once.request,
            target: target.to_string(),
            expires_at: permit.at + KEPT,
        }));
        match self.core.write(changes, Vec::new(), audit).await {
            Ok(()) => Ok(Made::Now(made)),
            Err(error @ Error::AlreadyExists { .. }) => {
                // The same request may have been faster, on another connection or node.
                self.made_before(permit, once).await?.map(Made::Before).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// What an earlier request with that idempotency key made: its id.
    ///
    /// # Errors
    /// `conflict` where the key was used for another request.
    pub(crate) async fn made_before(&self, permit: &Permit, once: &Idempotency) -> Result<Option<String>> {
        let found = self.core.auth.reply(permit.org()?, &once.key).await?;
        found
            .map(|reply| {
                if reply.request == once.request {
                    Ok(reply.target)
                } else {
                    Err(Error::Conflict("that idempotency key was used for another request".to_owned()))
                }
            })
            .transpose()
    }
}
