//! What a retry is answered.

use super::{
    Answer, Decision, Digest, Entry, Idempotency, Op, OrgId, Room, SignedDuration, charge, keyed, month, rate,
};
use crate::Clock;

fn again(answer: Answer) -> Decision {
    Decision::Granted(Answer { replayed: true, ..answer })
}

/// A retry is answered as the first time, even where the limit is reached by now.
pub async fn a_retry_gets_its_answer_again_even_at_the_limit(room: Room) {
    let entry = keyed(room.charge("api_calls", 8, &[month(10), rate(9)]), room.key());
    let first = room.granted(entry.clone()).await;
    assert_eq!(room.ask(entry.clone()).await, again(first.clone()));
    room.granted(room.charge("api_calls", 1, &[month(10)])).await;
    room.advance(SignedDuration::from_hours(24 * 31));
    assert_eq!(room.ask(entry.clone()).await, again(first.clone()));
    room.granted(room.charge("api_calls", 10, &[month(10)])).await;
    assert_eq!(room.ask(entry).await, again(first));
    assert_eq!(room.used("api_calls", &month(10)).await, 10);
    assert_eq!(room.ledger().await.len(), 3);
}

/// The same key with another request is a conflict, whether or not the request would stand.
pub async fn a_key_with_another_request_is_a_conflict(room: Room) {
    let key = room.key();
    room.granted(keyed(room.charge("api_calls", 1, &[month(10)]), key)).await;
    let other = Idempotency { request: Digest::of(b"another"), ..key };
    for units in [2, 100] {
        let entry = keyed(room.charge("api_calls", units, &[month(10)]), other);
        assert_eq!(room.ask(entry).await, Decision::Conflict);
    }
    assert_eq!(room.used("api_calls", &month(10)).await, 1);
}

/// Only yeses are remembered.
pub async fn a_denied_key_is_free(room: Room) {
    let key = room.key();
    room.denied(keyed(room.charge("api_calls", 11, &[month(10)]), key)).await;
    let smaller = Idempotency { request: Digest::of(b"smaller"), ..key };
    let answer = room.granted(keyed(room.charge("api_calls", 1, &[month(10)]), smaller)).await;
    assert!(!answer.replayed);
}

/// Two entries with one key in one batch are one charge.
pub async fn a_key_twice_in_one_batch_charges_once(room: Room) {
    let entry = keyed(room.charge("api_calls", 3, &[month(10)]), room.key());
    let plain = room.charge("api_calls", 1, &[month(10)]);
    let decisions = room.metering.apply(&[entry.clone(), plain, entry]).await.unwrap();
    let Decision::Granted(first) = decisions[0].clone() else { panic!("{decisions:?}") };
    assert_eq!(decisions[2], again(first));
    assert_eq!(room.used("api_calls", &month(10)).await, 4);
}

/// Two organisations may use the same key.
pub async fn a_key_is_its_organisation_s_own(room: Room) {
    let entry = keyed(room.charge("api_calls", 3, &[month(10)]), room.key());
    room.granted(entry.clone()).await;
    let other = Entry { org: OrgId::new(room.clock.now()).unwrap(), ..entry };
    assert!(!room.granted(other).await.replayed);
}

/// A question with a key is answered again as the first time.
pub async fn a_keyed_entry_that_charges_nothing_is_remembered(room: Room) {
    let entry = keyed(room.charge("api_calls", 0, &[month(10)]), room.key());
    let first = room.granted(entry.clone()).await;
    room.granted(room.charge("api_calls", 10, &[month(10)])).await;
    assert_eq!(room.ask(entry).await, again(first));
    let probe =
        Entry { op: Op::Probe(vec![charge("api_calls", 1, &[month(20)])]), ..room.charge("x", 0, &[]) };
    assert!(!room.granted(keyed(probe, room.key())).await.replayed);
}
