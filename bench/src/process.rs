#![expect(clippy::disallowed_methods, reason = "a benchmark is told by the clock on the wall")]
//! Decisions in the process itself: key checked, scope, rate, quota, and the whole write set.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use odavl_core::{
    Odavl,
    auth::{Email, NewKeyRequest, NewOrg, OrgRef, SetUp},
    config::Config,
    gateway::{Verdict, VerifyRequest},
    metering::MeterName,
    secret::Secret,
    session::{Context, Session},
};

use crate::{
    Outcome,
    database::{self, Database},
    floor::Floor,
    measure::{Run, folder, run},
};

/// A rate and a quota that nobody reaches here, but that every decision is held to.
pub const CONFIG: &str = r#"
    resources = ["work"]
    [meters]
    calls = { kind = "sum" }
    [plans.Bench]
    default = true
    limits.calls = [{ max = 9000000000000 }, { max = 100000000, per = "1s" }]
"#;

/// An installation with that many organisations, and a key of each.
pub struct Bench {
    pub odavl: Odavl,
    pub keys: Arc<Vec<Secret<String>>>,
    pub gateway_key: Secret<String>,
    session: Arc<Session>,
    pub folder: tempfile::TempDir,
}

impl Bench {
    /// On an empty database, or else on SQLite.
    pub async fn open(organisations: usize, public_url: &str, database: Option<&Database>) -> Outcome<Self> {
        let folder = folder()?;
        let mut settings = Config::parse(CONFIG)?.settings(public_url)?;
        settings.database = database.map(|database| Secret::new(database.url.clone()));
        let odavl = Odavl::open(folder.path(), settings).await?;
        odavl
            .set_up(SetUp {
                email: "bench@example.com".parse::<Email>()?,
                name: "Bench".into(),
                password: Secret::new("correct horse battery".into()),
                organization: "first".parse()?,
            })
            .await?;
        let operator = OrgRef::Slug("operator".parse()?);
        let session = odavl.system(&operator, Context::default()).await?;
        let gateway = session.keys().create(NewKeyRequest::new("bench", "gateway:write".parse()?)).await?;
        let mut keys = Vec::new();
        for number in 0..organisations {
            let org = NewOrg {
                slug: format!("org-{number}").parse()?,
                name: format!("Organisation {number}"),
                plan: None,
                external_id: None,
                metadata: BTreeMap::new(),
                idempotency_key: None,
            };
            let org = session.orgs().create(org).await?;
            let own = odavl.system(&OrgRef::Id(org.id), Context::default()).await?;
            let key = own.keys().create(NewKeyRequest::new("bench", "work:write".parse()?)).await?;
            keys.push(key.token.as_ref().ok_or("no secret")?.secret().clone());
        }
        Ok(Self {
            odavl,
            keys: Arc::new(keys),
            gateway_key: gateway.token.as_ref().ok_or("no secret")?.secret().clone(),
            session: Arc::new(session),
            folder,
        })
    }

    pub async fn decide(&self, callers: usize, keyed: bool, long: Duration) -> Outcome<Run> {
        let (session, keys) = (self.session.clone(), self.keys.clone());
        let meter: MeterName = "calls".parse()?;
        // A retry's key is used once over all runs on this installation.
        let round = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_nanos();
        run(callers, long, move |caller, number| {
            let (session, keys, meter) = (session.clone(), keys.clone(), meter.clone());
            async move {
                let request = VerifyRequest {
                    key: keys[(caller * 7919 + number) % keys.len()].clone(),
                    scope: "work:write".parse()?,
                    charges: vec![(meter, 1)],
                    environment: None,
                    ip: None,
                    idempotency_key: keyed.then(|| format!("{round}-{caller}-{number}")),
                    tags: BTreeMap::new(),
                };
                match session.gateway().verify(request).await? {
                    Verdict::Valid(_) => Ok(()),
                    Verdict::Invalid(error) => Err(error.into()),
                }
            }
        })
        .await
    }
}

pub async fn decisions(long: Duration) -> Outcome<()> {
    let folder = folder()?;
    let database = Database::where_named().await?;
    let place = database.as_ref().map_or_else(|| folder.path().display().to_string(), |it| it.url.clone());
    let floor = Floor::open(&place).await?;
    let bare = |callers| {
        let floor = floor.clone();
        run(callers, long, move |_, _| {
            let floor = floor.clone();
            async move { floor.decide().await.map(drop) }
        })
    };
    let mut alone = bare(1).await?;
    let commit = alone.within(50.0);
    alone.row("in process: floor, alone (a commit)");
    bare(256).await?.row("in process: floor, 256 callers");
    database::remove(database).await?;
    for organisations in [1, 1000] {
        let database = Database::where_named().await?;
        let bench = Bench::open(organisations, "http://127.0.0.1", database.as_ref()).await?;
        if organisations == 1 {
            let mut alone = bench.decide(1, false, long).await?;
            alone.row("in process: decision, alone");
            println!("| in process: decision, alone, in commits | {:.2} |", alone.within(50.0) / commit);
        }
        for keyed in [false, true] {
            let with = if keyed { ", idempotency key on each" } else { "" };
            let name =
                format!("in process: decision, 256 callers over {organisations} organisation(s){with}");
            bench.decide(256, keyed, long).await?.row(&name);
        }
        drop(bench);
        database::remove(database).await?;
    }
    Ok(())
}
