//! Many callers at once, through the combiner.

use tokio::task::JoinSet;

use super::{
    super::{Combiner, CombinerOptions},
    Arc, Clock, Decision, ManualClock, Room, keyed, month,
};

impl Room {
    fn combiner(&self) -> Arc<Combiner> {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        Arc::new(Combiner::new(Arc::clone(&self.metering), clock, CombinerOptions::default()))
    }
}

/// 256 callers who ask three times for what is there get exactly what is there.
pub async fn concurrent_callers_get_exactly_the_limit(room: Room) {
    let combiner = room.combiner();
    let mut callers = JoinSet::new();
    for caller in 0..256_u64 {
        let combiner = Arc::clone(&combiner);
        // Some name themselves, so that neither way of asking is favoured.
        let entry = move |room: &Room| match caller % 2 {
            0 => room.charge("api_calls", 1, &[month(1000)]),
            _ => keyed(room.charge("api_calls", 1, &[month(1000)]), room.key()),
        };
        let entries: Vec<_> = (0..12).map(|_| entry(&room)).collect();
        callers.spawn(async move {
            let mut yeses = 0;
            for entry in entries {
                yeses += u64::from(matches!(combiner.decide(entry).await.unwrap(), Decision::Granted(_)));
            }
            yeses
        });
    }
    assert_eq!(callers.join_all().await.into_iter().sum::<u64>(), 1000);
    assert_eq!(room.used("api_calls", &month(1000)).await, 1000);
    assert_eq!(room.ledger().await.len(), 1000);
    combiner.close().await.unwrap();
}

/// A caller who leaves is charged once or not at all, and a retry with the same key settles which.
pub async fn callers_who_leave_are_charged_once_or_not_at_all(room: Room) {
    let combiner = room.combiner();
    let entries: Vec<_> =
        (0..200).map(|_| keyed(room.charge("api_calls", 1, &[month(1000)]), room.key())).collect();
    let mut callers = JoinSet::new();
    for (nth, entry) in entries.iter().cloned().enumerate() {
        let combiner = Arc::clone(&combiner);
        let caller = callers.spawn(async move { combiner.decide(entry).await });
        if nth % 3 == 0 {
            tokio::task::yield_now().await;
            caller.abort();
        }
    }
    while callers.join_next().await.is_some() {}
    for entry in entries {
        assert!(matches!(combiner.decide(entry).await.unwrap(), Decision::Granted(_)));
    }
    assert_eq!(room.used("api_calls", &month(1000)).await, 200);
    let ledger = room.ledger().await;
    assert_eq!(ledger.iter().map(|record| record.charges[0].1).sum::<i64>(), 200);
    combiner.close().await.unwrap();
}
