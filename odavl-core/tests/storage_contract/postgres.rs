use jiff::Timestamp;
use odavl_core::{ManualClock, storage::SqlCatalog};

use super::server;

odavl_core::catalog_contract!(SqlCatalog::new(
    server::database(&ManualClock::new(Timestamp::UNIX_EPOCH)).await
));
