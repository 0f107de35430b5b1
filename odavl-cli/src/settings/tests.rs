use super::*;

const HOME: &str = "https://home.example";
const EVIL: &str = "https://evil.example";

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

fn signed_in(server: &str) -> Credentials {
    let login = Login {
        account: "ada".to_owned(),
        organization: Some("chosen".to_owned()),
        holding: Holding::ApiKey { key: Secret::new("of the login".to_owned()) },
    };
    Credentials { last: Some(origin(server)), servers: [(origin(server), login)].into() }
}

fn linked(server: &str) -> Project {
    Project { server: origin(server), organization: "linked".to_owned(), slug: "app".to_owned() }
}

fn with_key() -> Environment {
    Environment { api_key: Some(Secret::new("of the variable".to_owned())), ..Environment::default() }
}

#[test]
fn a_flag_goes_before_a_variable_before_the_project_before_the_login_before_the_default() {
    let flags = Flags { server: Some(origin("https://flag.example")), ..Flags::default() };
    let environment =
        Environment { server: Some("https://variable.example".to_owned()), ..Environment::default() };
    let mut sources = Sources {
        flags,
        environment,
        project: Some(linked("https://project.example")),
        credentials: signed_in(HOME),
    };
    let server = |sources: &Sources| sources.clone().settle().unwrap().server;
    assert_eq!(server(&sources), setting(origin("https://flag.example"), Source::Flag));
    sources.flags.server = None;
    assert_eq!(
        server(&sources),
        setting(origin("https://variable.example"), Source::Variable("ODAVL_SERVER"))
    );
    sources.environment.server = None;
    assert_eq!(server(&sources), setting(origin("https://project.example"), Source::Project));
    sources.project = None;
    assert_eq!(server(&sources), setting(origin(HOME), Source::Login));
    sources.credentials.last = None;
    assert_eq!(server(&sources), setting(Origin::local(), Source::Default));
}

#[test]
fn a_project_s_server_gets_nothing_unless_the_user_signed_in_to_it() {
    let sources = Sources { project: Some(linked(EVIL)), credentials: signed_in(HOME), ..Sources::default() };
    let settings = sources.clone().settle().unwrap();
    assert_eq!(settings.server.value, origin(EVIL));
    assert!(settings.credential.is_none());
    assert!(settings.needed_credential().is_err());
    let refused = Sources { environment: with_key(), ..sources }.settle().unwrap_err();
    assert!(refused.to_string().contains("ODAVL_API_KEY"));
    assert!(!refused.to_string().contains("of the variable"));
}

#[test]
fn a_project_s_server_gets_the_credential_of_the_sign_in_to_it() {
    let sources = Sources { project: Some(linked(HOME)), credentials: signed_in(HOME), ..Sources::default() };
    let settings = sources.clone().settle().unwrap();
    assert!(matches!(settings.credential.unwrap().value, Credential::Login(_)));
    assert_eq!(settings.organization, Some(setting("linked".to_owned(), Source::Project)));
    assert_eq!(settings.project.unwrap().value, "app");
    let settings = Sources { environment: with_key(), ..sources }.settle().unwrap();
    assert!(matches!(settings.credential.unwrap().value, Credential::ApiKey(_)));
}

#[test]
fn a_server_that_the_user_names_gets_the_variable_but_never_another_server_s_sign_in() {
    let flags = Flags { server: Some(origin(EVIL)), ..Flags::default() };
    let sources =
        Sources { flags, credentials: signed_in(HOME), project: Some(linked(HOME)), ..Sources::default() };
    let settings = sources.clone().settle().unwrap();
    assert!(settings.credential.is_none() && settings.project.is_none() && settings.organization.is_none());
    let settings = Sources { environment: with_key(), ..sources }.settle().unwrap();
    assert!(matches!(settings.credential.unwrap().value, Credential::ApiKey(_)));
}

#[test]
fn the_organisation_that_was_chosen_at_login_is_not_that_of_a_key_from_elsewhere() {
    let sources = Sources { credentials: signed_in(HOME), ..Sources::default() };
    let settings = sources.clone().settle().unwrap();
    assert_eq!(settings.organization, Some(setting("chosen".to_owned(), Source::Login)));
    assert_eq!(Sources { environment: with_key(), ..sources }.settle().unwrap().organization, None);
}
