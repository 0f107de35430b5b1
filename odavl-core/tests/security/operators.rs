//! What reaches beyond one organisation: granted by name, used after a fresh sign-in, and never lost.

use odavl_core::{
    ErrorCode, Odavl, Result,
    auth::{Access, NewKeyRequest, Role, Scopes, SetUp, UserUpdate},
    ids::UserId,
    metering::Consume,
    page::PageQuery,
    secret::Secret,
    session::{Context, Session},
};

use crate::support::{
    FIRST, World, first_person,
    people::{ask, in_browser, member, with_key},
    unlimited,
};

fn code<T: std::fmt::Debug>(result: Result<T>) -> ErrorCode {
    result.unwrap_err().code()
}

async fn first(world: &World, odavl: &Odavl) -> UserId {
    let email = FIRST.parse().unwrap();
    world.session(odavl, "operator").await.users().find(&email).await.unwrap().id
}

fn instance(access: Option<Access>) -> UserUpdate {
    UserUpdate { instance: Some(access), ..UserUpdate::default() }
}

fn one_request() -> Consume {
    Consume {
        meter: "api_calls".parse().unwrap(),
        units: 1,
        idempotency_key: None,
        tags: std::collections::BTreeMap::new(),
    }
}

/// Lists every organisation of the installation: what only an operator may.
async fn looks_beyond(session: &Session) -> Result<()> {
    session.orgs().list(&PageQuery::default()).await.map(drop)
}

#[tokio::test]
async fn no_role_reaches_beyond_its_organisation_not_even_in_the_operator_s() {
    let world = World::unlimited().await;
    let odavl = world.start();
    for role in Role::ALL {
        let email = format!("{}@example.com", role.as_str());
        member(&world, &odavl, "operator", &email, role).await;
        let browser = in_browser(&odavl, &email).await;
        let me = browser.me().await.unwrap();
        assert!(!me.scopes.allow("instance", Access::Read), "{role:?}");
        assert_eq!(me.scopes.allow("gateway", Access::Write), role >= Role::Admin, "{role:?}");
        assert_eq!(code(looks_beyond(&browser).await), ErrorCode::Forbidden);
        let wish = NewKeyRequest::new("more", "instance:read".parse().unwrap());
        assert_eq!(code(browser.keys().create(wish).await), ErrorCode::Forbidden);
    }
}

#[tokio::test]
async fn a_device_never_gets_the_installation_asked_for_or_not() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let browser = in_browser(&odavl, FIRST).await;
    let codes = ask(&odavl).await;
    let request = browser.devices().look(&codes.user_code.to_string()).await.unwrap();
    assert_eq!(request.choices.len(), 2);
    for (_, scopes) in &request.choices {
        assert!(!scopes.allow("instance", Access::Read), "{scopes}");
    }
    let org = request.choices[0].0.id;
    for asked in ["instance:admin", "usage:read instance:read"] {
        let approved =
            browser.devices().approve(&codes.user_code.to_string(), org, asked.parse().unwrap()).await;
        assert_eq!(code(approved), ErrorCode::Forbidden, "{asked}");
    }
    let visitor = odavl.visitor(Context::default());
    let codes = visitor.devices().ask("odavl-cli", "instance:admin".parse().unwrap()).await.unwrap();
    let request = browser.devices().look(&codes.user_code.to_string()).await.unwrap();
    assert_eq!(request.choices.len(), 0, "nothing of it can be given");
}

#[tokio::test]
async fn in_a_browser_an_operator_has_just_given_their_password() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let browser = in_browser(&odavl, FIRST).await;
    world.pass(15);
    looks_beyond(&browser).await.unwrap();
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(code(looks_beyond(&browser).await), ErrorCode::Forbidden);
    browser.orgs().read().await.unwrap();
    looks_beyond(&in_browser(&odavl, FIRST).await).await.unwrap();
}

#[tokio::test]
async fn the_last_administrator_stays_whoever_asks() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let (operator, first) = (world.session(&odavl, "operator").await, first(&world, &odavl).await);
    let locked = UserUpdate { disabled: Some(true), ..UserUpdate::default() };
    for update in [instance(None), instance(Some(Access::Write)), locked.clone()] {
        assert_eq!(code(operator.users().update(first, update).await), ErrorCode::Conflict);
    }
    let other = member(&world, &odavl, "operator", "mia@example.com", Role::Admin).await;
    operator.users().update(other, instance(Some(Access::Admin))).await.unwrap();
    operator.users().update(first, locked).await.unwrap();
    assert_eq!(code(operator.users().update(other, instance(None)).await), ErrorCode::Conflict);
}

