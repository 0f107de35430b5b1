//! Nobody gives away what they do not have, and nobody gets it by someone else's key.

use odavl_core::{
    ErrorCode, Odavl,
    auth::{Access, KeyUpdate, NewKey, NewKeyRequest, NewUser, Role, UserUpdate},
    ids::KeyId,
    metering::{Allowance, Allowances},
    session::{Context, Session},
};

use crate::support::{
    FIRST, World,
    people::{in_browser, member, with_key},
};

async fn key(session: &Session, scopes: &str) -> NewKey {
    session.keys().create(NewKeyRequest::new("a key", scopes.parse().unwrap())).await.unwrap()
}

async fn holder(odavl: &Odavl, key: &NewKey) -> Session {
    with_key(odavl, key.token.as_ref().unwrap().secret()).await
}

const ADOPT: KeyUpdate =
    KeyUpdate { name: None, disabled: None, metadata: None, limits: None, allowed_ips: None, adopt: true };

#[tokio::test]
async fn nobody_adopts_or_rotates_a_key_that_can_do_more_than_they() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let first = in_browser(&odavl, FIRST).await;
    let strong = key(&world.session(&odavl, "one").await, "storage:admin keys:read").await.key.id;
    let of_first = key(&first, "org:admin").await.key.id;
    let weak = holder(&odavl, &key(&first, "keys:admin").await).await;
    for id in [strong, of_first] {
        let rotated = weak.keys().rotate(id, jiff::SignedDuration::ZERO).await;
        assert_eq!(rotated.unwrap_err().code(), ErrorCode::Forbidden);
    }
    assert_eq!(weak.keys().update(strong, ADOPT).await.unwrap_err().code(), ErrorCode::Forbidden);

    // An admin is no owner: of an owner's key they get what an admin may do, or nothing.
    member(&world, &odavl, "one", "mia@example.com", Role::Admin).await;
    let mia = in_browser(&odavl, "mia@example.com").await;
    let rotated = mia.keys().rotate(of_first, jiff::SignedDuration::ZERO).await;
    assert_eq!(rotated.unwrap_err().code(), ErrorCode::Forbidden);
    mia.keys().update(of_first, ADOPT).await.unwrap();
    mia.keys().rotate(of_first, jiff::SignedDuration::ZERO).await.unwrap();
}

#[tokio::test]
async fn a_member_manages_their_own_keys_and_an_admin_all() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let first = in_browser(&odavl, FIRST).await;
    member(&world, &odavl, "one", "mia@example.com", Role::Member).await;
    let mia = in_browser(&odavl, "mia@example.com").await;
    let (theirs, own) = (key(&first, "insight:read").await.key.id, key(&mia, "insight:read").await.key.id);
    for refused in [
        mia.keys().update(theirs, ADOPT).await,
        mia.keys().update(theirs, KeyUpdate::default()).await,
        mia.keys().rotate(theirs, jiff::SignedDuration::ZERO).await.map(|new| new.key),
        mia.keys().revoke(theirs).await,
    ] {
        assert_eq!(refused.unwrap_err().code(), ErrorCode::Forbidden);
    }
    mia.keys().rotate(own, jiff::SignedDuration::ZERO).await.unwrap();
    first.keys().revoke(own).await.unwrap();
}

#[tokio::test]
async fn an_allow_list_takes_mapped_addresses_for_what_they_are() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let one = world.session(&odavl, "one").await;
    let mut wish = NewKeyRequest::new("here", "org:read".parse().unwrap());
    wish.allowed_ips = vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
    let secret = one.keys().create(wish).await.unwrap().token.unwrap().secret().clone();
    let from = async |address: Option<&str>| {
        let address = address.map(|text| text.parse().unwrap());
        let context = Context { address, ..Context::default() };
        let credential = odavl.credential(secret.reveal()).unwrap();
        odavl.authenticate(credential, context).await.unwrap().orgs().read().await.is_ok()
    };
    for address in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"] {
        assert!(from(Some(address)).await, "{address}");
    }
    for address in
        [None, Some("192.0.3.7"), Some("::ffff:192.0.3.7"), Some("::192.0.2.7"), Some("2001:db9::7")]
    {
        assert!(!from(address).await, "{address:?}");
    }
}

