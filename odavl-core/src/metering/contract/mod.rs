//! The Metering contract: one function a behaviour, for every adapter.
//!
//! ```
//! use std::sync::Arc;
//! use odavl_core::metering::{MemoryMetering, Metering};
//!
//! odavl_core::metering_contract!(async |clock| Arc::new(MemoryMetering::new(clock)) as Arc<dyn Metering>);
//! ```

mod history;
mod idempotency;
mod limits;
mod property;
mod pruning;
mod reservations;
mod together;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};

use super::{
    Answer, Charge, Decision, Entry, Grouping, HistoryQuery, Idempotency, KEPT, Limit, MeterName, Metering,
    Op, Period, Pruning, Record, Refusal, Resolution, Scope, Standing, ThresholdEvent,
};
use crate::{
    Clock, ManualClock,
    ids::{KeyId, OrgId, ReservationId},
    page::PageQuery,
    secret::Digest,
};

pub use history::*;
pub use idempotency::*;
pub use limits::*;
pub use property::*;
pub use pruning::*;
pub use reservations::*;
pub use together::*;

/// Names a test for each behaviour of the contract, run on what `$new` makes: an async closure that takes an
/// `Arc<dyn Clock>` and answers an `Arc<dyn Metering>` with empty books.
#[macro_export]
macro_rules! metering_contract {
    ($new:expr) => {
        $crate::metering_contract! { $new;
            entries_are_decided_in_order_and_never_past_the_limit,
            all_charges_of_an_entry_or_none,
            the_same_meter_twice_in_an_entry_counts_twice,
            a_rate_refuses_before_a_quota,
            zero_units_ask_whether_one_would_stand_and_charge_nothing,
            a_probe_answers_as_a_charge_would_and_changes_nothing,
            a_soft_limit_warns_and_refuses_at_its_ceiling,
            what_is_unlimited_is_counted_and_ends_where_numbers_do,
            a_key_s_limit_is_a_child_of_the_organisation_s,
            two_limits_over_one_period_count_once,
            a_new_period_starts_at_zero_and_a_clock_that_goes_back_starts_none,
            giving_back_never_goes_below_zero_and_is_never_refused,
            what_is_given_back_late_stays_out_of_the_periods_that_began_since,
            a_denied_entry_changes_nothing,
            organisations_do_not_see_each_other,
            an_entry_older_than_the_fence_is_stale_and_fences_only_rise,
            a_retry_gets_its_answer_again_even_at_the_limit,
            a_key_with_another_request_is_a_conflict,
            a_denied_key_is_free,
            a_key_twice_in_one_batch_charges_once,
            a_key_is_its_organisation_s_own,
            a_keyed_entry_that_charges_nothing_is_remembered,
            a_reservation_holds_until_it_is_settled,
            settling_charges_what_happened_and_never_more_than_was_held,
            settling_and_releasing_twice_answer_as_the_first_time,
            settling_what_is_not_held_is_refused,
            making_a_reservation_again_is_answered_as_the_first_time,
            an_open_reservation_made_again_lives_until_the_later_time,
            what_was_released_or_swept_is_made_afresh,
            a_keyed_reservation_names_the_first_one_in_a_replay,
            a_reservation_grows_until_it_is_ended,
            a_reservation_counts_in_the_period_in_which_it_was_made,
            what_a_gauge_holds_outlives_the_month,
            what_expired_is_swept_once_and_no_more_than_asked,
            what_was_admitted_is_settled_behind_a_fence,
            open_reservations_are_bounded,
            each_threshold_is_recorded_once_a_period_and_a_jump_records_all,
            rates_record_no_thresholds,
            a_gauge_s_thresholds_are_recorded_once_a_month,
            a_threshold_is_untold_until_it_is_told,
            the_ledger_has_no_gaps_and_comes_in_pages,
            history_is_cut_by_window_and_subject,
            a_gauge_s_history_closes_every_window,
            what_is_over_is_pruned_and_what_counts_stays,
            nothing_is_pruned_before_its_time,
            a_key_that_was_pruned_is_new,
            what_ended_is_pruned_and_what_is_held_is_not,
            a_year_of_history_needs_no_ledger,
            pruning_goes_through_all_of_much_part_by_part,
            two_that_prune_at_once_remove_it_once,
            concurrent_callers_get_exactly_the_limit,
            callers_who_leave_are_charged_once_or_not_at_all,
            it_decides_as_the_books_in_memory_do,
            rollups_are_the_sum_of_the_ledger_and_counters_of_both,
        }
    };
    ($new:expr; $($behaviour:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $behaviour() {
            $crate::metering::contract::$behaviour(
                $crate::metering::contract::Room::new($new).await
            )
            .await;
        }
    )*};
}

