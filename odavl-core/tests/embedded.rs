//! The embedded default as a program uses it: one folder, opened, set up, asked, closed, opened again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use jiff::{SignedDuration, Timestamp};
use odavl_core::{
    ErrorCode, Odavl, Settings,
    auth::{Access, NewKeyRequest, NewOrg, OrgRef, OrgUpdate, SetUp},
    gateway::{Verdict, VerifyRequest},
    metering::{Allowance, Consume, Grouping, HistoryQuery, Period, Resolution},
    page::PageQuery,
    secret::Secret,
    session::{Context, Session},
};

async fn open(data: &Path) -> Odavl {
    Odavl::open(data, Settings::preset("http://127.0.0.1:8787").unwrap()).await.unwrap()
}

async fn set_up(odavl: &Odavl) {
    let wish = SetUp {
        email: "ada@example.com".parse().unwrap(),
        name: "Ada".into(),
        password: Secret::new("correct horse battery".into()),
        organization: "acme".parse().unwrap(),
    };
    odavl.set_up(wish).await.unwrap();
}

async fn system(odavl: &Odavl, slug: &str) -> Session {
    odavl.system(&OrgRef::Slug(slug.parse().unwrap()), Context::default()).await.unwrap()
}

async fn key(session: &Session, scope: &str) -> Secret<String> {
    let wish = NewKeyRequest::new("test", scope.parse().unwrap());
    session.keys().create(wish).await.unwrap().token.as_ref().unwrap().secret().clone()
}

async fn authenticate(odavl: &Odavl, key: &Secret<String>) -> Session {
    let credential = odavl.credential(key.reveal()).unwrap();
    odavl.authenticate(credential, Context::default()).await.unwrap()
}

fn question(key: &Secret<String>, meter: &str) -> VerifyRequest {
    VerifyRequest {
        key: key.clone(),
        scope: "insight:write".parse().unwrap(),
        charges: vec![(meter.parse().unwrap(), 1)],
        environment: None,
        ip: None,
        idempotency_key: None,
        tags: BTreeMap::new(),
    }
}

fn consume(meter: &str, key: Option<&str>) -> Consume {
    Consume {
        meter: meter.parse().unwrap(),
        units: 1,
        idempotency_key: key.map(str::to_owned),
        tags: BTreeMap::new(),
    }
}

#[tokio::test]
async fn the_gateway_admits_to_the_limit_and_what_was_used_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let gateway = key(&system(&odavl, "operator").await, "gateway:write").await;
    let subject = key(&system(&odavl, "acme").await, "insight:write").await;

    let session = authenticate(&odavl, &gateway).await;
    for used in 1..=10 {
        let verdict = session.gateway().verify(question(&subject, "insight_analyses")).await.unwrap();
        let Verdict::Valid(identity) = verdict else { panic!("{verdict:?}") };
        assert_eq!(identity.limits[0].used, used);
        assert_eq!(
            identity.limits[0].warning,
            [None, Some(80), Some(90), Some(100)][used.saturating_sub(7).min(3) as usize]
        );
    }
    let refused = session.gateway().verify(question(&subject, "insight_analyses")).await.unwrap();
    let Verdict::Invalid(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    drop((session, odavl));

    let odavl = open(folder.path()).await;
    let report = system(&odavl, "acme").await.usage().read().await.unwrap();
    let standing = report.limits.iter().find(|s| s.meter.as_str() == "insight_analyses").unwrap();
    assert_eq!((standing.used, standing.limit, report.api_keys), (10, Some(10), 1));
}

#[tokio::test]
async fn a_key_that_is_revoked_or_whose_owner_is_demoted_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let acme = system(&odavl, "acme").await;
    let wish = NewKeyRequest::new("ci", "usage:write".parse().unwrap());
    let made = acme.keys().create(wish).await.unwrap();
    let holder = authenticate(&odavl, made.token.as_ref().unwrap().secret()).await;
    holder.usage().consume(consume("api_calls", None)).await.unwrap();

    acme.keys().revoke(made.key.id).await.unwrap();
    let refused = holder.usage().consume(consume("api_calls", None)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Unauthenticated);
    assert_eq!(refused.reason().unwrap().as_str(), "revoked");
}

