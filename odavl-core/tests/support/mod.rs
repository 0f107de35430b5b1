//! An installation to try use cases on: on memory or on SQLite and a folder, with a clock that is moved by hand, and
//! which can be stopped at any call of a port.

#![allow(dead_code, reason = "each test crate uses a part of it")]

pub(crate) mod faults;
pub(crate) mod people;
pub(crate) mod ports;
pub(crate) mod recorder;
#[cfg(feature = "s3")]
pub(crate) mod s3;

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use odavl_core::{
    Builder, Clock, ManualClock, Odavl, Result, Settings,
    auth::{Auth, MemoryAuth, NewOrg, OrgRef, SetUp, SqlAuth},
    backup::{
        Alerting, Encryption, Identities, Job, Keys, MemoryBackup, Place, Policy, Pruning, Scratch,
        SigningKey, Sources, Trusted, Vault,
    },
    db::Db,
    metering::{Allowance, MemoryMetering, Metering, SqliteMetering},
    page::PageQuery,
    seal::MasterKey,
    secret::Secret,
    session::{Context, Session},
    storage::{
        BoxBody, Catalog, DirectUrls, FsStorage, Incoming, KeyPrefix, MemoryCatalog, MemoryStorage,
        PresignedRequest, Redeemed, SqlCatalog, Storage, collect, full,
    },
    uploads::{MemoryUploads, SqlUploads, UploadRows},
    webhooks::{MemoryWebhooks, SqlWebhooks, WebhookRows},
};

use ports::{Watch, Watched};

pub(crate) const URL: &str = "https://odavl.example";
/// Who set it up: the owner of `operator` and of `one`.
pub(crate) const FIRST: &str = "first@example.com";
const MASTER: [u8; 32] = [7; 32];

/// All that outlives a process: restart it with [`World::start`].
pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) settings: Settings,
    pub(crate) auth: Arc<dyn Auth>,
    pub(crate) metering: Arc<dyn Metering>,
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) objects: Arc<dyn Catalog>,
    pub(crate) uploads: Arc<dyn UploadRows>,
    pub(crate) webhooks: Arc<dyn WebhookRows>,
    /// Where backups are, and the database that they are of.
    pub(crate) backups: Arc<dyn Storage>,
    pub(crate) database: MemoryBackup,
    /// The database underneath, where there is one.
    pub(crate) db: Option<Db>,
    _folder: Option<tempfile::TempDir>,
    #[cfg(feature = "s3")]
    _store: Option<odavl_test_store::TestStore>,
}

/// What a plan of the tests allows.
pub(crate) struct Plan {
    pub(crate) bytes: u64,
    pub(crate) analyses: u64,
    pub(crate) calls: Option<u64>,
}

impl Plan {
    pub(crate) fn bytes(bytes: u64) -> Self {
        Self { bytes, analyses: 10, calls: None }
    }
}

fn settings(plan: &Plan) -> Settings {
    let mut settings = Settings::preset(URL).unwrap();
    let free = settings.catalog.plans.get_mut("FREE").unwrap();
    let limits = [
        ("storage_bytes", Some(plan.bytes)),
        ("insight_analyses", Some(plan.analyses)),
        ("api_calls", plan.calls),
    ];
    for (meter, max) in limits {
        let allowance = Allowance { max, per: None, soft: false, ceiling: None };
        free.allowances.insert(meter.parse().unwrap(), vec![allowance]);
    }
    settings
}

/// The preset, in which an organisation is unlimited.
pub(crate) fn unlimited() -> Settings {
    let mut settings = Settings::preset(URL).unwrap();
    settings.catalog.default_plan = "ENTERPRISE".into();
    settings
}

impl World {
    pub(crate) async fn memory(plan: Plan) -> Self {
        Self::bare(settings(&plan)).set_up().await
    }

    /// In memory, with no limit anywhere.
    pub(crate) async fn unlimited() -> Self {
        Self::bare(unlimited()).set_up().await
    }

