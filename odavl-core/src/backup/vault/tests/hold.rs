//! Who may do what while others do something: locks, tries that were given up, stores that keep everything.

use std::time::Duration;

use super::*;
use crate::{
    ErrorCode,
    backup::{DumpOptions, Format, RestoreOptions, Why},
};

fn over() -> SignedDuration {
    HOLDS + SignedDuration::from_secs(1)
}

#[tokio::test]
async fn a_lock_is_renewed_while_the_work_goes_on_and_what_loses_it_is_dropped() {
    let room = Room::new();
    let vault = room.vault();
    let mut lock = vault.lock(room.source()).await.unwrap();
    lock.renewed = Duration::ZERO;
    let work = async {
        for _ in 0..60 {
            let before = lock.check().await?;
            while lock.check().await? == before {
                tokio::task::yield_now().await;
            }
            room.clock.advance(SignedDuration::from_secs(60));
        }
        Ok(())
    };
    lock.over(work).await.unwrap();
    assert!(matches!(vault.lock(room.source()).await, Err(Error::Conflict(_))));
    // It stands still for too long, somebody takes it, and what it goes on with is dropped.
    room.clock.advance(over());
    let next = vault.lock(room.source()).await.unwrap();
    let dropped = lock.over(std::future::pending::<Result<()>>()).await.unwrap_err();
    assert!(dropped.to_string().contains("who has taken the lock since"), "{dropped}");
    lock.release().await;
    next.check().await.unwrap();
    next.release().await;
    assert!(room.all(&room.place.locks().unwrap()).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_the_lock_writes_no_manifest_any_more() {
    let room = Room::new();
    room.store.set(Fault::WaitingManifest);
    let (vault, place, database) = (room.vault(), room.place.clone(), room.database.clone());
    let late = tokio::spawn(async move { vault.create(&place, &database, Wish::default()).await });
    room.store.waits.notified().await;
    room.clock.advance(over());
    let made = room.vault().create(&room.place, &room.database, Wish::default()).await.unwrap();
    assert_eq!(made.cleared.removed.len(), 1);
    room.store.goes_on.notify_one();
    let late = late.await.unwrap().unwrap_err();
    assert_eq!(late.code(), ErrorCode::Conflict, "{late}");
    assert_eq!(room.ids().await, [made.entry.manifest.id]);
    assert_eq!(room.left().await.0.len(), 3, "a manifest, a dump, and that one was given up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_the_future_holds_nobody_up_and_one_that_is_garbage_is_told_with_its_key() {
    let room = Room::new();
    room.clock.advance(SignedDuration::from_hours(24));
    let killed = room.vault().lock(room.source()).await.unwrap();
    room.clock.advance(SignedDuration::from_hours(-24));
    room.create().await.unwrap();
    assert!(matches!(killed.check().await, Err(Error::Conflict(_))));
    let key: StoreKey =
        format!("{}00000000000000000007", room.place.locks().unwrap().as_str()).parse().unwrap();
    room.write(&key, b"nonsense".to_vec()).await;
    let told = room.create().await.unwrap_err();
    assert!(told.to_string().contains(key.as_str()) && told.to_string().contains("remove it"), "{told}");
    room.store.delete(&key).await.unwrap();
    room.create().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_removed_while_a_backup_is_made() {
    let room = Room::new();
    let lock = room.vault().lock(room.source()).await.unwrap();
    assert!(matches!(room.prune().await, Err(Error::Conflict(_))));
    lock.release().await;
    room.prune().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_says_that_a_backup_was_given_up_counts_when_one_of_ours_says_it_of_that_backup() {
    let room = Room::new();
    let (kept, other) = (room.create().await.unwrap(), room.create().await.unwrap());
    let manifest = room.place.manifest(kept).unwrap();
    let mut strangers = room.vault();
    strangers.keys.signing = SigningKey::generate().unwrap().0;
    room.store.delete(&manifest).await.unwrap();
    strangers.give_up(&room.place, kept).await.unwrap().unwrap();
    let theirs = room.bytes(&manifest).await;
    let elsewhere = Place { source: "other".parse().unwrap(), ..room.place.clone() };
    room.vault().give_up(&elsewhere, kept).await.unwrap().unwrap();
    let moved = room.bytes(&elsewhere.manifest(kept).unwrap()).await;
    let unsigned = br#"{"kind":"odavl backup given up 1","payload":"{}"}"#.to_vec();
    for (forged, why) in
        [(theirs, "not trusted here"), (moved, "gives up another one"), (unsigned, "is not signed")]
    {
        room.write(&manifest, forged).await;
        room.clock.advance(SignedDuration::from_hours(24 * 30));
        let made = room.vault().create(&room.place, &room.database, Wish::default()).await.unwrap();
        assert_eq!(made.cleared, Cleared::default());
        let pruned = room.prune().await.unwrap();
        assert!(pruned.refused[0].1.contains(why), "{pruned:?}");
        assert!(room.store.head(&room.data(kept)).await.unwrap().is_some());
    }
    // One that is ours lets what is left be removed.
    room.store.delete(&manifest).await.unwrap();
    room.clock.advance(over());
    assert_eq!(room.prune().await.unwrap().cleared.removed, [kept]);
    assert!(!room.ids().await.contains(&other));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_being_verified_is_neither_removed_nor_verified_twice() {
    let mut room = Room::new();
    room.pruning.policy = Keep { last: 1, ..Keep::default() }.try_into().unwrap();
    let id = room.create().await.unwrap();
    room.sleep();
    let newest = room.create().await.unwrap();
    let killed = room.vault().lock(Of::Backup(room.place.clone(), id)).await.unwrap();
    for tier in [Tier::Bytes, Tier::Restore] {
        assert!(matches!(room.verify(id, tier).await, Err(Error::Conflict(_))));
    }
    let pruned = room.prune().await.unwrap();
    assert_eq!(pruned.decisions[1].keep, [Why::Verifying]);
    // It was killed when all was restored: the next one removes that, and what it held runs out.
    drop(killed);
    room.clock.advance(over());
    let scratch: DatabaseName = format!("odavl_verify_{}", &id.to_string()[4..]).parse().unwrap();
    let dump = room.database.dump(DumpOptions::default()).await.unwrap();
    let options = RestoreOptions::scratch(scratch.clone(), dump.source.clone(), Format::Archive);
    room.database.restore(Box::new(dump), options).await.unwrap();
    assert!(room.verify(id, Tier::Restore).await.unwrap().passed());
    assert!(room.rows(scratch.as_str()).await.is_err());
    assert!(room.all(&room.place.verifying(id).unwrap()).await.is_empty());
    // As the newest that was verified it would stay.
    assert!(room.verify(newest, Tier::Restore).await.unwrap().passed());
    room.prune().await.unwrap();
    assert_eq!(room.ids().await, [newest]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_keeps_everything_takes_backups_and_what_stays_is_told() {
    let room = Room::new();
    room.write(&room.data(BackupId::new(room.clock.now()).unwrap()), b"left".to_vec()).await;
    room.sleep();
    room.store.set(Fault::Locked);
    for _ in 0..4 {
        let made = room.vault().create(&room.place, &room.database, Wish::default()).await.unwrap();
        assert!(made.cleared.removed.is_empty() && made.cleared.stays[0].contains("/data-001"), "{made:?}");
        let id = made.entry.manifest.id;
        assert!(room.verify(id, Tier::Restore).await.unwrap().passed());
        assert!(room.verify(id, Tier::Bytes).await.unwrap().passed());
        room.vault().pin(&room.place, id, Pinned::Yes).await.unwrap();
        room.vault().pin(&room.place, id, Pinned::Yes).await.unwrap();
        room.sleep();
    }
    let unpinned = room.create().await.unwrap();
    for _ in 0..2 {
        room.sleep();
        room.create().await.unwrap();
    }
    let pruned = room.prune().await.unwrap();
    let kept = pruned.decisions.iter().find(|decision| decision.backup == unpinned).unwrap();
    assert_eq!((kept.keep.as_slice(), room.ids().await.len()), ([Why::Locked].as_slice(), 7));
}
