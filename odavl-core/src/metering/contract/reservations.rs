//! What is held, and how it ends.

use super::{
    super::OPEN_RESERVATIONS_MAX, Answer, Decision, Grouping, Op, Resolution, Room, SignedDuration, charge,
    held, keyed, month, rate,
};
use crate::Clock;

/// Reserved units count against the limit, and in the standing.
pub async fn a_reservation_holds_until_it_is_settled(room: Room) {
    let id = room.reservation();
    let answer = room.granted(room.reserve(id, "tokens", 8, &[month(10)])).await;
    assert_eq!((answer.standings[0].used, answer.reservation), (8, Some(id)));
    room.denied(room.charge("tokens", 3, &[month(10)])).await;
    room.denied(room.reserve(room.reservation(), "tokens", 3, &[month(10)])).await;
    assert!(room.ledger().await.is_empty(), "nothing is charged yet");
    let answer = room.granted(room.settle(id, "tokens", 5)).await;
    assert_eq!((answer.standings[0].units, answer.standings[0].used), (5, 5));
    room.granted(room.charge("tokens", 5, &[month(10)])).await;
    let ledger = room.ledger().await;
    assert_eq!((ledger[0].reservation, ledger[0].charges[0].1), (Some(id), 5));
}

/// More than was held is not charged.
pub async fn settling_charges_what_happened_and_never_more_than_was_held(room: Room) {
    let id = room.reservation();
    let charges = vec![charge("tokens", 8, &[month(10), rate(10)]), charge("runs", 1, &[month(10)])];
    room.granted(room.entry(Op::Reserve { id, charges, expires_at: room.clock.now() })).await;
    let answer = room.granted(room.settle(id, "tokens", 1000)).await;
    let told: Vec<_> = answer.standings.iter().map(|s| (s.meter.as_str(), s.units, s.used)).collect();
    assert_eq!(told, [("tokens", 8, 8), ("tokens", 8, 8), ("runs", 0, 0)]);
    let nothing = room.reservation();
    room.granted(room.reserve(nothing, "tokens", 2, &[month(10)])).await;
    room.granted(room.entry(Op::Settle { id: nothing, actual: Vec::new() })).await;
    assert_eq!(room.used("tokens", &month(10)).await, 8);
    assert_eq!(room.ledger().await.len(), 1);
}

/// An end that is repeated is answered as the first time; another end is refused.
pub async fn settling_and_releasing_twice_answer_as_the_first_time(room: Room) {
    let (settled, released) = (room.reservation(), room.reservation());
    for id in [settled, released] {
        room.granted(room.reserve(id, "tokens", 4, &[month(10)])).await;
    }
    let first = room.granted(room.settle(settled, "tokens", 3)).await;
    let second = room.granted(room.settle(settled, "tokens", 1)).await;
    assert_eq!(second, Answer { replayed: true, ..first });
    let release = |id| room.entry(Op::Release { id });
    let first = room.granted(release(released)).await;
    assert_eq!(room.granted(release(released)).await, Answer { replayed: true, ..first });
    assert_eq!(room.ask(release(settled)).await, Decision::NoReservation);
    assert_eq!(room.ask(room.settle(released, "tokens", 1)).await, Decision::NoReservation);
    assert_eq!(room.used("tokens", &month(10)).await, 3);
}

/// Neither an unknown reservation nor an unknown meter is settled.
pub async fn settling_what_is_not_held_is_refused(room: Room) {
    let id = room.reservation();
    assert_eq!(room.ask(room.settle(id, "tokens", 1)).await, Decision::NoReservation);
    assert_eq!(room.ask(room.entry(Op::Release { id })).await, Decision::NoReservation);
    let extend = Op::Extend { id, charges: vec![charge("tokens", 1, &[month(10)])] };
    assert_eq!(room.ask(room.entry(extend)).await, Decision::NoReservation);
    room.granted(room.reserve(id, "tokens", 4, &[month(10)])).await;
    assert_eq!(room.ask(room.settle(id, "runs", 1)).await, Decision::NoReservation);
    assert_eq!(room.granted(room.settle(id, "tokens", 4)).await.standings[0].used, 4);
}

