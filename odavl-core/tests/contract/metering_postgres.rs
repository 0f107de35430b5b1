use std::sync::Arc;

use odavl_core::metering::{Metering, PostgresMetering};

use super::server;

odavl_core::metering_contract!(async |clock| {
    let db = server::database(&*clock).await;
    Arc::new(PostgresMetering::new(db, clock)) as Arc<dyn Metering>
});
