//! Swagger UI: one page with everything in it, under a policy that allows its own scripts and no other.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use odavl_core::secret::Digest;
use poem::{
    Request, Response,
    endpoint::make_sync,
    http::{StatusCode, header},
};

use crate::api;

/// The paths that stand in no document, with their methods.
pub(crate) const PATHS: [(&str, &str); 2] = [("/api/docs", "GET"), ("/api/openapi.json", "GET")];

/// The page, its policy and its tag; made when someone first asks for it.
struct Page {
    html: String,
    policy: String,
    etag: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let service = api::service();
    let html = service.swagger_ui_html().replace(&service.spec(), &api::document());
    let hashes: Vec<_> = scripts(&html)
        .map(|code| format!("'sha256-{}'", BASE64.encode(Digest::of(code.as_bytes()).as_bytes())))
        .collect();
    let policy = format!(
        "default-src 'none'; script-src {}; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
         form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        hashes.join(" ")
    );
    let etag = format!("\"{}\"", &Digest::of(html.as_bytes()).to_hex()[..32]);
    Page { html, policy, etag }
});

/// What stands between each `<script ...>` and the `</script>` after it.
fn scripts(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let (code, after) = rest.split_once("<script")?.1.split_once('>')?.1.split_once("</script>")?;
        rest = after;
        Some(code)
    })
}

/// The policy of the page.
pub(crate) fn policy() -> &'static str {
    &PAGE.policy
}

/// The page; a browser that has it already is told so.
pub(crate) fn endpoint() -> impl poem::Endpoint<Output = Response> {
    make_sync(|request: Request| {
        let page = &*PAGE;
        let known = request.header(header::IF_NONE_MATCH) == Some(&page.etag);
        let answer = Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::ETAG, &page.etag)
            .header(header::CACHE_CONTROL, "no-cache");
        if known { answer.status(StatusCode::NOT_MODIFIED).finish() } else { answer.body(page.html.clone()) }
    })
}
