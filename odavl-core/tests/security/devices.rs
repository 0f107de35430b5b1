//! The short codes of the device flow: throttled by account, by address and in all.

use odavl_core::{
    ErrorCode, Odavl, Result,
    auth::{DeviceRequest, Role, Scopes},
    session::{Context, Credential, Session},
};

use crate::support::{
    FIRST, World, password,
    people::{ask, in_browser, member},
};

const WRONG: &str = "BCDF-BCDF";

async fn browser_at(odavl: &Odavl, email: &str, address: &str) -> Session {
    let context = Context { address: Some(address.parse().unwrap()), ..Context::default() };
    let visitor = odavl.visitor(Context::default());
    let cookie = visitor.sign_in(&email.parse().unwrap(), password()).await.unwrap().cookie;
    odavl.authenticate(Credential::Cookie(cookie), context).await.unwrap()
}

#[track_caller]
fn refused(answer: Result<DeviceRequest>, code: ErrorCode) {
    assert_eq!(answer.unwrap_err().code(), code);
}

#[tokio::test]
async fn a_code_is_not_guessed_by_one_person_from_many_addresses() {
    let odavl = World::unlimited().await.start();
    let code = ask(&odavl).await.user_code.to_string();
    for n in 0..6 {
        let browser = browser_at(&odavl, FIRST, &format!("192.0.2.{n}")).await;
        refused(browser.devices().look(WRONG).await, ErrorCode::NotFound);
    }
    let browser = browser_at(&odavl, FIRST, "198.51.100.1").await;
    refused(browser.devices().look(&code).await, ErrorCode::RateLimited);
    let answered = browser.devices().deny(&code).await;
    assert_eq!(answered.unwrap_err().code(), ErrorCode::RateLimited, "whatever is done with it");
}

#[tokio::test]
async fn a_code_is_not_guessed_by_many_people_from_one_network() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let code = ask(&odavl).await.user_code.to_string();
    for n in 0..6 {
        let email = format!("person-{n}@example.com");
        member(&world, &odavl, "one", &email, Role::Viewer).await;
        let browser = browser_at(&odavl, &email, &format!("2001:db8::{n}")).await;
        refused(browser.devices().look(WRONG).await, ErrorCode::NotFound);
    }
    let browser = browser_at(&odavl, FIRST, "2001:db8::7").await;
    refused(browser.devices().look(&code).await, ErrorCode::RateLimited);
    let elsewhere = browser_at(&odavl, FIRST, "2001:db8:0:1::7").await;
    elsewhere.devices().look(&code).await.unwrap();
}

#[tokio::test]
async fn everybody_together_is_slowed_down() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let mut browser = browser_at(&odavl, FIRST, "192.0.2.1").await;
    for count in 0..101 {
        // As often as one person may: they count on for all, whoever they are.
        world.pass(15);
        if count % 40 == 0 {
            browser = browser_at(&odavl, FIRST, "192.0.2.1").await;
        }
        refused(browser.devices().look(WRONG).await, ErrorCode::NotFound);
    }
    member(&world, &odavl, "one", "mia@example.com", Role::Viewer).await;
    let mia = browser_at(&odavl, "mia@example.com", "198.51.100.1").await;
    let code = ask(&odavl).await.user_code.to_string();
    refused(mia.devices().look(&code).await, ErrorCode::RateLimited);
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    mia.devices().look(&code).await.unwrap();
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_and_works_once() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let browser = in_browser(&odavl, FIRST).await;
    let org = browser.orgs().read().await.unwrap().id;
    let old = ask(&odavl).await.user_code.to_string();
    world.pass(10);
    refused(browser.devices().look(&old).await, ErrorCode::NotFound);
    let code = ask(&odavl).await.user_code.to_string();
    let scopes: Scopes = "usage:read".parse().unwrap();
    browser.devices().approve(&code, org, scopes.clone()).await.unwrap();
    assert_eq!(browser.devices().approve(&code, org, scopes).await.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_client_that_is_not_registered_gets_no_code() {
    let odavl = World::unlimited().await.start();
    let asked = odavl.visitor(Context::default()).devices().ask("somebody-s", Scopes::none()).await;
    assert_eq!(asked.unwrap_err().code(), ErrorCode::NotFound);
}

#[tokio::test]
async fn a_device_gets_what_was_asked_for_and_the_person_has_and_no_more() {
    let world = World::unlimited().await;
    let odavl = world.start();
    member(&world, &odavl, "one", "mia@example.com", Role::Viewer).await;
    let mia = in_browser(&odavl, "mia@example.com").await;
    let visitor = odavl.visitor(Context::default());
    let codes = visitor.devices().ask("odavl-cli", "storage:admin org:read".parse().unwrap()).await.unwrap();
    let code = codes.user_code.to_string();
    let (org, scopes) = mia.devices().look(&code).await.unwrap().choices.remove(0);
    assert_eq!(scopes.to_string(), "org:read storage:read");
    for more in ["storage:write", "usage:read", ""] {
        let approved = mia.devices().approve(&code, org.id, more.parse().unwrap()).await;
        assert_eq!(approved.unwrap_err().code(), ErrorCode::Forbidden, "{more}");
    }
}
