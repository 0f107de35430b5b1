//! What is removed in time, and what never is.

use super::{
    Answer, Arc, Decision, Entry, Grouping, HistoryQuery, KEPT, OrgId, Resolution, Room, SignedDuration,
    charge, held, keyed, month, rate,
};
use crate::Clock;

const MOMENT: SignedDuration = SignedDuration::from_micros(1);

/// Lines and thresholds go; counters, and a line's place in the ledger, stay.
pub async fn what_is_over_is_pruned_and_what_counts_stays(room: Room) {
    let limits = [held(10)];
    room.granted(room.charge("storage_bytes", 8, &limits)).await;
    room.advance(KEPT + MOMENT);
    room.granted(room.charge("storage_bytes", 1, &limits)).await;
    let history = room.history("storage_bytes", Resolution::Hour, Grouping::Total);
    let before = room.metering.history(room.org, &history).await.unwrap();
    room.prune().await;
    let ledger: Vec<_> = room.ledger().await.iter().map(|record| record.seq).collect();
    assert_eq!((ledger, room.used("storage_bytes", &held(10)).await), (vec![2], 9));
    let thresholds: Vec<_> = room.thresholds().await.iter().map(|event| event.seq).collect();
    assert_eq!(thresholds, [2, 3], "what the first month reached went, what this one did is new");
    assert_eq!(room.metering.history(room.org, &history).await.unwrap(), before);
    room.advance(KEPT + MOMENT);
    room.prune().await;
    assert!(room.ledger().await.is_empty());
    room.granted(room.charge("storage_bytes", 1, &limits)).await;
    assert_eq!((room.ledger().await[0].seq, room.thresholds().await[0].seq), (3, 4));
}

/// 35 days past the end of a month that began with the charge, to the microsecond.
pub async fn nothing_is_pruned_before_its_time(room: Room) {
    let key = room.key();
    let entry = keyed(room.charge("api_calls", 9, &[month(10), rate(10)]), key);
    let first = room.granted(entry.clone()).await;
    room.advance(KEPT);
    room.prune().await;
    assert_eq!((room.ledger().await.len(), room.thresholds().await.len()), (1, 2));
    assert_eq!(room.granted(entry).await, Answer { replayed: true, ..first });
}

/// A retry that comes after all that time is a new request.
pub async fn a_key_that_was_pruned_is_new(room: Room) {
    let entry = keyed(room.charge("storage_bytes", 4, &[held(10)]), room.key());
    room.granted(entry.clone()).await;
    room.advance(KEPT + MOMENT);
    room.prune().await;
    let answer = room.granted(entry.clone()).await;
    assert_eq!((answer.replayed, answer.standings[0].used), (false, 8));
    assert!(room.granted(entry).await.replayed);
}

/// Reservations that ended go, however they ended; one that is open holds for as long as nobody ends it.
pub async fn what_ended_is_pruned_and_what_is_held_is_not(room: Room) {
    let limits = [held(10)];
    let [settled, released, open] = [(); 3].map(|()| room.reservation());
    for id in [settled, released, open] {
        room.granted(room.reserve(id, "storage_bytes", 2, &limits)).await;
    }
    room.granted(room.settle(settled, "storage_bytes", 2)).await;
    let release = |id| room.entry(super::Op::Release { id });
    room.granted(release(released)).await;
    // They were to expire in an hour.
    room.advance(KEPT + SignedDuration::from_hours(1));
    room.prune().await;
    assert!(room.granted(room.settle(settled, "storage_bytes", 2)).await.replayed);
    room.advance(MOMENT);
    room.prune().await;
    assert_eq!(room.ask(room.settle(settled, "storage_bytes", 2)).await, Decision::NoReservation);
    assert_eq!(room.ask(release(released)).await, Decision::NoReservation);
    assert_eq!(room.used("storage_bytes", &held(10)).await, 4);
    room.granted(release(open)).await;
    assert_eq!(room.used("storage_bytes", &held(10)).await, 2);
}

/// What was used is told by the month, the day and the hour when no line of the ledger is left.
pub async fn a_year_of_history_needs_no_ledger(room: Room) {
    let from = room.clock.now();
    for _ in 0..365 {
        room.granted(room.charge("api_calls", 1, &[month(100)])).await;
        room.granted(room.charge("storage_bytes", 2, &[held(1000)])).await;
        room.advance(SignedDuration::from_hours(24));
    }
    let read = async |meter: &str, resolution, grouping| {
        let (meter, to) = (meter.parse().unwrap(), room.clock.now());
        let query = HistoryQuery { meter, from, to, resolution, grouping };
        room.metering.history(room.org, &query).await.unwrap()
    };
    let all = async || {
        let mut told = Vec::new();
        for resolution in [Resolution::Month, Resolution::Day, Resolution::Hour] {
            for grouping in [Grouping::Total, Grouping::Subject] {
                told.push(read("api_calls", resolution, grouping).await);
                told.push(read("storage_bytes", resolution, grouping).await);
            }
        }
        told
    };
    let before = all().await;
    assert_eq!(before[0].iter().map(|bucket| bucket.units).sum::<i64>(), 365);
    assert_eq!(before[1].last().unwrap().closing, Some(730));
    room.advance(KEPT);
    room.prune().await;
    assert!(room.ledger().await.is_empty());
    room.clock.advance(-KEPT);
    assert_eq!(all().await, before);
}

/// Many lines of one organisation and many organisations: each part is bounded, and all of it goes.
pub async fn pruning_goes_through_all_of_much_part_by_part(room: Room) {
    let line = room.charge("api_calls", 1, &[month(100_000)]);
    let others: Vec<_> = (0..1500).map(|_| OrgId::new(room.clock.now()).unwrap()).collect();
    room.metering.apply(&vec![line.clone(); 4500]).await.unwrap();
    let each: Vec<_> = others.iter().map(|org| Entry { org: *org, ..line.clone() }).collect();
    room.metering.apply(&each).await.unwrap();
    room.advance(KEPT + MOMENT);
    room.metering.apply(&[line, each[0].clone()]).await.unwrap();
    room.prune().await;
    assert_eq!(room.ledger().await.iter().map(|record| record.seq).collect::<Vec<_>>(), [4501]);
    let page = crate::page::PageQuery::default();
    for (org, left) in others.iter().zip([1].into_iter().chain(std::iter::repeat(0))) {
        assert_eq!(room.metering.ledger(*org, &page).await.unwrap().items.len(), left);
    }
    assert_eq!(room.prune().await, room.prune().await, "there is nothing left to remove");
}

/// Two nodes that prune at the same time do not hinder each other, or whoever is charged meanwhile.
pub async fn two_that_prune_at_once_remove_it_once(room: Room) {
    let old = room.charge("api_calls", 1, &[month(100_000)]);
    room.metering.apply(&vec![old.clone(); 3000]).await.unwrap();
    room.advance(KEPT + MOMENT);
    let room = Arc::new(room);
    let mut nodes = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let room = Arc::clone(&room);
        nodes.spawn(async move { room.prune().await });
    }
    for _ in 0..20 {
        room.granted(old.clone()).await;
    }
    nodes.join_all().await;
    let ledger: Vec<_> = room.ledger().await.iter().map(|record| record.seq).collect();
    assert_eq!(ledger, (3001..=3020).collect::<Vec<_>>());
    room.granted(room.entry(super::Op::Charge(vec![charge("api_calls", 1, &[month(21)])]))).await;
}
