//! Several nodes on one PostgreSQL: each an `Odavl` of its own, as in processes of their own.

#![cfg(all(feature = "postgres", feature = "fs", feature = "sign-in", feature = "uploads"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(test)]
#[path = "postgres_nodes/feed.rs"]
mod feed;

#[cfg(test)]
#[path = "support/postgres.rs"]
mod server;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use jiff::SignedDuration;
use odavl_core::{
    Clock, ManualClock, Odavl, Reason, Settings, SystemClock,
    auth::{NewKeyRequest, OrgRef, SetUp, SqlAuth},
    db::{Db, Tx},
    gateway::{Verdict, VerifyRequest},
    metering::{Allowance, PostgresMetering},
    page::PageQuery,
    seal::MasterKey,
    secret::Secret,
    session::{Context, Session},
    storage::{DirectUrls, FsStorage, SqlCatalog},
    uploads::SqlUploads,
    webhooks::SqlWebhooks,
};
use tokio::task::JoinSet;

async fn node(db: Db, folder: &Path) -> Odavl {
    node_by(Arc::new(SystemClock), db, folder).await
}

async fn node_by(clock: Arc<dyn Clock>, db: Db, folder: &Path) -> Odavl {
    let mut settings = Settings::preset("https://odavl.example").unwrap();
    let thousand = Allowance { max: Some(1000), per: None, soft: false, ceiling: None };
    let free = settings.catalog.plans.get_mut("FREE").unwrap();
    free.allowances.insert("insight_analyses".parse().unwrap(), vec![thousand]);
    let master = MasterKey::new(&[7; 32]);
    let urls = DirectUrls::of(&settings, &master).unwrap();
    let storage = FsStorage::open(folder, clock.clone(), urls).await.unwrap();
    let node = Odavl::builder()
        .auth(Arc::new(SqlAuth::new(db.clone())))
        .metering(Arc::new(PostgresMetering::new(db.clone(), clock.clone())))
        .storage(Arc::new(storage))
        .objects(Arc::new(SqlCatalog::new(db.clone())))
        .uploads(Arc::new(SqlUploads::new(db.clone())))
        .webhooks(Arc::new(SqlWebhooks::new(db)));
    node.settings(settings).master_key(master).clock(clock).build().unwrap()
}

