//! Several nodes on one PostgreSQL: each an `Odavl` of its own, as in processes of their own.

#![cfg(all(feature = "postgres", feature = "fs", feature = "sign-in", feature = "uploads"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(test)]
#[path = "support/postgres.rs"]
mod server;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use odavl_core::{
    Odavl, Reason, Settings, SystemClock,
    auth::{NewKeyRequest, OrgRef, SetUp, SqlAuth},
    db::Db,
    gateway::{Verdict, VerifyRequest},
    metering::{Allowance, PostgresMetering},
    page::PageQuery,
    seal::MasterKey,
    secret::Secret,
    session::{Context, Session},
    storage::{DirectUrls, FsStorage, SqlCatalog},
    uploads::SqlUploads,
};
use tokio::task::JoinSet;

async fn node(db: Db, folder: &Path) -> Odavl {
    let mut settings = Settings::preset("https://odavl.example").unwrap();
    let thousand = Allowance { max: Some(1000), per: None, soft: false, ceiling: None };
    let free = settings.catalog.plans.get_mut("FREE").unwrap();
    free.allowances.insert("insight_analyses".parse().unwrap(), vec![thousand]);
    let (master, clock) = (MasterKey::new(&[7; 32]), Arc::new(SystemClock));
    let urls = DirectUrls::of(&settings, &master).unwrap();
    let storage = FsStorage::open(folder, clock.clone(), urls).await.unwrap();
    let node = Odavl::builder()
        .auth(Arc::new(SqlAuth::new(db.clone())))
        .metering(Arc::new(PostgresMetering::new(db.clone(), clock.clone())))
        .storage(Arc::new(storage))
        .objects(Arc::new(SqlCatalog::new(db.clone())))
        .uploads(Arc::new(SqlUploads::new(db)));
    node.settings(settings).master_key(master).clock(clock).build().unwrap()
}

struct Cluster {
    nodes: [Odavl; 2],
    gateway: Secret<String>,
    subject: Secret<String>,
    _folder: tempfile::TempDir,
}

async fn system(odavl: &Odavl, slug: &str) -> Session {
    odavl.system(&OrgRef::Slug(slug.parse().unwrap()), Context::default()).await.unwrap()
}

async fn key(odavl: &Odavl, slug: &str, scope: &str) -> Secret<String> {
    let wish = NewKeyRequest::new("test", scope.parse().unwrap());
    let made = system(odavl, slug).await.keys().create(wish).await.unwrap();
    made.token.as_ref().unwrap().secret().clone()
}

impl Cluster {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let first = server::database(&SystemClock).await;
        let second = first.another(&SystemClock).await.unwrap();
        let nodes = [node(first, folder.path()).await, node(second, folder.path()).await];
        let wish = SetUp {
            email: "ada@example.com".parse().unwrap(),
            name: "Ada".into(),
            password: Secret::new("correct horse battery".into()),
            organization: "acme".parse().unwrap(),
        };
        nodes[0].set_up(wish).await.unwrap();
        let gateway = key(&nodes[0], "operator", "gateway:write").await;
        let subject = key(&nodes[1], "acme", "insight:write").await;
        Self { nodes, gateway, subject, _folder: folder }
    }

    async fn session(&self, node: usize) -> Session {
        let odavl = &self.nodes[node];
        odavl
            .authenticate(odavl.credential(self.gateway.reveal()).unwrap(), Context::default())
            .await
            .unwrap()
    }

    fn question(&self, units: u64) -> VerifyRequest {
        VerifyRequest {
            key: self.subject.clone(),
            scope: "insight:write".parse().unwrap(),
            charges: vec![("insight_analyses".parse().unwrap(), units)],
            environment: None,
            ip: None,
            idempotency_key: None,
            tags: BTreeMap::new(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_with_256_callers_grant_exactly_the_limit() {
    let cluster = Cluster::new().await;
    let sessions = [Arc::new(cluster.session(0).await), Arc::new(cluster.session(1).await)];
    let mut callers = JoinSet::new();
    for caller in 0..256 {
        let (session, question) = (Arc::clone(&sessions[caller % 2]), cluster.question(1));
        callers.spawn(async move {
            let mut yeses = 0;
            for _ in 0..6 {
                let verdict = session.gateway().verify(question.clone()).await.unwrap();
                yeses += u64::from(matches!(verdict, Verdict::Valid(_)));
            }
            yeses
        });
    }
    assert_eq!(callers.join_all().await.into_iter().sum::<u64>(), 1000);
}

#[tokio::test]
async fn a_key_that_one_node_revokes_is_refused_by_the_other_at_once_where_it_is_charged() {
    let cluster = Cluster::new().await;
    let there = cluster.session(1).await;
    assert!(matches!(there.gateway().verify(cluster.question(1)).await.unwrap(), Verdict::Valid(_)));
    let acme = system(&cluster.nodes[0], "acme").await;
    let keys = acme.keys().list(&PageQuery::default()).await.unwrap();
    acme.keys().revoke(keys.items[0].id).await.unwrap();
    let verdict = there.gateway().verify(cluster.question(1)).await.unwrap();
    let Verdict::Invalid(refused) = verdict else { panic!("{verdict:?}") };
    assert_eq!(refused.reason(), Some(Reason::Revoked));
}