    /// In memory, and not set up.
    pub(crate) fn bare(settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::constant(1_800_000_000, 0)));
        let urls = DirectUrls::of(&settings, &MasterKey::new(&MASTER)).unwrap();
        Self {
            auth: Arc::new(MemoryAuth::default()),
            metering: Arc::new(MemoryMetering::new(clock.clone())),
            storage: Arc::new(MemoryStorage::new(clock.clone()).presigning(urls)),
            objects: Arc::new(MemoryCatalog::default()),
            uploads: Arc::new(MemoryUploads::default()),
            webhooks: Arc::new(MemoryWebhooks::default()),
            backups: Arc::new(MemoryStorage::new(clock.clone())),
            database: MemoryBackup::new("app".parse().unwrap()),
            db: None,
            _folder: None,
            #[cfg(feature = "s3")]
            _store: None,
            settings,
            clock,
        }
    }

    pub(crate) async fn embedded(plan: Plan) -> Self {
        Self::bare_embedded(settings(&plan)).await.set_up().await
    }

    /// On SQLite and a folder, and not set up.
    pub(crate) async fn bare_embedded(settings: Settings) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::constant(1_800_000_000, 0)));
        let folder = tempfile::tempdir().unwrap();
        let urls = DirectUrls::of(&settings, &MasterKey::new(&MASTER)).unwrap();
        let db = Db::temporary(&*clock).await.unwrap();
        let storage = FsStorage::open(&folder.path().join("objects"), clock.clone(), urls).await.unwrap();
        Self {
            auth: Arc::new(SqlAuth::new(db.clone())),
            metering: Arc::new(SqliteMetering::new(db.clone(), clock.clone())),
            storage: Arc::new(storage),
            objects: Arc::new(SqlCatalog::new(db.clone())),
            uploads: Arc::new(SqlUploads::new(db.clone())),
            webhooks: Arc::new(SqlWebhooks::new(db.clone())),
            backups: Arc::new(MemoryStorage::new(clock.clone())),
            database: MemoryBackup::new("app".parse().unwrap()),
            db: Some(db),
            _folder: Some(folder),
            #[cfg(feature = "s3")]
            _store: None,
            settings,
            clock,
        }
    }

    /// On SQLite and an S3 store, which has a clock of its own: what it presigns is in time, wherever the clock is moved.
    #[cfg(feature = "s3")]
    pub(crate) async fn s3(plan: Plan) -> Self {
        let store = odavl_test_store::TestStore::start().await;
        let clock = Arc::new(odavl_core::SystemClock);
        let storage = s3::storage(&store.url, odavl_core::storage::Profile::full(), clock);
        let world = Self::bare_embedded(settings(&plan)).await;
        Self { storage, _store: Some(store), ..world }.set_up().await
    }

    /// The organisations `operator` (unlimited), `one` and `two`.
    pub(crate) async fn set_up(self) -> Self {
        let odavl = self.start();
        odavl.set_up(first_person()).await.unwrap();
        let operator = odavl.system(&"operator".parse().unwrap(), Context::default()).await.unwrap();
        let two = NewOrg {
            slug: "two".parse().unwrap(),
            name: "Two".into(),
            plan: None,
            external_id: None,
            metadata: BTreeMap::new(),
            idempotency_key: None,
        };
        operator.orgs().create(two).await.unwrap();
        self
    }

    fn builder(&self) -> Builder {
        Odavl::builder()
            .auth(self.auth.clone())
            .settings(self.settings.clone())
            .master_key(MasterKey::new(&MASTER))
            .clock(self.clock.clone())
    }

    /// A process over what there is.
    pub(crate) fn start(&self) -> Odavl {
        self.start_on(self.objects.clone())
    }

    /// A process over what there is, and other rows of objects.
    pub(crate) fn start_on(&self, objects: Arc<dyn Catalog>) -> Odavl {
        let ports = self.ports().objects(objects).backups(self.sources(self.backups.clone()));
        ports.build().unwrap()
    }

    /// A process over what there is, which backs up what is said.
    pub(crate) fn start_backing_up(&self, sources: Sources) -> Odavl {
        self.ports().objects(self.objects.clone()).backups(sources).build().unwrap()
    }

    fn ports(&self) -> Builder {
        let ports = self.builder().metering(self.metering.clone()).storage(self.storage.clone());
        ports.uploads(self.uploads.clone()).webhooks(self.webhooks.clone())
    }

    /// The backups in that store.
    pub(crate) fn vault(&self, store: Arc<dyn Storage>) -> Vault {
        let signing = SigningKey::from_seed(&MASTER).unwrap();
        let (trusted, identities) = (Trusted::default(), Identities::default());
        Vault::new(
            store,
            self.clock.clone(),
            Keys { signing, trusted, encryption: Encryption::Nobody, identities },
        )
    }

    /// Where the backups of `main` are.
    pub(crate) fn place() -> Place {
        Place { environment: "production".parse().unwrap(), source: "main".parse().unwrap() }
    }

    /// The source `main`, which nothing backs up by itself.
    pub(crate) fn job(&self) -> Job {
        Job {
            place: Self::place(),
            database: Ok(Arc::new(self.database.clone())),
            scratch: Ok(Scratch::Beside(Arc::new(self.database.clone()))),
            pruning: Pruning { policy: Policy::PRODUCTION, zone: jiff::tz::TimeZone::UTC },
            verify: None,
            routine: None,
        }
    }

    fn sources(&self, store: Arc<dyn Storage>) -> Sources {
        Sources::new(self.vault(store), [self.job()], Alerting::default())
    }

    /// A process that is watched at its ports, with settings of its own.
    pub(crate) fn start_watched<W: Watch>(&self, watch: &W, settings: Settings) -> Odavl {
        let ports = self
            .builder()
            .auth(Watched::new(&self.auth, watch))
            .metering(Watched::new(&self.metering, watch));
        let ports = ports.storage(Watched::new(&self.storage, watch));
        let ports = ports.objects(Watched::new(&self.objects, watch));
        let ports = ports.uploads(Watched::new(&self.uploads, watch));
        let ports = ports.backups(self.sources(Watched::new(&self.backups, watch)));
        ports.webhooks(Watched::new(&self.webhooks, watch)).settings(settings).build().unwrap()
    }

    /// A process that stops at a call of a port.
    pub(crate) fn start_with(&self, watch: &impl Watch) -> Odavl {
        self.start_watched(watch, self.settings.clone())
    }

    pub(crate) async fn session(&self, odavl: &Odavl, org: &str) -> Session {
        let org: OrgRef = org.parse().unwrap();
        odavl.system(&org, Context::default()).await.unwrap()
    }

    /// A session of a new process.
    pub(crate) async fn one(&self) -> Session {
        self.session(&self.start(), "one").await
    }

    pub(crate) fn pass(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// Moves the clock past the end of whatever was begun, and sweeps.
    pub(crate) async fn sweep_all(&self) {
        // Longer than anything lives that is not asked for again.
        self.pass(60 * 26);
        let odavl = self.start();
        odavl.sweep().await.unwrap();
        odavl.sweep().await.unwrap();
    }

    /// What the organisation `one` has used of a meter, reservations included.
    pub(crate) async fn used(&self, meter: &str) -> u64 {
        let report = self.one().await.usage().read().await.unwrap();
        let standing = report.limits.iter().find(|standing| standing.meter.as_str() == meter).unwrap();
        standing.used
    }

    /// The bytes that are in the store, whosever they are.
    pub(crate) async fn stored_bytes(&self) -> u64 {
        let all: KeyPrefix = "".parse().unwrap();
        let page = PageQuery { limit: 1000, cursor: None };
        let all = self.storage.list(&all, &page).await.unwrap().items;
        // By its mark the store is known to be the database's.
        all.iter().filter(|stored| stored.key.as_str() != "odavl/mark").map(|stored| stored.size).sum()
    }

    /// After a sweep, what counts is what is stored, and what the rows say.
    pub(crate) async fn assert_exact(&self) {
        self.sweep_all().await;
        let (used, stored) = (self.used("storage_bytes").await, self.stored_bytes().await);
        assert_eq!(used, stored, "used and stored bytes");
        let stats = self.one().await.storage().stats().await.unwrap();
        assert_eq!((stats.bytes, stats.garbage_bytes), (stored, 0), "rows");
        assert!(self.objects.expired_uploads(self.clock.now(), 10).await.unwrap().is_empty());
    }
}

