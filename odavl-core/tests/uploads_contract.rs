//! The behaviour of uploads' rows, on every adapter.

#![cfg(feature = "uploads")]

#[cfg(test)]
mod memory {
    odavl_core::uploads_contract!(odavl_core::uploads::MemoryUploads::default());
}

#[cfg(test)]
#[cfg(feature = "postgres")]
#[path = "support/postgres.rs"]
mod server;

#[cfg(test)]
#[cfg(feature = "postgres")]
mod postgres {
    use odavl_core::{ManualClock, uploads::SqlUploads};

    async fn rows() -> SqlUploads {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        SqlUploads::new(super::server::database(&clock).await)
    }

    odavl_core::uploads_contract!(rows().await);
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod sql {
    use odavl_core::{ManualClock, db::Db, uploads::SqlUploads};

    async fn rows() -> SqlUploads {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        SqlUploads::new(Db::temporary(&clock).await.unwrap())
    }

    odavl_core::uploads_contract!(rows().await);
}
