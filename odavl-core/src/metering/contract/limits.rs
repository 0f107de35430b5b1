//! What limits admit, and what they refuse.

use super::{
    super::UNITS_MAX, Charge, Decision, Entry, Grouping, KeyId, Limit, Op, OrgId, Period, Resolution, Room,
    Scope, SignedDuration, Standing, charge, held, month, rate,
};
use crate::Clock;

/// Decides entry by entry in the order given, and never past the limit.
pub async fn entries_are_decided_in_order_and_never_past_the_limit(room: Room) {
    let batch: Vec<_> = [4, 5, 2, 1, 1].map(|units| room.charge("api_calls", units, &[month(10)])).into();
    let decisions = room.metering.apply(&batch).await.unwrap();
    let used: Vec<_> = decisions.iter().map(used_of).collect();
    assert_eq!(used, [Ok(4), Ok(9), Err(9), Ok(10), Err(10)]);
    let refusal = room.denied(room.charge("api_calls", 1, &[month(10)])).await;
    assert_eq!((refusal.standing.units, refusal.standing.limit), (1, Some(10)));
    assert_eq!(refusal.standing.resets_at, Some("2026-12-01T00:00:00Z".parse().unwrap()));
}

/// What is used after a yes, or as a no says.
fn used_of(decision: &Decision) -> Result<u64, u64> {
    match decision {
        Decision::Granted(answer) => Ok(answer.standings[0].used),
        Decision::Denied(refusal) => Err(refusal.standing.used),
        other => panic!("a yes or a no was expected, not {other:?}"),
    }
}

/// What was charged in one window and is given back in the next frees nothing that others charged there.
pub async fn what_is_given_back_late_stays_out_of_the_periods_that_began_since(room: Room) {
    let limits = [rate(5), month(100)];
    let charged = room.granted(room.charge("api_calls", 1, &limits)).await.at;
    room.advance(SignedDuration::from_secs(60));
    room.granted(room.charge("api_calls", 5, &limits)).await;
    let back = Charge { since: Some(charged), ..charge("api_calls", -1, &limits) };
    room.granted(room.entry(Op::Charge(vec![back]))).await;
    assert_eq!(room.used("api_calls", &month(100)).await, 5, "the month lasts");
    let refusal = room.denied(room.charge("api_calls", 1, &limits)).await;
    assert_eq!(refusal.standing.period, Period::Window(60));
}

/// All charges of an entry, or none.
pub async fn all_charges_of_an_entry_or_none(room: Room) {
    let both = |runs| vec![charge("api_calls", 1, &[month(10)]), charge("runs", runs, &[month(5)])];
    let refusal = room.denied(room.entry(Op::Charge(both(6)))).await;
    assert_eq!(refusal.standing.meter.as_str(), "runs");
    assert_eq!(room.used("api_calls", &month(10)).await, 0);
    let answer = room.granted(room.entry(Op::Charge(both(5)))).await;
    assert_eq!(answer.standings.iter().map(|standing| standing.used).collect::<Vec<_>>(), [1, 5]);
    assert_eq!(room.ledger().await.len(), 1);
}

/// Two charges of one meter in an entry are added up.
pub async fn the_same_meter_twice_in_an_entry_counts_twice(room: Room) {
    let twice = |units| {
        let charge = charge("api_calls", units, &[month(10)]);
        room.entry(Op::Charge(vec![charge.clone(), charge]))
    };
    assert_eq!(room.denied(twice(6)).await.standing.units, 12);
    assert_eq!(room.granted(twice(5)).await.standings[1].used, 10);
    assert_eq!(room.ledger().await[0].charges, [("api_calls".parse().unwrap(), 10)]);
}

/// Where a rate and a quota refuse, the rate is named; where only the quota does, the quota.
pub async fn a_rate_refuses_before_a_quota(room: Room) {
    let limits = [month(1), rate(1)];
    room.granted(room.charge("api_calls", 1, &limits)).await;
    let refusal = room.denied(room.charge("api_calls", 1, &limits)).await;
    assert_eq!(refusal.standing.period, Period::Window(60));
    room.advance(SignedDuration::from_secs(60));
    let refusal = room.denied(room.charge("api_calls", 1, &limits)).await;
    assert_eq!(refusal.standing.period, Period::CALENDAR_MONTH);
}

