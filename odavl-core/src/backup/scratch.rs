//! Where a backup is restored to be looked at.

use std::sync::Arc;

use super::port::{Backup, Source};
use crate::error::{Error, Result};

/// What the name of a scratch database begins with: only we give such names.
pub(super) const SCRATCH: &str = "odavl_verify_";

/// Where scratch databases are made.
#[derive(Debug, Clone)]
pub enum Scratch {
    /// Beside the live database.
    Beside(Arc<dyn Backup>),
    /// On a server that is named for it, so that the live one is spared.
    On(Arc<dyn Backup>),
}

impl Scratch {
    /// What makes them for backups of `source`.
    ///
    /// # Errors
    /// `invalid_input` where the server that is named is that of the source, or of another engine.
    pub(super) async fn of(&self, source: &Source) -> Result<&dyn Backup> {
        let server = match self {
            Self::Beside(database) => return Ok(&**database),
            Self::On(server) => server,
        };
        let found = server.describe().await?;
        if found.engine != source.engine {
            let what = format!(
                "the server named for scratch databases is {}, and the backup is of {}",
                found.engine, source.engine
            );
            return Err(Error::invalid_with(what, "name one of the same engine"));
        }
        if found.server == source.server {
            let what = "the server named for scratch databases is that of the database itself";
            return Err(Error::invalid_with(what, "name another one; or none, and they are made beside it"));
        }
        Ok(&**server)
    }
}
