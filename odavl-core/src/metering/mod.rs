//! Metering: what an organisation may use, what it used, and one exact answer at a time.
//!
//! A [`Meter`] counts (`sum`) or holds (`gauge`). A [`Limit`] bounds a meter over a [`Period`]; a rate is a limit
//! over a short one. The port ([`Metering`]) decides batches; a combiner gathers callers into them.

mod combiner;
#[cfg(any(test, feature = "contract"))]
#[expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a contract case fails by panicking, as tests do"
)]
pub mod contract;
mod decide;
mod ending;
mod history;
mod limit;
mod memory;
mod meter;
mod period;
mod plan;
mod port;
mod service;
mod sheet;
#[cfg(feature = "sql")]
mod sql;
mod tally;

pub use combiner::{Combiner, CombinerOptions};
pub use limit::{Limit, Refusal, RefusalKind, Scope, Standing, THRESHOLDS};
pub use memory::MemoryMetering;
pub use meter::{Meter, MeterKind, MeterName, UNITS_MAX};
pub use period::Period;
pub use plan::{Allowance, Allowances, Catalog, Plan, PlanName};
pub use port::{
    Answer, Bucket, Charge, Decision, Entry, Grouping, HistoryQuery, Idempotency, KEPT, Metering,
    OPEN_RESERVATIONS_MAX, Op, Pruning, Record, Resolution, ThresholdEvent, Untold,
};
pub use service::{Consume, Event, Reserve, Reserved, Usage, UsageReport};
pub(crate) use service::{check_charges, check_idempotency_key, check_tags};
#[cfg(feature = "postgres")]
pub use sql::PostgresMetering;
#[cfg(feature = "sqlite")]
pub use sql::SqliteMetering;
