//! In none of these does a bad backup count as good, or a good one disappear.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::*;
use crate::ErrorCode;

/// Rows that do not grow smaller: some 30 MiB of them.
fn noise(room: &Room) {
    let row = |_| BASE64_STANDARD.encode(crate::random::bytes::<65536>().unwrap());
    room.database.insert("noise", (0..480).map(row).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_the_third_part_ends_in_an_error_and_no_backup() {
    let room = Room::new();
    noise(&room);
    room.store.part.store(3, Ordering::SeqCst);
    assert_eq!(room.create().await.unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(room.left().await, (vec![], 0));
    // The store is well again, and the lock was given back.
    room.run().await.unwrap();
    assert!(room.store.parts.load(Ordering::SeqCst) > 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_is_killed_and_a_fingerprint_that_fails_leave_nothing() {
    let room = Room::new();
    let good = room.run().await.unwrap();
    let before = room.left().await;
    room.sleep();
    room.database.fail_dumps_after(Some(20));
    assert_eq!(room.create().await.unwrap_err().to_string(), "what makes the dump was killed");
    assert_eq!(room.left().await, before);
    room.database.fail_dumps_after(None);
    room.database.fail_fingerprints();
    assert_eq!(room.create().await.unwrap_err().to_string(), "the rows are gone");
    assert_eq!((room.left().await, room.ids().await), (before, vec![good]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_not_written_is_no_backup_and_one_whose_answer_is_lost_is_one() {
    let room = Room::new();
    room.store.set(Fault::NoManifest);
    assert_eq!(room.create().await.unwrap_err().code(), ErrorCode::Unavailable);
    let (keys, open) = room.left().await;
    assert!(room.ids().await.is_empty() && open == 0);
    assert!(matches!(keys.as_slice(), [grave] if grave.ends_with("manifest.json")), "{keys:?}");
    room.store.set(Fault::SilentManifest);
    let made = room.create().await.unwrap();
    assert_eq!(room.ids().await, [made]);
    // What was given up keeps its place for a week.
    room.store.set(Fault::None);
    room.clock.advance(SignedDuration::from_hours(24 * 8));
    let next = room.create().await.unwrap();
    assert_eq!((room.ids().await, room.left().await.0.len()), (vec![made, next], 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_told_and_counts_and_a_good_backup_outlives_it() {
    let mut room = Room::new();
    room.pruning.policy = Keep { last: 1, ..Keep::default() }.try_into().unwrap();
    let good = room.run().await.unwrap();
    room.sleep();
    let bad = room.create().await.unwrap();
    room.change(&room.data(bad), |bytes| bytes[200] ^= 1).await;
    for tier in [Tier::Restore, Tier::Bytes] {
        let found = room.verify(bad, tier).await.unwrap();
        assert_eq!(found.findings.faults, ["part 1 of data-001.dump.zst.age is not what was stored"]);
    }
    assert_eq!(room.proof(bad).await, Proof::Failed);
    assert!(matches!(room.prune().await, Err(Error::Conflict(_))));
    assert_eq!(room.ids().await, [good, bad]);
    let newest = room.vault().find(&room.place, Which::Newest).await.unwrap();
    assert_eq!(newest.manifest.id, good);
    let refused = room.restore(bad, "beside", Some("before")).await.unwrap_err();
    assert_eq!((refused.code(), room.rows("app").await.unwrap()), (ErrorCode::Corrupted, 2));
    room.sleep();
    let next = room.run().await.unwrap();
    assert_eq!(room.ids().await, [next]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_gone_cut_off_or_of_another_backup_are_found() {
    let room = Room::new();
    let mut made = Vec::new();
    for row in ["first", "second", "third"] {
        room.database.insert("people", [row]);
        made.push(room.create().await.unwrap());
    }
    let first = room.bytes(&room.data(made[0])).await;
    room.write(&room.data(made[1]), first).await;
    room.change(&room.data(made[2]), |bytes| bytes.truncate(99)).await;
    room.store.delete(&room.data(made[0])).await.unwrap();
    for id in made {
        assert!(!room.verify(id, Tier::Bytes).await.unwrap().passed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_by_one_of_ours_is_refused_by_name_and_never_removed() {
    let mut room = Room::new();
    let id = room.run().await.unwrap();
    let manifest = room.place.manifest(id).unwrap();
    let why = async |room: &Room| {
        let listing = room.vault().list(&room.place).await.unwrap();
        assert!(listing.backups.is_empty());
        let found = room.vault().find(&room.place, Which::Id(id)).await;
        assert_eq!(found.unwrap_err().code(), ErrorCode::Corrupted);
        for which in [Which::Newest, Which::NewestVerified] {
            let told = room.vault().find(&room.place, which).await.unwrap_err();
            assert!(told.code() == ErrorCode::Corrupted && told.to_string().ends_with(&listing.refused[0].1));
        }
        room.clock.advance(SignedDuration::from_hours(24 * 30));
        room.prune().await.unwrap();
        assert_eq!(room.left().await.0.len(), 3);
        listing.refused[0].1.clone()
    };
    let ours = std::mem::replace(&mut room.keys.signing, SigningKey::generate().unwrap().0);
    assert!(why(&room).await.contains("which is not trusted here"));
    room.keys.trusted = Trusted::from(vec![ours.public()]);
    assert_eq!(room.ids().await, [id]);
    room.change(&manifest, |bytes| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("environment\\\":\\\"production", "environment\\\":\\\"prodaction").into();
    })
    .await;
    assert!(why(&room).await.ends_with("was changed after it was signed"));
    room.change(&manifest, |bytes| *bytes = b"{}".to_vec()).await;
    assert!(why(&room).await.ends_with("is no signed document"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verdict_counts_for_the_backup_it_is_about_and_a_manifest_where_it_belongs() {
    let room = Room::new();
    let proved = room.run().await.unwrap();
    let other = room.create().await.unwrap();
    let files = room.all(&room.place.backup(proved).unwrap()).await;
    let verdict = files.iter().find(|key| key.as_str().contains("/verdicts/")).unwrap();
    let copy = room.bytes(verdict).await;
    room.write(&room.place.verdict(other, "1").unwrap(), copy).await;
    assert_eq!(room.proof(other).await, Proof::Unproved);
    // Junk that somebody puts beside a backup makes it neither good nor bad.
    room.write(&room.place.verdict(proved, "2").unwrap(), b"{}".to_vec()).await;
    assert_eq!(room.proof(proved).await, Proof::Verified);
    let manifest = room.bytes(&room.place.manifest(proved).unwrap()).await;
    room.write(&room.place.manifest(other).unwrap(), manifest).await;
    let moved = room.vault().find(&room.place, Which::Id(other)).await;
    assert_eq!(moved.unwrap_err().code(), ErrorCode::Corrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_one_is_made_and_the_other_says_so() {
    let room = Room::new();
    let (one, two) = tokio::join!(room.create(), room.create());
    let refused: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert!(matches!(refused.as_slice(), [Error::Conflict(_)]), "{refused:?}");
    assert_eq!(room.ids().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_free_once_it_is_given_back_or_over_and_whoever_lost_it_stops() {
    let room = Room::new();
    let vault = room.vault();
    let first = vault.lock(room.source()).await.unwrap();
    assert!(matches!(room.create().await, Err(Error::Conflict(_))));
    first.check().await.unwrap();
    first.release().await;
    let stopped = vault.lock(room.source()).await.unwrap();
    room.clock.advance(HOLDS - SignedDuration::from_secs(1));
    assert!(matches!(room.create().await, Err(Error::Conflict(_))));
    room.clock.advance(SignedDuration::from_secs(1));
    let next = vault.lock(room.source()).await.unwrap();
    assert!(matches!(stopped.check().await, Err(Error::Conflict(_))));
    stopped.release().await;
    next.check().await.unwrap();
    next.release().await;
    room.create().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_left_goes_with_a_later_one_and_never_becomes_a_backup() {
    let room = Room::new();
    noise(&room);
    // Killed while it sends, and when all of it is there but the manifest.
    let id = BackupId::new(room.clock.now()).unwrap();
    let key = |name: &str| room.place.file(id, name).unwrap();
    room.store.begin_multipart(&key("data-002.dump.zst.age"), &MediaType::bytes()).await.unwrap();
    room.write(&key("data-001.dump.zst.age"), b"bytes".to_vec()).await;
    // What is younger than a lock holds, stays; and so does what is another source's.
    let young = room.create().await.unwrap();
    assert_eq!(room.left().await.1, 1);
    room.clock.advance(HOLDS + SignedDuration::from_secs(1));
    let other = Place { source: "other".parse().unwrap(), ..room.place.clone() };
    room.vault().create(&other, &room.database, Wish::default()).await.unwrap();
    assert_eq!(room.left().await.1, 1);
    let made = room.vault().create(&room.place, &room.database, Wish::default()).await.unwrap();
    assert_eq!(made.cleared, Cleared { removed: vec![id], stays: vec![] });
    let (keys, open) = room.left().await;
    let left: Vec<_> = keys.iter().filter(|key| key.contains(&id.to_string())).collect();
    assert!(open == 0 && left.len() == 1 && left[0].ends_with("manifest.json"), "{keys:?}");
    assert_eq!(room.ids().await, [young, made.entry.manifest.id]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_by_a_day_makes_no_good_backup_disappear() {
    let room = Room::new();
    for _ in 0..2 {
        room.run().await.unwrap();
        room.sleep();
    }
    let before = room.ids().await;
    room.clock.advance(SignedDuration::from_hours(-49));
    // The last lock was given back, so the clock does not hold it.
    room.run().await.unwrap();
    let now = room.ids().await;
    assert!(before.iter().all(|id| now.contains(id)) && now.len() == 3, "{now:?}");
}
