//! Whoever may not is refused before anything is touched, and nothing has changed.

use odavl_core::{
    Action, ErrorCode, Needs, Odavl, Reason, Result,
    auth::NewKeyRequest,
    session::{Context, Session},
};

use crate::{
    callers::{
        STRANGER, all_but_enough, furnished, just_enough, key, nothing_left, rows_for_keys, settings, world,
    },
    rows::{About, Row, Who, rows},
    support::{
        World,
        people::{in_browser, with_key},
        ports::Call,
        recorder::Recorder,
    },
    things::Things,
};

/// What is read to find out who calls: nothing of what the act is about.
const RESOLVING: [&str; 5] = ["epoch", "org", "key", "user", "membership"];

/// Calls the row, and answers what came of it and what was asked of the ports.
async fn called(
    row: &Row,
    session: &Session,
    things: &Things,
    recorder: &Recorder,
) -> (Result<()>, Vec<Call>) {
    recorder.take();
    let answer = (row.call)(session, things).await;
    (answer, recorder.take())
}

/// Fails unless the row was refused so, and no port was touched.
#[track_caller]
fn untouched(row: &Row, (answer, calls): (Result<()>, Vec<Call>), code: ErrorCode, reason: Reason) {
    let name = format!("{:?} {}", row.action, row.what);
    let error = answer.expect_err(&name);
    assert_eq!((error.code(), error.reason()), (code, Some(reason)), "{name}: {error}");
    let resolving = |call: &Call| call.port == "Auth" && RESOLVING.contains(&call.name);
    let touched: Vec<_> = calls.iter().filter(|call| !resolving(call)).collect();
    assert!(touched.is_empty(), "{name} touched {touched:?}");
}

/// Fails where something was written, or handed out.
#[track_caller]
fn unwritten(row: &Row, calls: &[Call]) {
    // A request that is charged and then refused is given back: what counts is compared apart.
    let wrote: Vec<_> = calls.iter().filter(|call| call.writes && call.port != "Metering").collect();
    assert!(wrote.is_empty(), "{:?} {} wrote {wrote:?}", row.action, row.what);
}

fn watched(world: &World) -> (Odavl, Recorder) {
    let recorder = Recorder::default();
    (world.start_watched(&recorder, nothing_left()), recorder)
}

#[tokio::test]
async fn without_the_scope_each_is_forbidden_and_no_port_is_touched() {
    let (world, things) = world().await;
    let (odavl, recorder) = watched(&world);
    for row in rows_for_keys() {
        let Some(scopes) = all_but_enough(row.action) else { continue };
        let session = with_key(&odavl, &key(&world, NewKeyRequest::new("weak", scopes)).await).await;
        for seconds in [0, 5] {
            world.clock.advance(jiff::SignedDuration::from_secs(seconds));
            let answer = called(&row, &session, &things, &recorder).await;
            untouched(&row, answer, ErrorCode::Forbidden, Reason::InsufficientScope);
        }
    }
}

#[tokio::test]
async fn a_visitor_is_asked_for_a_credential_and_no_port_is_touched() {
    let (world, things) = world().await;
    let (odavl, recorder) = watched(&world);
    let visitor = odavl.visitor(Context::default());
    for row in rows().into_iter().filter(|row| row.who != Who::Visitor) {
        let answer = called(&row, &visitor, &things, &recorder).await;
        untouched(&row, answer, ErrorCode::Unauthenticated, Reason::Missing);
    }
}

#[tokio::test]
async fn what_only_a_person_does_is_forbidden_to_a_key_that_may_do_everything() {
    let (world, things) = world().await;
    let (odavl, recorder) = watched(&world);
    let everything =
        all_but_enough(Action::StorageRecount).unwrap().with("storage", odavl_core::auth::Access::Admin);
    let session = with_key(&odavl, &key(&world, NewKeyRequest::new("all", everything)).await).await;
    for row in rows().into_iter().filter(|row| row.who == Who::Person) {
        let answer = called(&row, &session, &things, &recorder).await;
        untouched(&row, answer, ErrorCode::Forbidden, Reason::InsufficientScope);
    }
}

#[tokio::test]
async fn from_an_address_that_is_not_allowed_or_not_known_each_is_forbidden_and_no_port_is_touched() {
    let (world, things) = world().await;
    let (odavl, recorder) = watched(&world);
    for row in rows_for_keys() {
        let mut wish = NewKeyRequest::new("here", just_enough(row.action));
        wish.allowed_ips = vec!["192.0.2.0/24".parse().unwrap()];
        let secret = key(&world, wish).await;
        for address in [None, Some("198.51.100.1"), Some("::ffff:198.51.100.1"), Some("2001:db8::1")] {
            let address = address.map(|text| text.parse().unwrap());
            let context = Context { address, ..Context::default() };
            let credential = odavl.credential(secret.reveal()).unwrap();
            let session = odavl.authenticate(credential, context).await.unwrap();
            let answer = called(&row, &session, &things, &recorder).await;
            untouched(&row, answer, ErrorCode::Forbidden, Reason::AddressDenied);
        }
    }
}

