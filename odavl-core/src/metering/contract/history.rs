//! Thresholds, the ledger, and history.

use super::{
    Arc, BTreeMap, Clock, Entry, Grouping, HistoryQuery, OrgId, PageQuery, Resolution, Room, SignedDuration,
    ThresholdEvent, held, month, rate,
};

fn told(events: &[ThresholdEvent]) -> Vec<(u8, u64)> {
    events.iter().map(|event| (event.threshold, event.standing.used)).collect()
}

/// 80, 90 and 100 %, at the exact unit, each once a period.
pub async fn each_threshold_is_recorded_once_a_period_and_a_jump_records_all(room: Room) {
    for units in [7, 1, -1, 1, 1, 1] {
        room.granted(room.charge("api_calls", units, &[month(10)])).await;
    }
    assert_eq!(told(&room.thresholds().await), [(80, 8), (90, 9), (100, 10)]);
    room.advance(SignedDuration::from_hours(24 * 10));
    let id = room.reservation();
    room.granted(room.reserve(id, "api_calls", 9, &[month(10)])).await;
    room.granted(room.settle(id, "api_calls", 9)).await;
    let events = room.thresholds().await;
    assert_eq!(told(&events[3..]), [(80, 9), (90, 9)]);
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let page = PageQuery { limit: 2, cursor: Some("2".to_owned()) };
    let page = room.metering.thresholds(room.org, &page).await.unwrap();
    assert_eq!((told(&page.items), page.next_cursor.as_deref()), (vec![(100, 10), (80, 9)], Some("4")));
}

/// A rate is reached again and again: that is no event.
pub async fn rates_record_no_thresholds(room: Room) {
    room.granted(room.charge("api_calls", 10, &[month(1000), rate(10)])).await;
    assert!(room.thresholds().await.is_empty());
}

/// A gauge has no period, so its thresholds have the calendar month.
pub async fn a_gauge_s_thresholds_are_recorded_once_a_month(room: Room) {
    for units in [9, -9, 9] {
        room.granted(room.charge("storage_bytes", units, &[held(10)])).await;
    }
    assert_eq!(told(&room.thresholds().await), [(80, 9), (90, 9)]);
    room.advance(SignedDuration::from_hours(24 * 10));
    room.granted(room.charge("storage_bytes", -5, &[held(10)])).await;
    room.granted(room.charge("storage_bytes", 6, &[held(10)])).await;
    assert_eq!(told(&room.thresholds().await[2..]), [(80, 10), (90, 10), (100, 10)]);
}

/// Whoever tells others of them is told of each, the oldest first, until they say that they have.
pub async fn a_threshold_is_untold_until_it_is_told(room: Room) {
    room.granted(room.charge("api_calls", 9, &[month(10)])).await;
    room.advance(SignedDuration::from_secs(1));
    room.granted(room.charge("storage_bytes", 8, &[held(10)])).await;
    let untold = async |most| {
        let untold = room.metering.untold(most).await.unwrap();
        let own = untold.into_iter().filter(|untold| untold.org == room.org);
        own.map(|untold| (untold.seq, untold.event.unwrap().threshold)).collect::<Vec<_>>()
    };
    assert_eq!(untold(9).await, [(1, 80), (2, 90), (3, 80)]);
    assert_eq!(untold(2).await, [(1, 80), (2, 90)]);
    for _ in 0..2 {
        room.metering.told(room.org, 1).await.unwrap();
    }
    room.metering.told(OrgId::new(room.clock.now()).unwrap(), 2).await.unwrap();
    assert_eq!(untold(9).await, [(2, 90), (3, 80)]);
    assert_eq!(room.thresholds().await.len(), 3);
}

