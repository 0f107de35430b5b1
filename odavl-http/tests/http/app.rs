//! A service of the test's own: in memory, on a port of its own, with a clock that the test moves.

use std::{net::SocketAddr, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use odavl_core::{
    Clock, ManualClock, Odavl, Settings,
    auth::{Auth, MemoryAuth, NewKeyRequest, OrgRef, SetUp},
    backup::{
        Alerting, Encryption, Identities, Job, Keys, MemoryBackup, Place, Policy, Pruning, Routine, Scratch,
        SigningKey, Sources, Trusted, Vault,
    },
    metering::{MemoryMetering, Metering},
    seal::MasterKey,
    secret::Secret,
    session::{Context, Session},
    storage::{DirectUrls, MemoryCatalog, MemoryStorage},
    uploads::MemoryUploads,
    webhooks::MemoryWebhooks,
};
use odavl_http::{Door, Settings as DoorSettings};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::client::{Answer, Call};

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// The organisation to work in.
pub(crate) const ORG: &str = "acme";

/// A running service.
pub(crate) struct App {
    address: SocketAddr,
    host: String,
    pub(crate) odavl: Odavl,
    pub(crate) clock: Arc<ManualClock>,
}

/// A database that is called `main`, and backups of it in memory.
fn sources(clock: &Arc<ManualClock>) -> Sources {
    let database = MemoryBackup::new("app".parse().unwrap());
    database.insert("rows", ["one", "two"]);
    let job = Job {
        place: Place { environment: "production".parse().unwrap(), source: "main".parse().unwrap() },
        database: Ok(Arc::new(database.clone())),
        scratch: Ok(Scratch::Beside(Arc::new(database))),
        pruning: Pruning { policy: Policy::PRODUCTION, zone: jiff::tz::TimeZone::UTC },
        verify: None,
        routine: Some(Routine {
            schedule: "0 2 * * *".parse().unwrap(),
            late_after: SignedDuration::from_hours(6),
            unverified_after: Some(SignedDuration::from_hours(48)),
        }),
    };
    let signing = SigningKey::from_seed(&[7; 32]).unwrap();
    let (trusted, identities) = (Trusted::default(), Identities::default());
    let keys = Keys { signing, trusted, encryption: Encryption::Nobody, identities };
    let store = Arc::new(MemoryStorage::new(clock.clone()));
    Sources::new(Vault::new(store, clock.clone(), keys), [job], Alerting::default())
}

/// A service in the making.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) door: DoorSettings,
    pub(crate) metering: Option<Arc<dyn Metering>>,
}

impl App {
    /// A service that is set up, reached by https, without a limit on addresses.
    pub(crate) async fn start() -> Self {
        let app = Self::with(|_| {}).await;
        app.set_up().await;
        app
    }

    pub(crate) async fn set_up(&self) {
        let wish = SetUp {
            email: EMAIL.parse().unwrap(),
            name: "Ada".to_owned(),
            password: Secret::new(PASSWORD.to_owned()),
            organization: ORG.parse().unwrap(),
        };
        self.odavl.set_up(wish).await.unwrap();
    }

    /// A service as `change` makes it, not set up yet.
    pub(crate) async fn with(change: impl FnOnce(&mut Plan)) -> Self {
        crate::secrets::keep_log();
        let settings = Settings::preset("https://odavl.example").unwrap();
        let door = DoorSettings { anonymous_per_minute: None, ..DoorSettings::default() };
        let mut plan = Plan { settings, door, metering: None };
        change(&mut plan);
        // Not on a whole second, as in life.
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00.654321Z".parse::<Timestamp>().unwrap()));
        let auth: Arc<dyn Auth> = Arc::new(MemoryAuth::default());
        let metering = plan.metering.unwrap_or_else(|| Arc::new(MemoryMetering::new(clock.clone())));
        let host = plan.settings.public_url.split("://").nth(1).unwrap().to_owned();
        let master = MasterKey::new(&[7; 32]);
        let urls = DirectUrls::of(&plan.settings, &master).unwrap();
        let odavl = Odavl::builder()
            .auth(auth)
            .metering(metering)
            .storage(Arc::new(MemoryStorage::new(clock.clone()).presigning(urls)))
            .objects(Arc::new(MemoryCatalog::default()))
            .uploads(Arc::new(MemoryUploads::default()))
            .webhooks(Arc::new(MemoryWebhooks::default()))
            .backups(sources(&clock))
            .settings(plan.settings)
            .master_key(master)
            .clock(clock.clone())
            .build()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = Door::new(odavl.clone(), plan.door);
        tokio::spawn(door.serve(listener, std::future::pending()));
        Self { address, host, odavl, clock }
    }

    /// A connection, to be badly treated.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address, method, path, &self.host)
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call("POST", path)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A session with every right on that organisation.
    pub(crate) async fn system(&self, slug: &str) -> Session {
        self.odavl.system(&OrgRef::Slug(slug.parse().unwrap()), Context::default()).await.unwrap()
    }

    /// A new key of that organisation: its id and itself.
    pub(crate) async fn key(&self, slug: &str, scopes: &str) -> (String, String) {
        let wish = NewKeyRequest::new("test", scopes.parse().unwrap());
        let new = self.system(slug).await.keys().create(wish).await.unwrap();
        (new.key.id.to_string(), new.token.unwrap().secret().reveal().clone())
    }

    /// Another customer, with a key that may do everything there.
    pub(crate) async fn other_organization(&self, slug: &str) -> String {
        let (_, operator) = self.key("operator", "instance:admin").await;
        let body = json!({"slug": slug, "name": slug});
        self.post("/api/v1/organizations").bearer(&operator).json(&body).send().await.expect(200);
        self.key(slug, "keys:admin org:admin uploads:admin storage:admin usage:admin insight:admin").await.1
    }

    /// Starts the device flow.
    pub(crate) async fn device_code(&self) -> Value {
        let form = [("client_id", "odavl-cli")];
        self.post("/api/auth/device/code").form(&form).send().await.expect(200).json()
    }

    /// Polls with a device's code.
    pub(crate) async fn poll(&self, codes: &Value) -> Answer {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", "odavl-cli"),
            ("device_code", codes["device_code"].as_str().unwrap()),
        ];
        self.post("/api/auth/token").form(&form).send().await
    }

    /// Exchanges a refresh token.
    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("client_id", "odavl-cli"), ("refresh_token", token)];
        self.post("/api/auth/token").form(&form).send().await
    }
}
