//! Presigned URLs: none outlives the credential that asked for it, and each leaves a record.

use jiff::{SignedDuration, Timestamp};
use odavl_core::{
    Clock, ErrorCode, Odavl, Result,
    auth::{NewKeyRequest, Role},
    page::PageQuery,
    secret::Secret,
    session::{Context, Credential, Session},
    storage::{NewObject, NewUpload, ObjectName, PutMode, Sha256, WHOLE_MOST, full},
};

use crate::support::{
    FIRST, World,
    people::{in_browser, member, tokens, with_key, with_token},
};

fn wish(name: &str, size: u64) -> NewUpload {
    NewUpload {
        name: name.parse().unwrap(),
        size,
        sha256: (size <= WHOLE_MOST).then(|| Sha256::of(b"")),
        content_type: "text/plain".parse().unwrap(),
        mode: PutMode::Overwrite,
        idempotency_key: None,
    }
}

fn object() -> ObjectName {
    "a".parse().unwrap()
}

async fn world() -> (World, Odavl) {
    let world = World::unlimited().await;
    let odavl = world.start();
    world.session(&odavl, "one").await.storage().put(NewObject::new(object()), full("x")).await.unwrap();
    (world, odavl)
}

/// For how many seconds live the URLs that the session asks for: to fetch, to send, and to send a part.
async fn lives(world: &World, session: &Session) -> Result<[i64; 3]> {
    let now = world.clock.now();
    let left = |ends: Timestamp| ends.as_second() - now.as_second();
    let fetch = session.storage().download_url(&object()).await?.expires_at;
    let send = session.storage().upload_url(wish("b", 0)).await?.request.unwrap().expires_at;
    let parts = session.storage().upload_url(wish("c", WHOLE_MOST + 1)).await?.status.id;
    let part = session.storage().sign_parts(parts, &[(1, Sha256::of(b""))]).await?.remove(0);
    Ok([left(fetch), left(send), left(part.request.expires_at)])
}

async fn key(
    odavl: &Odavl,
    world: &World,
    ends: Option<SignedDuration>,
) -> (odavl_core::ids::KeyId, Secret<String>) {
    let mut wish = NewKeyRequest::new("urls", "storage:write".parse().unwrap());
    wish.expires_at = ends.map(|ends| world.clock.now() + ends);
    let new = world.session(odavl, "one").await.keys().create(wish).await.unwrap();
    (new.key.id, new.token.unwrap().secret().clone())
}

#[tokio::test]
async fn a_url_lives_a_quarter_of_an_hour_and_a_part_s_an_hour_at_most() {
    let (world, odavl) = world().await;
    let (_, secret) = key(&odavl, &world, None).await;
    assert_eq!(lives(&world, &with_key(&odavl, &secret).await).await.unwrap(), [900, 900, 3600]);
}

#[tokio::test]
async fn a_url_ends_with_the_key_that_asked() {
    let (world, odavl) = world().await;
    let (_, secret) = key(&odavl, &world, Some(SignedDuration::from_mins(5))).await;
    let session = with_key(&odavl, &secret).await;
    assert_eq!(lives(&world, &session).await.unwrap(), [300; 3]);
    world.clock.advance(SignedDuration::from_millis(299_500));
    assert_eq!(lives(&world, &session).await.unwrap_err().code(), ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn a_url_ends_with_the_old_secret_that_asked_and_not_with_the_new_one() {
    let (world, odavl) = world().await;
    let (id, old) = key(&odavl, &world, None).await;
    let owner = world.session(&odavl, "one").await;
    let new = owner.keys().rotate(id, SignedDuration::from_mins(3)).await.unwrap().token.unwrap();
    assert_eq!(lives(&world, &with_key(&odavl, &old).await).await.unwrap(), [180; 3]);
    assert_eq!(lives(&world, &with_key(&odavl, new.secret()).await).await.unwrap(), [900, 900, 3600]);
}

#[tokio::test]
async fn a_url_ends_with_the_access_token_that_asked() {
    let (world, odavl) = world().await;
    member(&world, &odavl, "one", "mia@example.com", Role::Member).await;
    let mia = in_browser(&odavl, "mia@example.com").await;
    let device = tokens(&odavl, &mia, mia.orgs().read().await.unwrap().id).await;
    let session = with_token(&odavl, &device.access_token).await.unwrap();
    world.pass(10);
    assert_eq!(lives(&world, &session).await.unwrap(), [300; 3]);
    // Within the leeway the token still holds, and gives nothing out any more.
    world.pass(5);
    session.me().await.unwrap();
    assert_eq!(lives(&world, &session).await.unwrap_err().code(), ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn a_url_ends_with_the_browser_s_sign_in() {
    let (world, odavl) = world().await;
    let visitor = odavl.visitor(Context::default());
    let login = visitor.sign_in(&FIRST.parse().unwrap(), crate::support::password()).await.unwrap();
    let session = odavl.authenticate(Credential::Cookie(login.cookie), Context::default()).await.unwrap();
    world.clock.advance(login.expires_at.duration_since(world.clock.now()) - SignedDuration::from_mins(4));
    assert_eq!(lives(&world, &session).await.unwrap(), [240; 3]);
}

#[tokio::test]
async fn each_url_that_was_made_is_recorded_with_what_it_is_for_and_without_itself() {
    let (world, odavl) = world().await;
    let (id, secret) = key(&odavl, &world, None).await;
    lives(&world, &with_key(&odavl, &secret).await).await.unwrap();
    let records = world.session(&odavl, "one").await.orgs().audit(&PageQuery::default()).await.unwrap().items;
    let made: Vec<_> = records.iter().filter(|record| record.actor == id.to_string()).collect();
    let actions: Vec<_> = made.iter().map(|record| record.action.as_str()).collect();
    assert_eq!(actions, ["storage.download_url", "storage.upload_url", "storage.upload_url"]);
    for record in made {
        assert!(record.target.starts_with("obj_"), "{record:?}");
        assert!(!format!("{record:?}").contains("signature"), "{record:?}");
    }
}
