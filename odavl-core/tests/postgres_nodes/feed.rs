//! What one node changes reaches the others where nothing is charged.

use std::time::Duration;

use odavl_core::{
    auth::{Auth, OrgUpdate, Organization},
    ids::OrgId,
};
use tokio::time::timeout;

use super::*;

const LISTENERS: &str = "SELECT COUNT(*) AS n FROM pg_stat_activity
    WHERE query = 'LISTEN odavl_' || to_hex(hashtextextended(current_schema(), 0))";
const CUT: &str = "SELECT COUNT(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
    WHERE query = 'LISTEN odavl_' || to_hex(hashtextextended(current_schema(), 0))";

impl Cluster {
    async fn number(&self, sql: &'static str) -> i64 {
        self.db.query_one(sql, &[]).await.unwrap().unwrap().read("n").unwrap()
    }

    /// Returns when both nodes listen.
    async fn listens(&self) {
        while self.number(LISTENERS).await < 2 {
            tokio::task::yield_now().await;
        }
    }

    async fn acme(&self) -> Organization {
        SqlAuth::new(self.db.clone()).org(&"acme".parse().unwrap()).await.unwrap().unwrap()
    }

    async fn revoke(&self) {
        let acme = system(&self.nodes[0], "acme").await;
        let keys = acme.keys().list(&PageQuery::default()).await.unwrap();
        acme.keys().revoke(keys.items[0].id).await.unwrap();
    }

    /// The plan with which the other node lets the key pass, where nothing is charged.
    async fn passes(&self, there: &Session) -> Option<String> {
        let question = VerifyRequest { charges: Vec::new(), ..self.question(1) };
        match there.gateway().verify(question).await.unwrap() {
            Verdict::Valid(identity) => Some(identity.plan),
            Verdict::Invalid(_) => None,
        }
    }