/// The same id with the same charges is one reservation, before and after its end; with others a conflict.
pub async fn making_a_reservation_again_is_answered_as_the_first_time(room: Room) {
    let reserve = {
        let id = room.reservation();
        move |room: &Room, units| room.reserve(id, "tokens", units, &[month(10)])
    };
    let first = room.granted(reserve(&room, 8)).await;
    let again = Answer { replayed: true, ..first };
    assert_eq!(room.granted(reserve(&room, 8)).await, again);
    assert_eq!(room.ask(reserve(&room, 7)).await, Decision::Conflict);
    room.granted(room.settle(again.reservation.unwrap(), "tokens", 8)).await;
    room.granted(room.charge("tokens", 2, &[month(10)])).await;
    assert_eq!(room.granted(reserve(&room, 8)).await, again);
    assert_eq!(room.used("tokens", &month(10)).await, 10);
}

/// A retry of a keyed reservation under another id is told the first one's id.
pub async fn a_keyed_reservation_names_the_first_one_in_a_replay(room: Room) {
    let (id, key) = (room.reservation(), room.key());
    room.granted(keyed(room.reserve(id, "tokens", 8, &[month(10)]), key)).await;
    let retry = keyed(room.reserve(room.reservation(), "tokens", 8, &[month(20)]), key);
    let answer = room.granted(retry).await;
    assert_eq!((answer.reservation, answer.replayed), (Some(id), true));
    assert_eq!(room.used("tokens", &month(10)).await, 8);
}