/// What a behaviour is tried in: empty books, and a clock that stands still.
#[derive(Debug)]
pub struct Room {
    metering: Arc<dyn Metering>,
    clock: Arc<ManualClock>,
    org: OrgId,
    ids: AtomicU64,
}

const NOON: &str = "2026-11-22T12:00:00Z";

impl Room {
    /// A room with the books that `new` makes.
    pub async fn new(new: impl AsyncFnOnce(Arc<dyn Clock>) -> Arc<dyn Metering>) -> Self {
        let clock = Arc::new(ManualClock::new(NOON.parse().unwrap()));
        let metering = new(Arc::<ManualClock>::clone(&clock)).await;
        let org = OrgId::new(clock.now()).unwrap();
        Self { metering, clock, org, ids: AtomicU64::new(0) }
    }

    fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    async fn ask(&self, entry: Entry) -> Decision {
        self.metering.apply(&[entry]).await.unwrap().remove(0)
    }

    async fn granted(&self, entry: Entry) -> Answer {
        match self.ask(entry).await {
            Decision::Granted(answer) => answer,
            other => panic!("granted was expected, not {other:?}"),
        }
    }

    async fn denied(&self, entry: Entry) -> Refusal {
        match self.ask(entry).await {
            Decision::Denied(refusal) => *refusal,
            other => panic!("denied was expected, not {other:?}"),
        }
    }

    /// What is used of `limit`, as a probe says.
    async fn used(&self, meter: &str, limit: &Limit) -> u64 {
        let free = Limit { max: None, ceiling: None, ..limit.clone() };
        self.granted(self.entry(Op::Probe(vec![charge(meter, 0, &[free])]))).await.standings[0].used
    }

    fn entry(&self, op: Op) -> Entry {
        Entry {
            org: self.org,
            epoch: 0,
            subject: "key_1".into(),
            op,
            idempotency: None,
            tags: Arc::default(),
        }
    }

    fn charge(&self, meter: &str, units: i64, limits: &[Limit]) -> Entry {
        self.entry(Op::Charge(vec![charge(meter, units, limits)]))
    }

    fn reservation(&self) -> ReservationId {
        ReservationId::new(self.clock.now()).unwrap()
    }

    fn reserve(&self, id: ReservationId, meter: &str, units: i64, limits: &[Limit]) -> Entry {
        let expires_at = self.clock.now() + SignedDuration::from_hours(1);
        self.entry(Op::Reserve { id, charges: vec![charge(meter, units, limits)], expires_at })
    }

    fn settle(&self, id: ReservationId, meter: &str, units: u64) -> Entry {
        self.entry(Op::Settle { id, actual: vec![(meter.parse().unwrap(), units)] })
    }

    /// An idempotency key that nobody has used.
    fn key(&self) -> Idempotency {
        let key = self.ids.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        Idempotency { key: Digest::of(&key), request: Digest::of(b"request") }
    }

    async fn ledger(&self) -> Vec<Record> {
        let (mut records, mut page) = (Vec::new(), PageQuery { limit: 1000, cursor: None });
        loop {
            let read = self.metering.ledger(self.org, &page).await.unwrap();
            records.extend(read.items);
            page.cursor = read.next_cursor;
            if page.cursor.is_none() {
                return records;
            }
        }
    }

    /// Prunes all that there is to prune; answers in how many parts.
    async fn prune(&self) -> u32 {
        let (mut next, mut parts) = (Some(Pruning::default()), 0);
        while let Some(part) = next {
            (next, parts) = (self.metering.prune(part).await.unwrap(), parts + 1);
        }
        parts
    }

    async fn thresholds(&self) -> Vec<ThresholdEvent> {
        let page = PageQuery { limit: 1000, cursor: None };
        self.metering.thresholds(self.org, &page).await.unwrap().items
    }

    fn history(&self, meter: &str, resolution: Resolution, grouping: Grouping) -> HistoryQuery {
        HistoryQuery {
            meter: meter.parse().unwrap(),
            from: "2026-10-01T00:00:00Z".parse().unwrap(),
            to: self.clock.now() + SignedDuration::from_hours(24 * 62),
            resolution,
            grouping,
        }
    }
}

fn charge(meter: &str, units: i64, limits: &[Limit]) -> Charge {
    Charge { meter: meter.parse().unwrap(), units, limits: limits.into(), since: None }
}

fn keyed(entry: Entry, key: Idempotency) -> Entry {
    Entry { idempotency: Some(key), ..entry }
}

fn month(max: u64) -> Limit {
    Limit::hard(Scope::Organization, Period::CALENDAR_MONTH, Some(max))
}

fn held(max: u64) -> Limit {
    Limit::hard(Scope::Organization, Period::Held, Some(max))
}

fn rate(max: u64) -> Limit {
    Limit::hard(Scope::Organization, Period::Window(60), Some(max))
}
