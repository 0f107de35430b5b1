//! What backups are for.

use super::*;
use crate::backup::{DumpOptions, Often, Reading, RunPolicy, SqliteBackup, Why};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_and_proved_and_what_no_rule_keeps_is_removed() {
    let room = Room::new();
    let mut made = Vec::new();
    for night in 0..4 {
        room.database.insert("people", [format!("person {night}")]);
        made.push(room.run().await.unwrap());
        assert_eq!(room.proof(made[night]).await, Proof::Verified);
        room.sleep();
    }
    assert_eq!(room.ids().await, made[2..]);
    let (keys, open) = room.left().await;
    assert_eq!((keys.len(), open), (6, 0), "a manifest, a dump and a verdict, twice: {keys:?}");
    let newest = room.vault().find(&room.place, Which::NewestVerified).await.unwrap();
    assert_eq!(newest.manifest.id, made[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_reads_the_store_reads_names_of_tables_or_rows() {
    let room = Room::new();
    room.database.insert("canary_table", ["canary row"]);
    room.run().await.unwrap();
    for key in room.all(&KeyPrefix::default()).await {
        let bytes = room.bytes(&key).await;
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_an_identity_makes_backups_and_proves_their_bytes() {
    let mut room = Room::new();
    room.keys.identities = Identities::default();
    let id = room.create().await.unwrap();
    assert!(room.verify(id, Tier::Bytes).await.unwrap().passed());
    assert_eq!(room.proof(id).await, Proof::Unproved);
    let refused = room.verify(id, Tier::Restore).await.unwrap_err();
    assert!(refused.hint().is_some(), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_without_a_fingerprint_is_not_fetched_to_be_compared_with_nothing() {
    let room = Room::new();
    let dump = DumpOptions { fingerprint: Reading::Without, ..DumpOptions::default() };
    let made = room.vault().create(&room.place, &room.database, Wish { dump, ..Wish::default() }).await;
    let id = made.unwrap().entry.manifest.id;
    room.store.set(Fault::Damaging);
    let refused = room.verify(id, Tier::Restore).await.unwrap_err();
    assert!(refused.to_string().contains("without a fingerprint"), "{refused}");
    assert_eq!(room.proof(id).await, Proof::Unproved);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_looked_at_on_a_server_that_is_named_for_it_and_never_on_the_live_one() {
    let room = Room::new();
    let id = room.create().await.unwrap();
    let other = MemoryBackup::new("maintenance".parse().unwrap());
    let on = |server: &MemoryBackup| Scratch::On(Arc::new(server.clone()));
    let verify = async |scratch: &Scratch| room.vault().verify(&room.place, Which::Id(id), scratch).await;
    let refused = verify(&on(&room.database)).await.unwrap_err();
    assert!(
        matches!(refused, Error::InvalidInput { .. }) && refused.to_string().contains("itself"),
        "{refused}"
    );
    assert_eq!(room.proof(id).await, Proof::Unproved);
    assert!(verify(&on(&other)).await.unwrap().passed());
    assert_eq!(room.proof(id).await, Proof::Verified);
    let policy = RunPolicy { wish: Wish::default(), verify: None, pruning: room.pruning.clone() };
    let ran = room.vault().run(&room.place, &room.database, Ok(on(&other)), &policy).await.unwrap();
    assert_eq!(ran.verified.unwrap().verdict.tier, Tier::Restore);
    // One of another engine is of no use.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    let refused = verify(&Scratch::On(Arc::new(SqliteBackup::new(path)))).await.unwrap_err();
    assert!(refused.to_string().contains("SQLite"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_also_where_the_way_to_the_server_to_prove_it_on_is_not_known() {
    let room = Room::new();
    let made = room.run().await.unwrap();
    let run = async |verify| {
        room.sleep();
        let policy = RunPolicy { wish: Wish::default(), verify, pruning: room.pruning.clone() };
        let unknown = Err(Error::invalid("the variable is not set"));
        room.vault().run(&room.place, &room.database, unknown, &policy).await.unwrap()
    };
    let (first, second) = (run(None).await, run(None).await);
    assert!(first.verified.is_err() && first.pruned.is_none());
    let (first, second) = (first.created.entry.manifest.id, second.created.entry.manifest.id);
    assert_eq!(room.proof(second).await, Proof::Unproved);
    assert_eq!(room.ids().await, [made, first, second], "none is removed after one that is not proved");
    let never = run(Some(Often::Never)).await;
    assert_eq!(never.verified.unwrap().verdict.tier, Tier::Bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_beside_the_live_database_and_in_its_place() {
    let room = Room::new();
    let id = room.run().await.unwrap();
    room.database.truncate("people");
    room.restore(id, "copy", None).await.unwrap();
    assert_eq!((room.rows("copy").await.unwrap(), room.rows("app").await.unwrap()), (2, 0));
    let again = room.restore(id, "copy", None).await.unwrap_err();
    assert!(matches!(again, Error::Conflict(_)), "it is not empty: {again}");
    room.restore(id, "beside", Some("before")).await.unwrap();
    assert_eq!((room.rows("app").await.unwrap(), room.rows("before").await.unwrap()), (2, 0));
    // Nothing is left of what was looked at and discarded.
    assert!(room.rows("beside").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_was_cut_off_goes_on_and_what_was_kept_aside_stays() {
    let room = Room::new();
    let id = room.run().await.unwrap();
    room.database.truncate("people");
    // Cut off while it was restored.
    room.database.leave_half_restored("beside".parse().unwrap());
    room.restore(id, "beside", Some("before")).await.unwrap();
    assert_eq!((room.rows("app").await.unwrap(), room.rows("before").await.unwrap()), (2, 0));
    // Once more: what is kept is not written over, and the same is put in the place of what is live now.
    room.database.insert("people", ["later"]);
    let refused = room.restore(id, "beside", Some("before")).await.unwrap_err();
    assert!(matches!(refused, Error::AlreadyExists { .. }), "{refused}");
    assert_eq!((room.rows("app").await.unwrap(), room.rows("before").await.unwrap()), (3, 0));
    // Cut off before the swap, when all was restored.
    room.restore(id, "beside", Some("second")).await.unwrap();
    assert_eq!((room.rows("app").await.unwrap(), room.rows("second").await.unwrap()), (2, 3));
    // What is somebody else's stays, and nothing takes its place.
    room.database.make_foreign("theirs".parse().unwrap());
    let refused = room.restore(id, "theirs", Some("third")).await.unwrap_err();
    assert!(matches!(refused, Error::Conflict(_)), "{refused}");
    assert_eq!(room.rows("app").await.unwrap(), 2);
    assert!(room.rows("third").await.is_err() && room.rows("theirs").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_would_be_done_and_does_nothing() {
    let room = Room::new();
    let id = room.run().await.unwrap();
    let wish = RestoreWish {
        to: "copy".parse().unwrap(),
        aside: Some("before".parse().unwrap()),
        ownership: Ownership::Mine,
        jobs: None,
    };
    let plan = room.vault().plan(&room.place, Which::Newest, (&room.database, &wish)).await.unwrap();
    assert_eq!((plan.backup, plan.proof, plan.to.as_str()), (id, Proof::Verified, "copy"));
    assert_eq!(plan.replaces, Some(("app".to_owned(), "before".to_owned())));
    assert!(plan.took.is_some() && room.rows("copy").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pinned_stays_and_what_the_store_does_not_let_go_of_is_told() {
    let room = Room::new();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(room.create().await.unwrap());
        room.sleep();
    }
    let vault = room.vault();
    vault.pin(&room.place, made[0], Pinned::Yes).await.unwrap();
    room.store.set(Fault::Locked);
    let told = room.prune().await.unwrap().decisions;
    assert_eq!(told.iter().filter(|decision| decision.keep == [Why::Locked]).count(), 2);
    assert_eq!(room.ids().await, made);
    room.store.set(Fault::None);
    let planned = vault.plan_pruning(&room.place, &room.pruning).await.unwrap();
    assert_eq!(room.prune().await.unwrap().decisions, planned.decisions);
    assert_eq!(room.ids().await, [made[0], made[3], made[4]]);
    vault.pin(&room.place, made[0], Pinned::No).await.unwrap();
    room.prune().await.unwrap();
    assert_eq!(room.ids().await, made[3..]);
}

#[tokio::test]
async fn many_backups_are_listed_some_at_a_time_and_in_order() {
    let room = Room::new();
    let mut made = Vec::new();
    for _ in 0..20 {
        made.push(room.create().await.unwrap());
        room.clock.advance(SignedDuration::from_secs(1));
    }
    room.store.read_at_once.store(0, Ordering::SeqCst);
    assert_eq!(room.ids().await, made);
    assert_eq!(room.store.read_at_once.load(Ordering::SeqCst) as usize, AT_ONCE);
}