#[tokio::test]
async fn a_revoked_key_does_nothing_more_however_long_its_session_is_kept() {
    let (world, things) = world().await;
    let (odavl, recorder) = watched(&world);
    for row in rows_for_keys() {
        let secret = key(&world, NewKeyRequest::new("gone", just_enough(row.action))).await;
        let session = with_key(&odavl, &secret).await;
        let token = odavl_core::auth::KeyToken::parse(&odavl.settings().key_prefix, secret.reveal()).unwrap();
        let org = world.auth.key(token.id).await.unwrap().unwrap().org;
        let owner = odavl.system(&odavl_core::auth::OrgRef::Id(org), Context::default()).await.unwrap();
        owner.keys().revoke(token.id).await.unwrap();
        let answer = called(&row, &session, &things, &recorder).await;
        untouched(&row, answer, ErrorCode::Unauthenticated, Reason::Revoked);
    }
}

#[tokio::test]
async fn with_its_quota_at_zero_each_is_refused_and_the_store_is_not_asked() {
    let (world, things) = world().await;
    for row in rows() {
        for meter in row.charges {
            let recorder = Recorder::default();
            let odavl = world.start_watched(&recorder, settings(&[meter]));
            let org = if row.action == Action::GatewayVerify { "operator" } else { "one" };
            let session = world.session(&odavl, org).await;
            let (answer, calls) = called(&row, &session, &things, &recorder).await;
            let name = format!("{:?} {} without {meter}", row.action, row.what);
            let error = answer.expect_err(&name);
            assert_eq!(error.code(), ErrorCode::QuotaExceeded, "{name}: {error}");
            assert_eq!(error.refusal().unwrap().standing.meter.as_str(), *meter, "{name}");
            let stored = |call: &&Call| match call.port {
                "Storage" => true,
                "Catalog" | "UploadRows" => call.writes,
                _ => false,
            };
            let stored: Vec<_> = calls.iter().filter(stored).collect();
            assert!(stored.is_empty(), "{name} came to {stored:?}");
        }
    }
}

/// Where every meter of both organisations stands.
async fn standings(world: &World) -> Vec<u64> {
    let odavl = world.start();
    let mut used = Vec::new();
    for org in ["one", "two"] {
        let report = world.session(&odavl, org).await.usage().read().await.unwrap();
        used.extend(report.limits.iter().map(|standing| standing.used));
    }
    used
}

#[tokio::test]
async fn another_organisation_s_thing_is_not_found_and_nothing_changes_in_memory() {
    not_found(furnished(World::bare(settings(&[]))).await).await;
}

#[tokio::test]
async fn another_organisation_s_thing_is_not_found_and_nothing_changes_embedded() {
    not_found(furnished(World::bare_embedded(settings(&[])).await).await).await;
}

async fn not_found((world, things): (World, Things)) {
    let recorder = Recorder::default();
    let odavl = world.start_watched(&recorder, settings(&[]));
    let (person, program) = (in_browser(&odavl, STRANGER).await, world.session(&odavl, "two").await);
    let before = standings(&world).await;
    for row in rows().into_iter().filter(|row| row.about == About::Thing) {
        let stranger = if row.who == Who::Person { &person } else { &program };
        let name = format!("{:?} {}", row.action, row.what);
        let (answer, calls) = called(&row, stranger, &things, &recorder).await;
        assert_eq!(answer.expect_err(&name).code(), ErrorCode::NotFound, "{name}");
        unwritten(&row, &calls);
        assert_eq!(standings(&world).await, before, "{name}: what is used");
        if row.action != Action::Introspect {
            // The same is asked as for what nobody has, so the time that it takes says nothing.
            let absent = Things { user_code: things.user_code.clone(), ..Things::absent(&world) };
            let (absent, same) = called(&row, stranger, &absent, &recorder).await;
            assert_eq!(absent.expect_err(&name).code(), ErrorCode::NotFound, "{name}");
            assert_eq!(calls, same, "{name}");
        }
    }
}

#[tokio::test]
async fn for_a_visitor_who_shows_nothing_that_holds_nothing_is_done() {
    let (world, _) = world().await;
    let recorder = Recorder::default();
    let odavl = world.start_watched(&recorder, settings(&[]));
    let visitor = odavl.visitor(Context::default());
    let absent = Things::absent(&world);
    for row in rows().into_iter().filter(|row| row.action.row().needs == Needs::Nothing) {
        let (answer, calls) = called(&row, &visitor, &absent, &recorder).await;
        // Of a token that nobody has, nothing is said (RFC 7009).
        assert_eq!(answer.is_ok(), row.action == Action::Revoke, "{:?} {}: {answer:?}", row.action, row.what);
        unwritten(&row, &calls);
        let stored = calls.iter().any(|call| call.port == "Storage");
        assert!(!stored, "{:?} {} came to the store", row.action, row.what);
    }
}
