//! The first person: an e-mail address, a name, a password, and the first organisation.

use askama::Template;
use odavl_core::{
    Error, ErrorCode,
    auth::{Email, Passwords, SetUp, Slug},
};
use poem::{Response, handler, http::StatusCode, web::Query};
use serde::Deserialize;

use super::{
    browser::Browser,
    cookie,
    form::{FieldError, Posted, in_words},
    page::{Frame, answer, see_other},
};
use crate::problem::{Failure, status};

#[derive(Template)]
#[template(path = "set_up.html")]
struct Page<'a> {
    frame: Frame,
    link: &'a str,
    email: &'a str,
    name: &'a str,
    organization: &'a str,
    problem: Option<String>,
    errors: Errors,
}

#[derive(Default)]
struct Errors {
    email: FieldError,
    name: FieldError,
    password: FieldError,
    organization: FieldError,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    link: String,
}

#[handler]
#[expect(clippy::needless_pass_by_value, reason = "a handler owns what it extracts")]
pub(super) fn show(browser: Browser, Query(query): Query<Link>) -> poem::Result<Response> {
    let page = Page {
        frame: Frame::new(&browser),
        link: &query.link,
        email: "",
        name: "",
        organization: "",
        problem: query
            .link
            .is_empty()
            .then(|| "Open the whole link that the server showed at its start.".to_owned()),
        errors: Errors::default(),
    };
    answer(&browser, StatusCode::OK, &page)
}

#[handler]
pub(super) async fn submit(form: Posted) -> poem::Result<Response> {
    let browser = &form.browser;
    let mut errors = Errors::default();
    let Some(wish) = read(&form, &mut errors) else {
        return again(&form, StatusCode::BAD_REQUEST, None, errors);
    };
    let link = form.secret("link");
    match browser.visitor().set_up(&link, wish).await {
        Ok(login) => {
            let mut response = see_other("/");
            cookie::sign_in(&mut response, browser.secure(), &login, browser.odavl.now());
            Ok(response)
        }
        Err(error) => refused(&form, error, errors),
    }
}

/// What the form says, where all of it can be accepted; else `errors` says what is wrong.
fn read(form: &Posted, errors: &mut Errors) -> Option<SetUp> {
    let password = form.secret("password");
    let email = errors.email.take(form.text("email").parse::<Email>());
    let accepted = errors.password.take(Passwords::check(&password));
    let organization = errors.organization.take(form.text("organization").trim().parse::<Slug>());
    let name = form.text("name").trim().to_owned();
    accepted.and(email).zip(organization).map(|(email, organization)| SetUp {
        email,
        name,
        password,
        organization,
    })
}

/// What the library refuses once each field reads well: the name, the organisation, or the link.
fn refused(form: &Posted, error: Error, mut errors: Errors) -> poem::Result<Response> {
    let code = error.code();
    let problem = match code {
        ErrorCode::InvalidInput if form.text("organization").trim() == odavl_core::auth::OPERATOR => {
            errors.organization.say(&error);
            None
        }
        ErrorCode::InvalidInput => {
            errors.name.say(&error);
            None
        }
        ErrorCode::NotFound => Some(
            "This link was used already, or is older than 30 minutes. Start the server again to get a new one."
                .to_owned(),
        ),
        ErrorCode::Internal | ErrorCode::Corrupted => return Err(Failure(error).into()),
        _ => Some(in_words(&error)),
    };
    again(form, status(code), problem, errors)
}

/// The form once more, as it was typed but for the password.
fn again(
    form: &Posted,
    status: StatusCode,
    problem: Option<String>,
    errors: Errors,
) -> poem::Result<Response> {
    let page = Page {
        frame: Frame::new(&form.browser),
        link: form.text("link"),
        email: form.text("email"),
        name: form.text("name"),
        organization: form.text("organization"),
        problem,
        errors,
    };
    answer(&form.browser, status, &page)
}
