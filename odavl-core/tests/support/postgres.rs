//! The tests' own PostgreSQL.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use odavl_core::{Clock, db::Db};

/// A schema of the test's own, which goes with the last clone.
pub(crate) async fn database(clock: &dyn Clock) -> Db {
    Db::temporary_postgres(&url(), clock).await.unwrap()
}

/// Where the server is; without one the tests fail, for what they hold would not be held.
pub(crate) fn url() -> String {
    std::env::var("ODAVL_TEST_POSTGRES").expect(
        "the tests need PostgreSQL: run them by scripts/test, or first `eval \"$(scripts/services start)\"`",
    )
}