/// The ledger counts from 1 without gaps, and keeps subject and tags.
pub async fn the_ledger_has_no_gaps_and_comes_in_pages(room: Room) {
    let tags = Arc::new(BTreeMap::from([("project".to_owned(), "prj_1".to_owned())]));
    for units in 1..=5 {
        let entry = Entry { tags: Arc::clone(&tags), ..room.charge("api_calls", units, &[month(12)]) };
        room.ask(entry).await;
    }
    let mut page = PageQuery { limit: 2, cursor: None };
    let mut seen = Vec::new();
    loop {
        let read = room.metering.ledger(room.org, &page).await.unwrap();
        assert!(read.items.iter().all(|record| record.tags == *tags && record.subject == "key_1"));
        seen.extend(read.items.iter().map(|record| (record.seq, record.charges[0].1)));
        page.cursor = read.next_cursor;
        if page.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [(1, 1), (2, 2), (3, 3), (4, 4)]);
    let wrong = PageQuery { limit: 2, cursor: Some("not one of ours".to_owned()) };
    assert!(room.metering.ledger(room.org, &wrong).await.is_err());
    let far = PageQuery { limit: 2, cursor: Some(u64::MAX.to_string()) };
    assert!(room.metering.ledger(room.org, &far).await.unwrap().items.is_empty());
}

/// History is cut by hour, day and month (UTC), in total or by subject.
pub async fn history_is_cut_by_window_and_subject(room: Room) {
    for (subject, units) in [("key_1", 1), ("key_2", 2), ("key_1", 4)] {
        for _ in 0..2 {
            let entry = Entry { subject: subject.into(), ..room.charge("api_calls", units, &[month(100)]) };
            room.granted(entry).await;
        }
        room.advance(SignedDuration::from_hours(8));
    }
    let read = async |resolution, grouping| {
        let query = room.history("api_calls", resolution, grouping);
        let buckets = room.metering.history(room.org, &query).await.unwrap();
        assert!(buckets.iter().all(|bucket| bucket.closing.is_none()));
        buckets.into_iter().map(|b| (b.start.to_string(), b.subject, b.units, b.count)).collect::<Vec<_>>()
    };
    let row = |start: &str, subject: &str, units, count| (start.to_owned(), subject.to_owned(), units, count);
    let hours = [
        row("2026-11-22T12:00:00Z", "", 2, 2),
        row("2026-11-22T20:00:00Z", "", 4, 2),
        row("2026-11-23T04:00:00Z", "", 8, 2),
    ];
    assert_eq!(read(Resolution::Hour, Grouping::Total).await, hours);
    let days = [row("2026-11-22T00:00:00Z", "", 6, 4), row("2026-11-23T00:00:00Z", "", 8, 2)];
    assert_eq!(read(Resolution::Day, Grouping::Total).await, days);
    let months = [row("2026-11-01T00:00:00Z", "key_1", 10, 4), row("2026-11-01T00:00:00Z", "key_2", 4, 2)];
    assert_eq!(read(Resolution::Month, Grouping::Subject).await, months);
}

/// A gauge's history says what was held when each window closed, also where nothing happened.
pub async fn a_gauge_s_history_closes_every_window(room: Room) {
    for units in [100, -30] {
        room.granted(room.charge("storage_bytes", units, &[held(1000)])).await;
        room.advance(SignedDuration::from_hours(48));
    }
    room.granted(room.charge("storage_bytes", 7, &[held(1000)])).await;
    let query = room.history("storage_bytes", Resolution::Day, Grouping::Total);
    let closing = async |query: &HistoryQuery| {
        let buckets = room.metering.history(room.org, query).await.unwrap();
        buckets.into_iter().map(|bucket| bucket.closing.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(closing(&query).await, [100, 100, 70, 70, 77]);
    let past =
        HistoryQuery { to: "2026-11-24T13:00:00Z".parse().unwrap(), resolution: Resolution::Hour, ..query };
    let hours = closing(&past).await;
    assert_eq!((hours.len(), hours[0], hours[47], hours[48]), (49, 100, 100, 70));
}
