//! What a batch adds to the rollups: each row once, however many entries it sums.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::metering::{
    history::ROLLUPS,
    meter::MeterName,
    port::{Entry, Resolution},
    sheet::Effects,
};

/// Meter, resolution, start and subject of a rollup of one organisation.
pub(super) type RollupKey = (MeterName, Resolution, Timestamp, Arc<str>);

/// Units and entries to add to each rollup.
#[derive(Debug, Default)]
pub(super) struct Rollups(BTreeMap<RollupKey, (i64, u64)>);

impl Rollups {
    pub(super) fn add(&mut self, entry: &Entry, effects: &Effects) {
        for line in &effects.lines {
            for resolution in ROLLUPS {
                let start = resolution.start(line.counted_at);
                for (meter, units) in &line.charges {
                    let key = (meter.clone(), resolution, start, Arc::clone(&entry.subject));
                    let sum = self.0.entry(key).or_default();
                    *sum = (sum.0.saturating_add(*units), sum.1 + 1);
                }
            }
        }
    }

    /// All of them, in the order of their keys; none are left.
    pub(super) fn take(&mut self) -> impl Iterator<Item = (RollupKey, (i64, u64))> + use<> {
        std::mem::take(&mut self.0).into_iter()
    }
}
