//! What a person may do follows them at once: removed, demoted, locked out.

use odavl_core::{
    ErrorCode, Odavl, Reason,
    auth::{Access, KeyUpdate, NewKey, NewKeyRequest, Role, UserUpdate},
    ids::{OrgId, UserId},
    page::PageQuery,
    secret::Secret,
    session::Session,
};

use crate::support::{
    FIRST, World,
    people::{ask, in_browser, member, tokens, with_key, with_token},
};

const MIA: &str = "mia@example.com";

/// Mia, an admin of `one`, with a key, a device and a browser.
struct Mia {
    odavl: Odavl,
    world: World,
    owner: Session,
    org: OrgId,
    id: UserId,
    key: NewKey,
    access: Secret<String>,
    browser: Session,
}

impl Mia {
    async fn joins() -> Self {
        let world = World::unlimited().await;
        let odavl = world.start();
        let owner = world.session(&odavl, "one").await;
        let org = owner.orgs().read().await.unwrap().id;
        let id = member(&world, &odavl, "one", MIA, Role::Admin).await;
        let browser = in_browser(&odavl, MIA).await;
        let wish = NewKeyRequest::new("mia's", "insight:write keys:admin".parse().unwrap());
        let key = browser.keys().create(wish).await.unwrap();
        let access = tokens(&odavl, &browser, org).await.access_token;
        Self { odavl, world, owner, org, id, key, access, browser }
    }

    fn secret(&self) -> Secret<String> {
        self.key.token.as_ref().unwrap().secret().clone()
    }

