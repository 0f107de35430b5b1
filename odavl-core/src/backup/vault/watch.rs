//! What is remembered of a source, beside its backups.

use super::{Mode, Vault};
use crate::{
    backup::{
        place::Place,
        signing::{Kind, Signed, open, sign},
        watch::Memory,
    },
    error::Result,
};

impl Vault {
    /// What is remembered of a source; `None` where nothing is.
    ///
    /// # Errors
    /// `corrupted` where nobody who is trusted has written it.
    pub(in crate::backup) async fn memory(&self, place: &Place) -> Result<Option<Memory>> {
        let key = place.watch()?;
        let Some(bytes) = self.read(&key).await? else { return Ok(None) };
        open(Kind::Watch, &self.keys.trusted, &bytes, key.as_str())
            .map(|signed: Signed<Memory>| Some(signed.document))
    }

    /// Remembers that of a source.
    pub(in crate::backup) async fn remember(&self, place: &Place, memory: &Memory) -> Result<()> {
        let (bytes, _) = sign(Kind::Watch, &self.keys.signing, memory)?;
        self.put(&place.watch()?, bytes, Mode::Replace).await
    }
}
