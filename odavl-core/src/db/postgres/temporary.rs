//! A schema that a test has for itself.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Conn, Postgres, Settings};
use crate::{error::Result, random};

/// How many connections a test has at most: the server is shared by as many tests as run at once.
pub(in crate::db) const POOL: usize = 8;

pub(in crate::db) async fn temporary(settings: Settings, now: Timestamp) -> Result<Arc<Postgres>> {
    let (schema, settings) = Schema::make(settings).await?;
    Postgres::open_with(settings, POOL, now, schema).await
}

/// A schema that goes when dropped.
pub(in crate::db) struct Schema {
    name: String,
    settings: Settings,
}

impl Schema {
    /// Makes one; answers how to connect to it, too.
    pub(in crate::db) async fn make(settings: Settings) -> Result<(Self, Settings)> {
        let name = format!("odavl_{}", crate::secret::hex(&random::bytes::<8>()?));
        let schema = Self { name, settings: settings.clone() };
        Conn::connect(&settings).await?.batch(&format!("CREATE SCHEMA {}", schema.name)).await?;
        let settings = settings.in_schema(&schema.name);
        Ok((schema, settings))
    }
}

impl Drop for Schema {
    /// The test's runtime may be at its end, so it is dropped on another.
    fn drop(&mut self) {
        let (name, settings) = (std::mem::take(&mut self.name), self.settings.clone());
        let gone = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let drop =
                async { Conn::connect(&settings).await?.batch(&format!("DROP SCHEMA {name} CASCADE")).await };
            runtime.block_on(drop).map_err(|failed| std::io::Error::other(crate::Error::from(failed)))
        });
        if !matches!(gone.join(), Ok(Ok(()))) {
            tracing::warn!("a test's schema could not be removed");
        }
    }
}
