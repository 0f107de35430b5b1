//! The behaviour of webhooks' rows, on every adapter.

#[cfg(test)]
mod memory {
    use std::sync::Arc;

    use odavl_core::webhooks::{MemoryWebhooks, contract::Subject};

    odavl_core::webhooks_contract!(async || Arc::new(MemoryWebhooks::default()) as Subject);
}

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "support/postgres.rs"]
mod server;

#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres {
    use std::sync::Arc;

    use odavl_core::{
        ManualClock,
        webhooks::{SqlWebhooks, contract::Subject},
    };

    async fn rows() -> Subject {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        Arc::new(SqlWebhooks::new(super::server::database(&clock).await))
    }

    odavl_core::webhooks_contract!(async || rows().await);
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sql {
    use std::sync::Arc;

    use odavl_core::{
        ManualClock,
        db::Db,
        webhooks::{SqlWebhooks, contract::Subject},
    };

    async fn rows() -> Subject {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        Arc::new(SqlWebhooks::new(Db::temporary(&clock).await.unwrap()))
    }

    odavl_core::webhooks_contract!(async || rows().await);
}
