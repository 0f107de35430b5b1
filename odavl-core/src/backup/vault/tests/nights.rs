//! What is done each night.

use super::*;
use crate::backup::{Often, Ran, RunPolicy};

impl Room {
    async fn night(&self, verify: Option<Often>) -> Result<Ran> {
        let policy = RunPolicy { wish: Wish::default(), verify, pruning: self.pruning.clone() };
        self.vault().run(&self.place, &self.database, Ok(self.scratch()), &policy).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_makes_one_proves_it_and_removes_what_no_rule_keeps() {
    let room = Room::new();
    let mut tiers = Vec::new();
    for _ in 0..4 {
        let ran = room.night(Some(Often::Every(3.try_into().unwrap()))).await.unwrap();
        tiers.push(ran.verified.unwrap().verdict.tier);
        assert!(ran.pruned.unwrap().is_ok() && ran.spared.is_none());
        room.sleep();
    }
    assert_eq!(tiers, [Tier::Restore, Tier::Bytes, Tier::Bytes, Tier::Restore]);
    // The two newest, and the newest that was verified, which is one of them.
    assert_eq!(room.ids().await.len(), 2);
    let usual = room.night(None).await.unwrap();
    assert_eq!(usual.verified.unwrap().verdict.tier, Tier::Restore);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_one_that_is_bad_or_was_not_made_nothing_is_removed() {
    let mut room = Room::new();
    room.pruning.policy = Keep { last: 1, ..Keep::default() }.try_into().unwrap();
    let good = room.create().await.unwrap();
    room.sleep();
    room.store.set(Fault::Damaging);
    let ran = room.night(None).await.unwrap();
    assert!(!ran.verified.unwrap().passed() && ran.pruned.is_none());
    room.store.set(Fault::None);
    room.database.fail_dumps_after(Some(20));
    assert!(room.night(None).await.is_err());
    assert!(room.ids().await.contains(&good));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_identity_the_bytes_are_read_and_it_is_told() {
    let mut room = Room::new();
    room.keys.identities = Identities::default();
    let ran = room.night(Some(Often::Each)).await.unwrap();
    assert_eq!(ran.verified.unwrap().verdict.tier, Tier::Bytes);
    assert!(ran.spared.unwrap().contains("no identity") && ran.pruned.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_with_a_clock_that_is_ahead_removes_no_good_one() {
    let mut room = Room::new();
    room.pruning.policy = Policy::PRODUCTION;
    for _ in 0..10 {
        room.night(Some(Often::Each)).await.unwrap();
        room.sleep();
    }
    let good = room.ids().await;
    room.clock.advance(SignedDuration::from_hours(24 * 40));
    assert!(room.night(Some(Often::Each)).await.unwrap().pruned.unwrap().is_ok());
    room.clock.advance(SignedDuration::from_hours(-24 * 40));
    assert!(room.night(Some(Often::Each)).await.unwrap().pruned.unwrap().is_ok());
    assert!(good.len() == 10 && room.ids().await.starts_with(&good));
}
