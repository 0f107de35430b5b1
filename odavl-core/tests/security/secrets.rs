//! A secret is shown once, to whom it belongs: not by `Debug`, not by an error, not by a row.

use odavl_core::{
    auth::{KeyToken, NewKeyRequest},
    page::PageQuery,
    session::{Context, Credential},
    storage::{NewObject, full},
};

use crate::support::{
    FIRST, World, first_person, password,
    people::{ask, in_browser, tokens, with_key},
};

#[tokio::test]
async fn nothing_that_holds_a_secret_prints_it() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let visitor = odavl.visitor(Context::default());
    let login = visitor.sign_in(&FIRST.parse().unwrap(), password()).await.unwrap();
    let browser =
        odavl.authenticate(Credential::Cookie(login.cookie.clone()), Context::default()).await.unwrap();
    let new = browser.keys().create(NewKeyRequest::new("a", "storage:write".parse().unwrap())).await.unwrap();
    let key = new.token.clone().unwrap();
    let session = with_key(&odavl, key.secret()).await;
    session.storage().put(NewObject::new("a".parse().unwrap()), full("x")).await.unwrap();
    let request = session.storage().download_url(&"a".parse().unwrap()).await.unwrap();
    let (codes, device) =
        (ask(&odavl).await, tokens(&odavl, &browser, browser.orgs().read().await.unwrap().id).await);
    let user = browser.account().await.unwrap().unwrap();
    let printed = [
        format!("{login:?} {browser:?} {new:?} {session:?} {request:?}"),
        format!("{codes:?} {device:?} {user:?} {:?}", first_person()),
        format!(
            "{:?} {:?}",
            odavl.credential(key.secret().reveal()),
            browser.keys().list(&PageQuery::default()).await
        ),
    ]
    .join("\n");
    let (user_code, hash) = (codes.user_code.to_string(), user.password.unwrap());
    let secrets = [
        login.cookie.reveal().as_str(),
        key.secret().reveal(),
        codes.device_code.reveal(),
        device.access_token.reveal(),
        device.refresh_token.reveal(),
        password().reveal(),
        hash.reveal(),
        &user_code,
        request.url.split_once('?').unwrap().1,
    ]
    .map(str::to_owned);
    for secret in secrets {
        assert!(!printed.contains(&secret), "{secret}");
    }
}

#[tokio::test]
async fn no_error_echoes_the_credential_that_it_refuses() {
    let world = World::unlimited().await;
    let odavl = world.start();
    let id = odavl_core::ids::KeyId::new(odavl.now()).unwrap();
    let stranger =
        KeyToken::new(&odavl.settings().key_prefix, odavl_core::auth::Environment::Live, id).unwrap();
    let text = stranger.secret().reveal().clone();
    let mistyped = format!("{}x", &text[..text.len() - 1]);
    let jwt = "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOjF9.c2lnbmF0dXJl";
    for credential in [text.as_str(), &mistyped, jwt] {
        let refused = match odavl.credential(credential) {
            Ok(known) => odavl.authenticate(known, Context::default()).await.map(drop).unwrap_err(),
            Err(error) => error,
        };
        let said = format!("{refused} {refused:?} {:?}", refused.hint());
        for part in credential.split(['_', '.']).filter(|part| part.len() > 5) {
            assert!(!said.contains(part), "{said}");
        }
    }
    let browser = in_browser(&odavl, FIRST).await;
    let refused =
        browser.change_password("canary canary".to_owned().into_secret(), password()).await.unwrap_err();
    assert!(!format!("{refused:?}").contains("canary"));
}

trait IntoSecret {
    fn into_secret(self) -> odavl_core::secret::Secret<String>;
}

impl IntoSecret for String {
    fn into_secret(self) -> odavl_core::secret::Secret<String> {
        odavl_core::secret::Secret::new(self)
    }
}
