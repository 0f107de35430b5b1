mod changes;
mod faults;
mod hold;
mod nights;
mod uses;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use jiff::{SignedDuration, tz::TimeZone};

use super::{
    super::{Backup, DatabaseName, Identities, Keep, MemoryBackup, Ownership, Policy, Scratch, Tier},
    lock::{HOLDS, Of},
    *,
};
use crate::{
    ManualClock,
    page::Page,
    storage::{
        ArrivedPart, BoxBody, ByteRange, KeyPrefix, MediaType, MemoryStorage, Multipart, Object, ObjectMeta,
        OpenMultipart, Part, Presign, PresignedRequest, PutMode, Stored,
    },
};

/// A store that does not do everything that it is asked for.
#[derive(Debug)]
struct Faulty {
    inner: MemoryStorage,
    /// Which part is refused, counted from 1; none, where it is 0.
    part: AtomicU32,
    parts: AtomicU32,
    fault: Mutex<Fault>,
    /// How many objects are read now, and how many were at a time.
    reading: AtomicU32,
    read_at_once: AtomicU32,
    /// Told when a manifest waits, and what lets it go on.
    waits: tokio::sync::Notify,
    goes_on: tokio::sync::Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// A manifest is not written.
    NoManifest,
    /// A manifest is written, and nobody is told.
    SilentManifest,
    /// A manifest waits until it may go on.
    WaitingManifest,
    /// Nothing can be removed, and nothing be written over.
    Locked,
    /// A byte of each answer about a backup's bytes is another.
    Damaging,
    /// Nothing is listed.
    Away,
    /// Whoever takes a lock is overtaken by somebody else.
    Overtaken,
}

impl Faulty {
    fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }

    fn has(&self, fault: Fault) -> bool {
        *self.fault.lock().unwrap() == fault
    }
}

fn silent() -> Error {
    Error::unavailable("the store does not answer", None)
}