/// A charge of zero asks whether one would stand, and charges nothing.
pub async fn zero_units_ask_whether_one_would_stand_and_charge_nothing(room: Room) {
    let ask = || room.charge("api_calls", 0, &[month(1)]);
    let answer = room.granted(ask()).await;
    assert_eq!((answer.standings[0].units, answer.standings[0].used), (0, 0));
    room.granted(room.charge("api_calls", 1, &[month(1)])).await;
    assert_eq!(room.denied(ask()).await.standing.used, 1);
    assert_eq!(room.ledger().await.len(), 1);
}

/// A probe answers as a charge would, and changes nothing.
pub async fn a_probe_answers_as_a_charge_would_and_changes_nothing(room: Room) {
    let charges = || vec![charge("api_calls", 8, &[month(10), rate(9)])];
    let probed = room.ask(room.entry(Op::Probe(charges()))).await;
    assert!(room.ledger().await.is_empty() && room.thresholds().await.is_empty());
    assert_eq!(room.ask(room.entry(Op::Charge(charges()))).await, probed);
    let probed = room.ask(room.entry(Op::Probe(charges()))).await;
    assert_eq!(room.ask(room.entry(Op::Charge(charges()))).await, probed);
    assert_eq!(room.used("api_calls", &month(10)).await, 8);
}

/// A soft limit records what passes it and warns; its ceiling refuses.
pub async fn a_soft_limit_warns_and_refuses_at_its_ceiling(room: Room) {
    let soft = [Limit { ceiling: Some(12), ..month(10) }];
    let answer = room.granted(room.charge("api_calls", 11, &soft)).await;
    let Standing { used, limit, remaining, warning, .. } = answer.standings[0].clone();
    assert_eq!((used, limit, remaining, warning), (11, Some(10), Some(0), Some(100)));
    assert_eq!(room.denied(room.charge("api_calls", 2, &soft)).await.standing.used, 11);
    room.granted(room.charge("api_calls", 1, &soft)).await;
    let endless = [Limit { ceiling: None, ..month(10) }];
    room.granted(room.charge("api_calls", 1000, &endless)).await;
}

/// What has no limit is counted all the same; numbers end at 2^53 - 1.
pub async fn what_is_unlimited_is_counted_and_ends_where_numbers_do(room: Room) {
    let free = [Limit::hard(Scope::Organization, Period::CALENDAR_MONTH, None)];
    let answer = room.granted(room.charge("api_calls", 7, &free)).await;
    let Standing { used, limit, remaining, warning, .. } = answer.standings[0].clone();
    assert_eq!((used, limit, remaining, warning), (7, None, None, None));
    let rest = i64::try_from(UNITS_MAX).unwrap() - 7;
    for too_many in [rest + 1, i64::MAX] {
        assert_eq!(room.denied(room.charge("api_calls", too_many, &free)).await.standing.used, 7);
    }
    assert_eq!(room.granted(room.charge("api_calls", rest, &free)).await.standings[0].used, UNITS_MAX);
    room.denied(room.charge("api_calls", 1, &free)).await;
}

/// A key's own limit and the organisation's both count, and either refuses.
pub async fn a_key_s_limit_is_a_child_of_the_organisation_s(room: Room) {
    let of_key = || {
        let key = KeyId::new(room.clock.now()).unwrap();
        [month(5), Limit { scope: Scope::Key(key), ..month(3) }]
    };
    let (one, other) = (of_key(), of_key());
    let answer = room.granted(room.charge("api_calls", 3, &one)).await;
    assert_eq!(answer.standings.iter().map(|standing| standing.used).collect::<Vec<_>>(), [3, 3]);
    assert!(room.denied(room.charge("api_calls", 1, &one)).await.standing.key_id.is_some());
    assert!(room.denied(room.charge("api_calls", 3, &other)).await.standing.key_id.is_none());
    room.granted(room.charge("api_calls", 2, &other)).await;
}

/// Two limits of one scope and period share their counter.
pub async fn two_limits_over_one_period_count_once(room: Room) {
    let limits = [month(10), Limit { ceiling: None, ..month(5) }];
    let answer = room.granted(room.charge("api_calls", 6, &limits)).await;
    assert_eq!(answer.standings.iter().map(|standing| standing.used).collect::<Vec<_>>(), [6, 6]);
    room.denied(room.charge("api_calls", 5, &limits)).await;
}

