//! An installation, a service on it, and organisations for one case each.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use odavl_core::{
    Odavl,
    auth::{NewKeyRequest, NewOrg, SetUp},
    config::Config,
    secret::Secret,
    session::{Context, Session},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

use crate::case::folder;

/// The key of whoever may do everything in an organisation.
const EVERYTHING: &str = "keys:admin usage:admin storage:admin org:admin uploads:admin insight:admin";

#[derive(Debug, Clone, Copy)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// An installation that this process has open, beside a service.
pub(crate) struct World {
    pub(crate) odavl: Odavl,
    pub(crate) runtime: Runtime,
    /// Where the service is.
    pub(crate) url: String,
    /// A key that may ask the gateway.
    pub(crate) gateway: String,
    made: AtomicU32,
    service: Child,
    _data: TempDir,
    schema: Option<String>,
}

impl World {
    pub(crate) fn open(engine: Engine) -> Self {
        let (data, runtime) = (tempfile::tempdir().unwrap(), Runtime::new().unwrap());
        let schema = matches!(engine, Engine::Postgres)
            .then(|| format!("odavl_scenarios_{}", std::process::id()))
            .inspect(|schema| tell(&runtime, &format!("CREATE SCHEMA {schema}")));
        let database =
            schema.as_ref().map(|schema| format!("{}?options=-c%20search_path%3D{schema}", server()));
        let (service, url) = serve(&data, database.as_deref());
        let mut settings = Config::read(&folder().join("odavl.toml")).unwrap().settings(&url).unwrap();
        settings.database = database.map(Secret::new);
        let (odavl, gateway) = runtime.block_on(async {
            let odavl = Odavl::open(&data.path().join("data"), settings).await.unwrap();
            let wish = SetUp {
                email: "ada@example.com".parse().unwrap(),
                name: "Ada".to_owned(),
                password: Secret::new("correct horse battery".to_owned()),
                organization: "first".parse().unwrap(),
            };
            odavl.set_up(wish).await.unwrap();
            let gateway = key(&system(&odavl, "operator").await, "gateway", "gateway:write").await;
            (odavl, gateway)
        });
        Self { odavl, runtime, url, gateway, made: AtomicU32::new(0), service, _data: data, schema }
    }

    /// Two organisations that nobody else has, and a key of each.
    pub(crate) fn actors(&self) -> Actors {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let names = ["acme", "other"];
        let keys = self.runtime.block_on(async {
            let operator = system(&self.odavl, "operator").await;
            let mut keys = BTreeMap::new();
            for name in names {
                let slug = format!("{name}-{number}");
                let org = NewOrg {
                    slug: slug.parse().unwrap(),
                    name: name.to_owned(),
                    plan: None,
                    external_id: None,
                    metadata: BTreeMap::new(),
                    idempotency_key: None,
                };
                operator.orgs().create(org).await.unwrap();
                keys.insert(name.to_owned(), key(&system(&self.odavl, &slug).await, name, EVERYTHING).await);
            }
            keys
        });
        Actors(keys)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
        if let Some(schema) = &self.schema {
            tell(&self.runtime, &format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}

/// Keys, reservations and cursors by the names that a case gives them.
pub(crate) struct Actors(BTreeMap<String, String>);

impl Actors {
    pub(crate) fn save(&mut self, name: &str, what: String) {
        self.0.insert(name.to_owned(), what);
    }

    pub(crate) fn saved(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("nothing was saved as `{name}`"))
    }

    /// The id of a key that was saved.
    pub(crate) fn key_id(&self, name: &str) -> String {
        format!("key_{}", self.saved(name).split('_').nth(2).unwrap())
    }
}

async fn system(odavl: &Odavl, slug: &str) -> Session {
    odavl.system(&slug.parse().unwrap(), Context::default()).await.unwrap()
}

async fn key(session: &Session, name: &str, scopes: &str) -> String {
    let new = session.keys().create(NewKeyRequest::new(name, scopes.parse().unwrap())).await.unwrap();
    new.token.unwrap().secret().reveal().clone()
}

/// The server of the tests.
fn server() -> String {
    std::env::var("ODAVL_TEST_POSTGRES")
        .map_err(|_| "the tests need PostgreSQL: run them by scripts/test, or first `eval \"$(scripts/services start)\"`")
        .unwrap()
}

fn tell(runtime: &Runtime, sql: &str) {
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&server(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(sql).await.unwrap();
    });
}

/// The command, with nothing of the machine's own settings.
pub(crate) fn odavl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_odavl"));
    let ours = |name: &str| name.starts_with("ODAVL_") || name.starts_with("AWS_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| ours(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// A service on that folder, and where it is.
fn serve(data: &TempDir, database: Option<&str>) -> (Child, String) {
    let mut command = odavl();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path().join("data"));
    command.arg("--config").arg(folder().join("odavl.toml")).env("ODAVL_LOG", "warn");
    command.envs(database.map(|url| ("ODAVL_DATABASE", url)));
    let mut service = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(service.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("odavl is at ").unwrap().to_owned();
    (service, url)
}