#[async_trait]
impl Storage for Faulty {
    async fn ready(&self) -> Result<()> {
        self.inner.ready().await
    }
    async fn put(&self, key: &StoreKey, body: BoxBody, options: PutOptions) -> Result<ObjectMeta> {
        let bytes = collect(body, 1 << 30).await?;
        // What takes the place of a manifest is none.
        let manifest = key.as_str().ends_with("manifest.json") && !says(Kind::GivenUp, &bytes);
        if manifest && self.has(Fault::NoManifest) {
            return Err(silent());
        }
        if manifest && self.has(Fault::WaitingManifest) {
            self.set(Fault::None);
            self.waits.notify_one();
            self.goes_on.notified().await;
        }
        if self.has(Fault::Locked) && options.mode == PutMode::Overwrite {
            return Err(silent());
        }
        if key.as_str().contains("/lock/") && self.has(Fault::Overtaken) {
            let next: StoreKey =
                key.as_str().replace("/00000000000000000001", "/00000000000000000002").parse()?;
            let theirs = String::from_utf8_lossy(&bytes).replace("\"by\":\"", "\"by\":\"another");
            self.inner.put(&next, full(theirs), PutOptions::create(MediaType::bytes())).await?;
        }
        let put = self.inner.put(key, full(bytes), options).await;
        if manifest && self.has(Fault::SilentManifest) { Err(silent()) } else { put }
    }
    async fn get(&self, key: &StoreKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        let reading = self.reading.fetch_add(1, Ordering::SeqCst) + 1;
        self.read_at_once.fetch_max(reading, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.reading.fetch_sub(1, Ordering::SeqCst);
        let found = self.inner.get(key, range).await?;
        let Some(object) = found.filter(|_| self.has(Fault::Damaging) && key.as_str().contains("/data-"))
        else {
            return self.inner.get(key, range).await;
        };
        let mut bytes = collect(object.body, 1 << 30).await?.to_vec();
        bytes[0] ^= 1;
        Ok(Some(Object { body: full(bytes), ..object }))
    }
    async fn head(&self, key: &StoreKey) -> Result<Option<ObjectMeta>> {
        self.inner.head(key).await
    }
    async fn delete(&self, key: &StoreKey) -> Result<()> {
        if self.has(Fault::Locked) {
            return Err(silent());
        }
        self.inner.delete(key).await
    }
    async fn list(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<Stored>> {
        if self.has(Fault::Away) {
            return Err(silent());
        }
        // Small pages, so that nobody stops at the first.
        self.inner.list(prefix, &PageQuery { limit: page.limit.min(3), ..page.clone() }).await
    }
    async fn begin_multipart(&self, key: &StoreKey, media: &MediaType) -> Result<Multipart> {
        self.inner.begin_multipart(key, media).await
    }
    async fn put_part(&self, multipart: &Multipart, part: Part, body: BoxBody) -> Result<()> {
        if self.parts.fetch_add(1, Ordering::SeqCst) + 1 == self.part.load(Ordering::SeqCst) {
            return Err(silent());
        }
        self.inner.put_part(multipart, part, body).await
    }
    async fn parts(&self, multipart: &Multipart) -> Result<Option<Vec<ArrivedPart>>> {
        self.inner.parts(multipart).await
    }
    async fn complete_multipart(
        &self,
        multipart: &Multipart,
        parts: &[Part],
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        self.inner.complete_multipart(multipart, parts, mode).await
    }
    async fn abort_multipart(&self, multipart: &Multipart) -> Result<()> {
        self.inner.abort_multipart(multipart).await
    }
    async fn open_multiparts(&self, prefix: &KeyPrefix, page: &PageQuery) -> Result<Page<OpenMultipart>> {
        self.inner.open_multiparts(prefix, page).await
    }
    async fn presign(
        &self,
        key: &StoreKey,
        what: &Presign,
        lives: std::time::Duration,
    ) -> Result<PresignedRequest> {
        self.inner.presign(key, what, lives).await
    }
}

struct Room {
    store: Arc<Faulty>,
    clock: Arc<ManualClock>,
    database: MemoryBackup,
    place: Place,
    keys: Keys,
    pruning: Pruning,
}

impl Room {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-06-01T02:00:00Z".parse().unwrap()));
        let store = Arc::new(Faulty {
            inner: MemoryStorage::new(clock.clone()),
            part: AtomicU32::new(0),
            parts: AtomicU32::new(0),
            fault: Mutex::new(Fault::None),
            reading: AtomicU32::new(0),
            read_at_once: AtomicU32::new(0),
            waits: tokio::sync::Notify::new(),
            goes_on: tokio::sync::Notify::new(),
        });
        let database = MemoryBackup::new("app".parse().unwrap());
        database.insert("people", ["ada", "grace"]);
        let (identity, recipient) = Identities::generate();
        let keys = Keys {
            signing: SigningKey::generate().unwrap().0,
            trusted: Trusted::default(),
            encryption: Encryption::For(recipient.parse().unwrap()),
            identities: identity.reveal().parse().unwrap(),
        };
        let place = Place { environment: "production".parse().unwrap(), source: "main".parse().unwrap() };
        let policy: Policy = Keep { last: 2, ..Keep::default() }.try_into().unwrap();
        let pruning = Pruning { policy, zone: TimeZone::UTC };
        Self { store, clock, database, place, keys, pruning }
    }

    fn vault(&self) -> Vault {
        Vault::new(self.store.clone(), self.clock.clone(), self.keys.clone())
    }

    async fn create(&self) -> Result<BackupId> {
        let made = self.vault().create(&self.place, &self.database, Wish::default()).await?;
        Ok(made.entry.manifest.id)
    }

    async fn verify(&self, id: BackupId, tier: Tier) -> Result<Verified> {
        match tier {
            Tier::Bytes => self.vault().verify_bytes(&self.place, Which::Id(id)).await,
            Tier::Restore => self.vault().verify(&self.place, Which::Id(id), &self.scratch()).await,
        }
    }

    /// Makes a backup, proves it, and removes what no rule keeps.
    async fn run(&self) -> Result<BackupId> {
        let id = self.create().await?;
        assert!(self.verify(id, Tier::Restore).await?.passed());
        self.prune().await?;
        Ok(id)
    }

    async fn prune(&self) -> Result<Pruned> {
        self.vault().prune(&self.place, &self.pruning).await
    }

    async fn restore(&self, id: BackupId, to: &str, aside: Option<&str>) -> Result<()> {
        let wish = RestoreWish {
            to: to.parse().unwrap(),
            aside: aside.map(|aside| aside.parse().unwrap()),
            ownership: Ownership::Mine,
            jobs: None,
        };
        self.vault().restore(&self.place, Which::Id(id), (&self.database, &wish)).await.map(drop)
    }

    fn scratch(&self) -> Scratch {
        Scratch::Beside(Arc::new(self.database.clone()))
    }

    async fn rows(&self, database: &str) -> Result<u64> {
        let name: DatabaseName = database.parse().unwrap();
        self.database.fingerprint(&name).await.map(|fingerprint| fingerprint.rows())
    }

    async fn proof(&self, id: BackupId) -> Proof {
        self.vault().find(&self.place, Which::Id(id)).await.unwrap().proof()
    }

    /// Time goes on to the next night.
    fn sleep(&self) {
        self.clock.advance(SignedDuration::from_hours(24));
    }

    async fn ids(&self) -> Vec<BackupId> {
        let listing = self.vault().list(&self.place).await.unwrap();
        listing.backups.iter().map(|entry| entry.manifest.id).collect()
    }

    /// All keys but the locks', and how many uploads are open.
    async fn left(&self) -> (Vec<String>, usize) {
        let prefix = self.place.prefix().unwrap();
        let keys = self.all(&prefix).await.into_iter().map(|key| key.to_string());
        let open = self.store.open_multiparts(&prefix, &PageQuery::default()).await.unwrap();
        (keys.filter(|key| !key.contains("/lock/")).collect(), open.items.len())
    }

    async fn all(&self, prefix: &KeyPrefix) -> Vec<StoreKey> {
        let page = PageQuery { limit: PageQuery::MOST, cursor: None };
        let listed = self.store.inner.list(prefix, &page).await.unwrap().items;
        listed.into_iter().map(|stored| stored.key).collect()
    }

    async fn bytes(&self, key: &StoreKey) -> Vec<u8> {
        let object = self.store.get(key, None).await.unwrap().unwrap();
        collect(object.body, 1 << 30).await.unwrap().to_vec()
    }

    async fn write(&self, key: &StoreKey, bytes: Vec<u8>) {
        let options = PutOptions::create(MediaType::bytes()).overwriting();
        self.store.put(key, full(bytes), options).await.unwrap();
    }

    async fn change(&self, key: &StoreKey, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = self.bytes(key).await;
        change(&mut bytes);
        self.write(key, bytes).await;
    }

    fn source(&self) -> Of {
        Of::Source(self.place.clone())
    }

    fn data(&self, id: BackupId) -> StoreKey {
        self.place.file(id, "data-001.dump.zst.age").unwrap()
    }
}