    /// Her sessions that are open already: of her key and her device.
    async fn open(&self) -> [Session; 2] {
        [with_key(&self.odavl, &self.secret()).await, with_token(&self.odavl, &self.access).await.unwrap()]
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: odavl_core::Result<T>, reason: Reason) {
    assert_eq!(answer.unwrap_err().reason(), Some(reason));
}

#[tokio::test]
async fn removing_a_member_ends_their_sign_ins_there_and_suspends_their_keys_until_someone_adopts_them() {
    let mia = Mia::joins().await;
    let [program, device] = mia.open().await;
    program.me().await.unwrap();
    mia.owner.members().remove(mia.id).await.unwrap();
    refused(program.me().await, Reason::Disabled);
    refused(device.me().await, Reason::Disabled);
    refused(mia.browser.orgs().read().await, Reason::InsufficientScope);
    let other = mia.world.start();
    let credential = other.credential(mia.secret().reveal()).unwrap();
    refused(other.authenticate(credential, odavl_core::session::Context::default()).await, Reason::Disabled);

    let first = in_browser(&mia.odavl, FIRST).await;
    let adopted = KeyUpdate { adopt: true, ..KeyUpdate::default() };
    let key = first.keys().update(mia.key.key.id, adopted).await.unwrap();
    let me = program.me().await.unwrap();
    assert_eq!((me.user_id, me.scopes.to_string().as_str()), (key.owner, "insight:write keys:admin"));
    assert_ne!(key.owner, Some(mia.id));
    refused(device.me().await, Reason::Disabled);
}

#[tokio::test]
async fn who_comes_back_has_their_keys_again_within_their_new_role() {
    let mia = Mia::joins().await;
    let [program, _] = mia.open().await;
    mia.owner.members().remove(mia.id).await.unwrap();
    refused(program.me().await, Reason::Disabled);
    mia.owner.members().put(mia.id, Role::Viewer).await.unwrap();
    assert_eq!(program.me().await.unwrap().scopes.to_string(), "insight:read keys:read");
}

#[tokio::test]
async fn a_lowered_role_cuts_keys_devices_and_browsers_at_once() {
    let mia = Mia::joins().await;
    let [program, device] = mia.open().await;
    let sessions = [&program, &device, &mia.browser];
    for session in sessions {
        assert!(session.me().await.unwrap().scopes.allow("keys", Access::Admin));
    }
    mia.owner.members().put(mia.id, Role::Viewer).await.unwrap();
    for session in sessions {
        let scopes = session.me().await.unwrap().scopes;
        assert!(!scopes.allow("keys", Access::Write) && !scopes.allow("insight", Access::Write), "{scopes}");
        let wish = NewKeyRequest::new("more", "keys:read".parse().unwrap());
        assert_eq!(session.keys().create(wish).await.unwrap_err().code(), ErrorCode::Forbidden);
    }
}

#[tokio::test]
async fn a_person_who_is_locked_out_is_so_on_every_way_in() {
    let mia = Mia::joins().await;
    let [program, device] = mia.open().await;
    let operator = mia.world.session(&mia.odavl, "operator").await;
    let locked = UserUpdate { disabled: Some(true), ..UserUpdate::default() };
    operator.users().update(mia.id, locked).await.unwrap();
    for session in [&program, &device, &mia.browser] {
        refused(session.me().await, Reason::Disabled);
    }
    let visitor = mia.odavl.visitor(odavl_core::session::Context::default());
    refused(visitor.sign_in(&MIA.parse().unwrap(), crate::support::password()).await, Reason::Unknown);
}

#[tokio::test]
async fn in_a_browser_nobody_acts_for_an_organisation_that_is_locked_out() {
    let mia = Mia::joins().await;
    let [program, device] = mia.open().await;
    let operator = mia.world.session(&mia.odavl, "operator").await;
    let locked = odavl_core::auth::OrgUpdate { suspended: Some(true), ..Default::default() };
    operator.orgs().update(&odavl_core::auth::OrgRef::Id(mia.org), locked).await.unwrap();
    refused(mia.browser.usage().read().await, Reason::InsufficientScope);
    for session in [&program, &device] {
        refused(session.me().await, Reason::Disabled);
    }
}

#[tokio::test]
async fn who_is_added_somewhere_later_stays_where_they_are() {
    let world = World::unlimited().await;
    let odavl = world.start();
    member(&world, &odavl, "two", MIA, Role::Owner).await;
    let mia = world.session(&odavl, "operator").await.users().find(&MIA.parse().unwrap()).await.unwrap().id;
    world.pass(1);
    world.session(&odavl, "one").await.members().put(mia, Role::Viewer).await.unwrap();
    let at_home = world.session(&odavl, "two").await.orgs().read().await.unwrap().id;
    assert_eq!(in_browser(&odavl, MIA).await.me().await.unwrap().organization, at_home);
}

#[tokio::test]
async fn who_adds_somebody_later_is_not_first_for_their_devices_and_gets_no_record_of_theirs() {
    // Whichever of the two is the older organisation.
    for (home, later) in [("one", "two"), ("two", "one")] {
        let world = World::unlimited().await;
        let odavl = world.start();
        let mia = member(&world, &odavl, home, MIA, Role::Owner).await;
        world.pass(1);
        let later = world.session(&odavl, later).await;
        later.members().put(mia, Role::Viewer).await.unwrap();
        let browser = in_browser(&odavl, MIA).await;
        assert_eq!(browser.organizations().await.unwrap()[0].0.slug.as_str(), home);
        for approves in [true, false] {
            let code = ask(&odavl).await.user_code.to_string();
            let first = browser.devices().look(&code).await.unwrap().choices.remove(0).0;
            assert_eq!(first.slug.as_str(), home);
            if approves {
                let scopes = "usage:read".parse().unwrap();
                browser.devices().approve(&code, first.id, scopes).await.unwrap();
            } else {
                browser.devices().deny(&code).await.unwrap();
            }
        }
        let (old, new) = (crate::support::password(), Secret::new("another horse battery".to_owned()));
        browser.change_password(old, new).await.unwrap();
        browser.sign_out().await.unwrap();
        let records = later.orgs().audit(&PageQuery::default()).await.unwrap().items;
        let theirs: Vec<_> = records.iter().filter(|entry| entry.actor == mia.to_string()).collect();
        assert!(theirs.is_empty(), "{theirs:?}");
    }
}