    /// Returns when the other node lets the key pass with that plan, or refuses it.
    async fn comes_to(&self, there: &Session, plan: Option<&str>) {
        while self.passes(there).await.as_deref() != plan {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn what_one_node_changes_holds_on_the_other_within_a_second_where_nothing_is_charged() {
    let cluster = Cluster::new().await;
    let there = cluster.session(1).await;
    cluster.listens().await;
    cluster.comes_to(&there, Some("FREE")).await;
    let change = OrgUpdate { plan: Some("PRO".into()), ..OrgUpdate::default() };
    system(&cluster.nodes[0], "operator")
        .await
        .orgs()
        .update(&"acme".parse().unwrap(), change)
        .await
        .unwrap();
    timeout(Duration::from_secs(1), cluster.comes_to(&there, Some("PRO"))).await.unwrap();
    cluster.revoke().await;
    timeout(Duration::from_secs(1), cluster.comes_to(&there, None)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_heard_because_the_connection_was_cut_is_found_by_asking() {
    let cluster = Cluster::new().await;
    let there = cluster.session(1).await;
    cluster.listens().await;
    cluster.comes_to(&there, Some("FREE")).await;
    assert!(cluster.number(CUT).await >= 2);
    cluster.revoke().await;
    timeout(Duration::from_secs(5), cluster.comes_to(&there, None)).await.unwrap();
    cluster.listens().await;
}

#[tokio::test]
async fn a_bump_is_announced_when_it_commits_and_so_is_that_nothing_was_heard() {
    let cluster = Cluster::new().await;
    let (org, other) = (cluster.acme().await.id, cluster.db.another(&SystemClock).await.unwrap());
    let auth = SqlAuth::new(other);
    auth.announced().await;
    let mut tx = cluster.db.begin().await.unwrap();
    bump(&mut tx, org).await;
    assert!(timeout(Duration::from_millis(50), auth.announced()).await.is_err());
    tx.commit().await.unwrap();
    timeout(Duration::from_secs(5), auth.announced()).await.unwrap();
    cluster.number(CUT).await;
    timeout(Duration::from_secs(5), auth.announced()).await.unwrap();
}

async fn bump(tx: &mut Tx, org: OrgId) {
    let sql = "UPDATE organizations SET epoch = epoch + 1 WHERE id = $1";
    assert_eq!(tx.execute(sql, &[org.into()]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_bump_that_began_early_and_committed_late_is_told_all_the_same() {
    let cluster = Cluster::new().await;
    let (auth, early) = (SqlAuth::new(cluster.db.clone()), cluster.acme().await.id);
    let late = auth.org(&"operator".parse().unwrap()).await.unwrap().unwrap().id;
    let start = auth.bumps(None).await.unwrap().place;
    let (mut first, mut second) = (cluster.db.begin().await.unwrap(), cluster.db.begin().await.unwrap());
    bump(&mut first, early).await;
    bump(&mut second, late).await;
    second.commit().await.unwrap();
    let told = auth.bumps(Some(start)).await.unwrap();
    assert!(told.bumped.iter().any(|(org, _)| *org == late));
    assert!(told.bumped.iter().all(|(org, _)| *org != early));
    first.commit().await.unwrap();
    let told = auth.bumps(Some(told.place)).await.unwrap();
    assert!(told.bumped.iter().any(|(org, _)| *org == early));
}

/// After a crash the server may give numbers a second time that a snapshot from before takes for seen.
#[tokio::test]
async fn nothing_is_told_by_what_was_seen_before_the_server_crashed() {
    let cluster = Cluster::new().await;
    let auth = SqlAuth::new(cluster.db.clone());
    let start = auth.bumps(None).await.unwrap().place;
    let again = auth.bumps(Some(start.clone())).await.unwrap().place;
    assert!(again.follows(&start));
    // The server does the same at its start after a crash with whatever is not logged.
    let kept =
        "SELECT CAST(relpersistence AS TEXT) AS kept FROM pg_class WHERE oid = CAST('lives' AS REGCLASS)";
    let row = cluster.db.query_one(kept, &[]).await.unwrap().unwrap();
    assert_eq!(row.read::<String>("kept").unwrap(), "u");
    let mut tx = cluster.db.begin().await.unwrap();
    assert_eq!(tx.execute("DELETE FROM lives", &[]).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let told = auth.bumps(Some(start.clone())).await.unwrap();
    assert!(!told.place.follows(&start) && told.bumped.is_empty());
    assert!(auth.bumps(Some(told.place.clone())).await.unwrap().place.follows(&told.place));
}

/// So it is where a backup was restored beside the live database and took its name, or into its tables.
#[tokio::test]
async fn nothing_is_told_by_what_was_seen_in_a_table_that_another_has_replaced() {
    let cluster = Cluster::new().await;
    let auth = SqlAuth::new(cluster.db.clone());
    let start = auth.bumps(None).await.unwrap().place;
    let mut tx = cluster.db.begin().await.unwrap();
    tx.execute("CLUSTER organizations USING organizations_pkey", &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert!(!auth.bumps(Some(start.clone())).await.unwrap().place.follows(&start));
}

#[tokio::test]
async fn what_a_copy_of_another_database_brought_is_not_taken_for_a_change() {
    let cluster = Cluster::new().await;
    let auth = SqlAuth::new(cluster.db.clone());
    let start = auth.bumps(None).await.unwrap().place;
    let mut tx = cluster.db.begin().await.unwrap();
    tx.execute("UPDATE organizations SET bumped = 1000000000000", &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(auth.bumps(Some(start.clone())).await.unwrap().bumped, []);
    let mut tx = cluster.db.begin().await.unwrap();
    let org = cluster.acme().await.id;
    bump(&mut tx, org).await;
    tx.commit().await.unwrap();
    assert_eq!(auth.bumps(Some(start)).await.unwrap().bumped.len(), 1);
}

/// A dump, or whatever else is open for long on the same server, is no reason to tell all again each second.
#[tokio::test]
async fn a_bump_is_told_once_however_long_another_transaction_is_open() {
    let cluster = Cluster::new().await;
    let (auth, org) = (SqlAuth::new(cluster.db.clone()), cluster.acme().await.id);
    let other = auth.org(&"operator".parse().unwrap()).await.unwrap().unwrap().id;
    let mut long = cluster.db.begin().await.unwrap();
    bump(&mut long, other).await;
    let start = auth.bumps(None).await.unwrap().place;
    let mut tx = cluster.db.begin().await.unwrap();
    bump(&mut tx, org).await;
    tx.commit().await.unwrap();
    let told = auth.bumps(Some(start)).await.unwrap();
    assert_eq!(told.bumped.iter().filter(|(bumped, _)| *bumped == org).count(), 1);
    let again = auth.bumps(Some(told.place)).await.unwrap();
    assert!(again.bumped.iter().all(|(bumped, _)| *bumped != org), "{again:?}");
    long.commit().await.unwrap();
    let told = auth.bumps(Some(again.place)).await.unwrap();
    assert!(told.bumped.iter().any(|(bumped, _)| *bumped == other));
}