/// An open reservation can hold more, within the limit.
pub async fn a_reservation_grows_until_it_is_ended(room: Room) {
    let id = room.reservation();
    let grow = |units| {
        room.entry(Op::Extend { id, charges: vec![charge("storage_bytes", units, &[held(10), rate(9)])] })
    };
    room.granted(room.reserve(id, "storage_bytes", 4, &[held(10)])).await;
    for used in [7, 10] {
        assert_eq!(room.granted(grow(3)).await.standings[0].used, used);
        room.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(room.denied(grow(1)).await.standing.used, 10);
    let answer = room.granted(room.settle(id, "storage_bytes", 8)).await;
    assert_eq!((answer.standings[0].units, answer.standings[0].used), (8, 8));
    assert_eq!(room.ask(grow(1)).await, Decision::NoReservation);
    let charged: i64 = room.ledger().await.iter().map(|record| record.charges[0].1).sum();
    assert_eq!(charged, 8);
}

/// Units reserved before midnight and settled after it count in the month before.
pub async fn a_reservation_counts_in_the_period_in_which_it_was_made(room: Room) {
    room.advance(SignedDuration::from_hours(24 * 8 + 11));
    let id = room.reservation();
    room.granted(room.reserve(id, "tokens", 8, &[month(10)])).await;
    room.advance(SignedDuration::from_hours(2));
    assert_eq!(room.granted(room.charge("tokens", 10, &[month(10)])).await.standings[0].used, 10);
    let answer = room.granted(room.settle(id, "tokens", 6)).await;
    assert_eq!((answer.standings[0].units, answer.standings[0].used), (6, 10));
    let query = room.history("tokens", Resolution::Month, Grouping::Total);
    let history = room.metering.history(room.org, &query).await.unwrap();
    assert_eq!(history.iter().map(|bucket| bucket.units).collect::<Vec<_>>(), [6, 10]);
    let settled = &room.ledger().await[1];
    assert!(settled.counted_at < settled.at);
}

/// A gauge has no period: what is held and what is reserved stay.
pub async fn what_a_gauge_holds_outlives_the_month(room: Room) {
    let id = room.reservation();
    room.granted(room.charge("storage_bytes", 3, &[held(10)])).await;
    room.granted(room.reserve(id, "storage_bytes", 4, &[held(10)])).await;
    room.advance(SignedDuration::from_hours(24 * 40));
    assert_eq!(room.used("storage_bytes", &held(10)).await, 7);
    assert_eq!(room.granted(room.settle(id, "storage_bytes", 2)).await.standings[0].used, 5);
}

/// The sweeper releases what expired, the longest expired first, and nothing twice.
pub async fn what_expired_is_swept_once_and_no_more_than_asked(room: Room) {
    let ids = [room.reservation(), room.reservation(), room.reservation()];
    for id in ids {
        room.granted(room.reserve(id, "tokens", 3, &[month(10)])).await;
        room.advance(SignedDuration::from_secs(1));
    }
    assert_eq!(room.metering.sweep(10).await.unwrap(), 0, "nothing has expired");
    room.advance(SignedDuration::from_mins(60));
    assert_eq!(
        room.granted(room.settle(ids[1], "tokens", 3)).await.standings[0].used,
        9,
        "expired, not yet swept"
    );
    assert_eq!(room.metering.sweep(1).await.unwrap(), 1);
    assert_eq!(room.used("tokens", &month(10)).await, 6);
    assert_eq!(room.metering.sweep(10).await.unwrap(), 1);
    assert_eq!(room.metering.sweep(10).await.unwrap(), 0);
    assert_eq!(room.used("tokens", &month(10)).await, 3);
    assert_eq!(room.ask(room.settle(ids[0], "tokens", 3)).await, Decision::NoReservation);
    assert!(room.granted(room.entry(Op::Release { id: ids[0] })).await.replayed);
}

/// Whoever goes on puts off the end; it is never brought forward, and nothing more is held.
pub async fn an_open_reservation_made_again_lives_until_the_later_time(room: Room) {
    let (id, other) = (room.reservation(), room.reservation());
    let made = room.granted(room.reserve(id, "tokens", 10, &[held(10)])).await;
    let until = |minutes| room.clock.now() + SignedDuration::from_mins(minutes);
    let again = |minutes| {
        let charges = vec![charge("tokens", 10, &[held(10)])];
        room.entry(Op::Reserve { id, charges, expires_at: until(minutes) })
    };
    assert_eq!(room.granted(again(5)).await, Answer { replayed: true, ..made });
    room.advance(SignedDuration::from_mins(59));
    assert_eq!(room.metering.sweep(10).await.unwrap(), 0);
    assert!(room.granted(again(60)).await.replayed);
    room.advance(SignedDuration::from_mins(59));
    assert_eq!(room.metering.sweep(10).await.unwrap(), 0);
    room.denied(room.reserve(other, "tokens", 1, &[held(10)])).await;
    room.advance(SignedDuration::from_mins(1));
    assert_eq!(room.metering.sweep(10).await.unwrap(), 1);
    assert_eq!(room.used("tokens", &held(10)).await, 0);
}

/// What holds nothing any more is asked for anew, and may be refused.
pub async fn what_was_released_or_swept_is_made_afresh(room: Room) {
    let (id, other) = (room.reservation(), room.reservation());
    let reserve = |id, units| room.reserve(id, "tokens", units, &[held(10)]);
    room.granted(reserve(id, 10)).await;
    room.granted(room.entry(Op::Release { id })).await;
    assert!(!room.granted(reserve(id, 8)).await.replayed);
    room.denied(reserve(other, 3)).await;
    room.advance(SignedDuration::from_mins(60));
    assert_eq!(room.metering.sweep(10).await.unwrap(), 1);
    room.granted(reserve(other, 3)).await;
    room.denied(reserve(id, 8)).await;
    assert!(!room.granted(reserve(id, 7)).await.replayed);
    assert_eq!(room.granted(room.settle(id, "tokens", 7)).await.standings[0].used, 10);
}

/// A fence stops new charges, not the end of what was admitted before.
pub async fn what_was_admitted_is_settled_behind_a_fence(room: Room) {
    let (settled, released) = (room.reservation(), room.reservation());
    room.granted(room.reserve(settled, "tokens", 3, &[month(10)])).await;
    room.granted(room.reserve(released, "tokens", 3, &[month(10)])).await;
    room.metering.fence(room.org, 1).await.unwrap();
    let extend = Op::Extend { id: settled, charges: vec![charge("tokens", 1, &[month(10)])] };
    assert_eq!(room.ask(room.entry(extend)).await, Decision::Stale { epoch: 1 });
    room.granted(room.settle(settled, "tokens", 2)).await;
    assert_eq!(room.granted(room.entry(Op::Release { id: released })).await.standings[0].used, 2);
}

/// An organisation cannot fill the database with reservations.
pub async fn open_reservations_are_bounded(room: Room) {
    let reserve = || room.reserve(room.reservation(), "tokens", 1, &[month(1_000_000)]);
    let batch: Vec<_> = (0..OPEN_RESERVATIONS_MAX).map(|_| reserve()).collect();
    let decisions = room.metering.apply(&batch).await.unwrap();
    assert!(decisions.iter().all(|decision| matches!(decision, Decision::Granted(_))));
    assert_eq!(room.ask(reserve()).await, Decision::TooManyReservations);
    let Op::Reserve { id, .. } = batch[0].op else { unreachable!() };
    room.granted(room.entry(Op::Release { id })).await;
    room.granted(reserve()).await;
}