#[tokio::test]
async fn a_retry_with_its_key_gets_the_first_answer_even_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let session = system(&odavl, "acme").await;
    for run in 1..=5 {
        let answer =
            session.usage().consume(consume("autopilot_runs", Some(&format!("r-{run}")))).await.unwrap();
        assert_eq!((answer.standings[0].used, answer.replayed), (run, false));
    }
    let again = session.usage().consume(consume("autopilot_runs", Some("r-3"))).await.unwrap();
    assert_eq!((again.standings[0].used, again.replayed), (3, true));
    let other = Consume { units: 2, ..consume("autopilot_runs", Some("r-3")) };
    assert_eq!(session.usage().consume(other).await.unwrap_err().code(), ErrorCode::Conflict);
    let new = session.usage().consume(consume("autopilot_runs", Some("r-6"))).await.unwrap_err();
    assert_eq!(new.code(), ErrorCode::QuotaExceeded);
}

#[tokio::test]
async fn the_free_plan_has_three_keys_and_a_larger_plan_holds_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let acme = system(&odavl, "acme").await;
    for _ in 0..3 {
        key(&acme, "insight:write").await;
    }
    let wish = NewKeyRequest::new("fourth", "insight:write".parse().unwrap());
    let refused = acme.keys().create(wish.clone()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    assert_eq!(refused.refusal().unwrap().standing.used, 3);

    let update = OrgUpdate { plan: Some("PRO".into()), ..Default::default() };
    system(&odavl, "operator").await.orgs().update(&"acme".parse().unwrap(), update).await.unwrap();
    acme.keys().create(wish).await.unwrap();
}

#[tokio::test]
async fn nobody_gives_away_what_they_do_not_have() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let acme = system(&odavl, "acme").await;
    for scope in ["gateway:write", "instance:read"] {
        let refused = acme.keys().create(NewKeyRequest::new("x", scope.parse().unwrap())).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Forbidden, "{scope}");
    }
    let weak = authenticate(&odavl, &key(&acme, "keys:write").await).await;
    let refused =
        weak.keys().create(NewKeyRequest::new("x", "storage:read".parse().unwrap())).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    assert!(!weak.me().await.unwrap().scopes.allow("storage", Access::Read));
}

#[tokio::test]
async fn an_operator_acts_on_another_organisation_and_nobody_else_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let operator = system(&odavl, "operator").await;
    let org = NewOrg {
        slug: "other".parse().unwrap(),
        name: "Other".into(),
        plan: None,
        external_id: Some("crm-7".into()),
        metadata: BTreeMap::new(),
        idempotency_key: None,
    };
    operator.orgs().create(org).await.unwrap();
    let on_other = |key: Secret<String>| {
        let odavl = odavl.clone();
        async move {
            let context = Context { organization: Some("external:crm-7".into()), ..Context::default() };
            let credential = odavl.credential(key.reveal()).unwrap();
            odavl.authenticate(credential, context).await
        }
    };
    let strong = on_other(key(&operator, "instance:write").await).await.unwrap();
    assert_eq!(strong.me().await.unwrap().organization_slug, "other");
    let weak = on_other(key(&system(&odavl, "acme").await, "org:read").await).await.unwrap_err();
    assert_eq!(weak.code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_retried_creation_makes_nothing_twice_and_shows_no_secret_again() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let acme = system(&odavl, "acme").await;
    let wish = |name: &str| NewKeyRequest {
        idempotency_key: Some("k-1".into()),
        ..NewKeyRequest::new(name, "insight:write".parse().unwrap())
    };
    let first = acme.keys().create(wish("ci")).await.unwrap();
    let again = acme.keys().create(wish("ci")).await.unwrap();
    assert_eq!((first.key.id, again.token.is_none()), (again.key.id, true));
    assert_eq!(acme.keys().create(wish("other")).await.unwrap_err().code(), ErrorCode::Conflict);

    let slug = || "app".parse().unwrap();
    let project = acme.projects().create(slug(), Some("p-1")).await.unwrap();
    assert_eq!(acme.projects().create(slug(), Some("p-1")).await.unwrap(), project);
    assert_eq!(acme.projects().create(slug(), None).await.unwrap_err().code(), ErrorCode::AlreadyExists);
}

#[tokio::test]
async fn history_is_asked_for_a_time_that_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let acme = system(&odavl, "acme").await;
    let from: Timestamp = "2000-01-01T00:00:00Z".parse().unwrap();
    for (resolution, days) in [(Resolution::Hour, 92), (Resolution::Day, 3_660), (Resolution::Month, 36_600)]
    {
        let to = from.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
        let meter = "api_calls".parse().unwrap();
        let longest = HistoryQuery { meter, from, to, resolution, grouping: Grouping::Total };
        assert_eq!(acme.usage().history(&longest).await.unwrap(), []);
        let to = to.checked_add(SignedDuration::from_micros(1)).unwrap();
        let longer = HistoryQuery { to, ..longest };
        let refused = acme.usage().history(&longer).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidInput);
        let none = HistoryQuery { to: from, ..longer };
        assert_eq!(acme.usage().history(&none).await.unwrap_err().code(), ErrorCode::InvalidInput);
    }
}

