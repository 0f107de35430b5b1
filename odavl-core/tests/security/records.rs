//! Records: a sample of who was refused, and what was cut off although the database looks whole.

use std::collections::BTreeMap;

use odavl_core::{
    Odavl,
    auth::{AuditCheck, AuditEntry, NewKeyRequest},
    db::Value,
    gateway::VerifyRequest,
    ids::OrgId,
    metering::Consume,
    page::PageQuery,
    session::{Context, Session},
    storage::{KeyPrefix, PutMode, PutOptions, StoreKey, full},
};

use crate::support::{World, people::with_key, unlimited};

/// The refusals among the records of `one`.
async fn denied(world: &World) -> Vec<AuditEntry> {
    let records = world.one().await.orgs().audit(&PageQuery::default()).await.unwrap().items;
    records.into_iter().filter(|record| record.action == "denied").collect()
}

async fn key(world: &World, scopes: &str) -> odavl_core::auth::NewKey {
    world.one().await.keys().create(NewKeyRequest::new("a", scopes.parse().unwrap())).await.unwrap()
}

fn consume() -> Consume {
    Consume {
        meter: "autopilot_runs".parse().unwrap(),
        units: 1,
        idempotency_key: None,
        tags: BTreeMap::default(),
    }
}

#[tokio::test]
async fn of_many_refusals_one_a_minute_is_recorded_with_how_many_were_left_out() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let key = key(&world, "org:read").await;
    let session = with_key(&odavl, key.token.unwrap().secret()).await;
    let try_often = async |times: usize| {
        for _ in 0..times {
            session.usage().consume(consume()).await.unwrap_err();
        }
    };
    try_often(50).await;
    assert_eq!(denied(&world).await, [], "nothing is written while somebody is refused");
    odavl.sweep().await.unwrap();
    let recorded = denied(&world).await;
    let first = &recorded[0];
    assert_eq!(
        (recorded.len(), first.target.as_str(), &first.actor),
        (1, "usage.consume", &key.key.id.to_string())
    );
    assert_eq!(
        (first.detail["reason"].as_str(), first.detail["left_out"].as_str()),
        ("insufficient_scope", "49")
    );

    try_often(7).await;
    odavl.sweep().await.unwrap();
    assert_eq!(denied(&world).await.len(), 1, "no second one in that minute");
    world.pass(1);
    odavl.sweep().await.unwrap();
    assert_eq!(denied(&world).await[1].detail["left_out"], "6");
    world.pass(1);
    odavl.sweep().await.unwrap();
    assert_eq!(denied(&world).await.len(), 2);
    assert_eq!(world.one().await.verify_audit().await.unwrap().faults, []);
}

#[tokio::test]
async fn a_credential_that_is_refused_is_recorded_where_it_belongs_with_where_it_came_from() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let key = key(&world, "org:read").await;
    let token = key.token.unwrap();
    world.one().await.keys().revoke(key.key.id).await.unwrap();
    let address = Some("::ffff:192.0.2.7".parse().unwrap());
    let context = Context { address, request_id: "request-1".into(), ..Context::default() };
    let credential = odavl.credential(token.secret().reveal()).unwrap();
    odavl.authenticate(credential, context).await.unwrap_err();
    odavl.sweep().await.unwrap();
    let recorded = denied(&world).await.remove(0);
    assert_eq!((recorded.target.as_str(), recorded.detail["reason"].as_str()), ("credential", "revoked"));
    assert_eq!((recorded.address.as_deref(), recorded.request_id.as_str()), (Some("192.0.2.7"), "request-1"));
}

#[tokio::test]
async fn what_the_gateway_answers_about_a_key_is_no_refusal_and_neither_is_a_quota() {
    let mut settings = unlimited();
    settings.catalog.default_plan = "FREE".into();
    let world = World::bare(settings).set_up().await;
    let odavl = world.start();
    let gateway = NewKeyRequest::new("gateway", "gateway:write".parse().unwrap());
    let gateway =
        world.session(&odavl, "operator").await.keys().create(gateway).await.unwrap().token.unwrap();
    let subject = key(&world, "org:read").await;
    let session = with_key(&odavl, gateway.secret()).await;
    for _ in 0..20 {
        let request = VerifyRequest {
            key: subject.token.as_ref().unwrap().secret().clone(),
            scope: "storage:read".parse().unwrap(),
            charges: Vec::new(),
            environment: None,
            ip: None,
            idempotency_key: None,
            tags: BTreeMap::default(),
        };
        session.gateway().verify(request).await.unwrap();
        let _ = world.session(&odavl, "one").await.usage().consume(consume()).await;
    }
    odavl.sweep().await.unwrap();
    assert_eq!(denied(&world).await, []);
}

/// An installation on SQLite and a folder, with some records of `one`.
struct Kept {
    world: World,
    odavl: Odavl,
    one: Session,
    org: OrgId,
}

impl Kept {
    async fn new() -> Self {
        let world = World::bare_embedded(unlimited()).await.set_up().await;
        let odavl = world.start();
        let one = world.session(&odavl, "one").await;
        let org = one.orgs().read().await.unwrap().id;
        let kept = Self { world, odavl, one, org };
        kept.write(3).await;
        kept
    }