/// Who sets an installation up.
pub(crate) fn first_person() -> SetUp {
    SetUp {
        email: FIRST.parse().unwrap(),
        name: "First".into(),
        password: password(),
        organization: "one".parse().unwrap(),
    }
}

/// Everybody's password.
pub(crate) fn password() -> Secret<String> {
    Secret::new("correct horse battery".into())
}

/// Sends a presigned request as a client does.
pub(crate) async fn send(
    odavl: &Odavl,
    request: &PresignedRequest,
    body: BoxBody,
    length: u64,
) -> Result<Option<Bytes>> {
    send_as(&odavl.visitor(Context::default()), request, body, length).await
}

/// The same, by that session.
pub(crate) async fn send_as(
    session: &Session,
    request: &PresignedRequest,
    body: BoxBody,
    length: u64,
) -> Result<Option<Bytes>> {
    #[cfg(feature = "s3")]
    if !request.url.starts_with(URL) {
        return s3::send_body(request, body, length).await;
    }
    let length = length.to_string();
    let header = |name: &str| match name {
        "content-length" => Some(length.as_str()),
        _ => request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()),
    };
    let (_, rest) = request.url.split_once("://").unwrap();
    let (host, path_and_query) = rest.split_at(rest.find('/').unwrap());
    let incoming = Incoming { method: request.method.as_str(), host, path_and_query, header: &header };
    match session.storage().redeem(&incoming, body, None).await? {
        Redeemed::Stored => Ok(None),
        Redeemed::Fetched(object, _) => collect(object.body, u64::MAX).await.map(Some),
    }
}

/// Sends exactly these bytes.
pub(crate) async fn send_all(
    odavl: &Odavl,
    request: &PresignedRequest,
    bytes: &[u8],
) -> Result<Option<Bytes>> {
    send(odavl, request, full(bytes.to_vec()), bytes.len() as u64).await
}
