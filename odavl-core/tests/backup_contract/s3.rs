//! Backups in a store that speaks S3.

use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, tz::TimeZone};
use odavl_core::{
    Error, ErrorCode, ManualClock,
    backup::{
        Encryption, Identities, Keep, Keys, MemoryBackup, Place, Pruning, Scratch, SigningKey, Trusted,
        Vault, Verified, Which, Wish,
    },
    page::PageQuery,
    storage::{KeyPrefix, MediaType, Profile, PutOptions, S3Storage, Storage, StoreKey, collect, full},
};
use odavl_test_store::TestStore;

#[path = "../support/s3.rs"]
mod support;

/// So many bytes has a part.
const PART: usize = 8 << 20;

struct Room {
    store: TestStore,
    storage: Arc<S3Storage>,
    clock: Arc<ManualClock>,
    database: MemoryBackup,
    vault: Vault,
    place: Place,
}

impl Room {
    async fn new() -> Self {
        let (clock, store) = (support::clock(), TestStore::start().await);
        let storage = support::storage(&store.url, Profile::full(), clock.clone());
        let (identity, recipient) = Identities::generate();
        let keys = Keys {
            signing: SigningKey::generate().unwrap().0,
            trusted: Trusted::default(),
            encryption: Encryption::For(recipient.parse().unwrap()),
            identities: identity.reveal().parse().unwrap(),
        };
        let vault = Vault::new(storage.clone(), clock.clone(), keys);
        let database = MemoryBackup::new("app".parse().unwrap());
        let place = Place { environment: "production".parse().unwrap(), source: "main".parse().unwrap() };
        Self { store, storage, clock, database, vault, place }
    }

    /// Rows that do not grow smaller: some 27 MB of them, in four parts.
    fn noise(&self) {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{:016x}", state ^ (state >> 29))
        };
        let row = |_| (0..4096).map(|_| next()).collect::<String>();
        self.database.insert("noise", (0..800).map(row).collect::<Vec<_>>());
    }

    async fn create(&self) -> Result<Which, Error> {
        let made = self.vault.create(&self.place, &self.database, Wish::default()).await?;
        Ok(Which::Id(made.entry.manifest.id))
    }

    async fn verify(&self, which: Which) -> Verified {
        let scratch = Scratch::Beside(Arc::new(self.database.clone()));
        self.vault.verify(&self.place, which, &scratch).await.unwrap()
    }

    async fn data(&self) -> (StoreKey, Vec<u8>) {
        let page = PageQuery { limit: PageQuery::MOST, cursor: None };
        let listed = self.storage.list(&KeyPrefix::default(), &page).await.unwrap().items;
        let key = listed.into_iter().map(|stored| stored.key).find(|key| key.as_str().contains("/data-"));
        let key = key.unwrap();
        let object = self.storage.get(&key, None).await.unwrap().unwrap();
        (key, collect(object.body, 1 << 30).await.unwrap().to_vec())
    }

    async fn write(&self, key: &StoreKey, bytes: impl Into<Bytes>) {
        let options = PutOptions::create(MediaType::bytes()).overwriting();
        self.storage.put(key, full(bytes), options).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_part_that_is_refused_leaves_nothing_and_the_next_backup_is_made() {
    let room = Room::new().await;
    room.noise();
    room.store.refuse_part(Some(3));
    assert_eq!(room.create().await.unwrap_err().code(), ErrorCode::Unavailable);
    assert!(room.store.parts() >= 2);
    assert_eq!((room.store.keys(), room.store.unfinished()), (vec![], 0));
    room.store.refuse_part(None);
    let made = room.create().await.unwrap();
    assert!(room.verify(made).await.passed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_an_object_is_found_and_a_good_backup_is_kept() {
    let room = Room::new().await;
    room.noise();
    let made = room.create().await.unwrap();
    let (key, good) = room.data().await;
    assert!(good.len() > 2 * PART, "{}", good.len());
    let mut flipped = good.clone();
    flipped[PART + 9] ^= 1;
    let swapped = [&good[PART..2 * PART], &good[..PART], &good[2 * PART..]].concat();
    let without_second = [&good[..PART], &good[2 * PART..]].concat();
    for bad in [flipped, swapped, without_second, good[..PART].to_vec(), good[..PART + 9].to_vec()] {
        room.write(&key, bad).await;
        room.clock.advance(SignedDuration::from_secs(1));
        assert!(!room.verify(made).await.passed());
    }
    room.write(&key, good).await;
    room.clock.advance(SignedDuration::from_secs(1));
    assert!(room.verify(made).await.passed());
    assert_eq!(room.store.keys().iter().filter(|key| key.contains("/verifying/")).count(), 0);
    room.store.damage();
    assert_eq!(room.vault.find(&room.place, made).await.unwrap_err().code(), ErrorCode::Corrupted);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_makes_a_backup_and_nobody_prunes_meanwhile() {
    let room = Room::new().await;
    room.noise();
    let policy = Keep { last: 1, ..Keep::default() }.try_into().unwrap();
    let pruning = Pruning { policy, zone: TimeZone::UTC };
    let (one, two, three) = tokio::join!(room.create(), room.create(), room.create());
    let refused: Vec<_> = [one, two, three].into_iter().filter_map(Result::err).collect();
    assert!(matches!(refused.as_slice(), [Error::Conflict(_), Error::Conflict(_)]), "{refused:?}");
    room.vault.prune(&room.place, &pruning).await.unwrap();
    let creating = room.create();
    tokio::pin!(creating);
    // It has the lock once its upload is open.
    while room.store.unfinished() == 0 {
        let step = std::time::Duration::from_millis(1);
        assert!(
            tokio::time::timeout(step, &mut creating).await.is_err(),
            "it was made before anybody looked"
        );
    }
    assert!(matches!(room.vault.prune(&room.place, &pruning).await, Err(Error::Conflict(_))));
    creating.await.unwrap();
    room.vault.prune(&room.place, &pruning).await.unwrap();
    assert_eq!(room.vault.list(&room.place).await.unwrap().backups.len(), 1);
    assert!(room.store.keys().iter().all(|key| !key.contains("/lock/")));
}
