//! Passwords, and the sign-ins that they make.

use odavl_core::{
    ErrorCode, Odavl, Reason, Result,
    auth::{BrowserLogin, Role, TokenRefusal, UserUpdate},
    page::PageQuery,
    secret::Secret,
    session::{Context, Credential},
};

use crate::support::{
    FIRST, World, password,
    people::{CLIENT, in_browser, member, tokens, with_token},
};

fn at(address: &str) -> Context {
    Context { address: Some(address.parse().unwrap()), ..Context::default() }
}

async fn guess(odavl: &Odavl, email: &str, address: &str) -> Result<BrowserLogin> {
    let wrong = Secret::new("wrong wrong wrong".to_owned());
    odavl.visitor(at(address)).sign_in(&email.parse().unwrap(), wrong).await
}

/// Guesses until it has to wait.
async fn guess_until_refused(guesses: impl IntoIterator<Item = (String, String)>, odavl: &Odavl) {
    for (count, (email, address)) in guesses.into_iter().enumerate() {
        let expected = if count < 6 { ErrorCode::Unauthenticated } else { ErrorCode::RateLimited };
        assert_eq!(guess(odavl, &email, &address).await.unwrap_err().code(), expected, "{count}");
    }
}

#[tokio::test]
async fn one_account_is_not_guessed_from_many_addresses() {
    let world = World::unlimited().await;
    let odavl = world.start();
    guess_until_refused((0..7).map(|n| (FIRST.to_owned(), format!("192.0.2.{n}"))), &odavl).await;
    let right = odavl.visitor(at("198.51.100.1")).sign_in(&FIRST.parse().unwrap(), password()).await;
    assert_eq!(
        right.unwrap_err().code(),
        ErrorCode::RateLimited,
        "not even the right password, for a second"
    );
    world.clock.advance(jiff::SignedDuration::from_secs(1));
    odavl.visitor(at("198.51.100.1")).sign_in(&FIRST.parse().unwrap(), password()).await.unwrap();
}

#[tokio::test]
async fn many_accounts_are_not_guessed_from_one_address() {
    let odavl = World::unlimited().await.start();
    let guesses = (0..7).map(|n| (format!("person-{n}@example.com"), "192.0.2.1".to_owned()));
    guess_until_refused(guesses, &odavl).await;
    let mapped = guess(&odavl, "other@example.com", "::ffff:192.0.2.1").await;
    assert_eq!(mapped.unwrap_err().code(), ErrorCode::RateLimited);
    let elsewhere = guess(&odavl, "other@example.com", "192.0.2.2").await;
    assert_eq!(elsewhere.unwrap_err().code(), ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn a_customer_s_ipv6_network_is_one_address() {
    let odavl = World::unlimited().await.start();
    let guesses = (0..7).map(|n| (format!("person-{n}@example.com"), format!("2001:db8::{n}:1")));
    guess_until_refused(guesses, &odavl).await;
    let neighbour = guess(&odavl, "other@example.com", "2001:db8:0:1::1").await;
    assert_eq!(neighbour.unwrap_err().code(), ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn changing_the_password_ends_every_other_sign_in_and_keeps_this_one() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let (here, there) = (in_browser(&odavl, FIRST).await, in_browser(&odavl, FIRST).await);
    let org = here.orgs().read().await.unwrap().id;
    let device = tokens(&odavl, &there, org).await;
    let program = with_token(&odavl, &device.access_token).await.unwrap();
    program.me().await.unwrap();

    let new = Secret::new("another horse battery".to_owned());
    let wrong = here.change_password(Secret::new("not this one at all".into()), new.clone()).await;
    assert_eq!(wrong.unwrap_err().code(), ErrorCode::Unauthenticated);
    there.me().await.unwrap();
    here.change_password(password(), new.clone()).await.unwrap();
    here.me().await.unwrap();
    for ended in [&there, &program] {
        assert_eq!(ended.me().await.unwrap_err().reason(), Some(Reason::Revoked));
    }
    let visitor = odavl.visitor(Context::default());
    let refused = visitor.refresh(CLIENT, &device.refresh_token).await.unwrap();
    assert_eq!(refused.unwrap_err(), TokenRefusal::InvalidGrant);
    assert!(visitor.sign_in(&FIRST.parse().unwrap(), password()).await.is_err());
    visitor.sign_in(&FIRST.parse().unwrap(), new).await.unwrap();
}

#[tokio::test]
async fn an_operator_who_resets_a_password_ends_every_sign_in() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let mia = member(&world, &odavl, "one", "mia@example.com", Role::Member).await;
    let browser = in_browser(&odavl, "mia@example.com").await;
    let update = UserUpdate { password: Some(password()), ..UserUpdate::default() };
    world.session(&odavl, "operator").await.users().update(mia, update).await.unwrap();
    assert_eq!(browser.me().await.unwrap_err().reason(), Some(Reason::Revoked));
}

#[tokio::test]
async fn a_lost_answer_is_recorded_and_a_used_token_ends_the_sign_in_and_is_recorded() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let browser = in_browser(&odavl, FIRST).await;
    let org = browser.orgs().read().await.unwrap().id;
    let first = tokens(&odavl, &browser, org).await;
    let visitor = odavl.visitor(Context::default());
    let second = visitor.refresh(CLIENT, &first.refresh_token).await.unwrap().unwrap();
    for _ in 0..3 {
        let again = visitor.refresh(CLIENT, &first.refresh_token).await.unwrap().unwrap();
        assert_eq!(again.refresh_token.reveal(), second.refresh_token.reveal());
        assert_ne!(again.access_token.reveal(), second.access_token.reveal(), "a fresh one");
    }
    assert_eq!(
        visitor.refresh(CLIENT, &first.refresh_token).await.unwrap().unwrap_err(),
        TokenRefusal::InvalidGrant
    );
    assert!(with_token(&odavl, &second.access_token).await.is_err());
    let records = browser.orgs().audit(&PageQuery::default()).await.unwrap().items;
    let notes: Vec<_> = records.iter().filter_map(|record| record.detail.get("note")).collect();
    assert_eq!(notes.len(), 4);
    assert!(notes[0].contains("lost answer") && notes[3].contains("revoked"), "{notes:?}");
}

#[tokio::test]
async fn a_token_of_whoever_has_left_refreshes_to_nothing() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let mia = member(&world, &odavl, "one", "mia@example.com", Role::Member).await;
    let browser = in_browser(&odavl, "mia@example.com").await;
    let owner = world.session(&odavl, "one").await;
    let device = tokens(&odavl, &browser, owner.orgs().read().await.unwrap().id).await;
    owner.members().remove(mia).await.unwrap();
    let visitor = odavl.visitor(Context::default());
    if let Ok(fresh) = visitor.refresh(CLIENT, &device.refresh_token).await.unwrap() {
        assert!(with_token(&odavl, &fresh.access_token).await.is_err());
    }
}

#[tokio::test]
async fn a_cookie_is_no_token_and_a_token_is_no_cookie() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let browser = in_browser(&odavl, FIRST).await;
    let device = tokens(&odavl, &browser, browser.orgs().read().await.unwrap().id).await;
    let cookie =
        odavl.visitor(Context::default()).sign_in(&FIRST.parse().unwrap(), password()).await.unwrap().cookie;
    assert!(odavl.credential(cookie.reveal()).is_err());
    assert!(odavl.credential(device.refresh_token.reveal()).is_err());
    for text in [&device.access_token, &device.refresh_token] {
        assert!(odavl.authenticate(Credential::Cookie(text.clone()), Context::default()).await.is_err());
    }
    assert!(with_token(&odavl, &cookie).await.is_err());
}
