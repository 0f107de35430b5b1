use std::sync::Arc;

use odavl_core::{
    db::Db,
    metering::{Metering, SqliteMetering},
};

odavl_core::metering_contract!(async |clock| {
    let db = Db::temporary(&*clock).await.unwrap();
    Arc::new(SqliteMetering::new(db, clock)) as Arc<dyn Metering>
});
