//! What is remembered of a source, beside its backups.

use super::Vault;
use crate::{
    backup::{
        place::Place,
        signing::{Kind, Signed, open, sign},
        watch::Memory,
    },
    error::Result,
    storage::{PutOptions, Sha256, full},
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
        let options = PutOptions::create("application/json".parse()?).overwriting();
        let options = options.expecting(bytes.len() as u64, Sha256::of(&bytes));
        self.store.put(&place.watch()?, full(bytes), options).await.map(drop)
    }
}