#[tokio::test]
async fn names_that_hide_something_are_refused_whatever_they_name() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let operator = world.session(&odavl, "operator").await;
    for name in ["\u{202e}nimda", "ad\u{200b}min", "a\0", "cafe\u{301}", " "] {
        let wish = NewKeyRequest::new(name, "org:read".parse().unwrap());
        assert_eq!(
            operator.keys().create(wish).await.unwrap_err().code(),
            ErrorCode::InvalidInput,
            "{name:?}"
        );
        let email = "new@example.com".parse().unwrap();
        let user = NewUser { email, name: name.into(), password: None };
        assert_eq!(
            operator.users().create(user).await.unwrap_err().code(),
            ErrorCode::InvalidInput,
            "{name:?}"
        );
        let org = |name: &str, external_id: Option<&str>| odavl_core::auth::NewOrg {
            slug: "new".parse().unwrap(),
            name: name.into(),
            plan: None,
            external_id: external_id.map(str::to_owned),
            metadata: std::collections::BTreeMap::new(),
            idempotency_key: None,
        };
        for wish in [org(name, None), org("New", Some(name))] {
            let made = operator.orgs().create(wish).await;
            assert_eq!(made.unwrap_err().code(), ErrorCode::InvalidInput, "{name:?}");
        }
        assert!(
            format!("{name}@example.com").parse::<odavl_core::auth::Email>().is_err()
                || name.contains("cafe")
        );
    }
}

/// The ways in which a key can be bounded.
const BOUNDS: [fn(&mut NewKeyRequest); 3] = [
    |wish| wish.expires_at = Some("2099-01-01T00:00:00Z".parse().unwrap()),
    |wish| wish.allowed_ips = vec!["192.0.2.1/32".parse().unwrap()],
    |wish| {
        let limit = Allowance { max: Some(1), per: None, soft: false, ceiling: None };
        wish.limits.insert("api_calls".parse().unwrap(), vec![limit]);
    },
];

/// A key with that bound, and who holds it where it may be used.
async fn bounded(
    odavl: &Odavl,
    maker: &Session,
    bound: fn(&mut NewKeyRequest),
    scopes: &str,
) -> (KeyId, Session) {
    let mut wish = NewKeyRequest::new("bounded", scopes.parse().unwrap());
    bound(&mut wish);
    let made = maker.keys().create(wish).await.unwrap();
    let context = Context { address: Some("192.0.2.1".parse().unwrap()), ..Context::default() };
    let credential = odavl.credential(made.token.unwrap().secret().reveal()).unwrap();
    (made.key.id, odavl.authenticate(credential, context).await.unwrap())
}

#[tokio::test]
async fn a_key_with_bounds_makes_and_changes_none_and_so_never_loosens_its_own() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let one = world.session(&odavl, "one").await;
    let other = key(&one, "usage:read").await.key.id;
    for bound in BOUNDS {
        let (id, session) = bounded(&odavl, &one, bound, "keys:admin usage:admin").await;
        let free = NewKeyRequest::new("free", "usage:admin".parse().unwrap());
        let loose = KeyUpdate { limits: Some(Allowances::new()), ..KeyUpdate::default() };
        for refused in [
            session.keys().create(free).await.map(|new| new.key),
            session.keys().update(id, loose).await,
            session.keys().rotate(other, jiff::SignedDuration::ZERO).await.map(|new| new.key),
        ] {
            assert_eq!(refused.unwrap_err().code(), ErrorCode::Forbidden);
        }
        session.keys().revoke(id).await.unwrap();
    }
}

#[tokio::test]
async fn a_key_with_bounds_gives_nobody_what_would_outlive_it() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let eve = member(&world, &odavl, "one", "eve@example.com", Role::Member).await;
    let operator = world.session(&odavl, "operator").await;
    for bound in BOUNDS {
        let one = world.session(&odavl, "one").await;
        let (_, session) = bounded(&odavl, &one, bound, "org:admin").await;
        for role in [Role::Owner, Role::Viewer] {
            let put = session.members().put(eve, role).await;
            assert_eq!(put.unwrap_err().code(), ErrorCode::Forbidden);
        }
        let (_, session) = bounded(&odavl, &operator, bound, "instance:admin").await;
        let password = || Some(crate::support::password());
        let email = "new@example.com".parse().unwrap();
        let new = NewUser { email, name: "New".into(), password: password() };
        for refused in [
            session.users().create(new).await,
            session.users().update(eve, UserUpdate { password: password(), ..UserUpdate::default() }).await,
            session
                .users()
                .update(eve, UserUpdate { instance: Some(Some(Access::Admin)), ..UserUpdate::default() })
                .await,
        ] {
            assert_eq!(refused.unwrap_err().code(), ErrorCode::Forbidden);
        }
    }
    let one = world.session(&odavl, "one").await;
    let (_, session) = bounded(&odavl, &one, BOUNDS[0], "org:admin").await;
    session.members().remove(eve).await.unwrap();
}