#[tokio::test]
async fn who_may_write_to_the_installation_makes_no_administrator_and_becomes_none() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let (operator, first) = (world.session(&odavl, "operator").await, first(&world, &odavl).await);
    let wish = NewKeyRequest::new("writer", "instance:write".parse().unwrap());
    let key = operator.keys().create(wish).await.unwrap();
    let writer = with_key(&odavl, key.token.unwrap().secret()).await;
    let other = member(&world, &odavl, "one", "mia@example.com", Role::Member).await;
    assert_eq!(code(writer.users().update(other, instance(Some(Access::Read))).await), ErrorCode::Forbidden);
    // Whoever sets an administrator's password is the administrator.
    let password = Some(Secret::new("another horse battery".to_owned()));
    for update in [
        UserUpdate { password, ..UserUpdate::default() },
        UserUpdate { disabled: Some(true), ..UserUpdate::default() },
    ] {
        assert_eq!(code(writer.users().update(first, update.clone()).await), ErrorCode::Forbidden);
        writer.users().update(other, update).await.unwrap();
    }
}

#[tokio::test]
async fn the_gateway_is_granted_in_the_operator_s_organisation_alone_and_gives_nothing_else() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let gateway = || NewKeyRequest::new("gateway", "gateway:write".parse().unwrap());
    let one = world.session(&odavl, "one").await;
    assert_eq!(code(one.keys().create(gateway()).await), ErrorCode::Forbidden);
    // An operator who acts on a customer's organisation has the scope, and still cannot leave it there.
    let operator = world.session(&odavl, "operator").await;
    let both = NewKeyRequest::new("both", "gateway:write instance:write keys:write".parse().unwrap());
    let both = operator.keys().create(both).await.unwrap().token.unwrap();
    let context = Context { organization: Some("one".into()), ..Context::default() };
    let acting =
        odavl.authenticate(odavl.credential(both.secret().reveal()).unwrap(), context).await.unwrap();
    assert_eq!(code(acting.keys().create(gateway()).await), ErrorCode::Forbidden);

    let key = operator.keys().create(gateway()).await.unwrap().token.unwrap();
    let asking = with_key(&odavl, key.secret()).await;
    assert_eq!(asking.me().await.unwrap().scopes, Scopes::none().with("gateway", Access::Write));
    assert_eq!(code(asking.usage().read().await), ErrorCode::Forbidden);
    assert_eq!(code(looks_beyond(&asking).await), ErrorCode::Forbidden);
    let context = Context { organization: Some("one".into()), ..Context::default() };
    let credential = odavl.credential(key.secret().reveal()).unwrap();
    let elsewhere = odavl.authenticate(credential, context).await.unwrap();
    elsewhere.usage().consume(one_request()).await.unwrap();
    assert_eq!(code(elsewhere.usage().read().await), ErrorCode::Forbidden);
    assert_eq!(code(elsewhere.orgs().read().await), ErrorCode::Forbidden);
    assert_eq!(code(elsewhere.keys().list(&PageQuery::default()).await), ErrorCode::Forbidden);
}

#[tokio::test]
async fn a_set_up_that_is_refused_leaves_the_link_that_was_shown() {
    let world = World::bare(unlimited());
    let odavl = world.start();
    let link = odavl.set_up_link().await.unwrap().unwrap();
    let link = Secret::new(link.reveal().split_once("link=").unwrap().1.to_owned());
    let short = SetUp { password: Secret::new("short".into()), ..first_person() };
    assert_eq!(code(odavl.set_up(short).await), ErrorCode::InvalidInput);
    odavl.visitor(Context::default()).set_up(&link, first_person()).await.unwrap();
}

#[tokio::test]
async fn the_last_owner_stays_and_only_an_owner_makes_one() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let first = first(&world, &odavl).await;
    let mia = member(&world, &odavl, "one", "mia@example.com", Role::Admin).await;
    let (owner, admin) = (world.session(&odavl, "one").await, in_browser(&odavl, "mia@example.com").await);
    assert_eq!(code(owner.members().remove(first).await), ErrorCode::Conflict);
    assert_eq!(code(owner.members().put(first, Role::Admin).await), ErrorCode::Conflict);
    assert_eq!(code(admin.members().put(mia, Role::Owner).await), ErrorCode::Forbidden);
    assert_eq!(code(admin.members().put(first, Role::Viewer).await), ErrorCode::Forbidden);
    assert_eq!(code(admin.members().remove(first).await), ErrorCode::Forbidden);
}
