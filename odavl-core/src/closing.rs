//! The end of an installation: sessions that do not keep it open, and waiting until nothing of it is left.

use std::sync::{Arc, Weak};

use crate::{
    caller::Source,
    odavl::{Core, Odavl},
    session::{Context, Session},
};

impl Odavl {
    /// Lets go of it, and returns when nothing of it is left: its other clones and its sessions are gone, the calls under
    /// way are finished, and the last connection to its database and the last file in its folder are closed. Of one that was
    /// [built](Odavl::builder) from ports, it is not known when theirs are: it does not wait.
    pub async fn close(self) {
        let ended = self.core().ended.clone();
        drop(self);
        if let Some(ended) = ended {
            ended.closed().await;
        }
    }
}

/// A session that does not keep its installation open.
#[derive(Debug, Clone)]
pub struct WeakSession {
    core: Weak<Core>,
    source: Source,
    context: Context,
}

impl Session {
    /// The same session, without keeping its installation open.
    pub fn downgrade(&self) -> WeakSession {
        let core = Arc::downgrade(&self.core);
        WeakSession { core, source: self.source.clone(), context: self.context.clone() }
    }
}

impl WeakSession {
    /// The session; `None` once its installation is gone.
    pub fn upgrade(&self) -> Option<Session> {
        let core = self.core.upgrade()?;
        Some(Session::new(core, self.source.clone(), self.context.clone()))
    }
}
