use std::sync::Arc;

use odavl_core::metering::{MemoryMetering, Metering};

odavl_core::metering_contract!(async |clock| Arc::new(MemoryMetering::new(clock)) as Arc<dyn Metering>);
