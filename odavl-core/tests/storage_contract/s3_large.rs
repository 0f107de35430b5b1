//! Large bodies in parts, stores that can little, and how what is kept is encrypted.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use odavl_core::{
    Error, ErrorCode, ManualClock, Result, SystemClock,
    storage::{
        Ability, Arrival, Body, BoxBody, Checksum, Encryption, MediaType, PIECE, Presign, PresignedRequest,
        Profile, PutMode, PutOptions, S3Storage, Sha256, Storage, StoreKey, collect,
        contract::{Answer, StorageHarness, bytes as whole, presign},
        full,
    },
};
use odavl_test_store::{Does, TestStore};

use super::s3::support;

/// Two parts and a bit.
const LARGE: usize = (17 << 20) + 5;
const LIVES: Duration = Duration::from_mins(15);

fn key() -> StoreKey {
    "org/a".parse().unwrap()
}

fn options() -> PutOptions {
    PutOptions::create("text/plain".parse().unwrap())
}

fn large() -> Bytes {
    (0..LARGE).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

async fn store() -> (TestStore, Arc<S3Storage>) {
    let store = TestStore::start().await;
    let storage = support::storage(&store.url, Profile::full(), Arc::new(SystemClock));
    (store, storage)
}

/// A body that ends otherwise than it should once so many bytes have come.
struct Stops {
    left: usize,
    fails: Option<Error>,
}

#[async_trait]
impl Body for Stops {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.left > 0 {
            self.left = self.left.saturating_sub(PIECE);
            return Ok(Some(Bytes::from(vec![7; PIECE])));
        }
        match self.fails.take() {
            Some(error) => Err(error),
            None => pending().await,
        }
    }
}

#[tokio::test]
async fn a_large_body_goes_in_equal_parts_and_is_known_by_the_digest_of_all_its_bytes() {
    let (store, storage) = store().await;
    let bytes = large();
    let put = storage.put(&key(), full(bytes.clone()), options()).await.unwrap();
    assert_eq!((put.size, put.checksum), (LARGE as u64, Some(Checksum::Whole(Sha256::of(&bytes)))));
    assert_eq!(put.content_type.as_str(), "text/plain");
    // The store itself keeps the digest of the parts' digests.
    let parts: Vec<_> = bytes.chunks(8 << 20).map(Sha256::of).collect();
    let found = storage.head(&key()).await.unwrap().unwrap();
    assert_eq!(
        (found.size, found.checksum, &found.etag),
        (put.size, Some(Checksum::composite(&parts)), &put.etag)
    );
    let object = storage.get(&key(), None).await.unwrap().unwrap();
    assert!(collect(object.body, u64::MAX).await.unwrap() == bytes);
    assert_eq!(store.unfinished(), 0);
    let again = storage.put(&key(), full(bytes.clone()), options()).await;
    assert_eq!(again.unwrap_err().code(), ErrorCode::PreconditionFailed);
    assert_eq!(store.unfinished(), 0);
    storage.put(&key(), full(bytes), options().overwriting()).await.unwrap();
}

#[tokio::test]
async fn a_large_body_that_fails_or_is_another_leaves_nothing() {
    let (store, storage) = store().await;
    let failing = || Box::new(Stops { left: LARGE, fails: Some(Error::unavailable("it stopped", None)) });
    let lie = options().expecting(LARGE as u64, Sha256::of(b"other"));
    let bodies: [(BoxBody, PutOptions, ErrorCode); 2] =
        [(failing(), options(), ErrorCode::Unavailable), (full(large()), lie, ErrorCode::InvalidInput)];
    for (body, options, code) in bodies {
        assert_eq!(storage.put(&key(), body, options).await.unwrap_err().code(), code);
        assert_eq!((store.unfinished(), store.bytes("")), (0, 0));
    }
}

#[tokio::test]
async fn a_large_put_that_nobody_waits_for_any_more_drops_its_parts() {
    let (store, storage) = store().await;
    let begun = async {
        while store.unfinished_bytes() == 0 {
            tokio::task::yield_now().await;
        }
    };
    let (key, body) = (key(), Box::new(Stops { left: LARGE, fails: None }));
    tokio::select! {
        put = storage.put(&key, body, options()) => panic!("{put:?}"),
        () = begun => {}
    }
    let dropped = async {
        while store.unfinished() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), dropped).await.unwrap();
    assert_eq!(store.bytes(""), 0);
}

