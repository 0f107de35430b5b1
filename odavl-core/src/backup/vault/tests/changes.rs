//! What changes while something is done, and what is in the way: nothing goes that somebody uses, or may need.

use super::*;
use crate::{
    ErrorCode,
    backup::{Checkup, Dump, DumpOptions, Fingerprint, Mark, RestoreOptions, Restored, Source, State, Why},
};

/// A database that somebody uses, or whose store is away once it was examined.
#[derive(Debug)]
struct Meddled {
    inner: MemoryBackup,
    in_use: bool,
    ends_away: Option<Arc<Faulty>>,
}

#[async_trait]
impl Backup for Meddled {
    async fn describe(&self) -> Result<Source> {
        self.inner.describe().await
    }
    async fn dump(&self, options: DumpOptions) -> Result<Dump> {
        self.inner.dump(options).await
    }
    async fn restore(&self, dump: BoxBody, options: RestoreOptions) -> Result<Restored> {
        self.inner.restore(dump, options).await
    }
    async fn state(&self, database: &DatabaseName) -> Result<State> {
        self.inner.state(database).await
    }
    async fn fingerprint(&self, database: &DatabaseName) -> Result<Fingerprint> {
        self.inner.fingerprint(database).await
    }
    async fn check(&self, database: &DatabaseName) -> Result<Checkup> {
        if let Some(store) = &self.ends_away {
            store.set(Fault::Away);
        }
        self.inner.check(database).await
    }
    async fn discard(&self, database: &DatabaseName) -> Result<()> {
        self.inner.discard(database).await
    }
    async fn replace(&self, restored: &DatabaseName, aside: &DatabaseName) -> Result<()> {
        if self.in_use {
            return Err(Error::Conflict("it is in use".to_owned()));
        }
        self.inner.replace(restored, aside).await
    }
}

fn replacing(to: &DatabaseName, aside: &str) -> RestoreWish {
    let (to, aside) = (to.clone(), Some(aside.parse().unwrap()));
    RestoreWish { to, aside, ownership: Ownership::Mine, jobs: None }
}