struct Cluster {
    nodes: [Odavl; 2],
    db: Db,
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
        let db = first.clone();
        // The clock of the second stands: nothing that it remembers grows old, so what it learns it was told.
        let stands = Arc::new(ManualClock::new(SystemClock.now()));
        let nodes = [node(first, folder.path()).await, node_by(stands, second, folder.path()).await];
        let wish = SetUp {
            email: "ada@example.com".parse().unwrap(),
            name: "Ada".into(),
            password: Secret::new("correct horse battery".into()),
            organization: "acme".parse().unwrap(),
        };
        nodes[0].set_up(wish).await.unwrap();
        let gateway = key(&nodes[0], "operator", "gateway:write").await;
        let subject = key(&nodes[1], "acme", "insight:write").await;
        Self { nodes, db, gateway, subject, _folder: folder }
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

#[tokio::test]
async fn one_node_does_the_common_work_until_it_steps_down_or_is_gone() {
    let cluster = Cluster::new().await;
    let [first, second] = &cluster.nodes;
    assert!(first.leads().await.unwrap());
    assert!(!second.leads().await.unwrap());
    assert!(first.leads().await.unwrap());
    first.step_down().await.unwrap();
    assert!(second.leads().await.unwrap());
    assert!(!first.leads().await.unwrap());
    // As if the second had been stopped for longer than its turn.
    let mut tx = cluster.db.begin().await.unwrap();
    tx.execute("UPDATE leases SET until = 0", &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(first.leads().await.unwrap());
    assert!(!second.leads().await.unwrap());
    // It saves work and no more: whoever sweeps all the same does no harm.
    second.sweep().await.unwrap();
    second.forget_ended().await.unwrap();
}

#[tokio::test]
async fn a_node_whose_clock_is_off_the_database_s_is_not_ready_and_removes_nothing() {
    let (folder, now) = (tempfile::tempdir().unwrap(), SystemClock.now());
    node(server::database(&SystemClock).await, folder.path()).await.ready().await.unwrap();
    // However slow this test is, it takes no 40 seconds.
    for (seconds, removes) in [(-20, true), (90, false)] {
        let clock = Arc::new(ManualClock::new(now + SignedDuration::from_secs(seconds)));
        let node = node_by(clock.clone(), server::database(&*clock).await, folder.path()).await;
        let skew = node.clock_skew().await.unwrap().as_secs();
        assert!((seconds - 40..=seconds).contains(&skew), "{skew}");
        let refused = node.ready().await.unwrap_err();
        assert!(refused.to_string().contains("set both by NTP"), "{refused}");
        assert_eq!(node.forget_ended().await.is_ok(), removes, "{seconds}");
        assert_eq!(node.leads().await.is_ok(), removes, "{seconds}");
    }
}

#[tokio::test]
async fn a_node_whose_clock_is_wrong_sweeps_nothing_and_writes_what_it_alone_knows() {
    let cluster = Cluster::new().await;
    let (folder, ahead) = (tempfile::tempdir().unwrap(), SystemClock.now() + SignedDuration::from_secs(90));
    let clock = Arc::new(ManualClock::new(ahead));
    let wrong = node_by(clock, cluster.db.clone(), folder.path()).await;
    let used = "SELECT COUNT(*) AS n FROM api_keys WHERE last_used_at IS NOT NULL";
    let used = async || -> i64 { cluster.db.query_one(used, &[]).await.unwrap().unwrap().read("n").unwrap() };
    assert_eq!(used().await, 0);
    wrong
        .authenticate(wrong.credential(cluster.gateway.reveal()).unwrap(), Context::default())
        .await
        .unwrap()
        .gateway()
        .verify(cluster.question(1))
        .await
        .unwrap();
    assert!(wrong.tidy().await.unwrap_err().to_string().contains("set both by NTP"));
    assert_ne!(used().await, 0);
}

/// Which connection the transaction is on.
async fn backend(tx: &mut Tx) -> i64 {
    let row = tx.query_one("SELECT CAST(pg_backend_pid() AS BIGINT) AS pid", &[]).await.unwrap();
    row.unwrap().read("pid").unwrap()
}

/// Returns when the statement counts somebody who waits.
async fn until(db: &Db, waits: &'static str, pid: i64) {
    while db.query_one(waits, &[pid.into()]).await.unwrap().unwrap().read::<i64>("n").unwrap() == 0 {
        tokio::task::yield_now().await;
    }
}

const WAITS_FOR: &str = "SELECT COUNT(*) AS n FROM pg_stat_activity
    WHERE CAST($1 AS BIGINT) = ANY (CAST(pg_blocking_pids(pid) AS BIGINT[]))";
const WAITS: &str = "SELECT COUNT(*) AS n FROM pg_stat_activity
    WHERE pid = CAST($1 AS BIGINT) AND CARDINALITY(pg_blocking_pids(pid)) > 0";

#[tokio::test]
async fn a_change_that_the_server_undoes_for_another_s_sake_is_made_all_the_same_and_once() {
    let cluster = Cluster::new().await;
    let acme = system(&cluster.nodes[0], "acme").await;
    let id = acme.keys().list(&PageQuery::default()).await.unwrap().items[0].id;
    let before = acme.verify_audit().await.unwrap().entries;
    let (mut first, mut other) = (cluster.db.begin().await.unwrap(), cluster.db.begin().await.unwrap());
    let key = [id.into()];
    let touch_key = "UPDATE api_keys SET name = name WHERE id = $1";
    let touch_orgs = "UPDATE organizations SET name = name";
    let (holder, rival) = (backend(&mut first).await, backend(&mut other).await);
    first.execute(touch_key, &key).await.unwrap();
    let revoke = async { acme.keys().revoke(id).await };
    let circle = async {
        until(&cluster.db, WAITS_FOR, holder).await;
        // The server ends who closes the circle, or whoever has waited longest: not the one that never asks.
        other.query("SELECT set_config('deadlock_timeout', '60s', TRUE)", &[]).await.unwrap();
        other.execute(touch_orgs, &[]).await.unwrap();
        let close = async {
            until(&cluster.db, WAITS, rival).await;
            drop(first);
        };
        let (touched, ()) = tokio::join!(other.execute(touch_key, &key), close);
        assert_eq!(touched.unwrap(), 1);
        drop(other);
    };
    let (revoked, ()) = tokio::join!(revoke, circle);
    assert!(revoked.unwrap().revoked_at.is_some());
    let after = acme.verify_audit().await.unwrap();
    assert_eq!((after.entries, after.faults), (before + 1, Vec::new()));
}

/// As the migrations of a later version do.
const A_COLUMN_MORE: &str = "DO $$ DECLARE the RECORD; BEGIN
    FOR the IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN later BIGINT NOT NULL DEFAULT 7', the.tablename);
    END LOOP;
END $$";

#[tokio::test]
async fn a_running_node_outlives_the_columns_that_a_later_version_adds() {
    let cluster = Cluster::new().await;
    let node = &cluster.nodes[1];
    let (there, operator) = (cluster.session(1).await, system(node, "operator").await);
    let works = async || {
        key(node, "acme", "insight:write").await;
        assert!(matches!(there.gateway().verify(cluster.question(1)).await.unwrap(), Verdict::Valid(_)));
        assert!(operator.verify_audit().await.unwrap().faults.is_empty());
        assert_eq!(operator.orgs().list(&PageQuery::default()).await.unwrap().items.len(), 2);
        assert_eq!(operator.members().list(&PageQuery::default()).await.unwrap().items.len(), 1);
        node.leads().await.unwrap();
        node.sweep().await.unwrap();
        node.forget_ended().await.unwrap();
    };
    works().await;
    let mut tx = cluster.db.begin().await.unwrap();
    tx.execute(A_COLUMN_MORE, &[]).await.unwrap();
    tx.commit().await.unwrap();
    // On the connections of before, which know the tables as they were.
    works().await;
}
