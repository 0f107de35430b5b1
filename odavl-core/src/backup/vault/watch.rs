//! What is remembered of a source, beside its backups, and who works on it.

use super::{Vault, lock::Of};
use crate::{
    backup::{
        Work,
        place::Place,
        remembered::Memory,
        signing::{Kind, Signed, open, sign},
    },
    error::Result,
    storage::{PutOptions, Sha256, full},
};

impl Vault {
    /// Who is at that work with a source, in words.
    ///
    /// # Errors
    /// `conflict` where its lock cannot be read.
    pub(in crate::backup) async fn busy(&self, place: &Place, work: Work) -> Result<Option<String>> {
        let of = match work {
            Work::Backup => Of::Source(place.clone()),
            Work::Verify(id) => Of::Backup(place.clone(), id),
        };
        Ok(self.is_locked(&of).await?.then(|| of.to_string()))
    }

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

    /// Does what changes what is remembered of a source while nobody else does, on whichever node.
    ///
    /// # Errors
    /// `conflict` where somebody does; whatever the work fails with.
    pub(in crate::backup) async fn remembering<T>(
        &self,
        place: &Place,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let lock = self.lock(Of::Memory(place.clone())).await?;
        let done = lock.over(work).await;
        lock.release().await;
        done
    }

    /// Remembers that of a source.
    pub(in crate::backup) async fn remember(&self, place: &Place, memory: &Memory) -> Result<()> {
        let (bytes, _) = sign(Kind::Watch, &self.keys.signing, memory)?;
        let options = PutOptions::create("application/json".parse()?).overwriting();
        let options = options.expecting(bytes.len() as u64, Sha256::of(&bytes));
        self.store.put(&place.watch()?, full(bytes), options).await.map(drop)
    }
}
