//! Signing in with a password, and out.

use askama::Template;
use odavl_core::{ErrorCode, auth::Email};
use poem::{Response, handler, http::StatusCode, web::Query};
use serde::Deserialize;

use super::{
    browser::Browser,
    cookie,
    form::{FieldError, Posted, in_words},
    page::{Frame, answer, see_other},
};
use crate::problem::{self, Failure};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    frame: Frame,
    next: &'a str,
    email: &'a str,
    problem: Option<String>,
    email_error: FieldError,
}

#[derive(Debug, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

#[handler]
pub(super) async fn show(browser: Browser, Query(query): Query<Next>) -> poem::Result<Response> {
    let next = local(&query.next);
    if browser.session().await.map_err(Failure)?.is_some() {
        return Ok(see_other(next));
    }
    let frame = Frame::new(&browser);
    let page = Page { frame, next, email: "", problem: None, email_error: FieldError::default() };
    answer(&browser, StatusCode::OK, &page)
}

#[handler]
pub(super) async fn submit(form: Posted) -> poem::Result<Response> {
    let browser = &form.browser;
    let mut email_error = FieldError::default();
    let Some(email) = email_error.take(form.text("email").parse::<Email>()) else {
        return again(&form, StatusCode::BAD_REQUEST, None, email_error);
    };
    match browser.visitor().sign_in(&email, form.secret("password")).await {
        Ok(login) => {
            // Whoever was signed in here before is signed out: a sign-in never takes over a session.
            if let Some(before) = browser.session().await.map_err(Failure)? {
                before.sign_out().await.map_err(Failure)?;
            }
            let mut response = see_other(local(form.text("next")));
            cookie::sign_in(&mut response, browser.secure(), &login, browser.odavl.now());
            Ok(response)
        }
        Err(error) => match error.code() {
            ErrorCode::Unauthenticated => {
                let problem = "The e-mail address or the password is wrong.".to_owned();
                again(&form, StatusCode::UNAUTHORIZED, Some(problem), email_error)
            }
            ErrorCode::RateLimited | ErrorCode::Unavailable => {
                let problem = in_words(&error);
                let status = problem::status(error.code());
                let mut response = again(&form, status, Some(problem), email_error)?;
                problem::wait(&mut response, &error);
                Ok(response)
            }
            _ => Err(Failure(error).into()),
        },
    }
}

#[handler]
pub(super) async fn sign_out(form: Posted) -> poem::Result<Response> {
    if let Some(session) = form.browser.session().await.map_err(Failure)? {
        session.sign_out().await.map_err(Failure)?;
    }
    let mut response = see_other("/sign-in");
    cookie::sign_out(&mut response, form.browser.secure());
    Ok(response)
}

/// The form once more, without the password.
fn again(
    form: &Posted,
    status: StatusCode,
    problem: Option<String>,
    email_error: FieldError,
) -> poem::Result<Response> {
    let frame = Frame::new(&form.browser);
    let page =
        Page { frame, next: local(form.text("next")), email: form.text("email"), problem, email_error };
    answer(&form.browser, status, &page)
}

/// A path of ours to go on to; whatever could lead elsewhere is the home page.
pub(super) fn local(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_ours_is_gone_on_to() {
        for path in ["/", "/device?user_code=BCDF-GHJK"] {
            assert_eq!(local(path), path);
        }
        for path in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/a b",
            "evil",
        ] {
            assert_eq!(local(path), "/", "{path}");
        }
    }
}