/// A store that can nothing of what can be lacking.
struct Weak {
    clock: Arc<ManualClock>,
    storage: Arc<S3Storage>,
    _store: TestStore,
}

impl Weak {
    async fn new() -> Self {
        let store = TestStore::start_that(Does { conditions: false, checksums: false }).await;
        let clock = support::clock();
        let storage = support::storage(&store.url, Profile::default(), clock.clone());
        Self { clock, storage, _store: store }
    }
}

#[async_trait]
impl StorageHarness for Weak {
    fn storage(&self) -> Arc<dyn Storage> {
        self.storage.clone()
    }

    fn clock(&self) -> &ManualClock {
        &self.clock
    }

    async fn send(&self, request: &PresignedRequest, body: Bytes) -> Result<Answer> {
        Ok(support::send(request, body).await)
    }
}

#[tokio::test]
async fn what_a_store_does_not_refuse_odavl_does() {
    whole::of_many_creators_exactly_one_wins(&Weak::new().await).await.unwrap();
    whole::a_put_that_is_not_what_it_declared_leaves_nothing(&Weak::new().await).await.unwrap();
    presign::a_store_receives_what_it_presigns(&Weak::new().await).await.unwrap();
    let weak = Weak::new().await;
    weak.storage.put(&key(), full("first"), options()).await.unwrap();
    let upload = weak.storage.begin_multipart(&key(), &MediaType::bytes()).await.unwrap();
    let part = odavl_core::storage::Part { number: 1, size: 3, sha256: Sha256::of(b"abc") };
    weak.storage.put_part(&upload, part, full("abc")).await.unwrap();
    let created = weak.storage.complete_multipart(&upload, &[part], PutMode::Create).await;
    assert_eq!(created.unwrap_err().code(), ErrorCode::PreconditionFailed);
}

#[tokio::test]
async fn nothing_is_presigned_that_the_store_would_not_hold_to() {
    let store = TestStore::start().await;
    let put = |mode| Presign::Put {
        length: 5,
        sha256: Sha256::of(b"hello"),
        content_type: MediaType::bytes(),
        mode,
    };
    for (can, create, overwrite) in [
        (vec![], false, false),
        (vec![Ability::ConditionalPut], false, false),
        (vec![Ability::WriteOnce], true, false),
        (vec![Ability::Checksums], true, true),
    ] {
        let once = can.contains(&Ability::WriteOnce);
        let profile = Profile { can: can.into_iter().collect(), ..Profile::default() };
        let storage = support::storage(&store.url, profile, Arc::new(SystemClock));
        // Where it works again, what was given up could come yet and would not count.
        let whole = Arrival::Whole { size: 5, sha256: Sha256::of(b"hello") };
        assert_eq!(storage.can_give_up(&whole).await.is_ok(), once);
        for (mode, signed) in [(PutMode::Create, create), (PutMode::Overwrite, overwrite)] {
            match storage.presign(&key(), &put(mode), LIVES).await {
                Ok(_) => assert!(signed),
                Err(error) => assert!(!signed && error.code() == ErrorCode::Unsupported, "{error}"),
            }
        }
        let get = Presign::Get { attachment: "attachment".to_owned() };
        storage.presign(&key(), &get, LIVES).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_kept_is_encrypted_as_was_said_and_never_public() {
    let store = TestStore::start().await;
    let mut bucket = support::bucket(&store.url, Profile::full());
    bucket.encryption = Some(Encryption::Kms(Some("key-1".to_owned())));
    let storage = S3Storage::open(bucket, Arc::new(SystemClock)).unwrap();
    storage.put(&key(), full("small"), options()).await.unwrap();
    storage.put(&"org/large".parse().unwrap(), full(large()), options()).await.unwrap();
    let (length, content_type) = (5, MediaType::bytes());
    let put = Presign::Put { length, sha256: Sha256::of(b"hello"), content_type, mode: PutMode::Create };
    let request = storage.presign(&"org/direct".parse().unwrap(), &put, LIVES).await.unwrap();
    assert_eq!(support::send(&request, "hello".into()).await.status, 200);
    for key in store.keys() {
        assert_eq!(store.encryption(&key).as_deref(), Some("aws:kms"), "{key}");
        let url = format!("{}/odavl-test/{key}", store.url);
        let asked = odavl_test_store::send("GET", &url, &[], Bytes::new());
        assert_eq!(asked.await.unwrap().status, 403);
    }
    assert_eq!(store.keys().len(), 3);
    assert!(!format!("{storage:?} {request:?}").contains("canary"));
}