    /// Leaves so many records more.
    async fn write(&self, records: usize) {
        for _ in 0..records {
            let wish = NewKeyRequest::new("a", "org:read".parse().unwrap());
            self.one.keys().create(wish).await.unwrap();
        }
    }

    /// A day later, the hourly work is done.
    async fn day(&self) {
        self.world.pass(24 * 60);
        self.odavl.forget_ended().await.unwrap();
    }

    async fn heads(&self, org: OrgId) -> Vec<StoreKey> {
        let prefix: KeyPrefix = format!("audit/{org}/").parse().unwrap();
        let listed = self.world.storage.list(&prefix, &PageQuery::default()).await.unwrap();
        listed.items.into_iter().map(|stored| stored.key).collect()
    }

    async fn check(&self) -> AuditCheck {
        self.one.verify_audit().await.unwrap()
    }

    async fn faults(&self) -> Vec<(u64, String)> {
        self.check().await.faults.into_iter().map(|fault| (fault.seq, fault.fault)).collect()
    }

    /// Does that to the database, behind odavl's back.
    async fn sql(&self, sql: &'static str, org: OrgId) {
        let mut tx = self.world.db.as_ref().unwrap().begin().await.unwrap();
        tx.execute(sql, &[Value::text(&org)]).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn cut_off(&self) {
        self.sql("DELETE FROM audit_entries WHERE org = $1 AND seq > 2", self.org).await;
    }
}

#[tokio::test]
async fn entries_that_were_cut_off_with_the_database_s_own_end_are_missed() {
    let kept = Kept::new().await;
    kept.day().await;
    assert_eq!((kept.check().await.signed, kept.faults().await), (4, vec![]));
    kept.cut_off().await;
    let [(seq, fault)] = kept.faults().await.try_into().unwrap();
    assert_eq!(seq, 3);
    assert!(fault.contains("cut off: there were 4 on 2027-01-16"), "{fault}");
}

#[tokio::test]
async fn entries_that_took_the_place_of_those_cut_off_are_found() {
    let kept = Kept::new().await;
    kept.day().await;
    kept.cut_off().await;
    // The installation itself goes on from there, and signs what it finds.
    kept.write(5).await;
    kept.day().await;
    let [(seq, fault)] = kept.faults().await.try_into().unwrap();
    assert_eq!(seq, 4);
    assert!(fault.contains("another entry was signed here on 2027-01-16"), "{fault}");
}

#[tokio::test]
async fn an_organisation_that_is_gone_with_its_records_is_missed() {
    let kept = Kept::new().await;
    kept.day().await;
    let two = kept.world.session(&kept.odavl, "two").await.orgs().read().await.unwrap().id;
    for sql in ["DELETE FROM audit_entries WHERE org = $1", "DELETE FROM organizations WHERE id = $1"] {
        kept.sql(sql, two).await;
    }
    let operator = kept.world.session(&kept.odavl, "operator").await;
    let faults = operator.verify_audit().await.unwrap().faults;
    assert_eq!(faults.len(), 1);
    assert!(faults[0].fault.contains(&format!("the organization {two} is gone")), "{faults:?}");
    assert_eq!(kept.faults().await, [], "it is the operator's to know");
}

#[tokio::test]
async fn a_signed_head_that_was_changed_or_forged_is_found_and_vouches_for_nothing() {
    let kept = Kept::new().await;
    kept.day().await;
    let key = kept.heads(kept.org).await.remove(0);
    let forged = format!(
        r#"{{"org":"{}","seq":4,"hash":"00","at":"2027-01-16T08:00:00Z","signature":"00"}}"#,
        kept.org
    );
    for content in [forged, String::new(), "x".repeat(10_000)] {
        let options = PutOptions::create("application/json".parse().unwrap());
        let options = PutOptions { mode: PutMode::Overwrite, ..options };
        kept.world.storage.put(&key, full(content), options).await.unwrap();
        let check = kept.check().await;
        assert_eq!((check.signed, check.faults.len(), check.faults[0].seq), (0, 1, 4));
    }
}

#[tokio::test]
async fn each_chain_that_grew_is_signed_once_a_day_by_whichever_node() {
    let kept = Kept::new().await;
    let count = async || kept.heads(kept.org).await.len();
    kept.odavl.forget_ended().await.unwrap();
    assert_eq!(count().await, 1, "when it has started");
    kept.write(1).await;
    kept.odavl.forget_ended().await.unwrap();
    assert_eq!(count().await, 1, "not twice a day");
    kept.day().await;
    kept.day().await;
    assert_eq!(count().await, 2, "only what grew");
    kept.world.start().forget_ended().await.unwrap();
    assert_eq!(count().await, 2, "another node finds it done");
    assert_eq!(kept.faults().await, []);
}

#[tokio::test]
async fn signed_heads_are_in_no_organisation_s_list_recount_or_quota() {
    let kept = Kept::new().await;
    kept.day().await;
    assert!(!kept.heads(kept.org).await.is_empty());
    let recount = kept.one.storage().recount().await.unwrap();
    assert_eq!((recount.stored_objects, recount.unnamed, recount.metered_bytes), (0, 0, Some(0)));
    let all = odavl_core::storage::ListQuery::new("", odavl_core::storage::Depth::All, PageQuery::default())
        .unwrap();
    assert_eq!(kept.one.storage().list(&all).await.unwrap().items, []);
}