#[tokio::test]
async fn what_was_used_while_another_period_counted_is_not_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let odavl = open(folder.path()).await;
    set_up(&odavl).await;
    let (acme, operator) = (system(&odavl, "acme").await, system(&odavl, "operator").await);
    let allow = async |limits: Option<Vec<Allowance>>| {
        let overrides = BTreeMap::from([("insight_analyses".parse().unwrap(), limits)]);
        let wish = OrgUpdate { overrides, ..OrgUpdate::default() };
        operator.orgs().update(&OrgRef::Slug("acme".parse().unwrap()), wish).await.unwrap();
    };
    let daily = Allowance { max: Some(1000), per: Some(Period::Day), soft: false, ceiling: None };
    acme.usage().consume(consume("insight_analyses", None)).await.unwrap();
    allow(Some(vec![daily])).await;
    let answer = acme.usage().consume(consume("insight_analyses", None)).await.unwrap();
    assert_eq!((answer.standings[0].limit, answer.standings[0].used), (Some(1000), 1));
    allow(None).await;
    let answer = acme.usage().consume(consume("insight_analyses", None)).await.unwrap();
    assert_eq!((answer.standings[0].limit, answer.standings[0].used), (Some(10), 3));
}

#[tokio::test]
async fn an_installation_whose_master_key_is_gone_is_given_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (key, aside) = (folder.path().join("master.key"), folder.path().join("aside"));
    set_up(&open(folder.path()).await).await;
    std::fs::rename(&key, &aside).unwrap();
    let settings = Settings::preset("http://127.0.0.1:8787").unwrap();
    let refused = Odavl::open(folder.path(), settings).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidInput);
    assert!(refused.hint().unwrap().contains("openssl rand -hex 32"));
    assert!(!key.exists());
    std::fs::rename(&aside, &key).unwrap();
    assert!(system(&open(folder.path()).await, "acme").await.verify_audit().await.unwrap().faults.is_empty());
}

#[tokio::test]
async fn another_master_key_than_the_installation_s_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    let [old, new] = ["01", "02"].map(|byte| byte.repeat(32));
    let opened = async |text: String| {
        std::fs::write(&key, text).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let settings = Settings::preset("http://127.0.0.1:8787").unwrap();
        Odavl::open(folder.path(), settings).await.map(drop)
    };
    opened(old.clone()).await.unwrap();
    // Nobody is set up yet: another node that makes a key of its own is refused, too.
    let refused = opened(new.clone()).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidInput);
    assert!(refused.to_string().contains("master.key is not that of the installation"), "{refused}");
    assert!(refused.hint().unwrap().contains("DELETE FROM master_key_checks"));
    opened(format!("{old}\n{new}\n")).await.unwrap();
    opened(format!("{old}\n{new}\n")).await.unwrap();
    opened(old).await.unwrap_err();
    opened(new).await.unwrap();
    std::fs::remove_file(&key).unwrap();
    let settings = Settings::preset("http://127.0.0.1:8787").unwrap();
    assert!(Odavl::open(folder.path(), settings).await.is_err());
    assert!(!key.exists(), "none is made where one is known");
}

#[tokio::test]
async fn a_key_that_another_process_revokes_is_refused_where_nothing_is_charged_too() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (open(folder.path()).await, open(folder.path()).await);
    set_up(&ours).await;
    let gateway = key(&system(&ours, "operator").await, "gateway:write").await;
    let subject = key(&system(&ours, "acme").await, "insight:write").await;
    let session = authenticate(&ours, &gateway).await;
    let question = VerifyRequest { charges: Vec::new(), ..question(&subject, "api_calls") };
    let passes =
        async || matches!(session.gateway().verify(question.clone()).await.unwrap(), Verdict::Valid(_));
    assert!(passes().await);
    let keys = system(&theirs, "acme").await;
    keys.keys().revoke(keys.keys().list(&PageQuery::default()).await.unwrap().items[0].id).await.unwrap();
    let refused = async {
        while passes().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), refused).await.unwrap();
}