/// Each period counts on its own; time that goes back opens none again.
pub async fn a_new_period_starts_at_zero_and_a_clock_that_goes_back_starts_none(room: Room) {
    let limits = [month(10), rate(4)];
    room.granted(room.charge("api_calls", 4, &limits)).await;
    room.denied(room.charge("api_calls", 1, &limits)).await;
    room.advance(SignedDuration::from_secs(60));
    let answer = room.granted(room.charge("api_calls", 4, &limits)).await;
    assert_eq!(answer.standings.iter().map(|standing| standing.used).collect::<Vec<_>>(), [8, 4]);
    room.advance(SignedDuration::from_secs(-60));
    room.denied(room.charge("api_calls", 1, &limits)).await;
    // What is new counts in the present period too, not in one that is over.
    let answer = room.granted(room.charge("tokens", 4, &[rate(4)])).await;
    assert_eq!(answer.standings[0].resets_at, Some("2026-11-22T12:02:00Z".parse().unwrap()));
    room.advance(SignedDuration::from_hours(24 * 9));
    let answer = room.granted(room.charge("api_calls", 1, &limits)).await;
    assert_eq!(answer.standings.iter().map(|standing| standing.used).collect::<Vec<_>>(), [1, 1]);
    let at: Vec<_> = room.ledger().await.iter().map(|record| record.at).collect();
    assert!(at.is_sorted(), "{at:?}");
}

/// Giving back stops at zero, passes every limit, and is recorded as what it was.
pub async fn giving_back_never_goes_below_zero_and_is_never_refused(room: Room) {
    room.granted(room.charge("storage_bytes", 10, &[held(10)])).await;
    let answer = room.granted(room.charge("storage_bytes", -4, &[held(2)])).await;
    assert_eq!((answer.standings[0].units, answer.standings[0].used), (0, 6));
    let answer = room.granted(room.charge("storage_bytes", -100, &[held(2)])).await;
    assert_eq!(answer.standings[0].used, 0);
    room.granted(room.charge("storage_bytes", i64::MIN, &[held(2)])).await;
    let units: Vec<_> = room.ledger().await.iter().map(|record| record.charges[0].1).collect();
    assert_eq!(units, [10, -4, -6]);
}

/// A refused entry leaves no trace.
pub async fn a_denied_entry_changes_nothing(room: Room) {
    room.denied(room.charge("api_calls", 11, &[month(10)])).await;
    room.denied(room.reserve(room.reservation(), "api_calls", 11, &[month(10)])).await;
    assert!(room.ledger().await.is_empty() && room.thresholds().await.is_empty());
    assert_eq!(room.used("api_calls", &month(10)).await, 0);
    let query = room.history("api_calls", Resolution::Day, Grouping::Total);
    assert!(room.metering.history(room.org, &query).await.unwrap().is_empty());
}

/// Counters, keys, reservations and history are the organisation's own.
pub async fn organisations_do_not_see_each_other(room: Room) {
    let id = room.reservation();
    room.granted(room.reserve(id, "api_calls", 10, &[month(10)])).await;
    let other = OrgId::new(room.clock.now()).unwrap();
    let of_other = |entry| Entry { org: other, ..entry };
    assert_eq!(room.ask(of_other(room.settle(id, "api_calls", 1))).await, Decision::NoReservation);
    let answer = room.granted(of_other(room.charge("api_calls", 10, &[month(10)]))).await;
    assert_eq!(answer.standings[0].used, 10);
    assert!(room.ledger().await.is_empty());
    let query = room.history("api_calls", Resolution::Day, Grouping::Total);
    assert!(room.metering.history(room.org, &query).await.unwrap().is_empty());
}

/// An entry of an older epoch is stale; a lower fence changes nothing.
pub async fn an_entry_older_than_the_fence_is_stale_and_fences_only_rise(room: Room) {
    let of_epoch = |epoch| Entry { epoch, ..room.charge("api_calls", 1, &[month(10)]) };
    room.granted(of_epoch(0)).await;
    room.metering.fence(room.org, 3).await.unwrap();
    room.metering.fence(room.org, 2).await.unwrap();
    assert_eq!(room.ask(of_epoch(2)).await, Decision::Stale { epoch: 3 });
    assert_eq!(room.granted(of_epoch(3)).await.standings[0].used, 2);
    assert_eq!(room.granted(of_epoch(4)).await.standings[0].used, 3);
    assert_eq!(room.ledger().await.len(), 3);
}
