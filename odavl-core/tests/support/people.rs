//! People, in browsers and on devices, and their keys.

use odavl_core::{
    Odavl,
    auth::{DeviceCodes, NewUser, Role, Tokens},
    ids::{OrgId, UserId},
    secret::Secret,
    session::{Context, Credential, Session},
};

use super::{World, password};

/// The registered client.
pub(crate) const CLIENT: &str = "odavl-cli";

/// Adds a person with everybody's password to an organisation.
pub(crate) async fn member(world: &World, odavl: &Odavl, org: &str, email: &str, role: Role) -> UserId {
    let wish = NewUser { email: email.parse().unwrap(), name: "Somebody".into(), password: Some(password()) };
    let user = world.session(odavl, "operator").await.users().create(wish).await.unwrap().id;
    world.session(odavl, org).await.members().put(user, role).await.unwrap();
    user
}

/// A person in a browser.
pub(crate) async fn in_browser(odavl: &Odavl, email: &str) -> Session {
    let visitor = odavl.visitor(Context::default());
    let login = visitor.sign_in(&email.parse().unwrap(), password()).await.unwrap();
    odavl.authenticate(Credential::Cookie(login.cookie), Context::default()).await.unwrap()
}

/// Someone with that key.
pub(crate) async fn with_key(odavl: &Odavl, key: &Secret<String>) -> Session {
    odavl.authenticate(odavl.credential(key.reveal()).unwrap(), Context::default()).await.unwrap()
}

/// Someone with that access token.
pub(crate) async fn with_token(odavl: &Odavl, token: &Secret<String>) -> odavl_core::Result<Session> {
    odavl.authenticate(Credential::Token(token.clone()), Context::default()).await
}

/// A device asks to be signed in.
pub(crate) async fn ask(odavl: &Odavl) -> DeviceCodes {
    let visitor = odavl.visitor(Context::default());
    visitor.devices().ask(CLIENT, "".parse().unwrap()).await.unwrap()
}

/// The person says yes to everything that the device may be given.
pub(crate) async fn approve(person: &Session, codes: &DeviceCodes, org: OrgId) {
    let code = codes.user_code.to_string();
    let choices = person.devices().look(&code).await.unwrap().choices;
    let (_, scopes) = choices.into_iter().find(|(choice, _)| choice.id == org).unwrap();
    person.devices().approve(&code, org, scopes).await.unwrap();
}

/// Signs a device in as that person.
pub(crate) async fn tokens(odavl: &Odavl, person: &Session, org: OrgId) -> Tokens {
    let codes = ask(odavl).await;
    approve(person, &codes, org).await;
    let visitor = odavl.visitor(Context::default());
    visitor.device_token(CLIENT, &codes.device_code).await.unwrap().unwrap()
}
