//! Approving a device: type its code, look at what asks, answer.

use askama::Template;
use odavl_core::{
    Error, ErrorCode,
    auth::{DeviceRequest, Scopes, UserCode},
    ids::OrgId,
    session::Session,
};
use poem::{Response, handler, http::StatusCode, web::Query};
use serde::Deserialize;

use super::{
    browser::Browser,
    form::{FieldError, Posted},
    page::{Frame, answer as answer_with, see_other},
};
use crate::problem::{Failure, status};

#[derive(Template)]
#[template(path = "device_code.html")]
struct CodePage {
    frame: Frame,
    code: String,
    error: FieldError,
}

#[derive(Template)]
#[template(path = "device_request.html")]
struct RequestPage {
    frame: Frame,
    code: String,
    client: String,
    address: String,
    asked_at: String,
    choices: Vec<Choice>,
    error: FieldError,
}

/// An organisation that the device can be signed in for, with what it may be given there.
struct Choice {
    id: String,
    slug: String,
    name: String,
    scopes: Vec<String>,
}

#[derive(Template)]
#[template(path = "device_done.html")]
struct DonePage {
    frame: Frame,
    approved: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    user_code: String,
}

/// The form for the code; a code in the address is filled in, for the person to compare and confirm.
#[handler]
pub(super) async fn show(browser: Browser, Query(query): Query<Typed>) -> poem::Result<Response> {
    let code = query.user_code.parse::<UserCode>().map(|code| code.to_string()).unwrap_or_default();
    let Some(session) = browser.session().await.map_err(Failure)? else {
        return Ok(sign_in_first(&code));
    };
    let frame = Frame::of(&browser, email(&session).await?);
    answer_with(&browser, StatusCode::OK, &CodePage { frame, code, error: FieldError::default() })
}

#[handler]
pub(super) async fn look(form: Posted) -> poem::Result<Response> {
    let Some(session) = form.browser.session().await.map_err(Failure)? else {
        return Ok(sign_in_first(""));
    };
    match session.devices().look(form.text("user_code")).await {
        Ok(request) => ask(&form, &session, request, FieldError::default()).await,
        Err(error) => wrong_code(&form, &session, error).await,
    }
}

#[handler]
pub(super) async fn answer(form: Posted) -> poem::Result<Response> {
    let Some(session) = form.browser.session().await.map_err(Failure)? else {
        return Ok(sign_in_first(""));
    };
    let (devices, code) = (session.devices(), form.text("user_code"));
    let approved = form.text("answer") == "approve";
    let answered = if approved {
        match chosen(&form) {
            Ok((org, scopes)) => devices.approve(code, org, scopes).await,
            Err(error) => Err(error),
        }
    } else {
        devices.deny(code).await
    };
    match answered {
        Ok(()) => {
            let frame = Frame::of(&form.browser, email(&session).await?);
            answer_with(&form.browser, StatusCode::OK, &DonePage { frame, approved })
        }
        Err(error) if matches!(error.code(), ErrorCode::InvalidInput | ErrorCode::Forbidden) => {
            let request = devices.look(code).await.map_err(Failure)?;
            let mut problem = FieldError::default();
            problem.say(&error);
            ask(&form, &session, request, problem).await
        }
        Err(error) => wrong_code(&form, &session, error).await,
    }
}

/// The organisation and the scopes that were ticked: each box carries both, so that those of another do not count.
fn chosen(form: &Posted) -> odavl_core::Result<(OrgId, Scopes)> {
    let organization = form.text("organization");
    let org = organization.parse().map_err(|_| Error::invalid("choose an organization"))?;
    let ticked = form.all("scope").filter_map(|value| value.strip_prefix(organization)?.strip_prefix(' '));
    let scopes = Scopes::parse(ticked)?;
    if scopes.is_empty() {
        return Err(Error::invalid("choose at least one permission, or deny the request"));
    }
    Ok((org, scopes))
}

/// The page that says what asks, and for what.
async fn ask(
    form: &Posted,
    session: &Session,
    request: DeviceRequest,
    error: FieldError,
) -> poem::Result<Response> {
    let status = if error.text().is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let choice = |(org, scopes): (odavl_core::auth::Organization, Scopes)| Choice {
        id: org.id.to_string(),
        slug: org.slug.to_string(),
        name: org.name,
        scopes: scopes.to_vec(),
    };
    let page = RequestPage {
        frame: Frame::of(&form.browser, email(session).await?),
        code: form.text("user_code").parse::<UserCode>().map_err(Failure)?.to_string(),
        client: request.client_id,
        address: request.address.unwrap_or_else(|| "an unknown address".to_owned()),
        asked_at: request.created_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        choices: request.choices.into_iter().map(choice).collect(),
        error,
    };
    answer_with(&form.browser, status, &page)
}

/// The form for the code, with what was wrong about the one that was typed.
async fn wrong_code(form: &Posted, session: &Session, error: Error) -> poem::Result<Response> {
    let expected =
        [ErrorCode::InvalidInput, ErrorCode::NotFound, ErrorCode::RateLimited, ErrorCode::Conflict];
    if !expected.contains(&error.code()) {
        return Err(Failure(error).into());
    }
    let mut said = FieldError::default();
    match error.code() {
        ErrorCode::NotFound => said.say_that("That code is wrong, too old, or answered already."),
        _ => said.say(&error),
    }
    let frame = Frame::of(&form.browser, email(session).await?);
    let page = CodePage { frame, code: form.text("user_code").to_owned(), error: said };
    answer_with(&form.browser, status(error.code()), &page)
}

/// Back here once someone is signed in.
fn sign_in_first(code: &str) -> Response {
    match code {
        "" => see_other("/sign-in?next=/device"),
        code => see_other(&format!("/sign-in?next=/device%3Fuser_code%3D{code}")),
    }
}

/// Who is signed in, for the frame.
async fn email(session: &Session) -> poem::Result<Option<String>> {
    Ok(session.account().await.map_err(Failure)?.map(|user| user.email.to_string()))
}
