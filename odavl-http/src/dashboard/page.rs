//! How a page is made: its frame, its stylesheet, and the page of an error.

use std::sync::LazyLock;

use askama::Template;
use odavl_core::{Error, secret::Digest};
use poem::{
    IntoResponse, Request, Response,
    endpoint::make_sync,
    http::{StatusCode, header},
};

use super::{browser::Browser, form::in_words};
use crate::problem::{self, Failure, library_error};

const STYLE: &str = include_str!("style.css");

/// The stylesheet's path changes with what is in it, so that it can be kept for ever.
static STYLE_PATH: LazyLock<String> =
    LazyLock::new(|| format!("/assets/{}.css", &Digest::of(STYLE.as_bytes()).to_hex()[..16]));

/// What every page has around its own content.
pub(super) struct Frame {
    /// The stylesheet's path.
    pub(super) style: &'static str,
    /// What the page's forms carry.
    pub(super) token: String,
    /// Who is signed in, where the page says so.
    pub(super) person: Option<String>,
}

impl Frame {
    /// The frame of a page for that browser.
    pub(super) fn new(browser: &Browser) -> Self {
        Self { style: stylesheet(), token: browser.form_token(), person: None }
    }

    /// The same, with who is signed in.
    pub(super) fn of(browser: &Browser, person: Option<String>) -> Self {
        Self { person, ..Self::new(browser) }
    }
}

/// The stylesheet's path.
pub(super) fn stylesheet() -> &'static str {
    &STYLE_PATH
}

/// The stylesheet.
pub(super) fn serve_stylesheet() -> impl poem::Endpoint<Output = Response> {
    make_sync(|_: Request| {
        Response::builder()
            .content_type("text/css; charset=utf-8")
            .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
            .body(STYLE)
    })
}

/// The page for that browser, which gets what its forms are bound to.
pub(super) fn answer(browser: &Browser, status: StatusCode, page: &impl Template) -> poem::Result<Response> {
    let mut response = html(status, page)?;
    browser.bind(&mut response);
    Ok(response)
}

/// On to another page of ours, by GET.
pub(super) fn see_other(path: &str) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, path).finish()
}

fn html(status: StatusCode, page: &impl Template) -> poem::Result<Response> {
    let html = page.render().map_err(|error| {
        Failure(Error::internal(
            "a page could not be rendered",
            Some(Box::<dyn std::error::Error + Send + Sync>::from(error.to_string())),
        ))
    })?;
    Ok(Response::builder().status(status).content_type("text/html; charset=utf-8").body(html))
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    frame: Frame,
    title: &'a str,
    detail: String,
    request_id: &'a str,
}

/// The page of a request that failed.
pub(crate) fn render(error: &poem::Error, request_id: &str) -> Response {
    let status = error.status();
    let detail = match library_error(error) {
        Some(error) => in_words(error),
        None if status == StatusCode::NOT_FOUND => "There is no such page.".to_owned(),
        None if status.is_client_error() => format!("The request could not be understood: {error}."),
        None => "The service failed; its log knows why.".to_owned(),
    };
    let title = match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => "Not available now",
        status => status.canonical_reason().unwrap_or("Something went wrong"),
    };
    let frame = Frame { style: stylesheet(), token: String::new(), person: None };
    let page = Message { frame, title, detail, request_id };
    let mut response = html(status, &page).unwrap_or_else(|_| status.into_response());
    if let Some(error) = library_error(error) {
        problem::wait(&mut response, error);
    }
    response
}
