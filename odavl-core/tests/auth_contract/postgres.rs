use jiff::Timestamp;
use odavl_core::{ManualClock, auth::SqlAuth};

use super::server;

odavl_core::auth_contract!(SqlAuth::new(server::database(&ManualClock::new(Timestamp::UNIX_EPOCH)).await));