async fn own_name(room: &Room, id: BackupId) -> DatabaseName {
    let entry = room.vault().find(&room.place, Which::Id(id)).await.unwrap();
    entry.restored_name(&"app".parse().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_a_replacement_is_removed_under_its_own_name_alone() {
    let room = Room::new();
    let first = room.run().await.unwrap();
    room.database.insert("people", ["later"]);
    let second = room.run().await.unwrap();
    room.restore(first, "used", None).await.unwrap();
    let refused = room.restore(second, "used", Some("before")).await.unwrap_err();
    assert!(refused.to_string().contains("is not what"), "{refused}");
    assert_eq!((refused.code(), room.rows("used").await.unwrap()), (ErrorCode::Conflict, 2));
    room.restore(first, "beside", Some("before")).await.unwrap();
    for id in [first, second] {
        let refused = room.restore(id, "before", Some("other")).await.unwrap_err();
        assert_eq!((refused.code(), room.rows("before").await.unwrap()), (ErrorCode::Conflict, 3));
    }
    // A run that was cut off, of this very backup, gave the name.
    let own = own_name(&room, second).await;
    room.restore(first, own.as_str(), None).await.unwrap();
    let wish = replacing(&own, "other");
    let plan = room.vault().plan(&room.place, Which::Id(second), (&room.database, &wish)).await.unwrap();
    assert!(plan.removes.unwrap().contains("unless it is what was dumped"));
    room.restore(second, own.as_str(), Some("other")).await.unwrap();
    assert_eq!((room.rows("app").await.unwrap(), room.rows("other").await.unwrap()), (3, 2));
    // A name that is taken is told before anything is done.
    let wish = replacing(&own, "other");
    let planned = room.vault().plan(&room.place, Which::Id(second), (&room.database, &wish)).await;
    assert_eq!(planned.unwrap_err().code(), ErrorCode::AlreadyExists);
    let refused = room.restore(second, own.as_str(), Some("other")).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::AlreadyExists);
    assert_eq!(room.database.state(&own).await.unwrap(), State::Absent);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_use_costs_no_restore_that_was_done() {
    let room = Room::new();
    let id = room.run().await.unwrap();
    let to: DatabaseName = "beside".parse().unwrap();
    let replace = async |in_use| {
        let database = Meddled { inner: room.database.clone(), in_use, ends_away: None };
        let wish = replacing(&to, "before");
        room.vault().restore(&room.place, Which::Id(id), (&database, &wish)).await
    };
    for _ in 0..2 {
        assert_eq!(replace(true).await.unwrap_err().code(), ErrorCode::Conflict);
        assert_eq!(room.database.state(&to).await.unwrap(), State::Ours(Mark::Restored));
    }
    let findings = replace(false).await.unwrap();
    assert!(findings.notes.iter().any(|note| note.contains("was restored before")), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_restored_by_one_at_a_time_and_stays_meanwhile() {
    let mut room = Room::new();
    room.pruning.policy = Keep { last: 1, ..Keep::default() }.try_into().unwrap();
    let id = room.create().await.unwrap();
    room.sleep();
    room.create().await.unwrap();
    let restoring = room.vault().hold(&room.place, Which::Id(id)).await.unwrap().1;
    assert_eq!(room.restore(id, "copy", None).await.unwrap_err().code(), ErrorCode::Conflict);
    assert_eq!(room.prune().await.unwrap().decisions[1].keep, [Why::Verifying]);
    restoring.release().await;
    room.restore(id, "copy", None).await.unwrap();
    room.prune().await.unwrap();
    assert!(!room.ids().await.contains(&id));
    // It is gone by the time that its lock is had.
    assert_eq!(room.restore(id, "copy", None).await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_at_the_end_of_a_verification_leaves_no_copy_on_the_server() {
    let room = Room::new();
    let id = room.create().await.unwrap();
    let database =
        Meddled { inner: room.database.clone(), in_use: false, ends_away: Some(room.store.clone()) };
    let scratch = Scratch::Beside(Arc::new(database));
    let away = room.vault().verify(&room.place, Which::Id(id), &scratch).await.unwrap_err();
    assert_eq!(away.code(), ErrorCode::Unavailable);
    let scratch: DatabaseName = format!("odavl_verify_{}", &id.to_string()[4..]).parse().unwrap();
    assert_eq!(room.database.state(&scratch).await.unwrap(), State::Absent);
    // What somebody restored under that name to keep it is in the way, and stays.
    room.store.set(Fault::None);
    room.clock.advance(HOLDS + SignedDuration::from_secs(1));
    room.restore(id, scratch.as_str(), None).await.unwrap();
    assert_eq!(room.verify(id, Tier::Restore).await.unwrap_err().code(), ErrorCode::Conflict);
    assert_eq!(room.database.state(&scratch).await.unwrap(), State::Ours(Mark::Restored));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_after_it_was_decided_keeps_a_backup_from_being_removed() {
    let room = Room::new();
    let old = room.create().await.unwrap();
    room.sleep();
    let proved = room.run().await.unwrap();
    let vault = room.vault();
    let remove = async || {
        let mut cleared = Cleared::default();
        vault.remove(&room.place, (old, Some(proved)), &mut cleared).await
    };
    let verifying = vault.hold(&room.place, Which::Id(proved)).await.unwrap().1;
    assert_eq!(remove().await.unwrap(), Some(Why::Verifying));
    verifying.release().await;
    vault.pin(&room.place, old, Pinned::Yes).await.unwrap();
    assert_eq!(remove().await.unwrap(), Some(Why::Pinned));
    vault.pin(&room.place, old, Pinned::No).await.unwrap();
    room.change(&room.data(proved), |bytes| bytes[200] ^= 1).await;
    assert!(!room.verify(proved, Tier::Bytes).await.unwrap().passed());
    assert_eq!(remove().await.unwrap_err().code(), ErrorCode::Conflict);
    room.change(&room.data(proved), |bytes| bytes[200] ^= 1).await;
    assert!(room.verify(proved, Tier::Bytes).await.unwrap().passed());
    assert_eq!(remove().await.unwrap(), None);
    assert_eq!(room.ids().await, [proved]);
    assert_eq!(vault.pin(&room.place, old, Pinned::Yes).await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_counts_whatever_the_clock_said_before() {
    let room = Room::new();
    let id = room.create().await.unwrap();
    room.clock.advance(SignedDuration::from_hours(5));
    assert!(room.verify(id, Tier::Restore).await.unwrap().passed());
    room.clock.advance(SignedDuration::from_hours(-5));
    room.change(&room.data(id), |bytes| bytes[200] ^= 1).await;
    assert!(!room.verify(id, Tier::Bytes).await.unwrap().passed());
    assert_eq!(room.proof(id).await, Proof::Failed);
    room.change(&room.data(id), |bytes| bytes[200] ^= 1).await;
    assert!(room.verify(id, Tier::Bytes).await.unwrap().passed());
    assert_eq!(room.proof(id).await, Proof::Verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_the_future_is_the_newest_where_there_is_no_other() {
    let room = Room::new();
    room.clock.advance(SignedDuration::from_hours(24 * 40));
    let future = room.create().await.unwrap();
    room.clock.advance(SignedDuration::from_hours(-24 * 40));
    let newest = async || {
        let found = room.vault().find(&room.place, Which::Newest).await.unwrap();
        found.manifest.id
    };
    assert_eq!(newest().await, future);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(room.create().await.unwrap());
        room.sleep();
    }
    assert_eq!(newest().await, made[2]);
    // That it is bad keeps no other.
    room.change(&room.data(future), |bytes| bytes[200] ^= 1).await;
    assert!(!room.verify(future, Tier::Bytes).await.unwrap().passed());
    room.prune().await.unwrap();
    assert_eq!(room.ids().await, [made[1], made[2], future]);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_are_too_large_for_a_document_are_junk_as_any_other() {
    let room = Room::new();
    let id = room.create().await.unwrap();
    let huge = usize::try_from(DOCUMENT_MOST).unwrap() + 1;
    let other = BackupId::new(room.clock.now()).unwrap();
    room.write(&room.place.verdict(id, "1").unwrap(), vec![b' '; huge]).await;
    room.write(&room.place.manifest(other).unwrap(), vec![b' '; huge]).await;
    let listing = room.vault().list(&room.place).await.unwrap();
    assert!(listing.refused[0].1.ends_with("is larger than any document of a backup"), "{listing:?}");
    room.clock.advance(SignedDuration::from_secs(1));
    let next = room.create().await.unwrap();
    room.prune().await.unwrap();
    assert_eq!(room.ids().await, [id, next]);
}

#[tokio::test]
async fn who_is_overtaken_at_a_lock_leaves_nothing_behind() {
    let room = Room::new();
    room.store.set(Fault::Overtaken);
    assert!(matches!(room.vault().lock(room.source()).await, Err(Error::Conflict(_))));
    room.store.set(Fault::None);
    let left = room.all(&room.place.locks().unwrap()).await;
    assert!(matches!(left.as_slice(), [theirs] if theirs.as_str().ends_with("0002")), "{left:?}");
}
